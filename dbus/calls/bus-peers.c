/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callers: bus-join.c hands every method call in here, and from here it goes to the object it is for.
 *
 * The first call of a sender makes an entry in the table and a question to the bus about the sender's credentials.
 * Until it is answered the sender's calls wait in the entry, and are then delivered in their order. The entry is
 * dropped when the bus says that the name has gone, which it does after the sender's last message; with the entry goes
 * the question, so that a late answer finds nothing to revive. One case has no such message: a caller that guessed our
 * name and left before the bus had our match rule. The question was sent after the rule, so its answer says that there
 * is no such name. The table cannot outgrow the bus, which caps its connections. */
#include "bus-peers.h"

#include "bus-body.h"
#include "bus-budget.h"
#include "bus-connection.h"
#include "bus-hook.h"

/* Bytes that the arguments of one call may take. Whoever reads them stops far below; but how soon depends on what is
 * asked for, and this does not. 256 KiB of JSON in 5,000 values, as many as anybody here takes, are less than half of
 * it. */
#define MAX_CALL_BYTES (1u << 20)

/* The calls that may wait for credentials, which take the bus some 100 us: calls and bytes of one sender, bytes of
 * all. libdbus stops reading at 63 MiB of messages held, and would then not read the credentials either. */
#define MAX_WAITING_CALLS 1024
#define MAX_WAITING_BYTES (8u << 20)
#define MAX_ALL_WAITING_BYTES (32u << 20)

/* Calls with descriptors that wait, of all senders: each holds up to 16 of ours, on some buses 253, and libdbus stops
 * reading at 4,096. */
#define MAX_ALL_WAITING_WITH_FDS 16

/* As in bus-source.c: the loop is held for as long only as by calls that arrive one by one. */
#define CALLS_A_TURN 32
#define TURN (2 * G_TIME_SPAN_MILLISECOND)

typedef struct Waiting {
    DBusMessage *message; /* ref */
    gsize size;
    gboolean has_fds;
} Waiting;

typedef struct Caller {
    guint refs; /* the table's, and one while calls are replayed */
    BusPeerRecord *record; /* ref */
    BusPeers *peers; /* weak; NULL: the caller has left, or the Bus is closed */
    gboolean known; /* the bus has told, or refused */
    gboolean has_called;
    BusQuery *query; /* owned; for the credentials */
    GQueue waiting; /* of Waiting, owned */
    gsize waiting_bytes;
    GList replay_link; /* in BusPeers.replay while its data is set */
} Caller;

struct BusPeers {
    Bus *bus; /* weak */
    BusDeliverFunc deliver;
    gpointer deliver_data; /* weak */
    BusBudget *budget; /* owned */
    GHashTable *callers; /* unique name (the BusPeer's) → Caller, ref */
    gsize waiting_bytes;
    guint waiting_with_fds;
    GQueue replay; /* of Caller, weak: known, with calls that still wait */
    BusHook *replay_hook; /* owned */
    GQueue watches; /* of BusPeerWatch, weak */
};

struct BusPeerWatch {
    guint refs; /* the owner's, and those of walks over the list */
    Bus *bus; /* ref */
    GList link; /* in BusPeers.watches, as long as the Bus is open */
    BusPeerGoneFunc func; /* NULL: freed */
    gpointer user_data;
};

static void
waiting_free(Waiting *waiting)
{
    dbus_message_unref(waiting->message);
    g_free(waiting);
}

static Waiting *
pop_waiting(Caller *caller)
{
    Waiting *waiting = g_queue_pop_head(&caller->waiting);

    if (!waiting)
        return NULL;
    caller->waiting_bytes -= waiting->size;
    caller->peers->waiting_bytes -= waiting->size;
    caller->peers->waiting_with_fds -= waiting->has_fds;
    return waiting;
}

static void
caller_unref(Caller *caller)
{
    if (--caller->refs > 0)
        return;
    bus_peer_record_unref(caller->record);
    g_free(caller);
}

/* Consumes the table's reference. */
static void
drop_caller(Caller *caller)
{
    Waiting *waiting;

    if (caller->query)
        bus_query_cancel(g_steal_pointer(&caller->query));
    while ((waiting = pop_waiting(caller)))
        waiting_free(waiting);
    if (caller->replay_link.data)
        g_queue_unlink(&caller->peers->replay, &caller->replay_link);
    caller->replay_link.data = NULL;
    bus_peer_record_set_gone(caller->record);
    caller->peers = NULL;
    caller_unref(caller);
}

static void
deliver_call(Caller *caller, DBusMessage *message)
{
    BusPeers *peers = caller->peers;
    BusCall *call = bus_call_new(peers->bus, caller->record, message);

    if (bus_call_is_reply_expected(call) && !bus_account_has_room(caller->record->account))
        bus_call_fail_unread(call);
    else
        peers->deliver(call, peers->deliver_data);
}

static gboolean
has_replay(gpointer user_data)
{
    return ((BusPeers *)user_data)->replay.length > 0;
}

