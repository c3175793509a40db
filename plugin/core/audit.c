/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records are made when it is decided, and written when the main loop has nothing else to do, a moment later: writing one
 * takes 10 us, by which every answer would be later. Which of them are written is for audit-fold.c to say. Owned by the
 * service. */
#include "audit.h"

#include <string.h>

#include "audit-fold.h"

/* For `journalctl MESSAGE_ID=…`; what else the module logs has none. */
#define MESSAGE_ID "3ab5c81f0be54d5e8d9a2f6a4a3f7d10"

/* Bytes of a name, or of an error, that a caller had a hand in. */
#define MAX_OBJECT 256
#define MAX_ERROR 1024

/* When so many wait, the loop has had no rest for some ms, and they are written all the same. */
#define MAX_WAITING 256

#define MAX_FIELDS 16

typedef struct Record {
    GLogLevelFlags level;
    char *text; /* owned */
    guint n;
    struct {
        const char *key; /* a constant */
        char *value; /* owned */
    } fields[MAX_FIELDS];
} Record;

typedef struct Waiting {
    Record *record; /* ref */
    guint64 count; /* 0: written for the first time */
    gboolean is_crowd;
} Waiting;

struct Audit {
    const ManagementHost *host; /* weak */
    gboolean is_all; /* also the common ones */
    AuditFold *fold; /* owned */
    GArray *waiting; /* owned, of Waiting: not written yet */
    GSource *writer; /* owned; NULL: nothing waits */
};

static void
record_clear(gpointer data)
{
    Record *record = data;

    g_free(record->text);
    for (guint i = 0; i < record->n; i++)
        g_free(record->fields[i].value);
}

static void
record_unref(gpointer record)
{
    g_rc_box_release_full(record, record_clear);
}

static char *
make_text(const Waiting *waiting)
{
    if (waiting->is_crowd)
        return g_strdup_printf("%" G_GUINT64_FORMAT " other calls: %s", waiting->count, waiting->record->text);
    if (waiting->count > 0)
        return g_strdup_printf("%s (%" G_GUINT64_FORMAT " times more)", waiting->record->text, waiting->count);
    return g_strdup(waiting->record->text);
}

static void
write_record(Audit *audit, const Waiting *waiting)
{
    const Record *record = waiting->record;
    g_autofree char *text = make_text(waiting);
    g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, waiting->count);
    GLogField fields[MAX_FIELDS + 3] = { { "MESSAGE", text, -1 }, { "MESSAGE_ID", MESSAGE_ID, -1 } };
    gsize n = 2;

    for (guint i = 0; i < record->n; i++)
        fields[n++] = (GLogField){ record->fields[i].key, record->fields[i].value, -1 };
    if (waiting->count > 0)
        fields[n++] = (GLogField){ "COUNT", count, -1 };
    audit->host->log(audit->host->data, record->level, fields, n);
}

static void
write_waiting(Audit *audit)
{
    for (guint i = 0; i < audit->waiting->len; i++) {
        Waiting *waiting = &g_array_index(audit->waiting, Waiting, i);

        write_record(audit, waiting);
        record_unref(waiting->record);
    }
    g_array_set_size(audit->waiting, 0);
}

static void
stop_writer(Audit *audit)
{
    if (audit->writer)
        g_source_destroy(audit->writer);
    g_clear_pointer(&audit->writer, g_source_unref);
}

static gboolean
on_writer_due(gpointer user_data)
{
    Audit *audit = user_data;

    write_waiting(audit);
    stop_writer(audit);
    return G_SOURCE_REMOVE;
}

/* When nothing else is to be done. */
static void
start_writer(Audit *audit)
{
    audit->writer = g_idle_source_new();
    g_source_set_callback(audit->writer, on_writer_due, audit, NULL);
    g_source_attach(audit->writer, audit->host->context);
}

static void
put(Audit *audit, Record *record, guint64 count, gboolean is_crowd)
{
    Waiting waiting = { .record = g_rc_box_acquire(record), .count = count, .is_crowd = is_crowd };

    if (audit->waiting->len >= MAX_WAITING)
        write_waiting(audit);
    g_array_append_val(audit->waiting, waiting);
    if (!audit->writer)
        start_writer(audit);
}

static void
on_counted(gpointer record, guint64 count, gboolean is_crowd, gpointer user_data)
{
    put(user_data, record, count, is_crowd);
}

static void
add(Record *record, const char *key, const char *value)
{
    if (!value)
        return;
    record->fields[record->n].key = key;
    record->fields[record->n++].value = g_strdup(value);
}

static void
add_valid(Record *record, const char *key, const char *value, gsize most)
{
    g_autofree char *valid = value ? g_utf8_make_valid(value, (gssize)strnlen(value, most)) : NULL;

    add(record, key, valid);
}

/* Whom the bus cannot name has no number. */
static void
add_id_field(Record *record, const char *key, guint32 id)
{
    g_autofree char *text = g_strdup_printf("%u", id);

    add(record, key, id == BUS_PEER_NO_ID ? NULL : text);
}

