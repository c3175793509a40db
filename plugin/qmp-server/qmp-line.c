/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by qmp-server.c; owns nothing. */
#include "qmp-line.h"

#include <string.h>

#include "json-print.h"

/* QEMU's own text goes as it is, unless its monitor is a pretty one. */
static void
append_line_value(GString *line, const QmpText *value, gboolean is_rewritten)
{
    if (is_rewritten || memchr(value->text, '\n', value->length))
        json_print_text(line, value->text, JSON_PRINT_QEMU);
    else
        g_string_append_len(line, value->text, (gssize)value->length);
}

static void
append_line_string(GString *line, const char *string)
{
    json_print_string(line, string, strlen(string), JSON_PRINT_QEMU);
}

GString *
qmp_line_new_return(const char *id, const QmpText *value, gboolean is_rewritten)
{
    GString *line = g_string_sized_new(value->length + 64);

    g_string_append(line, "{\"return\": ");
    append_line_value(line, value, is_rewritten);
    if (id)
        g_string_append_printf(line, ", \"id\": %s", id);
    g_string_append_c(line, '}');
    return line;
}

GString *
qmp_line_new_error(const char *id, const char *error_class, const char *text)
{
    GString *line = g_string_new("{");

    if (id)
        g_string_append_printf(line, "\"id\": %s, ", id);
    g_string_append(line, "\"error\": {\"class\": ");
    append_line_string(line, error_class);
    g_string_append(line, ", \"desc\": ");
    append_line_string(line, text);
    g_string_append(line, "}}");
    return line;
}

GString *
qmp_line_new_event(const QmpEvent *event)
{
    GString *line = g_string_new(NULL);

    g_string_printf(line, "{\"timestamp\": {\"seconds\": %" G_GUINT64_FORMAT ", \"microseconds\": %u}, \"event\": ",
                    event->timestamp / G_USEC_PER_SEC, (guint)(event->timestamp % G_USEC_PER_SEC));
    append_line_string(line, event->name);
    if (event->data.text) {
        g_string_append(line, ", \"data\": ");
        append_line_value(line, &event->data, /* is_rewritten= */ FALSE);
    }
    g_string_append_c(line, '}');
    return line;
}

GString *
qmp_line_new_greeting(const QmpGreeting *greeting)
{
    GString *line = g_string_new("{\"QMP\": {\"version\": ");

    append_line_value(line, &(QmpText){ greeting->version, strlen(greeting->version) }, /* is_rewritten= */ FALSE);
    g_string_append_printf(line, ", \"capabilities\": [%s]}}", greeting->oob ? "\"oob\"" : "");
    return line;
}
