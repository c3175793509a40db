/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a caller, from top to bottom:
 *
 *   sessions_submit()       what they may not touch is refused; they get a place, if they have none
 *   on_replied()            what a command has changed of theirs in QEMU is noted; what they may not see is taken out
 *   session_ticket_cancel() nobody waits for it any more
 *   sessions_drop_caller()  they have left: all that is theirs in QEMU goes
 *
 * A session lasts as long as its caller is on the bus, and longer than the place that it has for the time being. */
#include "sessions.h"

#include <string.h>
#include <unistd.h>

#include "fd-names.h"
#include "fdsets.h"
#include "guard.h"
#include "qmp-json.h"

struct Sessions {
    Vm *vm; /* weak */
    Places *places; /* owned */
    GHashTable *by_caller; /* owned, of Session, by its caller */
    GQueue leaving; /* of Session, owned, by their links: have left, and something is under way */
    GQueue tickets; /* of SessionTicket, owned, by their links */
    Fdsets *fdsets; /* owned */
    QmpTicket *fdsets_ticket; /* weak; the question which there are */
    guint n_callers; /* so far */
};

typedef struct Session {
    Sessions *sessions; /* weak */
    char *caller; /* owned */
    guint32 uid;
    PlaceUser user;
    FdNames *fd_names; /* owned */
    GList link; /* in sessions->leaving, once they have left */
    gboolean has_left;
} Session;

typedef enum Effect {
    EFFECT_NONE,
    EFFECT_NAMES_FD,
    EFFECT_CLOSES_FD,
    EFFECT_ADDS_FD,
    EFFECT_LISTS_FDSETS, /* which has to be looked through */
} Effect;

struct SessionTicket {
    Session *session; /* weak: it waits for its tickets */
    ReplyTicket *ticket; /* weak; until the reply */
    char *fd_name; /* owned; of EFFECT_NAMES_FD and _CLOSES_FD */
    Effect effect;
    QmpReplyFunc func; /* NULL: cancelled */
    gpointer user_data;
    GList link; /* in sessions->tickets */
};

static void
session_free(gpointer data)
{
    Session *session = data;

    fd_names_free(session->fd_names);
    g_free(session->caller);
    g_free(session);
}

static void
ignore(const QmpReply *reply, const GError *error, gpointer user_data)
{
}

static void
remove_fd(gint64 fdset, gint64 fd, gpointer user_data)
{
    Sessions *sessions = user_data;
    g_autofree char *arguments =
        g_strdup_printf("{\"fdset-id\":%" G_GINT64_FORMAT ",\"fd\":%" G_GINT64_FORMAT "}", fdset, fd);

    qemu_ask(vm_get_qemu(sessions->vm), &(QmpCommand){ .name = "remove-fd", .arguments = arguments }, ignore, NULL);
}

static void
remove_fdsets(Sessions *sessions)
{
    fdsets_remove_left(sessions->fdsets, qemu_is_running(vm_get_qemu(sessions->vm)), remove_fd, sessions);
}

void
sessions_status_changed(Sessions *sessions)
{
    if (fdsets_has_left(sessions->fdsets) && qemu_is_running(vm_get_qemu(sessions->vm)))
        remove_fdsets(sessions);
}

/* They have left, and nothing that they asked for is under way. */
static void
end_session(Session *session)
{
    Sessions *sessions = session->sessions;

    if (session->user.place)
        place_give_back(&session->user);
    fdsets_leave(sessions->fdsets, session->caller);
    if (fdsets_has_left(sessions->fdsets))
        remove_fdsets(sessions);
    g_queue_unlink(&sessions->leaving, &session->link);
    session_free(session);
}

static void
note_effect(SessionTicket *ticket, const QmpReply *reply)
{
    Session *session = ticket->session;

    switch (ticket->effect) {
    case EFFECT_NONE:
    case EFFECT_LISTS_FDSETS:
        break;
    case EFFECT_NAMES_FD:
        fd_names_add(session->fd_names, ticket->fd_name);
        break;
    case EFFECT_CLOSES_FD:
        fd_names_remove(session->fd_names, ticket->fd_name);
        break;
    case EFFECT_ADDS_FD:
        fdsets_note_added(session->sessions->fdsets, &reply->value, session->caller);
        break;
    }
    session->user.has_names = session->user.place && !fd_names_is_empty(session->fd_names);
}

/* It has come to its end, one way or another. */
static void
ticket_free(SessionTicket *ticket)
{
    Session *session = ticket->session;

    g_queue_unlink(&session->sessions->tickets, &ticket->link);
    session->user.pending--;
    g_free(ticket->fd_name);
    g_free(ticket);
}

