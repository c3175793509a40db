/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of a question, from top to bottom:
 *
 *   policy_queue_join()  the question stands in its caller's line
 *   serve_lines()        polkit is asked the first in line, without a dialog, so that the answer takes no time
 *   on_checked()         polkit says yes, no, or: somebody would have to authenticate
 *   prompt_person()      if a person may be asked, the question steps aside, and they are: one dialog for a caller and an
 *                        action
 *   on_prompted()        the person has answered; what was allowed before without a dialog is asked again
 *   end_entry()          the one place where a question ends
 *
 * A caller's questions are asked one after another, so that commands reach QEMU in the order in which they were called.
 * One that a person has to decide steps aside, and the others go on: an open dialog holds up nothing but what needs the
 * same dialog. When it ends, what waited for it is asked again, because the answer may hold for that too. */
#include "policy-queue.h"

#include "shown-name.h"

/* Of one caller, and of all: what waits holds calls and their arguments. Arguments are counted as JSON; in memory it
 * is up to 40 times as much. A system bus lets a caller wait for as many replies. */
#define MAX_QUESTIONS 128
#define MAX_BYTES (512u * 1024)
#define MAX_BYTES_OF_USER (2u * 1024 * 1024)
#define MAX_BYTES_OF_ALL (8u * 1024 * 1024)

/* Questions under way at polkit. Together below 128, which dbus-daemon lets one connection have on a system bus; a
 * dialog may stand there for hours, and one user cannot have them all. */
#define MAX_CHECKS 64
#define MAX_PROMPTS 32
#define MAX_PROMPTS_OF_USER 8

struct PolicyQueue {
    GMainContext *context; /* ref */
    Authority *authority; /* weak */
    GHashTable *by_caller; /* owned, of Line */
    GQueue turns; /* of Line, weak, by their links: have somebody waiting, and nobody asking */
    GSource *server; /* owned; until the turns have been taken */
    guint n_checks, n_prompts;
    gsize bytes;
};

typedef struct Line {
    PolicyQueue *lines; /* weak */
    char *caller; /* owned; the unique name */
    guint32 uid;
    GQueue waiting; /* of PolicyPlace, owned, by their links; the first is asked next, or is being asked */
    GQueue aside; /* of PolicyPlace, owned, by their links: have a dialog, or wait for that of another to end */
    gboolean is_asking;
    GList link; /* in lines->turns, while its data is set */
    gsize bytes;
} Line;

struct PolicyEntry {
    Line *line; /* weak */
    GList link; /* in one of the line's queues */
    gboolean is_aside;
    const PolicyRequest *request; /* weak */
    PolicyClasses left; /* of what it takes, that which has not been allowed yet */
    PolicyClasses unprompted; /* of what has been allowed, that which nobody was asked for in person */
    AuthorityCheck *check; /* weak; under way */
    PolicyQueueFunc func;
    gpointer user_data;
};

static PolicyClass
get_asked_class(PolicyEntry *place)
{
    return (PolicyClass)g_bit_nth_lsf(place->left, -1);
}

static void serve_soon(PolicyQueue *lines);

/* Its first question can be asked. */
static void
take_turn(Line *line)
{
    if (line->is_asking || line->waiting.length == 0 || line->link.data)
        return;
    line->link.data = line;
    g_queue_push_tail_link(&line->lines->turns, &line->link);
    serve_soon(line->lines);
}

static void
policy_line_free(gpointer data)
{
    Line *line = data;

    if (line->link.data)
        g_queue_unlink(&line->lines->turns, &line->link);
    g_free(line->caller);
    g_free(line);
}

static void
bring_back(Line *line, PolicyClass policy_class)
{
    for (GList *i = line->aside.tail, *previous; i; i = previous) {
        PolicyEntry *place = i->data;
        previous = i->prev;
        if (place->check || get_asked_class(place) != policy_class)
            continue;
        place->is_aside = FALSE;
        g_queue_unlink(&line->aside, i);
        g_queue_push_head_link(&line->waiting, i);
    }
}

/* Nothing of the entry is under way at polkit any more, and the entry stands in line. */
static void
end_check(PolicyEntry *place)
{
    Line *line = place->line;

    place->check = NULL;
    if (place->is_aside) {
        line->lines->n_prompts--;
        bring_back(line, get_asked_class(place));
    } else {
        line->lines->n_checks--;
        line->is_asking = FALSE;
    }
    take_turn(line);
    serve_soon(line->lines);
}

static void
place_free(PolicyEntry *place)
{
    Line *line = place->line;
    PolicyQueue *lines = line->lines;

    g_queue_unlink(place->is_aside ? &line->aside : &line->waiting, &place->link);
    line->bytes -= place->request->size;
    lines->bytes -= place->request->size;
    if (line->waiting.length + line->aside.length == 0)
        g_hash_table_remove(lines->by_caller, line->caller);
    g_free(place);
}

