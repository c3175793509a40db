/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.freedesktop.PolicyKit1.Authority.CheckAuthorization() and what it answers. policy.c asks.
 *
 * A caller on the system bus is a subject by its bus name, which polkit looks up itself. One on another bus is a
 * process: its id, when that process started (ids are used again) and the user that the bus vouches for, so that
 * polkit need not find out.
 *
 * Details make rules and messages tell one VM from another. polkit takes them from root and from whom the action's
 * `owner` annotation names, and refuses the whole question otherwise; an agent on a session bus is neither, unless
 * root runs it, so there they are left out. */
#include "authority.h"

#include <string.h>
#include <unistd.h>

#include "bus-dictionary.h"
#include "bus-open.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define FLAG_ALLOW_USER_INTERACTION 1u

struct Authority {
    GMainContext *context; /* ref */
    Bus *bus; /* weak where the callers are on it, owned otherwise; NULL: not connected */
    gboolean is_callers_bus;
    char *address; /* owned; of the system bus, where the callers are on another */
    GQueue checks; /* of AuthorityCheck, owned, by their links */
    guint n_cancellations;
};

struct AuthorityCheck {
    Authority *authority; /* weak */
    GList link; /* in authority->checks */
    Bus *bus; /* weak; it was asked by this connection */
    BusQuery *query; /* weak: it goes with its answer */
    char *cancellation; /* owned; NULL: nobody is asked */
    AuthorityFunc func;
    gpointer user_data;
};

static void
check_free(AuthorityCheck *check)
{
    g_free(check->cancellation);
    g_free(check);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AuthorityCheck, check_free)

/* Its query has been answered, or is cancelled. */
static void
answer_check(AuthorityCheck *check, AuthorityAnswer answer, const GError *error)
{
    AuthorityFunc func = check->func;
    gpointer func_data = check->user_data;

    g_queue_unlink(&check->authority->checks, &check->link);
    check_free(check);
    func(answer, error, func_data);
}

static AuthorityCheck *
find_check(Authority *authority, Bus *bus)
{
    for (GList *i = authority->checks.head; i; i = i->next)
        if (((AuthorityCheck *)i->data)->bus == bus)
            return i->data;
    return NULL;
}

/* The next question opens a new connection. */
static void
on_polkit_bus_state(Bus *bus, const GError *error, gpointer user_data)
{
    Authority *authority = user_data;
    AuthorityCheck *check;

    if (!error)
        return;
    authority->bus = NULL;
    while ((check = find_check(authority, bus))) {
        bus_query_cancel(check->query);
        answer_check(check, AUTHORITY_NO, error);
    }
    bus_close(bus);
}

static gboolean
connect_bus(Authority *authority, GError **error)
{
    if (!authority->bus)
        authority->bus = bus_open(authority->context, authority->address, on_polkit_bus_state, authority, error);
    return authority->bus != NULL;
}

static gboolean
append_process(DBusMessageIter *values, const BusPeer *peer, GError **error)
{
    dbus_uint32_t pid = peer->pid;
    dbus_int32_t uid = (dbus_int32_t)peer->uid;
    dbus_uint64_t start_time;

    /* The number may be another process's by now: a connection can outlive the one that made it. */
    if (peer->uid == BUS_PEER_NO_ID || peer->pid == BUS_PEER_NO_ID ||
        !bus_peer_read_start_time(peer->pid, &start_time) || start_time != peer->start_time) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_ACCESS_DENIED, "No process is known of %s", peer->name);
        return FALSE;
    }
    bus_dictionary_append(values, "pid", DBUS_TYPE_UINT32_AS_STRING, &pid);
    bus_dictionary_append(values, "start-time", DBUS_TYPE_UINT64_AS_STRING, &start_time);
    bus_dictionary_append(values, "uid", DBUS_TYPE_INT32_AS_STRING, &uid);
    return TRUE;
}

static gboolean
append_subject(DBusMessageIter *arguments, Authority *authority, const BusPeer *peer, GError **error)
{
    const char *kind = authority->is_callers_bus ? "system-bus-name" : "unix-process";
    DBusMessageIter subject, values;
    gboolean done = TRUE;

    dbus_message_iter_open_container(arguments, DBUS_TYPE_STRUCT, NULL, &subject);
    dbus_message_iter_append_basic(&subject, DBUS_TYPE_STRING, &kind);
    dbus_message_iter_open_container(&subject, DBUS_TYPE_ARRAY, "{sv}", &values);
    if (authority->is_callers_bus)
        bus_dictionary_append(&values, "name", DBUS_TYPE_STRING_AS_STRING, &peer->name);
    else
        done = append_process(&values, peer, error);
    dbus_message_iter_close_container(&subject, &values);
    dbus_message_iter_close_container(arguments, &subject);
    return done;
}

gboolean
authority_takes_details(Authority *authority)
{
    return authority->is_callers_bus || geteuid() == 0;
}

