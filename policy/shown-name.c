/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shown-name.h"

#include <pwd.h>
#include <string.h>

/* A longer text is no name that a rule could know; an address is allowed for. */
#define MAX_NAME 1024

/* An entry of the database of users; longer ones are no user's. A directory in the network puts more into one than
 * sysconf(_SC_GETPW_R_SIZE_MAX) says, which is 1,024 bytes. */
#define ENTRY_SIZE 16384

static gboolean
is_plain_character(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);

    return g_unichar_isprint(c) && type != G_UNICODE_LINE_SEPARATOR && type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

gboolean
shown_name_is_plain(const char *text)
{
    gsize length = strnlen(text, MAX_NAME + 1), plain = 0;

    /* Nearly all names are ASCII, and they are looked at before every command. */
    while (plain < length && text[plain] >= ' ' && text[plain] < 0x7f)
        plain++;
    if (plain == length)
        return length > 0 && length <= MAX_NAME;
    if (length > MAX_NAME || !g_utf8_validate(text, (gssize)length, NULL))
        return FALSE;
    for (const char *c = text; *c; c = g_utf8_next_char(c))
        if (!is_plain_character(g_utf8_get_char(c)))
            return FALSE;
    return TRUE;
}

char *
shown_name_dup_user(guint32 uid)
{
    g_autofree char *buffer = g_malloc(ENTRY_SIZE);
    struct passwd entry, *found;

    if (getpwuid_r(uid, &entry, buffer, ENTRY_SIZE, &found) != 0 || !found || !shown_name_is_plain(found->pw_name))
        return NULL;
    return g_strdup(found->pw_name);
}