static void
end_entry(PolicyEntry *place, BusErrorCode code, const char *why)
{
    PolicyQueueFunc func = place->func;
    gpointer func_data = place->user_data;

    place_free(place);
    func(code, why, func_data);
}

/* Asks polkit, with the details by which rules and messages can tell one question from another. */
static AuthorityCheck *
ask_authority(PolicyEntry *place, gboolean is_interactive, AuthorityFunc func, GError **error)
{
    const PolicyRequest *request = place->request;
    g_autofree char *owner = request->qemu_uid == BUS_PEER_NO_ID ? NULL : shown_name_dup_user(request->qemu_uid);
    const struct {
        const char *name, *value;
    } known[] = {
        { "command", request->command }, { "bus", request->bus }, { "vm", request->vm },
        { "uuid", request->uuid },       { "id", request->id },   { "owner", owner },
    };
    const char *details[2 * G_N_ELEMENTS(known) + 1] = { NULL };
    AuthorityQuestion question = {
        .peer = request->peer,
        .action = policy_class_get_action(get_asked_class(place)),
        .details = details,
        .is_interactive = is_interactive,
    };
    guint n = 0;

    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!known[i].value)
            continue;
        details[n++] = known[i].name;
        details[n++] = known[i].value;
    }
    return authority_check(place->line->lines->authority, &question, func, place, error);
}

/* One of its actions is allowed; @left, what else it takes, is asked for next. */
static void
allow_classes(PolicyEntry *place, PolicyClasses left)
{
    place->left = left;
    if (left == 0)
        end_entry(place, BUS_ERROR_FAILED, /* why= */ NULL);
}

static void
allow_unprompted(PolicyEntry *place)
{
    place->unprompted |= POLICY_CLASSES(get_asked_class(place));
    allow_classes(place, place->left & (place->left - 1));
}

/* A dialog can stand there for hours, in which leave that rules gave may have been taken back. The classes
 * that the person was asked for are not asked again: they would be asked for ever, by turns. */
static void
allow_prompted(PolicyEntry *place)
{
    PolicyClasses again = place->unprompted;

    place->unprompted = 0;
    allow_classes(place, (place->left & (place->left - 1)) | again);
}

static void
on_prompted(AuthorityAnswer answer, const GError *error, gpointer user_data)
{
    PolicyEntry *place = user_data;

    end_check(place);
    if (answer == AUTHORITY_YES)
        allow_prompted(place);
    else if (answer == AUTHORITY_CHALLENGE)
        end_entry(place, BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "nobody is there who could authenticate");
    else
        end_entry(place, BUS_ERROR_ACCESS_DENIED, error ? error->message : "not authorized");
}

static gboolean
has_dialog(Line *line, PolicyClass policy_class)
{
    for (GList *i = line->aside.head; i; i = i->next) {
        PolicyEntry *place = i->data;
        if (place->check && get_asked_class(place) == policy_class)
            return TRUE;
    }
    return FALSE;
}

static guint
count_dialogs(PolicyQueue *lines, guint32 uid)
{
    GHashTableIter callers;
    gpointer line;
    guint n = 0;

    g_hash_table_iter_init(&callers, lines->by_caller);
    while (g_hash_table_iter_next(&callers, NULL, &line))
        for (GList *i = ((Line *)line)->aside.head; i; i = i->next) {
            PolicyEntry *place = i->data;
            n += place->check && place->request->peer->uid == uid;
        }
    return n;
}

static gboolean
has_room_for_dialog(PolicyEntry *place)
{
    PolicyQueue *lines = place->line->lines;

    return lines->n_prompts < MAX_PROMPTS && count_dialogs(lines, place->request->peer->uid) < MAX_PROMPTS_OF_USER;
}

static void
step_aside(PolicyEntry *place)
{
    Line *line = place->line;

    place->is_aside = TRUE;
    g_queue_unlink(&line->waiting, &place->link);
    g_queue_push_tail_link(&line->aside, &place->link);
    line->lines->n_prompts += place->check != NULL;
}

static void
prompt_person(PolicyEntry *place)
{
    g_autoptr(GError) error = NULL;

    if (has_dialog(place->line, get_asked_class(place)))
        step_aside(place);
    else if (!has_room_for_dialog(place))
        end_entry(place, BUS_ERROR_LIMITS_EXCEEDED, "too many dialogs are open already");
    else if ((place->check = ask_authority(place, /* is_interactive= */ TRUE, on_prompted, &error)))
        step_aside(place);
    else
        end_entry(place, BUS_ERROR_ACCESS_DENIED, error->message);
}

