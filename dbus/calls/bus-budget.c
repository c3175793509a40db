/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts what callers have not read: bus-call.c and bus-peers.c ask here before they send, and tell what they sent.
 *
 * Only the bus knows what a caller has read, and dbus-daemon tells the bytes that it keeps for a connection
 * (bus-stats.h). The question is put when enough has been sent since the last answer. A caller notices nothing of it;
 * one that does not dispatch while it makes blocking calls, as many programs do, would never answer a question put to
 * itself. A bus that does not tell (dbus-broker, which keeps a quota for each receiver itself) has no budget here. */
#include "bus-budget.h"

#include "bus-body.h"
#include "bus-stats.h"

/* dbus-daemon stops reading from a sender at 127 MiB (`max_incoming_bytes` of the system bus). All may leave 48
 * MiB, the last message of which may be another 32 MiB (`max_message_size`); then a user who holds little is still
 * served. */
#define CALLER_LIMIT (16u << 20)
#define USER_LIMIT (32u << 20)
#define ALL_LIMIT (48u << 20)
#define CROWDED_USER_LIMIT (2u << 20)

/* Refusals count some 400 bytes each. A caller beyond this gets no answer at all, and has as many calls open as the
 * bus lets them. The second number is for callers whose user's other connections (the bus has up to 256) have left no
 * room. */
#define REFUSALS (256u << 10)
#define CROWDED_REFUSALS (32u << 10)

/* Of a message: about what path, names, signature and numbers take, rather more than less. */
#define HEADER 256

/* Sent since the bus told: few callers ever get so much. */
#define QUESTION_STEP (256u << 10)

/* How often the bus is asked because somebody is refused: each question costs it as much as a call. */
#define QUESTION_PAUSE (10 * G_TIME_SPAN_MILLISECOND)
#define ROUND_PAUSE (100 * G_TIME_SPAN_MILLISECOND)

typedef struct User {
    guint32 uid;
    guint n_accounts;
    gsize unread;
} User;

struct BusBudget {
    Bus *bus; /* weak */
    GHashTable *users; /* uid → User, owned */
    GQueue accounts; /* of BusAccount */
    gsize unread;
    gint64 last_round; /* when everybody was asked about */
    gboolean is_off; /* the bus does not tell */
};

struct BusAccount {
    BusBudget *budget; /* weak */
    const char *name; /* weak */
    User *user; /* weak */
    GList link; /* in the budget's accounts */
    gsize unread; /* as far as is known */
    gsize told; /* of these, what the last answer told */
    gsize asked; /* the bytes that were unread when the question was put */
    gint64 last_question;
    BusQuery *question; /* owned */
};

static void
count_unread(BusAccount *account, gsize size)
{
    account->unread += size;
    account->user->unread += size;
    account->budget->unread += size;
}

static void
discount_unread(BusAccount *account, gsize size)
{
    account->unread -= size;
    account->user->unread -= size;
    account->budget->unread -= size;
}

/* A caller or a bus that has gone says nothing about the others. */
static gboolean
is_passing(const GError *error)
{
    return g_error_matches(error, BUS_ERROR, BUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_error_matches(error, BUS_ERROR, BUS_ERROR_DISCONNECTED) ||
           g_error_matches(error, BUS_ERROR, BUS_ERROR_TIMED_OUT);
}

static void
on_bus_driver_answer(DBusMessage *reply, const GError *error, gpointer user_data)
{
    BusAccount *account = user_data;
    gsize left;

    account->question = NULL;
    if (error && is_passing(error))
        return;
    if (error || !bus_stats_read(reply, "OutgoingBytes", &left)) {
        account->budget->is_off = TRUE;
        return;
    }
    /* The bus keeps messages of others for the caller, too. */
    left = MIN(left, account->asked);
    discount_unread(account, account->asked - left);
    account->told = left;
}

static void
ask_bus_driver(BusAccount *account)
{
    if (account->question || account->unread == 0)
        return;
    account->asked = account->unread;
    account->last_question = g_get_monotonic_time();
    account->question = bus_stats_query(account->budget->bus, account->name, on_bus_driver_answer, account);
}

/* Of callers who get little at a time the bus has not been asked for long, and they have read it. */
static void
ask_about_all(BusBudget *budget)
{
    gint64 now = g_get_monotonic_time();

    if (now - budget->last_round < ROUND_PAUSE)
        return;
    budget->last_round = now;
    for (GList *i = budget->accounts.head; i; i = i->next)
        ask_bus_driver(i->data);
}

static gboolean
is_user_crowded(const BusAccount *account)
{
    return account->user->unread >= (account->budget->unread >= ALL_LIMIT ? CROWDED_USER_LIMIT : USER_LIMIT);
}

/* Before anybody is refused for what has long been read. */
static gboolean
is_half_full(const BusAccount *account)
{
    return account->user->unread >= USER_LIMIT / 2 || account->budget->unread >= ALL_LIMIT / 2;
}

gboolean
bus_account_has_room(BusAccount *account)
{
    if (!account || account->budget->is_off || (account->unread < CALLER_LIMIT && !is_user_crowded(account)))
        return TRUE;
    if (g_get_monotonic_time() - account->last_question >= QUESTION_PAUSE)
        ask_bus_driver(account);
    ask_about_all(account->budget);
    return FALSE;
}

gboolean
bus_account_has_room_for_refusal(BusAccount *account)
{
    if (!account || account->budget->is_off)
        return TRUE;
    return account->unread < (is_user_crowded(account) ? CROWDED_REFUSALS : CALLER_LIMIT + REFUSALS);
}

void
bus_account_add(BusAccount *account, DBusMessage *message)
{
    if (account && !account->budget->is_off)
        bus_account_add_bytes(account, bus_body_measure(message, G_MAXINT));
}

void
bus_account_add_bytes(BusAccount *account, gsize size)
{
    if (!account || account->budget->is_off)
        return;
    count_unread(account, HEADER + size);
    if (account->unread - account->told >= QUESTION_STEP)
        ask_bus_driver(account);
    if (is_half_full(account))
        ask_about_all(account->budget);
}

static User *
join_user(BusBudget *budget, guint32 uid)
{
    User *user = g_hash_table_lookup(budget->users, GUINT_TO_POINTER(uid));

    if (!user) {
        user = g_new0(User, 1);
        user->uid = uid;
        g_hash_table_insert(budget->users, GUINT_TO_POINTER(uid), user);
    }
    user->n_accounts++;
    return user;
}

BusAccount *
bus_account_open(BusBudget *budget, const char *name, guint32 uid)
{
    BusAccount *account = g_new0(BusAccount, 1);

    account->budget = budget;
    account->name = name;
    account->user = join_user(budget, uid);
    account->link.data = account;
    g_queue_push_tail_link(&budget->accounts, &account->link);
    return account;
}

void
bus_account_close(BusAccount *account)
{
    BusBudget *budget = account->budget;

    if (account->question)
        bus_query_cancel(account->question);
    discount_unread(account, account->unread);
    g_queue_unlink(&budget->accounts, &account->link);
    if (--account->user->n_accounts == 0)
        g_hash_table_remove(budget->users, GUINT_TO_POINTER(account->user->uid));
    g_free(account);
}

BusBudget *
bus_budget_new(Bus *bus)
{
    BusBudget *budget = g_new0(BusBudget, 1);

    budget->bus = bus;
    budget->users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return budget;
}

gsize
bus_budget_get_unread(BusBudget *budget)
{
    return budget->unread;
}

void
bus_budget_free(BusBudget *budget)
{
    g_hash_table_unref(budget->users);
    g_free(budget);
}
