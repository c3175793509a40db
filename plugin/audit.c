/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines are made when it is decided, and written when the main loop has nothing else to do, a moment later: writing one
 * takes 10 us, by which every answer would be later. Owned by the service. */
#include "audit.h"

#include <string.h>

#include "bus-hook.h"

/* For `journalctl MESSAGE_ID=…`; what else the module logs has none. */
#define MESSAGE_ID "3ab5c81f0be54d5e8d9a2f6a4a3f7d10"

/* Bytes of a name that a caller chose. */
#define MAX_OBJECT 256

/* When so many wait, the loop has had no rest for some ms, and they are written all the same. */
#define MAX_LINES 256

#define MAX_FIELDS 12

typedef struct Line {
    GLogLevelFlags level;
    guint n;
    struct {
        const char *key; /* a constant */
        gsize at; /* of its value, in the audit's values */
    } fields[MAX_FIELDS];
} Line;

struct Audit {
    const ManagementHost *host; /* weak */
    GArray *lines; /* owned, of Line: not written yet */
    GString *values; /* owned; theirs, each with its end */
    GSource *hook; /* owned */
};

static void
write_line(Audit *audit, const Line *line)
{
    GLogField fields[MAX_FIELDS];

    for (guint i = 0; i < line->n; i++)
        fields[i] = (GLogField){ line->fields[i].key, audit->values->str + line->fields[i].at, -1 };
    audit->host->log(audit->host->data, line->level, fields, line->n);
}

static void
write_lines(gpointer user_data)
{
    Audit *audit = user_data;

    for (guint i = 0; i < audit->lines->len; i++)
        write_line(audit, &g_array_index(audit->lines, Line, i));
    g_array_set_size(audit->lines, 0);
    g_string_truncate(audit->values, 0);
}

static gboolean
has_lines(gpointer user_data)
{
    return ((Audit *)user_data)->lines->len > 0;
}

static void
begin_value(Audit *audit, Line *line, const char *key)
{
    line->fields[line->n].key = key;
    line->fields[line->n++].at = audit->values->len;
}

static void
add(Audit *audit, Line *line, const char *key, const char *value)
{
    if (!value)
        return;
    begin_value(audit, line, key);
    g_string_append_len(audit->values, value, (gssize)strlen(value) + 1);
}

/* Whom the bus cannot name has no number. */
static void
add_id(Audit *audit, Line *line, const char *key, guint32 id)
{
    char text[16];

    g_snprintf(text, sizeof text, "%u", id);
    add(audit, line, key, id == BUS_PEER_NO_ID ? NULL : text);
}

static void
add_message(Audit *audit, Line *line, const PolicyRequest *request, const char *word)
{
    begin_value(audit, line, "MESSAGE");
    if (request->peer->uid == BUS_PEER_NO_ID)
        g_string_append_printf(audit->values, "%s is %s to somebody", request->command, word);
    else
        g_string_append_printf(audit->values, "%s is %s to user %u", request->command, word, request->peer->uid);
    g_string_append_c(audit->values, '\0');
}

static void
add_object(Audit *audit, Line *line, const char *id)
{
    g_autofree char *valid = id ? g_utf8_make_valid(id, (gssize)strnlen(id, MAX_OBJECT)) : NULL;

    add(audit, line, "OBJECT", valid);
}

void
audit_decision(const PolicyDecision *decision, gpointer user_data)
{
    Audit *audit = user_data;
    const PolicyRequest *request = decision->request;
    const char *word = decision->is_allowed ? "allowed" : "refused";
    Line line = { .level = decision->is_allowed ? G_LOG_LEVEL_INFO : G_LOG_LEVEL_MESSAGE };

    if (audit->lines->len >= MAX_LINES)
        write_lines(audit);
    add_message(audit, &line, request, word);
    add(audit, &line, "MESSAGE_ID", MESSAGE_ID);
    add(audit, &line, "CALLER", request->peer->name);
    add_id(audit, &line, "CALLER_UID", request->peer->uid);
    add_id(audit, &line, "CALLER_PID", request->peer->pid);
    add(audit, &line, "VM", request->vm);
    add(audit, &line, "VM_UUID", request->uuid);
    add(audit, &line, "COMMAND", request->command);
    add(audit, &line, "ACTION", decision->actions);
    add_object(audit, &line, request->id);
    add(audit, &line, "DECISION", word);
    add(audit, &line, "REASON", decision->reason);
    g_array_append_val(audit->lines, line);
}

Audit *
audit_new(const ManagementHost *host)
{
    Audit *audit = g_new0(Audit, 1);

    audit->host = host;
    audit->lines = g_array_new(FALSE, FALSE, sizeof(Line));
    audit->values = g_string_new(NULL);
    audit->hook = bus_hook_attach(host->context, has_lines, write_lines, audit);
    g_source_set_priority(audit->hook, G_PRIORITY_DEFAULT_IDLE);
    return audit;
}

void
audit_free(Audit *audit)
{
    write_lines(audit);
    bus_hook_detach(audit->hook);
    g_array_unref(audit->lines);
    g_string_free(audit->values, TRUE);
    g_free(audit);
}
