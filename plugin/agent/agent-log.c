/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logging to the journal or to stderr; see agent-log.h. Called by agent-module.c for the modules and by GLib for the
 * rest. Owns nothing.
 *
 * On stderr a message is `management-agent: LEVEL: DOMAIN: text KEY=value …`. Values may come from outsiders, so what
 * would break the line or steer a terminal is escaped. */
#include "agent-log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IDENTIFIER "management-agent"

/* GLib's own word for an error, G_LOG_LEVEL_ERROR, is one that ends the program: what costs less is G_LOG_LEVEL_CRITICAL there,
 * and an error to whoever reads the log. */
#define LEVELS_ERROR (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)

static const char *
level_name(GLogLevelFlags level)
{
    if (level & LEVELS_ERROR)
        return "error";
    if (level & G_LOG_LEVEL_WARNING)
        return "warning";
    if (level & G_LOG_LEVEL_MESSAGE)
        return "notice";
    return level & G_LOG_LEVEL_DEBUG ? "debug" : "info";
}

/* syslog(3). */
static const char *
level_priority(GLogLevelFlags level)
{
    if (level & LEVELS_ERROR)
        return "3";
    if (level & G_LOG_LEVEL_WARNING)
        return "4";
    if (level & G_LOG_LEVEL_MESSAGE)
        return "5";
    return level & G_LOG_LEVEL_DEBUG ? "7" : "6";
}

/* Fields that this file writes itself, and the positions in the source that GLib's macros add, are noise on a line for people. */
static gboolean
is_implied(const char *key)
{
    static const char *const implied[] = { "MESSAGE",   "MESSAGE_ID", "PRIORITY",  "GLIB_DOMAIN", "SYSLOG_IDENTIFIER",
                                           "CODE_FILE", "CODE_LINE",  "CODE_FUNC", NULL };

    return g_strv_contains(implied, key);
}

static const GLogField *
find_field(const GLogField *fields, gsize n_fields, const char *key)
{
    for (gsize i = 0; i < n_fields; i++)
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

static gsize
field_size(const GLogField *field)
{
    return field->length < 0 ? strlen(field->value) : (gsize)field->length;
}

/* Nearly every value, and there are a dozen in a line of which a module may write one for each call. */
static gboolean
is_unquoted(const char *text, gsize size, gunichar quote)
{
    for (gsize i = 0; i < size; i++)
        if (!g_ascii_isprint(text[i]) || text[i] == '\\' || (gunichar)text[i] == quote)
            return FALSE;
    return TRUE;
}

static void
append_escaped_text(GString *line, const char *text, gsize size, gunichar quote)
{
    if (is_unquoted(text, size, quote)) {
        g_string_append_len(line, text, (gssize)size);
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)size);

    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (g_unichar_iscntrl(c) || c == '\\' || c == quote)
            g_string_append_printf(line, "\\x%02x", c);
        else
            g_string_append_unichar(line, c);
    }
}

static void
append_field(GString *line, const GLogField *field)
{
    const char *value = field->value;
    gsize size = field_size(field);
    gboolean quoted = size == 0 || memchr(value, ' ', size) || memchr(value, '"', size);

    g_string_append_printf(line, quoted ? " %s=\"" : " %s=", field->key);
    append_escaped_text(line, value, size, '"');
    if (quoted)
        g_string_append_c(line, '"');
}

static void
write_line(const char *domain, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    g_autoptr(GString) line = g_string_new(IDENTIFIER ": ");
    const GLogField *message = find_field(fields, n_fields, "MESSAGE");

    g_string_append_printf(line, "%s: %s: ", level_name(level), domain);
    if (message != NULL)
        append_escaped_text(line, message->value, field_size(message), /* quote= */ 0);
    for (gsize i = 0; i < n_fields; i++)
        if (!is_implied(fields[i].key))
            append_field(line, &fields[i]);
    g_string_append_c(line, '\n');
    fputs(line->str, stderr);
}

static GLogWriterOutput
write_journal(const char *domain, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    g_autoptr(GArray) all = g_array_sized_new(FALSE, FALSE, sizeof(GLogField), (guint)n_fields + 3);
    const GLogField own[] = {
        { "PRIORITY", level_priority(level), -1 },
        { "GLIB_DOMAIN", domain, -1 },
        { "SYSLOG_IDENTIFIER", IDENTIFIER, -1 },
    };

    g_array_append_vals(all, own, G_N_ELEMENTS(own));
    for (gsize i = 0; i < n_fields; i++)
        if (find_field(own, G_N_ELEMENTS(own), fields[i].key) == NULL)
            g_array_append_val(all, fields[i]);
    return g_log_writer_journald(level, (const GLogField *)(gpointer)all->data, all->len, /* user_data= */ NULL);
}

void
agent_log(const char *domain, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    if ((level & G_LOG_LEVEL_DEBUG) && g_log_writer_default_would_drop(level, domain))
        return;
    if (g_log_writer_is_journald(STDERR_FILENO) &&
        write_journal(domain, level, fields, n_fields) == G_LOG_WRITER_HANDLED)
        return;
    write_line(domain, level, fields, n_fields);
}

GLogWriterOutput
agent_log_writer(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
    const GLogField *domain = find_field(fields, n_fields, "GLIB_DOMAIN");

    agent_log(domain != NULL ? domain->value : IDENTIFIER, level, fields, n_fields);
    return G_LOG_WRITER_HANDLED;
}