static void
tell(SessionTicket *ticket, const QmpReply *reply, const GError *error)
{
    Session *session = ticket->session;
    g_autofree char *cleaned = NULL;
    QmpReply seen;

    if (!ticket->func)
        return;
    if (!reply || reply->error_class) {
        ticket->func(reply, error, ticket->user_data);
        return;
    }
    seen = *reply;
    cleaned =
        guard_clean(session->sessions->fdsets, session->caller, ticket->effect == EFFECT_LISTS_FDSETS, &reply->value);
    if (cleaned)
        seen.value = (QmpText){ cleaned, strlen(cleaned) };
    ticket->func(&seen, NULL, ticket->user_data);
}

static void
on_replied(const QmpReply *reply, const GError *error, gpointer user_data)
{
    SessionTicket *ticket = user_data;
    Session *session = ticket->session;

    if (reply && !reply->error_class)
        note_effect(ticket, reply);
    tell(ticket, reply, error);
    ticket_free(ticket);
    if (session->has_left && session->user.pending == 0)
        end_session(session);
}

static Effect
get_effect(const char *command)
{
    if (g_str_equal(command, "getfd"))
        return EFFECT_NAMES_FD;
    if (g_str_equal(command, "closefd"))
        return EFFECT_CLOSES_FD;
    if (g_str_equal(command, "query-fdsets"))
        return EFFECT_LISTS_FDSETS;
    return g_str_equal(command, "add-fd") ? EFFECT_ADDS_FD : EFFECT_NONE;
}

static char *
get_fd_name(JsonNode *arguments)
{
    JsonNode *name = arguments ? json_object_get_member(json_node_get_object(arguments), "fdname") : NULL;

    return g_strdup(name && qmp_json_get_type(name) == QMP_JSON_STRING ? qmp_json_get_string(name) : "");
}

static SessionTicket *
ticket_new(Session *session, const SessionsRequest *request, QmpReplyFunc func, gpointer user_data)
{
    SessionTicket *ticket = g_new0(SessionTicket, 1);

    ticket->session = session;
    ticket->effect = get_effect(request->command);
    if (ticket->effect == EFFECT_NAMES_FD || ticket->effect == EFFECT_CLOSES_FD)
        ticket->fd_name = get_fd_name(request->arguments);
    ticket->func = func;
    ticket->user_data = user_data;
    ticket->link.data = ticket;
    g_queue_push_tail_link(&session->sessions->tickets, &ticket->link);
    session->user.pending++;
    return ticket;
}

static char *
write_arguments(JsonNode *arguments)
{
    GString *text;

    if (!arguments || json_object_get_size(json_node_get_object(arguments)) == 0)
        return NULL;
    text = g_string_sized_new(64);
    qmp_json_append(text, arguments);
    return g_string_free(text, FALSE);
}

static SessionTicket *
send(Session *session, const SessionsRequest *request, const char *text, QmpReplyFunc func, gpointer user_data,
     GError **error)
{
    Place *place = session->user.place;
    g_autoptr(JsonNode) translated = NULL;
    g_autofree char *translated_text = NULL;
    QmpCommand command = {
        .name = request->command,
        .arguments = text,
        .flags = request->flags,
        .fd = request->fd,
    };
    SessionTicket *ticket = ticket_new(session, request, func, user_data);

    if (text && place_is_common(place)) {
        translated = fd_names_translate(session->fd_names, request->command, request->arguments);
        command.arguments = translated_text = write_arguments(translated);
    }
    ticket->ticket =
        slot_submit(place_get_slot(place, request->flags), session->caller, &command, on_replied, ticket, error);
    if (!ticket->ticket)
        g_clear_pointer(&ticket, ticket_free);
    return ticket;
}

static void
on_fdsets(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Sessions *sessions = user_data;

    sessions->fdsets_ticket = NULL;
    if (reply && !reply->error_class)
        fdsets_note_common(sessions->fdsets, &reply->value);
}

/* The first of them has QEMU asked which fdsets are there without them. */
static Session *
get_session(Sessions *sessions, const char *caller, guint32 uid)
{
    Session *session = g_hash_table_lookup(sessions->by_caller, caller);

    if (session)
        return session;
    if (sessions->n_callers == 0)
        sessions->fdsets_ticket =
            qemu_ask(vm_get_qemu(sessions->vm), &(QmpCommand){ .name = "query-fdsets" }, on_fdsets, sessions);
    session = g_new0(Session, 1);
    session->sessions = sessions;
    session->caller = g_strdup(caller);
    session->uid = uid;
    session->fd_names = fd_names_new(++sessions->n_callers);
    session->link.data = session;
    g_hash_table_insert(sessions->by_caller, session->caller, session);
    return session;
}

