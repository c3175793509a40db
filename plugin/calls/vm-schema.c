/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a schema, from top to bottom:
 *
 *   vm_schema_wait()   somebody needs the schema: this VM's QEMU is asked
 *   on_schema_reply()  query-qmp-schema has answered: schema-cache.c knows the text, or reads it in slices
 *   on_schema_read()   the text has been read
 *   settle_schema()    everybody who waits is told
 *
 * Every VM is asked itself, when its schema is needed for the first time. The query costs QEMU 27 to 31 ms of CPU, the
 * agent 2 (7.2 and 11.1, of twelve VMs each). Nothing cheaper can be trusted: a QEMU that its guest has taken over says
 * of itself, and so of others that are believed to be like it, whatever the guest wants. */
#include "vm-schema.h"

#include "fair-queue.h"
#include "log.h"
#include "qmp-schema-parse.h"
#include "quota.h"
#include "timer.h"

/* QEMU answers in 20 ms, or is held up by a command that blocks: then nobody who can do without should wait. */
#define PATIENCE ((guint64)3 * G_TIME_SPAN_SECOND)

/* Meanwhile, of one caller and of all. As JSON; in memory it is up to 25 times as much. */
static const QuotaLimits limits = {
    .of_caller = { .n = 1024, .bytes = 512 * 1024 },
    .of_all = { .n = 8192, .bytes = 2 * 1024 * 1024 },
};

/* Of one turn in which those who wait are told. */
#define TURN G_TIME_SPAN_MILLISECOND

typedef enum Stage {
    STAGE_UNASKED,
    STAGE_ASKED, /* something is under way */
    STAGE_SETTLED,
} Stage;

struct VmSchema {
    Context *context; /* weak */
    Vm *vm; /* weak */
    VmSchemaFunc func;
    gpointer user_data;
    QmpInterfaces *interfaces; /* ref */
    Stage stage;
    gboolean is_late; /* PATIENCE is over */
    GSource *timer; /* owned; until then */
    QmpTicket *ticket; /* weak; the question under way */
    SchemaReading *reading; /* weak; while its answer is read */
    FairQueue waits; /* of SchemaWait, by their callers */
    Quota quota; /* of these, less the agent's own */
    GSource *teller; /* owned; while those who wait are told */
};

struct SchemaWait {
    FairLine *line; /* weak */
    QuotaShare share; /* of the schema's quota */
    SchemaWaitFunc func;
    gpointer user_data;
    GList link;
};

static void
schema_wait_free(SchemaWait *wait)
{
    fair_line_remove(wait->line, &wait->link);
    if (wait->line->waiting.length == 0)
        fair_line_drop(wait->line);
    quota_share_return(&wait->share);
    g_free(wait);
}

/* Any of them may bring about that others do not wait any more. */
static void
tell_one_wait(VmSchema *schema, const GError *error)
{
    FairLine *line = fair_queue_take_turn(&schema->waits, /* may_go= */ NULL, /* user_data= */ NULL);
    SchemaWait *wait = line->waiting.head->data;
    SchemaWaitFunc func = wait->func;
    gpointer user_data = wait->user_data;

    schema_wait_free(wait);
    func(error, user_data);
}

static gboolean
tell_some_waits(gpointer user_data)
{
    VmSchema *schema = user_data;
    gint64 begin = g_get_monotonic_time();

    while (vm_schema_is_awaited(schema) && g_get_monotonic_time() - begin < TURN)
        tell_one_wait(schema, /* error= */ NULL);
    if (vm_schema_is_awaited(schema))
        return G_SOURCE_CONTINUE;
    g_clear_pointer(&schema->teller, g_source_unref);
    return G_SOURCE_REMOVE;
}

/* At the priority of everything else: work that is left over, not idle work. */
static void
tell_waits(VmSchema *schema)
{
    if (!vm_schema_is_awaited(schema) || schema->teller)
        return;
    schema->teller = g_idle_source_new();
    g_source_set_priority(schema->teller, G_PRIORITY_DEFAULT);
    g_source_set_callback(schema->teller, tell_some_waits, schema, NULL);
    g_source_attach(schema->teller, schema->context->host->context);
}

/* @interfaces: NULL: QEMU does not tell. */
static void
settle_schema(VmSchema *schema, QmpInterfaces *interfaces)
{
    schema->stage = STAGE_SETTLED;
    timer_stop(&schema->timer);
    if (interfaces) {
        qmp_interfaces_unref(schema->interfaces);
        schema->interfaces = qmp_interfaces_ref(interfaces);
    }
    schema->func(interfaces, schema->user_data);
    tell_waits(schema);
}

static void
fail_schema(VmSchema *schema, const char *why)
{
    const char *name = vm_get_name(schema->vm);

    log_line(schema->context->host, G_LOG_LEVEL_INFO, name, "VM \"%s\" does not tell what it understands: %s", name,
             why);
    if (schema->stage != STAGE_SETTLED)
        settle_schema(schema, /* interfaces= */ NULL);
}