/* The user who has logged in, as the kernel keeps it through sudo and su (proc_pid_loginuid(5)): with root's rights everybody is user
 * 0. NO_ID: nobody, or it is not known, or the process is another one by now. */
static guint32
read_login_uid(const BusPeer *peer)
{
    g_autofree char *path = g_strdup_printf("/proc/%u/loginuid", peer->pid);
    g_autofree char *text = NULL;
    guint64 start_time, uid;

    if (peer->pid == BUS_PEER_NO_ID || !g_file_get_contents(path, &text, NULL, NULL) ||
        !bus_peer_read_start_time(peer->pid, &start_time) || start_time != peer->start_time ||
        !g_ascii_string_to_unsigned(g_strchomp(text), 10, 0, G_MAXUINT32, &uid, NULL))
        return BUS_PEER_NO_ID;
    return (guint32)uid;
}

/* In a record's text nothing passes for what follows it. */
static gboolean
is_plain_name(const char *name)
{
    return *name && strlen(name) <= 64 && strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-.") == strlen(name);
}

static void
append_who(GString *text, const BusPeer *peer, guint32 login_uid)
{
    if (peer->uid == BUS_PEER_NO_ID)
        g_string_append_printf(text, "somebody (%s)", peer->name);
    else
        g_string_append_printf(text, "user %u", peer->uid);
    if (login_uid != BUS_PEER_NO_ID && login_uid != peer->uid)
        g_string_append_printf(text, " (logged in as %u)", login_uid);
}

static void
append_vm(GString *text, const char *vm)
{
    g_autofree char *name = NULL;

    if (!vm)
        return;
    name = g_strdelimit(g_strdup(vm), "\"", '\'');
    g_string_append_printf(text, " on the VM \"%s\"", name);
}

static void
append_what(GString *text, const PolicyRequest *request)
{
    g_string_append(text, is_plain_name(request->command) ? request->command : "A command");
    if (request->detail)
        g_string_append_printf(text, " (%s)", request->detail);
    if (request->id && is_plain_name(request->id))
        g_string_append_printf(text, " of %s", request->id);
}

static char *
make_decision_text(const PolicyDecision *decision, guint32 login_uid)
{
    const PolicyRequest *request = decision->request;
    GString *text = g_string_new(NULL);

    append_what(text, request);
    g_string_append(text, decision->is_allowed ? " is allowed to " : " is refused to ");
    append_who(text, request->peer, login_uid);
    append_vm(text, request->vm);
    g_string_append_printf(text, ": %s", decision->reason);
    return g_string_free(text, FALSE);
}

static const char *
get_word(gboolean is_allowed)
{
    return is_allowed ? "allowed" : "refused";
}

static Record *
record_new(GLogLevelFlags level)
{
    Record *record = g_rc_box_new0(Record);

    record->level = level;
    return record;
}

static void
add_caller_fields(Record *record, const BusPeer *peer, guint32 login_uid)
{
    add(record, "CALLER", peer->name);
    add_id_field(record, "CALLER_UID", peer->uid);
    add_id_field(record, "CALLER_PID", peer->pid);
    add_id_field(record, "CALLER_LOGINUID", login_uid);
}

static Record *
new_decision(const PolicyDecision *decision, GLogLevelFlags level)
{
    const PolicyRequest *request = decision->request;
    guint32 login_uid = read_login_uid(request->peer);
    Record *record = record_new(level);

    record->text = make_decision_text(decision, login_uid);
    add_caller_fields(record, request->peer, login_uid);
    add(record, "VM", request->vm);
    add(record, "VM_UUID", request->uuid);
    add(record, "COMMAND", request->command);
    add(record, "HMP_COMMAND", request->detail);
    add(record, "ACTION", decision->actions);
    add_valid(record, "OBJECT", request->id, MAX_OBJECT);
    add(record, "DECISION", get_word(decision->is_allowed));
    add(record, "REASON", decision->reason);
    return record;
}

/* The command of decisions that are counted together, for nobody is to hide a `quit` of another user's VM behind a hundred
 * calls of other commands. Only names of the table are told, of which there are not too many; and an owner, who needs no
 * leave, causes one record for all that happens to the owner's own VMs. NULL: the command is not told. */
static const char *
find_common_command(const PolicyDecision *decision)
{
    const PolicyRequest *request = decision->request;
    gboolean is_own =
        bus_peer_is_user(request->peer, request->owner_uid) || bus_peer_is_user(request->peer, request->friend_uid);

    return decision->is_allowed && !is_own ? policy_class_find_command(request->command) : NULL;
}

static char *
make_crowd_key(const PolicyDecision *decision)
{
    const char *command = find_common_command(decision);
    const char *detail = command ? decision->request->detail : NULL;

    return g_strjoin("\1", get_word(decision->is_allowed), decision->actions, command ? command : "",
                     detail ? detail : "", NULL);
}