SessionTicket *
sessions_submit(Sessions *sessions, const SessionsRequest *request, QmpReplyFunc func, gpointer user_data,
                GError **error)
{
    Session *session = get_session(sessions, request->caller, request->uid);
    g_autofree char *text = write_arguments(request->arguments);

    if (!session->user.place)
        fd_names_clear(session->fd_names);
    if (guard_check(sessions->fdsets, request->caller, request->command, request->arguments, text, error) &&
        places_find(sessions->places, &session->user, error))
        return send(session, request, text, func, user_data, error);
    if (request->flags & QMP_EXECUTE_FD)
        close(request->fd);
    return NULL;
}

static gboolean
changes_something(SessionTicket *ticket)
{
    return ticket->effect != EFFECT_NONE && ticket->effect != EFFECT_LISTS_FDSETS;
}

void
session_ticket_cancel(SessionTicket *ticket)
{
    ticket->func = NULL;
    /* What it brings about is to be known all the same. */
    if (changes_something(ticket) && !reply_ticket_is_waiting(ticket->ticket))
        return;
    reply_ticket_cancel(ticket->ticket);
    ticket_free(ticket);
}

/* Where the monitor stays, so would its names for descriptors. */
static void
close_names(Session *session)
{
    g_autoptr(GPtrArray) names = fd_names_dup(session->fd_names);

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(JsonObject) arguments = json_object_new();
        g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), arguments);
        SessionsRequest request = { .command = "closefd", .arguments = node };
        g_autofree char *text = NULL;

        json_object_set_member(arguments, "fdname", qmp_json_new_string(g_ptr_array_index(names, i)));
        text = write_arguments(node);
        send(session, &request, text, /* func= */ NULL, /* user_data= */ NULL, /* error= */ NULL);
    }
}

void
sessions_drop_caller(Sessions *sessions, const char *caller)
{
    Session *session = g_hash_table_lookup(sessions->by_caller, caller);

    if (!session)
        return;
    g_hash_table_steal(sessions->by_caller, caller);
    g_queue_push_tail_link(&sessions->leaving, &session->link);
    session->has_left = TRUE;
    if (session->user.place && place_keeps_names(session->user.place))
        close_names(session);
    if (session->user.pending == 0)
        end_session(session);
}

Places *
sessions_get_places(Sessions *sessions)
{
    return sessions->places;
}

static void
show(Session *session, SessionsFunc func, gpointer user_data)
{
    Place *place = session->user.place;

    if (!place)
        return;
    func(&(SessionInfo){ .id = place_get_id(place),
                         .caller = session->caller,
                         .uid = session->uid,
                         .mode = place_get_mode(place),
                         .pending = session->user.pending,
                         .since = session->user.since },
         user_data);
}

void
sessions_foreach(Sessions *sessions, SessionsFunc func, gpointer user_data)
{
    GHashTableIter callers;
    gpointer session;

    g_hash_table_iter_init(&callers, sessions->by_caller);
    while (g_hash_table_iter_next(&callers, NULL, &session))
        show(session, func, user_data);
    /* Who has left holds a monitor for as long as something of theirs is under way in it. */
    for (GList *i = sessions->leaving.head; i; i = i->next)
        show(i->data, func, user_data);
}

Sessions *
sessions_new(GMainContext *context, Vm *vm, const PlacesLimits *limits, PlacesModeFunc func, gpointer user_data)
{
    Sessions *sessions = g_new0(Sessions, 1);

    sessions->vm = vm;
    sessions->places = places_new(context, vm, limits, func, user_data);
    sessions->by_caller = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, session_free);
    sessions->fdsets = fdsets_new();
    return sessions;
}

static void
fail_tickets(Sessions *sessions)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");

    while (sessions->tickets.head) {
        SessionTicket *ticket = sessions->tickets.head->data;
        QmpReplyFunc func = ticket->func;
        gpointer user_data = ticket->user_data;
        reply_ticket_cancel(ticket->ticket);
        ticket_free(ticket);
        if (func)
            func(NULL, error, user_data);
    }
}

void
sessions_free(Sessions *sessions)
{
    fail_tickets(sessions);
    g_clear_pointer(&sessions->fdsets_ticket, qmp_ticket_cancel);
    places_free(sessions->places);
    g_hash_table_unref(sessions->by_caller);
    g_queue_clear_full(&sessions->leaving, session_free);
    fdsets_free(sessions->fdsets);
    g_free(sessions);
}
