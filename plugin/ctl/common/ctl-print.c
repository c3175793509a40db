/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printing; see ctl-print.h. */
#include "ctl-print.h"

#include <pwd.h>
#include <stdarg.h>
#include <string.h>

#include "ctl-variant.h"

struct CtlTable {
    GPtrArray *rows; /* owned: of GStrv */
};

/* @is_json: whether what steers a terminal is written as JSON has it. */
static char *
dup_printable(const char *text, gboolean is_text, gboolean is_json)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *printable = g_string_new(NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        /* Bidirectional formatting (U+202A…, U+2066…) turns lines round. */
        gboolean steers = c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
        if (is_text && c == '\r' && at[1] == '\n')
            continue; /* HMP ends its lines so */
        if (steers && !(is_text && (c == '\n' || c == '\t')))
            g_string_append_printf(printable, c < 0x100 && !is_json ? "\\x%02x" : "\\u%04x", c);
        else
            g_string_append_unichar(printable, c);
    }
    return g_string_free(printable, FALSE);
}

char *
ctl_dup_printable(const char *text, gboolean is_text)
{
    return dup_printable(text, is_text, /* is_json= */ FALSE);
}

void
ctl_print_line(FILE *file, const char *format, ...)
{
    g_autofree char *text = NULL, *printable = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    printable = ctl_dup_printable(text, FALSE);
    fprintf(file, "%s\n", printable);
}

/* Deeper values are not indented any further: a reply of 40 kB whose numbers are in 1,000 arrays would be printed as 40 MB. No command's
 * reply is that deep by itself. */
#define MAX_INDENT 32

static void
start_json_line(GString *out, guint depth)
{
    g_string_append_c(out, '\n');
    for (guint i = 0; i < MIN(depth, MAX_INDENT); i++)
        g_string_append(out, "  ");
}

/* The bracket at @at, whose container begins or ends. Returns the last character that it used. */
static const char *
lay_out_bracket(GString *out, const char *at, guint *depth)
{
    gboolean is_end = *at == '}' || *at == ']';

    if (is_end && *depth > 0)
        start_json_line(out, --*depth);
    g_string_append_c(out, *at);
    if (is_end)
        return at;
    const char *next = at + 1 + strspn(at + 1, " \t\r\n");
    if (*next == '}' || *next == ']') {
        g_string_append_c(out, *next);
        return next;
    }
    start_json_line(out, ++*depth);
    return at;
}

void
ctl_print_json(FILE *file, const char *json)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *printable = NULL;
    gboolean in_string = FALSE;
    guint depth = 0;

    for (const char *at = json; *at; at++) {
        if (in_string || *at == '"') {
            g_string_append_c(out, *at);
            if (*at == '\\' && at[1])
                g_string_append_c(out, *++at);
            else if (*at == '"')
                in_string = !in_string;
        } else if (strchr("{}[]", *at)) {
            at = lay_out_bracket(out, at, &depth);
        } else if (*at == ',') {
            g_string_append_c(out, ',');
            start_json_line(out, depth);
        } else if (!strchr(" \t\r\n", *at)) {
            g_string_append(out, *at == ':' ? ": " : (char[]){ *at, '\0' });
        }
    }
    printable = dup_printable(out->str, /* is_text= */ TRUE, /* is_json= */ TRUE);
    fprintf(file, "%s\n", printable);
}

void
ctl_print_json_line(FILE *file, const char *json)
{
    g_autofree char *printable = dup_printable(json, /* is_text= */ FALSE, /* is_json= */ TRUE);

    fprintf(file, "%s\n", printable);
}

char *
ctl_variant_to_text(GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) || g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH))
        return g_variant_dup_string(value, NULL);
    return g_variant_is_container(value) ? ctl_variant_to_json(value) : g_variant_print(value, FALSE);
}

CtlTable *
ctl_table_new(const char *first, ...)
{
    CtlTable *table = g_new0(CtlTable, 1);
    g_autoptr(GStrvBuilder) heading = g_strv_builder_new();
    va_list names;

    table->rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    va_start(names, first);
    for (const char *name = first; name; name = va_arg(names, const char *))
        g_strv_builder_add(heading, name);
    va_end(names);
    g_ptr_array_add(table->rows, g_strv_builder_end(heading));
    return table;
}

void
ctl_table_take_row(CtlTable *table, char **row)
{
    g_assert(g_strv_length(row) == g_strv_length(table->rows->pdata[0]));
    for (guint i = 0; row[i]; i++) {
        char *printable = ctl_dup_printable(row[i], FALSE);
        g_free(row[i]);
        row[i] = printable;
    }
    g_ptr_array_add(table->rows, row);
}

/* The widest cell of each column. */
static glong *
measure_columns(const CtlTable *table, guint n)
{
    glong *widths = g_new0(glong, n);

    for (guint i = 0; i < table->rows->len; i++)
        for (guint column = 0; column < n; column++)
            widths[column] = MAX(widths[column], g_utf8_strlen(((char **)table->rows->pdata[i])[column], -1));
    return widths;
}

static void
print_table_json(const CtlTable *table)
{
    char **heading = table->rows->pdata[0];
    GVariantBuilder rows;

    g_variant_builder_init(&rows, G_VARIANT_TYPE("aa{ss}"));
    for (guint i = 1; i < table->rows->len; i++) {
        g_variant_builder_open(&rows, G_VARIANT_TYPE("a{ss}"));
        for (guint column = 0; heading[column]; column++) {
            g_autofree char *name = g_ascii_strdown(heading[column], -1);
            g_variant_builder_add(&rows, "{ss}", name, ((char **)table->rows->pdata[i])[column]);
        }
        g_variant_builder_close(&rows);
    }
    g_autoptr(GVariant) all = g_variant_ref_sink(g_variant_builder_end(&rows));
    g_autofree char *json = ctl_variant_to_json(all);
    ctl_print_json(stdout, json);
}

static void
print_table(const CtlTable *table)
{
    guint n = g_strv_length(table->rows->pdata[0]);
    g_autofree glong *widths = measure_columns(table, n);

    for (guint i = 0; i < table->rows->len; i++) {
        char **row = table->rows->pdata[i];
        g_autoptr(GString) line = g_string_new(NULL);
        for (guint column = 0; column < n; column++)
            g_string_append_printf(line, "%s%*s", row[column], (int)(widths[column] - g_utf8_strlen(row[column], -1) + 1), "");
        printf("%s\n", g_strchomp(line->str));
    }
}

void
ctl_table_print(CtlTable *table, gboolean is_json)
{
    if (is_json)
        print_table_json(table);
    else
        print_table(table);
    g_ptr_array_unref(table->rows);
    g_free(table);
}

char *
ctl_format_age(guint64 since)
{
    static const struct {
        gint64 seconds;
        const char *unit;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    gint64 age = (g_get_real_time() - (gint64)since) / G_USEC_PER_SEC;

    for (guint i = 0; i < G_N_ELEMENTS(units); i++)
        if (age >= units[i].seconds)
            return g_strdup_printf("%" G_GINT64_FORMAT " %s ago", age / units[i].seconds, units[i].unit);
    return g_strdup("now");
}

char *
ctl_format_user(guint32 uid)
{
    const struct passwd *user = getpwuid(uid);

    return user ? g_strdup(user->pw_name) : g_strdup_printf("%u", uid);
}