static Record *
new_crowd(const PolicyDecision *decision, GLogLevelFlags level)
{
    const PolicyRequest *request = decision->request;
    const char *command = find_common_command(decision);
    const char *detail = command ? request->detail : NULL;
    Record *record = record_new(level);
    GString *text = g_string_new(command);

    if (detail)
        g_string_append_printf(text, " (%s)", detail);
    g_string_append_printf(text, "%s%s is %s to user %u", command ? ": " : "", decision->actions,
                           get_word(decision->is_allowed), request->peer->uid);
    record->text = g_string_free(text, FALSE);
    add_id_field(record, "CALLER_UID", request->peer->uid);
    add(record, "COMMAND", command);
    add(record, "HMP_COMMAND", detail);
    add(record, "ACTION", decision->actions);
    add(record, "DECISION", get_word(decision->is_allowed));
    return record;
}

static GLogLevelFlags
get_level(gboolean is_allowed)
{
    return is_allowed ? G_LOG_LEVEL_INFO : G_LOG_LEVEL_MESSAGE;
}

/* U+0001 stands in none of them. */
static char *
make_key(const PolicyDecision *decision)
{
    const PolicyRequest *request = decision->request;

    return g_strjoin("\1", request->peer->name, request->vm ? request->vm : "", request->command,
                     request->detail ? request->detail : "", decision->actions, request->id ? request->id : "",
                     decision->reason, NULL);
}

void
audit_decision(const PolicyDecision *decision, gpointer user_data)
{
    Audit *audit = user_data;
    gboolean is_allowed = decision->is_allowed, is_crowd;
    const BusPeer *peer = decision->request->peer;

    if (is_allowed && decision->request->classes == POLICY_CLASSES(POLICY_CLASS_OBSERVE) && !audit->is_all)
        return;
    g_autofree char *record_key = make_key(decision);
    g_autofree char *crowd_key = make_crowd_key(decision);
    AuditKey key = { peer->uid, is_allowed, record_key, crowd_key };
    gpointer *place = audit_fold_take(audit->fold, &key, &is_crowd);

    if (!place)
        return;
    *place = is_crowd ? new_crowd(decision, get_level(is_allowed)) : new_decision(decision, get_level(is_allowed));
    if (!is_crowd)
        put(audit, *place, /* count= */ 0, /* is_crowd= */ FALSE);
}

static Record *
new_failure(const BusPeer *peer, const char *method, const char *vm, const char *error)
{
    guint32 login_uid = read_login_uid(peer);
    Record *record = record_new(G_LOG_LEVEL_MESSAGE);
    g_autoptr(GString) text = g_string_new(method);

    g_string_append(text, " by ");
    append_who(text, peer, login_uid);
    append_vm(text, vm);
    g_string_append_printf(text, " has failed: %s", error);
    record->text = g_utf8_make_valid(text->str, (gssize)MIN(text->len, (gsize)MAX_ERROR));
    add_caller_fields(record, peer, login_uid);
    add(record, "VM", vm);
    add(record, "COMMAND", method);
    add_valid(record, "ERROR", error, MAX_ERROR);
    return record;
}

static Record *
new_failure_crowd(const BusPeer *peer, const char *method)
{
    Record *record = record_new(G_LOG_LEVEL_MESSAGE);

    record->text = g_strdup_printf("%s by user %u has failed", method, peer->uid);
    add_id_field(record, "CALLER_UID", peer->uid);
    add(record, "COMMAND", method);
    return record;
}

void
audit_failure(Audit *audit, const BusPeer *peer, const char *method, const char *vm, const char *error)
{
    g_autofree char *record_key = g_strjoin("\1", peer->name, method, vm ? vm : "", error, NULL);
    g_autofree char *crowd_key = g_strjoin("\1", "failed", method, NULL);
    AuditKey key = { peer->uid, /* is_allowed= */ TRUE, record_key, crowd_key };
    gboolean is_crowd;
    gpointer *place = audit_fold_take(audit->fold, &key, &is_crowd);

    if (!place)
        return;
    *place = is_crowd ? new_failure_crowd(peer, method) : new_failure(peer, method, vm, error);
    if (!is_crowd)
        put(audit, *place, /* count= */ 0, /* is_crowd= */ FALSE);
}

void
audit_set_all(Audit *audit, gboolean is_all)
{
    audit->is_all = is_all;
}

Audit *
audit_new(const ManagementHost *host)
{
    Audit *audit = g_new0(Audit, 1);

    audit->host = host;
    audit->fold = audit_fold_new(host->context, on_counted, record_unref, audit);
    audit->waiting = g_array_new(FALSE, FALSE, sizeof(Waiting));
    return audit;
}

void
audit_free(Audit *audit)
{
    audit_fold_free(audit->fold);
    write_waiting(audit);
    stop_writer(audit);
    g_array_unref(audit->waiting);
    g_free(audit);
}