/* A part of the calls of the first caller in the row, who then goes to its end. Any of them may close the Bus. */
static void
replay_calls(gpointer user_data)
{
    BusPeers *peers = user_data;
    Bus *bus = bus_ref(peers->bus);
    Caller *caller = g_queue_peek_head(&peers->replay);
    Waiting *waiting;
    gint64 end = g_get_monotonic_time() + TURN;

    caller->refs++;
    for (guint i = 0; i < CALLS_A_TURN && g_get_monotonic_time() < end; i++) {
        if (!caller->peers || !(waiting = pop_waiting(caller)))
            break;
        deliver_call(caller, waiting->message);
        waiting_free(waiting);
    }
    if (caller->peers) {
        g_queue_unlink(&peers->replay, &caller->replay_link);
        if (caller->waiting.length > 0)
            g_queue_push_tail_link(&peers->replay, &caller->replay_link);
        else
            caller->replay_link.data = NULL;
    }
    caller_unref(caller);
    bus_unref(bus);
}

static void
on_credentials(DBusMessage *reply, const GError *error, gpointer user_data)
{
    Caller *caller = user_data;
    BusPeers *peers = caller->peers;

    caller->query = NULL;
    if (g_error_matches(error, BUS_ERROR, BUS_ERROR_NAME_HAS_NO_OWNER) ||
        g_error_matches(error, BUS_ERROR, BUS_ERROR_DISCONNECTED)) {
        g_hash_table_remove(peers->callers, caller->record->peer.name);
        return;
    }
    bus_peer_record_set_credentials(caller->record, reply, peers->budget);
    caller->known = TRUE;
    caller->replay_link.data = caller;
    g_queue_push_tail_link(&peers->replay, &caller->replay_link);
    replay_calls(peers);
}

static void
ask_credentials(BusPeers *peers, Caller *caller)
{
    DBusMessage *question = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                                         "GetConnectionCredentials");

    dbus_message_append_args(question, DBUS_TYPE_STRING, &caller->record->peer.name, DBUS_TYPE_INVALID);
    caller->query = bus_query(peers->bus, question, DBUS_TIMEOUT_USE_DEFAULT, on_credentials, caller);
    dbus_message_unref(question);
}

static Caller *
add_peer_caller(BusPeers *peers, const char *name)
{
    Caller *caller = g_new0(Caller, 1);

    caller->refs = 1;
    caller->peers = peers;
    caller->record = bus_peer_record_new(name);
    g_hash_table_insert(peers->callers, caller->record->peer.name, caller);
    ask_credentials(peers, caller);
    return caller;
}

static gboolean
may_wait(Caller *caller, gsize size, gboolean has_fds)
{
    return caller->waiting.length < MAX_WAITING_CALLS && caller->waiting_bytes + size <= MAX_WAITING_BYTES &&
           caller->peers->waiting_bytes + size <= MAX_ALL_WAITING_BYTES &&
           (!has_fds || caller->peers->waiting_with_fds < MAX_ALL_WAITING_WITH_FDS);
}

static void
hold_call(Caller *caller, DBusMessage *message, gsize size)
{
    gboolean has_fds = !!dbus_message_contains_unix_fds(message);
    Waiting *waiting;

    if (!may_wait(caller, size, has_fds)) {
        bus_call_fail_code(bus_call_new(caller->peers->bus, caller->record, message), BUS_ERROR_LIMITS_EXCEEDED,
                           "Too much at once from a caller whose credentials are still being asked for");
        return;
    }
    waiting = g_new0(Waiting, 1);
    waiting->message = dbus_message_ref(message);
    waiting->size = size;
    waiting->has_fds = has_fds;
    g_queue_push_tail(&caller->waiting, waiting);
    caller->waiting_bytes += size;
    caller->peers->waiting_bytes += size;
    caller->peers->waiting_with_fds += has_fds;
}

/* A sender without a unique name did not come by way of a bus: nobody vouches for it, nobody waits for the answer. */
void
bus_peers_take_call(BusPeers *peers, DBusMessage *message)
{
    const char *sender = dbus_message_get_sender(message);
    gsize size = bus_body_measure(message, MAX_CALL_BYTES);
    Caller *caller;

    if (!sender || sender[0] != ':')
        return;
    caller = g_hash_table_lookup(peers->callers, sender);
    if (!caller)
        caller = add_peer_caller(peers, sender);
    caller->has_called = TRUE;
    if (size > MAX_CALL_BYTES)
        bus_call_fail_code(bus_call_new(peers->bus, caller->record, message), BUS_ERROR_LIMITS_EXCEEDED,
                           "The arguments of a call may be %u bytes", MAX_CALL_BYTES);
    else if (caller->known && caller->waiting.length == 0)
        deliver_call(caller, message);
    else
        hold_call(caller, message, size);
}

static void
watch_unref(BusPeerWatch *watch)
{
    if (--watch->refs > 0)
        return;
    bus_unref(watch->bus);
    g_free(watch);
}