static gboolean
on_schema_late(gpointer user_data)
{
    VmSchema *schema = user_data;

    timer_stop(&schema->timer);
    schema->is_late = TRUE;
    tell_waits(schema);
    return G_SOURCE_REMOVE;
}

static void
on_schema_read(QmpInterfaces *interfaces, const GError *error, gpointer user_data)
{
    VmSchema *schema = user_data;

    schema->reading = NULL;
    if (interfaces)
        settle_schema(schema, interfaces);
    else
        fail_schema(schema, error->message);
}

static void
read_schema(VmSchema *schema, const QmpText *text)
{
    QmpInterfaces *known = schema_cache_read(schema->context->schemas, text->text, text->length, on_schema_read,
                                             schema, &schema->reading);

    if (known)
        settle_schema(schema, known);
}

/* Whether QEMU has answered. Where the session has ended instead, the VM goes, and those who wait are told that. */
static gboolean
is_answer(VmSchema *schema, const GError *error)
{
    schema->ticket = NULL;
    if (error && error->code != QMP_ERROR_DISCONNECTED)
        fail_schema(schema, error->message);
    return !error;
}

static void
on_schema_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    VmSchema *schema = user_data;

    if (!is_answer(schema, error))
        return;
    if (reply->error_class)
        fail_schema(schema, reply->error_text);
    else if (reply->value.length > QMP_SCHEMA_MAX)
        fail_schema(schema, "query-qmp-schema returns too much");
    else
        read_schema(schema, &reply->value);
}

static void
begin_query(VmSchema *schema)
{
    schema->stage = STAGE_ASKED;
    schema->timer = timer_start(schema->context->host->context, PATIENCE, on_schema_late, schema);
    schema->ticket = qemu_connection_ask(vm_get_qemu(schema->vm), &(QmpCommand){ .name = "query-qmp-schema" },
                                         on_schema_reply, schema);
}

VmSchema *
vm_schema_new(Context *context, Vm *vm, VmSchemaFunc func, gpointer user_data)
{
    VmSchema *schema = g_new0(VmSchema, 1);

    schema->context = context;
    schema->vm = vm;
    schema->func = func;
    schema->user_data = user_data;
    schema->interfaces = qmp_interfaces_ref(context->promised);
    fair_queue_init(&schema->waits, sizeof(FairLine));
    return schema;
}

void
vm_schema_free(VmSchema *schema)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");

    timer_stop(&schema->teller);
    while (vm_schema_is_awaited(schema))
        tell_one_wait(schema, error);
    fair_queue_clear(&schema->waits);
    timer_stop(&schema->timer);
    g_clear_pointer(&schema->ticket, qmp_ticket_cancel);
    g_clear_pointer(&schema->reading, schema_reading_cancel);
    qmp_interfaces_unref(schema->interfaces);
    schema_cache_trim(schema->context->schemas);
    g_free(schema);
}

QmpInterfaces *
vm_schema_get_interfaces(VmSchema *schema)
{
    return schema->interfaces;
}

gboolean
vm_schema_is_settled(VmSchema *schema)
{
    return schema->stage == STAGE_SETTLED || schema->is_late;
}

gboolean
vm_schema_is_needed(VmSchema *schema)
{
    QemuConnection *qemu = vm_get_qemu(schema->vm);

    return !vm_schema_is_settled(schema) && qemu_connection_is_at_least(qemu, 11, 1) &&
           !started_monitors_are_objects(qemu_connection_get_started_monitors(qemu));
}

gboolean
vm_schema_is_awaited(VmSchema *schema)
{
    return schema->waits.turns.length > 0;
}

static gboolean
take_wait_room(VmSchema *schema, const char *caller, guint32 uid, gsize size, QuotaShare *share, GError **error)
{
    QuotaAmount held = schema->quota.held;

    if (!*caller || quota_take(&schema->quota, &limits, caller, uid, size, share))
        return TRUE;
    g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT,
                "%u calls wait already for QEMU to tell what it understands, with %" G_GSIZE_FORMAT " bytes", held.n,
                held.bytes);
    return FALSE;
}

SchemaWait *
vm_schema_wait(VmSchema *schema, const char *caller, guint32 uid, gsize size, SchemaWaitFunc func, gpointer user_data,
               GError **error)
{
    QuotaShare share = { 0 };
    SchemaWait *wait;

    if (!take_wait_room(schema, caller, uid, size, &share, error))
        return NULL;
    wait = g_new0(SchemaWait, 1);
    wait->share = share;
    wait->func = func;
    wait->user_data = user_data;
    wait->link.data = wait;
    wait->line = fair_queue_get_line(&schema->waits, caller);
    fair_line_push(wait->line, &wait->link);
    if (schema->stage == STAGE_UNASKED)
        begin_query(schema);
    return wait;
}

void
schema_wait_cancel(SchemaWait *wait)
{
    schema_wait_free(wait);
}
