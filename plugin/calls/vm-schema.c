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

#include "log.h"
#include "qmp-schema-parse.h"
#include "timer.h"

/* QEMU answers in 20 ms, or is held up by a command that blocks: then nobody who can do without should wait. */
#define PATIENCE ((guint64)3 * G_TIME_SPAN_SECOND)

/* Meanwhile, of one caller and of all. As JSON; in memory it is up to 25 times as much. */
#define MAX_WAITS 1024
#define MAX_WAITING_BYTES (512u * 1024)
#define MAX_WAITS_OF_ALL 8192
#define MAX_WAITING_BYTES_OF_ALL (2u * 1024 * 1024)

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
    GQueue waits; /* of SchemaWait, by their links, by their rounds */
    GSource *teller; /* owned; while those who wait are told */
};

struct SchemaWait {
    VmSchema *schema; /* weak */
    char *caller; /* owned */
    gsize size;
    guint round; /* in which it has its turn: a caller has one in each */
    SchemaWaitFunc func;
    gpointer user_data;
    GList link;
};

static void
schema_wait_free(SchemaWait *wait)
{
    g_queue_unlink(&wait->schema->waits, &wait->link);
    g_free(wait->caller);
    g_free(wait);
}

/* Any of them may bring about that others do not wait any more. */
static void
tell_one_wait(VmSchema *schema, const GError *error)
{
    SchemaWait *wait = schema->waits.head->data;
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

    while (schema->waits.head && g_get_monotonic_time() - begin < TURN)
        tell_one_wait(schema, /* error= */ NULL);
    if (schema->waits.head)
        return G_SOURCE_CONTINUE;
    g_clear_pointer(&schema->teller, g_source_unref);
    return G_SOURCE_REMOVE;
}

/* At the priority of everything else: work that is left over, not idle work. */
static void
tell_waits(VmSchema *schema)
{
    if (!schema->waits.head || schema->teller)
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
    return schema;
}

void
vm_schema_free(VmSchema *schema)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");

    timer_stop(&schema->teller);
    while (schema->waits.head)
        tell_one_wait(schema, error);
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
    return !vm_schema_is_settled(schema) && qemu_connection_is_at_least(vm_get_qemu(schema->vm), 11, 1);
}

gboolean
vm_schema_is_awaited(VmSchema *schema)
{
    return schema->waits.length > 0;
}

static gboolean
check_waiting(VmSchema *schema, const char *caller, gsize size, GError **error)
{
    gsize size_of_all = size;
    guint n = 0;

    for (GList *i = schema->waits.head; i; i = i->next) {
        SchemaWait *wait = i->data;
        gboolean is_theirs = g_str_equal(wait->caller, caller);
        n += is_theirs;
        size += is_theirs ? wait->size : 0;
        size_of_all += wait->size;
    }
    if (!*caller || (n < MAX_WAITS && size <= MAX_WAITING_BYTES && schema->waits.length < MAX_WAITS_OF_ALL &&
                     size_of_all <= MAX_WAITING_BYTES_OF_ALL))
        return TRUE;
    g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT,
                "%u calls wait already for QEMU to tell what it understands, with %" G_GSIZE_FORMAT " bytes",
                schema->waits.length, size_of_all);
    return FALSE;
}

/* After those of the same round: one who has a thousand calls waiting costs another a turn. */
static void
get_in_line(VmSchema *schema, SchemaWait *wait)
{
    GList *before = schema->waits.tail;

    wait->round = schema->waits.head ? ((SchemaWait *)schema->waits.head->data)->round : 0;
    for (GList *i = schema->waits.tail; i; i = i->prev) {
        SchemaWait *other = i->data;
        if (!g_str_equal(other->caller, wait->caller))
            continue;
        wait->round = other->round + 1;
        break;
    }
    while (before && ((SchemaWait *)before->data)->round > wait->round)
        before = before->prev;
    if (before)
        g_queue_insert_after_link(&schema->waits, before, &wait->link);
    else
        g_queue_push_head_link(&schema->waits, &wait->link);
}

SchemaWait *
vm_schema_wait(VmSchema *schema, const char *caller, gsize size, SchemaWaitFunc func, gpointer user_data,
               GError **error)
{
    SchemaWait *wait;

    if (!check_waiting(schema, caller, size, error))
        return NULL;
    wait = g_new0(SchemaWait, 1);
    wait->schema = schema;
    wait->caller = g_strdup(caller);
    wait->size = size;
    wait->func = func;
    wait->user_data = user_data;
    wait->link.data = wait;
    get_in_line(schema, wait);
    if (schema->stage == STAGE_UNASKED)
        begin_query(schema);
    return wait;
}

void
schema_wait_cancel(SchemaWait *wait)
{
    schema_wait_free(wait);
}
