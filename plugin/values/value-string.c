/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value-string.h"

#include <string.h>

static gboolean
has_escape(JsonCursorText text)
{
    return memchr(text.text, '\\', text.length) != NULL;
}

static const char *
unescape_long(ValueString *string, JsonCursorText text, gsize *ret_length, gboolean *ret_has_nul)
{
    gsize length = text.length;

    if (!string->text)
        string->text = g_string_new(NULL);
    if (has_escape(text)) {
        g_autofree char *plain = json_cursor_text_dup(text, &length);
        g_string_assign(string->text, plain);
    } else {
        g_string_truncate(string->text, 0);
        g_string_append_len(string->text, text.text, (gssize)text.length);
    }
    *ret_length = string->text->len;
    *ret_has_nul = string->text->len < length;
    return string->text->str;
}

const char *
value_string_unescape(ValueString *string, JsonCursorText text, gsize *ret_length, gboolean *ret_has_nul)
{
    if (text.length >= sizeof string->room || has_escape(text))
        return unescape_long(string, text, ret_length, ret_has_nul);
    memcpy(string->room, text.text, text.length);
    string->room[text.length] = '\0';
    *ret_length = text.length;
    *ret_has_nul = FALSE;
    return string->room;
}

/* The room need not be written. */
void
value_string_init(ValueString *string)
{
    string->text = NULL;
}

void
value_string_clear(ValueString *string)
{
    if (string->text)
        g_string_free(string->text, TRUE);
}