static void
append_details(DBusMessageIter *arguments, const char *const *details)
{
    DBusMessageIter values, entry;

    dbus_message_iter_open_container(arguments, DBUS_TYPE_ARRAY, "{ss}", &values);
    for (; details && details[0]; details += 2) {
        dbus_message_iter_open_container(&values, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &details[0]);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &details[1]);
        dbus_message_iter_close_container(&values, &entry);
    }
    dbus_message_iter_close_container(arguments, &values);
}

static DBusMessage *
new_polkit_call(const char *method)
{
    return dbus_message_new_method_call(POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, method);
}

static DBusMessage *
new_question(AuthorityCheck *check, const AuthorityQuestion *question, GError **error)
{
    Authority *authority = check->authority;
    const char *const *details = authority_takes_details(authority) ? question->details : NULL;
    const char *cancellation = check->cancellation ? check->cancellation : "";
    dbus_uint32_t flags = question->is_interactive ? FLAG_ALLOW_USER_INTERACTION : 0;
    DBusMessage *message = new_polkit_call("CheckAuthorization");
    DBusMessageIter arguments;

    dbus_message_iter_init_append(message, &arguments);
    if (!append_subject(&arguments, authority, question->peer, error)) {
        dbus_message_unref(message);
        return NULL;
    }
    dbus_message_iter_append_basic(&arguments, DBUS_TYPE_STRING, &question->action);
    append_details(&arguments, details);
    dbus_message_iter_append_basic(&arguments, DBUS_TYPE_UINT32, &flags);
    dbus_message_iter_append_basic(&arguments, DBUS_TYPE_STRING, &cancellation);
    return message;
}

/* (bba{ss}): is_authorized, is_challenge, details. Anything else allows nothing. */
static AuthorityAnswer
read_answer(DBusMessage *reply, GError **error)
{
    DBusMessageIter top, result;
    dbus_bool_t is_authorized, is_challenge;

    if (!dbus_message_has_signature(reply, "(bba{ss})")) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "polkit's answer is a `%s`, and should be a `(bba{ss})`",
                    dbus_message_get_signature(reply));
        return AUTHORITY_NO;
    }
    dbus_message_iter_init(reply, &top);
    dbus_message_iter_recurse(&top, &result);
    dbus_message_iter_get_basic(&result, &is_authorized);
    dbus_message_iter_next(&result);
    dbus_message_iter_get_basic(&result, &is_challenge);
    if (is_authorized)
        return AUTHORITY_YES;
    return is_challenge ? AUTHORITY_CHALLENGE : AUTHORITY_NO;
}

static void
on_polkit_answer(DBusMessage *reply, const GError *error, gpointer user_data)
{
    g_autoptr(GError) wrong = NULL;
    AuthorityAnswer answer = reply ? read_answer(reply, &wrong) : AUTHORITY_NO;

    answer_check(user_data, answer, error ? error : wrong);
}

AuthorityCheck *
authority_check(Authority *authority, const AuthorityQuestion *question, AuthorityFunc func, gpointer user_data,
                GError **error)
{
    g_autoptr(AuthorityCheck) check = g_new0(AuthorityCheck, 1);
    DBusMessage *message;

    check->authority = authority;
    check->link.data = check;
    check->func = func;
    check->user_data = user_data;
    if (question->is_interactive)
        check->cancellation = g_strdup_printf("org.qemu.Monitor1-%u", ++authority->n_cancellations);
    if (!connect_bus(authority, error) || !(message = new_question(check, question, error)))
        return NULL;
    check->bus = authority->bus;
    check->query =
        bus_query(authority->bus, message, question->is_interactive ? DBUS_TIMEOUT_INFINITE : DBUS_TIMEOUT_USE_DEFAULT,
                  on_polkit_answer, check);
    dbus_message_unref(message);
    g_queue_push_tail_link(&authority->checks, &check->link);
    return g_steal_pointer(&check);
}

void
authority_check_cancel(AuthorityCheck *check)
{
    bus_query_cancel(check->query);
    if (check->cancellation) {
        DBusMessage *message = new_polkit_call("CancelCheckAuthorization");
        dbus_message_append_args(message, DBUS_TYPE_STRING, &check->cancellation, DBUS_TYPE_INVALID);
        dbus_message_set_no_reply(message, TRUE);
        bus_send(check->bus, message);
        dbus_message_unref(message);
    }
    g_queue_unlink(&check->authority->checks, &check->link);
    check_free(check);
}

Authority *
authority_new(GMainContext *context, Bus *bus, const char *address)
{
    Authority *authority = g_new0(Authority, 1);

    authority->context = g_main_context_ref(context);
    authority->bus = bus;
    authority->is_callers_bus = bus != NULL;
    authority->address = g_strdup(address);
    return authority;
}

void
authority_free(Authority *authority)
{
    if (!authority->is_callers_bus)
        g_clear_pointer(&authority->bus, bus_close);
    g_main_context_unref(authority->context);
    g_free(authority->address);
    g_free(authority);
}
