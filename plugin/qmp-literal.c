/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by qmp-reader.c; owns nothing. QEMU refuses noncharacters, and takes an integer that has no room in 64 bits for a
 * fraction (7.2 to 11.1 alike). */
#include "qmp-literal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "qmp-json.h"

#define NUL "\xc0\x80"

/* One character; what is left is behind @at. */
typedef struct Reader {
    const char *at, *end;
} Reader;

static gboolean
is_character(gunichar c)
{
    return c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff) && !(c >= 0xfdd0 && c <= 0xfdef) && (c & 0xfffe) != 0xfffe;
}

static void
append_character(GString *string, gunichar c)
{
    if (c == 0)
        g_string_append(string, NUL);
    else
        g_string_append_unichar(string, c);
}

static gboolean
read_plain(Reader *reader, GString *string)
{
    gunichar c;

    if (reader->end - reader->at >= 2 && memcmp(reader->at, NUL, 2) == 0) {
        g_string_append_len(string, reader->at, 2);
        reader->at += 2;
        return TRUE;
    }
    c = g_utf8_get_char_validated(reader->at, reader->end - reader->at);
    if (c == (gunichar)-1 || c == (gunichar)-2 || !is_character(c))
        return FALSE;
    g_string_append_unichar(string, c);
    reader->at = g_utf8_next_char(reader->at);
    return TRUE;
}

/* Four digits, after the u. */
static gboolean
read_hex(Reader *reader, gunichar *ret_value)
{
    gunichar value = 0;

    if (reader->end - reader->at < 4)
        return FALSE;
    for (guint i = 0; i < 4; i++) {
        if (!g_ascii_isxdigit(reader->at[i]))
            return FALSE;
        value = value << 4 | (gunichar)g_ascii_xdigit_value(reader->at[i]);
    }
    reader->at += 4;
    *ret_value = value;
    return TRUE;
}

static gboolean
read_low_surrogate(Reader *reader, gunichar *character)
{
    gunichar low;

    if (reader->end - reader->at < 2 || reader->at[0] != '\\' || reader->at[1] != 'u')
        return FALSE;
    reader->at += 2;
    if (!read_hex(reader, &low) || low < 0xdc00 || low > 0xdfff)
        return FALSE;
    *character = 0x10000 + ((*character & 0x3ff) << 10) + (low & 0x3ff);
    return TRUE;
}

/* @reader stands after the u. */
static gboolean
read_unicode(Reader *reader, GString *string, char **ret_error)
{
    const char *u = reader->at - 1;
    gunichar c;

    if (read_hex(reader, &c) && (c < 0xd800 || c > 0xdbff || read_low_surrogate(reader, &c)) && is_character(c)) {
        append_character(string, c);
        return TRUE;
    }
    /* QEMU shows five bytes, the closing quote among them. */
    *ret_error = g_strdup_printf("\\%.*s is not a valid Unicode character", (int)MIN(5, reader->end + 1 - u), u);
    return FALSE;
}

static gboolean
read_escape(Reader *reader, GString *string, char **ret_error)
{
    static const char names[] = "\"'\\/bfnrt", values[] = "\"'\\/\b\f\n\r\t";
    char c = *reader->at++;
    const char *name = strchr(names, c);

    if (c == 'u')
        return read_unicode(reader, string, ret_error);
    if (name)
        g_string_append_c(string, values[name - names]);
    else
        *ret_error = g_strdup("invalid escape sequence in string");
    return name != NULL;
}

char *
qmp_literal_dup_string(const GString *token, char **ret_error)
{
    Reader reader = { token->str + 1, token->str + token->len - 1 };
    g_autoptr(GString) string = g_string_sized_new(token->len);

    while (reader.at < reader.end) {
        if (*reader.at == '\\') {
            reader.at++;
            if (!read_escape(&reader, string, ret_error))
                return NULL;
        } else if (!read_plain(&reader, string)) {
            *ret_error = g_strdup("invalid UTF-8 sequence in string");
            return NULL;
        }
    }
    return g_string_free(g_steal_pointer(&string), FALSE);
}

static JsonNode *
new_string(const GString *token, char **ret_error)
{
    g_autofree char *string = qmp_literal_dup_string(token, ret_error);
    g_autoptr(GString) escaped = NULL;

    if (!string)
        return NULL;
    if (!strstr(string, NUL))
        return qmp_json_new_string(string);
    escaped = g_string_new(NULL);
    qmp_json_append_string(escaped, string, strlen(string));
    g_string_replace(escaped, NUL, "\\u0000", 0);
    return qmp_json_new_string_with_nul(escaped->str);
}

static JsonNode *
new_float(const char *text, char **ret_error)
{
    double value = g_ascii_strtod(text, NULL);

    if (isfinite(value))
        return json_node_init_double(json_node_alloc(), value);
    /* QEMU goes on with an infinity, which it then prints as `inf`. */
    *ret_error = g_strdup_printf("number out of range '%.40s'", text);
    return NULL;
}

static JsonNode *
new_integer(const char *text, char **ret_error)
{
    gint64 number;
    guint64 unsigned_number;

    errno = 0;
    number = g_ascii_strtoll(text, NULL, 10);
    if (errno == 0)
        return json_node_init_int(json_node_alloc(), number);
    errno = 0;
    unsigned_number = *text == '-' ? 0 : g_ascii_strtoull(text, NULL, 10);
    if (*text != '-' && errno == 0)
        return qmp_json_new_uint(unsigned_number);
    return new_float(text, ret_error);
}

static JsonNode *
new_keyword(const char *text, char **ret_error)
{
    gboolean is_true = g_str_equal(text, "true");

    if (is_true || g_str_equal(text, "false"))
        return json_node_init_boolean(json_node_alloc(), is_true);
    if (g_str_equal(text, "null"))
        return json_node_init_null(json_node_alloc());
    /* QEMU has room for 1023 bytes. */
    *ret_error = g_strdup_printf("invalid keyword '%.1006s%s", text, strlen(text) <= 1006 ? "'" : "");
    return NULL;
}

JsonNode *
qmp_literal_new(QmpToken type, const GString *token, char **ret_error)
{
    if (type == QMP_TOKEN_STRING)
        return new_string(token, ret_error);
    if (type == QMP_TOKEN_INTEGER)
        return new_integer(token->str, ret_error);
    return type == QMP_TOKEN_FLOAT ? new_float(token->str, ret_error) : new_keyword(token->str, ret_error);
}