static void
on_checked(AuthorityAnswer answer, const GError *error, gpointer user_data)
{
    PolicyEntry *place = user_data;

    end_check(place);
    if (answer == AUTHORITY_YES)
        allow_unprompted(place);
    else if (answer == AUTHORITY_NO)
        end_entry(place, BUS_ERROR_ACCESS_DENIED, error ? error->message : "not authorized");
    else if (place->request->is_interactive)
        prompt_person(place);
    else
        end_entry(place, BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                  "somebody has to authenticate, and the call does not allow to ask them");
}

/* A line may have emptied since it got its turn. */
static void
ask_first(Line *line)
{
    PolicyEntry *place = g_queue_peek_head(&line->waiting);
    g_autoptr(GError) error = NULL;

    if (!place)
        return;
    place->check = ask_authority(place, /* is_interactive= */ FALSE, on_checked, &error);
    if (place->check) {
        line->is_asking = TRUE;
        line->lines->n_checks++;
    } else {
        take_turn(line);
        end_entry(place, BUS_ERROR_ACCESS_DENIED, error->message);
    }
}

static gboolean
serve_lines(gpointer user_data)
{
    PolicyQueue *lines = user_data;
    GList *link;

    g_clear_pointer(&lines->server, g_source_unref);
    while (lines->n_checks < MAX_CHECKS && (link = g_queue_pop_head_link(&lines->turns)))
        ask_first(g_steal_pointer(&link->data));
    return G_SOURCE_REMOVE;
}

static void
serve_soon(PolicyQueue *lines)
{
    if (lines->server || lines->turns.length == 0)
        return;
    lines->server = g_idle_source_new();
    g_source_set_priority(lines->server, G_PRIORITY_DEFAULT);
    g_source_set_callback(lines->server, serve_lines, lines, NULL);
    g_source_attach(lines->server, lines->context);
}

static Line *
get_line(PolicyQueue *lines, const char *caller)
{
    Line *line = g_hash_table_lookup(lines->by_caller, caller);

    if (line)
        return line;
    line = g_new0(Line, 1);
    line->lines = lines;
    line->caller = g_strdup(caller);
    g_hash_table_insert(lines->by_caller, line->caller, line);
    return line;
}

static gsize
count_bytes_of_user(PolicyQueue *lines, guint32 uid)
{
    GHashTableIter callers;
    gpointer line;
    gsize bytes = 0;

    g_hash_table_iter_init(&callers, lines->by_caller);
    while (g_hash_table_iter_next(&callers, NULL, &line))
        bytes += ((Line *)line)->uid == uid ? ((Line *)line)->bytes : 0;
    return bytes;
}

static gboolean
has_room_for_request(PolicyQueue *lines, const PolicyRequest *request)
{
    Line *line = g_hash_table_lookup(lines->by_caller, request->peer->name);
    gsize bytes = line ? line->bytes : 0;

    return lines->bytes + request->size <= MAX_BYTES_OF_ALL && bytes + request->size <= MAX_BYTES &&
           count_bytes_of_user(lines, request->peer->uid) + request->size <= MAX_BYTES_OF_USER &&
           (!line || line->waiting.length + line->aside.length < MAX_QUESTIONS);
}

PolicyEntry *
policy_queue_join(PolicyQueue *lines, const PolicyRequest *request, PolicyQueueFunc func, gpointer user_data,
                  GError **error)
{
    PolicyEntry *place;

    if (!has_room_for_request(lines, request)) {
        g_set_error_literal(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "too much waits for polkit already");
        return NULL;
    }
    place = g_new0(PolicyEntry, 1);
    place->line = get_line(lines, request->peer->name);
    place->line->uid = request->peer->uid;
    place->link.data = place;
    place->request = request;
    place->left = request->classes;
    place->func = func;
    place->user_data = user_data;
    g_queue_push_tail_link(&place->line->waiting, &place->link);
    place->line->bytes += request->size;
    lines->bytes += request->size;
    take_turn(place->line);
    return place;
}

void
policy_entry_leave(PolicyEntry *place)
{
    if (place->check) {
        authority_check_cancel(place->check);
        end_check(place);
    }
    place_free(place);
}

PolicyQueue *
policy_queue_new(GMainContext *context, Authority *authority)
{
    PolicyQueue *lines = g_new0(PolicyQueue, 1);

    lines->context = g_main_context_ref(context);
    lines->authority = authority;
    lines->by_caller = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, policy_line_free);
    return lines;
}

void
policy_queue_free(PolicyQueue *lines)
{
    if (lines->server)
        g_source_destroy(lines->server);
    g_clear_pointer(&lines->server, g_source_unref);
    g_hash_table_unref(lines->by_caller);
    g_main_context_unref(lines->context);
    g_free(lines);
}
