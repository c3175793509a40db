/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"

#include "service.h"

/* For `journalctl MESSAGE_ID=…`; what else the module logs has none. */
#define MESSAGE_ID "3ab5c81f0be54d5e8d9a2f6a4a3f7d10"

/* Bytes of a name that a caller chose. */
#define MAX_OBJECT 256

typedef struct Fields {
    GLogField fields[12];
    guint n;
} Fields;

static void
add(Fields *fields, const char *key, const char *value)
{
    if (value)
        fields->fields[fields->n++] = (GLogField){ key, value, -1 };
}

/* Whom the bus cannot name has no number. */
static char *
id_to_string(guint32 id)
{
    return id == BUS_PEER_NO_ID ? NULL : g_strdup_printf("%u", id);
}

void
audit_decision(const PolicyDecision *decision, gpointer service)
{
    const ManagementHost *host = ((Service *)service)->host;
    const PolicyRequest *request = decision->request;
    const char *word = decision->is_allowed ? "allowed" : "refused";
    g_autofree char *uid = id_to_string(request->peer->uid);
    g_autofree char *pid = id_to_string(request->peer->pid);
    g_autofree char *id =
        request->id ? g_utf8_make_valid(request->id, (gssize)strnlen(request->id, MAX_OBJECT)) : NULL;
    g_autofree char *message = g_strdup_printf("%s is %s to user %s", request->command, word, uid ? uid : "unknown");
    Fields fields = { .n = 0 };

    add(&fields, "MESSAGE", message);
    add(&fields, "MESSAGE_ID", MESSAGE_ID);
    add(&fields, "CALLER", request->peer->name);
    add(&fields, "CALLER_UID", uid);
    add(&fields, "CALLER_PID", pid);
    add(&fields, "VM", request->vm);
    add(&fields, "VM_UUID", request->uuid);
    add(&fields, "COMMAND", request->command);
    add(&fields, "ACTION", decision->actions);
    add(&fields, "OBJECT", id);
    add(&fields, "DECISION", word);
    add(&fields, "REASON", decision->reason);
    host->log(host->data, decision->is_allowed ? G_LOG_LEVEL_INFO : G_LOG_LEVEL_MESSAGE, fields.fields, fields.n);
}