/* A watcher may free any watch and may close the Bus. */
static void
tell_watchers(BusPeers *peers, const char *name)
{
    g_autoptr(Bus) bus = bus_ref(peers->bus);
    g_autoptr(GPtrArray) watches = g_ptr_array_new_with_free_func((GDestroyNotify)watch_unref);

    for (GList *l = peers->watches.head; l; l = l->next) {
        BusPeerWatch *watch = l->data;

        watch->refs++;
        g_ptr_array_add(watches, watch);
    }
    for (guint i = 0; i < watches->len && bus_get_receiver(bus); i++) {
        BusPeerWatch *watch = g_ptr_array_index(watches, i);

        if (watch->func)
            watch->func(bus, name, watch->user_data);
    }
}

void
bus_peers_expect(BusPeers *peers, const char *unique_name)
{
    if (unique_name[0] == ':' && g_strcmp0(unique_name, bus_get_unique_name(peers->bus)) != 0 &&
        !g_hash_table_contains(peers->callers, unique_name))
        add_peer_caller(peers, unique_name);
}

void
bus_peers_forget(BusPeers *peers, const char *unique_name)
{
    Caller *caller = g_hash_table_lookup(peers->callers, unique_name);

    if (!caller)
        return;
    caller->refs++;
    g_hash_table_remove(peers->callers, unique_name);
    if (caller->known && caller->has_called)
        tell_watchers(peers, caller->record->peer.name);
    caller_unref(caller);
}

BusBudget *
bus_peers_get_budget(BusPeers *peers)
{
    return peers->budget;
}

guint
bus_peers_count(BusPeers *peers)
{
    return g_hash_table_size(peers->callers);
}

static void
on_call_arrived(gpointer user_data, DBusMessage *message)
{
    bus_peers_take_call(user_data, message);
}

static void
on_name_joined(gpointer user_data, const char *unique_name)
{
    bus_peers_expect(user_data, unique_name);
}

static void
on_name_left(gpointer user_data, const char *unique_name)
{
    bus_peers_forget(user_data, unique_name);
}

BusPeers *
bus_peers_new(Bus *bus, BusDeliverFunc func, gpointer user_data)
{
    static const BusReceiver receiver = {
        .take_call = on_call_arrived,
        .name_joined = on_name_joined,
        .name_left = on_name_left,
    };
    BusPeers *peers = g_new0(BusPeers, 1);

    peers->bus = bus;
    peers->deliver = func;
    peers->deliver_data = user_data;
    peers->budget = bus_budget_new(bus);
    peers->callers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)drop_caller);
    peers->replay_hook = bus_hook_attach(bus, has_replay, replay_calls, peers);
    bus_set_receiver(bus, &receiver, peers);
    return peers;
}

void
bus_peers_free(BusPeers *peers)
{
    bus_set_receiver(peers->bus, NULL, NULL);
    g_hash_table_unref(peers->callers);
    bus_budget_free(peers->budget);
    bus_hook_detach(peers->replay_hook);
    while (peers->watches.length > 0)
        g_queue_unlink(&peers->watches, peers->watches.head);
    g_free(peers);
}

BusPeers *
bus_get_peers(Bus *bus)
{
    return bus_get_receiver(bus);
}

/* NULL: nobody of that name has called, or they have left. */
static BusPeerRecord *
find_record(Bus *bus, const char *unique_name)
{
    BusPeers *peers = bus_get_peers(bus);
    Caller *caller = peers ? g_hash_table_lookup(peers->callers, unique_name) : NULL;

    return caller && caller->known && caller->has_called ? caller->record : NULL;
}

const BusPeer *
bus_get_peer(Bus *bus, const char *unique_name)
{
    BusPeerRecord *record = find_record(bus, unique_name);

    return record ? &record->peer : NULL;
}

gboolean
bus_peer_send(Bus *bus, const char *unique_name, DBusMessage *signal)
{
    BusPeerRecord *record = find_record(bus, unique_name);

    if (!record || !bus_account_has_room(record->account))
        return FALSE;
    dbus_message_set_destination(signal, unique_name);
    bus_send(bus, signal);
    bus_account_add(record->account, signal);
    return TRUE;
}

BusPeerWatch *
bus_watch_peers(Bus *bus, BusPeerGoneFunc func, gpointer user_data)
{
    BusPeers *peers = bus_get_peers(bus);
    BusPeerWatch *watch;

    g_return_val_if_fail(peers, NULL);
    watch = g_new0(BusPeerWatch, 1);
    watch->refs = 1;
    watch->bus = bus_ref(bus);
    watch->func = func;
    watch->user_data = user_data;
    watch->link.data = watch;
    g_queue_push_tail_link(&peers->watches, &watch->link);
    return watch;
}

void
bus_peer_watch_free(BusPeerWatch *watch)
{
    BusPeers *peers = bus_get_peers(watch->bus);

    watch->func = NULL;
    if (peers)
        g_queue_unlink(&peers->watches, &watch->link);
    watch_unref(watch);
}
