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

#include "fair-queue.h"
#include "quota.h"
#include "shown-name.h"
#include "user-names.h"

/* Of one caller, and of all: what waits holds calls and their arguments. Arguments are counted as JSON; in memory it
 * is up to 40 times as much. A system bus lets a caller wait for as many replies. */
static const QuotaLimits limits = {
    .of_caller = { .n = 128, .bytes = 512 * 1024 },
    .of_user = { .bytes = 2 * 1024 * 1024 },
    .of_all = { .bytes = 8 * 1024 * 1024 },
};

/* Questions under way at polkit. Together below 128, which dbus-daemon lets one connection have on a system bus; a
 * dialog may stand there for hours, and one user cannot have them all. */
#define MAX_CHECKS 64
#define MAX_PROMPTS 32
#define MAX_PROMPTS_OF_USER 8

struct PolicyQueue {
    GMainContext *context; /* ref */
    Authority *authority; /* weak */
    UserNames *owners; /* owned; of those whose QEMUs are asked about */
    FairQueue lines; /* of Line, by the unique names of callers */
    GSource *server; /* owned; until the turns have been taken */
    guint n_checks, n_prompts;
    Quota quota; /* of PolicyEntry */
};

typedef struct Line {
    FairLine line; /* its entries: PolicyEntry, owned; the first is asked next, or is being asked */
    PolicyQueue *queue; /* weak */
    GQueue aside; /* of PolicyEntry, owned, by their links: have a dialog, or wait for that of another to end */
    gboolean is_asking;
} Line;

struct PolicyEntry {
    Line *line; /* weak */
    GList link; /* in one of the line's queues */
    QuotaShare share; /* of the queue's quota */
    gboolean is_aside;
    const PolicyRequest *request; /* weak */
    PolicyClasses left; /* of what it takes, that which has not been allowed yet */
    PolicyClasses unprompted; /* of what has been allowed, that which nobody was asked for in person */
    AuthorityCheck *check; /* weak; under way */
    PolicyQueueFunc func;
    gpointer user_data;
};

static PolicyClass
get_asked_class(PolicyEntry *entry)
{
    return (PolicyClass)g_bit_nth_lsf(entry->left, -1);
}

static void serve_soon(PolicyQueue *queue);

static void
bring_back(Line *line, PolicyClass policy_class)
{
    for (GList *i = line->aside.tail, *previous; i; i = previous) {
        PolicyEntry *entry = i->data;
        previous = i->prev;
        if (entry->check || get_asked_class(entry) != policy_class)
            continue;
        entry->is_aside = FALSE;
        g_queue_unlink(&line->aside, i);
        fair_line_push_first(&line->line, i);
    }
}

/* Nothing of the entry is under way at polkit any more, and the entry stands in line. */
static void
end_check(PolicyEntry *entry)
{
    Line *line = entry->line;

    entry->check = NULL;
    if (entry->is_aside) {
        line->queue->n_prompts--;
        bring_back(line, get_asked_class(entry));
    } else {
        line->queue->n_checks--;
        line->is_asking = FALSE;
    }
    serve_soon(line->queue);
}

static void
free_entry(PolicyEntry *entry)
{
    Line *line = entry->line;

    if (entry->is_aside)
        g_queue_unlink(&line->aside, &entry->link);
    else
        fair_line_remove(&line->line, &entry->link);
    quota_share_return(&entry->share);
    if (line->line.waiting.length + line->aside.length == 0)
        fair_line_drop(&line->line);
    g_free(entry);
}

static void
end_entry(PolicyEntry *entry, BusErrorCode code, const char *why)
{
    PolicyQueueFunc func = entry->func;
    gpointer func_data = entry->user_data;

    free_entry(entry);
    func(code, why, func_data);
}

/* NULL: nobody knows, or polkit is not told. */
static const char *
get_owner_name(PolicyQueue *queue, guint32 uid)
{
    if (uid == BUS_PEER_NO_ID || !authority_takes_details(queue->authority))
        return NULL;
    return user_names_get(queue->owners, uid, g_get_monotonic_time());
}

/* Asks polkit, with the details by which rules and messages can tell one question from another. */
static AuthorityCheck *
ask_authority(PolicyEntry *entry, gboolean is_interactive, AuthorityFunc func, GError **error)
{
    const PolicyRequest *request = entry->request;
    const char *owner = get_owner_name(entry->line->queue, request->qemu_uid);
    const struct {
        const char *name, *value;
    } known[] = {
        { "command", request->command }, { "bus", request->bus }, { "vm", request->vm },
        { "uuid", request->uuid },       { "id", request->id },   { "owner", owner },
    };
    const char *details[2 * G_N_ELEMENTS(known) + 1] = { NULL };
    AuthorityQuestion question = {
        .peer = request->peer,
        .action = policy_class_get_action(get_asked_class(entry)),
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
    return authority_check(entry->line->queue->authority, &question, func, entry, error);
}

/* One of its actions is allowed; @left, what else it takes, is asked for next. */
static void
allow_classes(PolicyEntry *entry, PolicyClasses left)
{
    entry->left = left;
    if (left == 0)
        end_entry(entry, BUS_ERROR_FAILED, /* why= */ NULL);
}

static void
allow_unprompted(PolicyEntry *entry)
{
    entry->unprompted |= POLICY_CLASSES(get_asked_class(entry));
    allow_classes(entry, entry->left & (entry->left - 1));
}

/* A dialog can stand there for hours, in which leave that rules gave may have been taken back. The classes
 * that the person was asked for are not asked again: they would be asked for ever, by turns. */
static void
allow_prompted(PolicyEntry *entry)
{
    PolicyClasses again = entry->unprompted;

    entry->unprompted = 0;
    allow_classes(entry, (entry->left & (entry->left - 1)) | again);
}

static void
on_prompted(AuthorityAnswer answer, const GError *error, gpointer user_data)
{
    PolicyEntry *entry = user_data;

    end_check(entry);
    if (answer == AUTHORITY_YES)
        allow_prompted(entry);
    else if (answer == AUTHORITY_CHALLENGE)
        end_entry(entry, BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "nobody is there who could authenticate");
    else
        end_entry(entry, BUS_ERROR_ACCESS_DENIED, error ? error->message : "not authorized");
}

static gboolean
has_dialog(Line *line, PolicyClass policy_class)
{
    for (GList *i = line->aside.head; i; i = i->next) {
        PolicyEntry *entry = i->data;
        if (entry->check && get_asked_class(entry) == policy_class)
            return TRUE;
    }
    return FALSE;
}

static guint
count_dialogs(PolicyQueue *queue, guint32 uid)
{
    g_autoptr(GList) lines = fair_queue_list_lines(&queue->lines);
    guint n = 0;

    for (GList *line = lines; line; line = line->next)
        for (GList *i = ((Line *)line->data)->aside.head; i; i = i->next) {
            PolicyEntry *entry = i->data;
            n += entry->check && entry->request->peer->uid == uid;
        }
    return n;
}

static gboolean
has_room_for_dialog(PolicyEntry *entry)
{
    PolicyQueue *queue = entry->line->queue;

    return queue->n_prompts < MAX_PROMPTS && count_dialogs(queue, entry->request->peer->uid) < MAX_PROMPTS_OF_USER;
}

static void
step_aside(PolicyEntry *entry)
{
    Line *line = entry->line;

    entry->is_aside = TRUE;
    fair_line_remove(&line->line, &entry->link);
    g_queue_push_tail_link(&line->aside, &entry->link);
    line->queue->n_prompts += entry->check != NULL;
}

static void
prompt_person(PolicyEntry *entry)
{
    g_autoptr(GError) error = NULL;

    if (has_dialog(entry->line, get_asked_class(entry)))
        step_aside(entry);
    else if (!has_room_for_dialog(entry))
        end_entry(entry, BUS_ERROR_LIMITS_EXCEEDED, "too many dialogs are open already");
    else if ((entry->check = ask_authority(entry, /* is_interactive= */ TRUE, on_prompted, &error)))
        step_aside(entry);
    else
        end_entry(entry, BUS_ERROR_ACCESS_DENIED, error->message);
}

static void
on_checked(AuthorityAnswer answer, const GError *error, gpointer user_data)
{
    PolicyEntry *entry = user_data;

    end_check(entry);
    if (answer == AUTHORITY_YES)
        allow_unprompted(entry);
    else if (answer == AUTHORITY_NO)
        end_entry(entry, BUS_ERROR_ACCESS_DENIED, error ? error->message : "not authorized");
    else if (entry->request->is_interactive)
        prompt_person(entry);
    else
        end_entry(entry, BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                  "somebody has to authenticate, and the call does not allow to ask them");
}

static void
ask_first(Line *line)
{
    PolicyEntry *entry = line->line.waiting.head->data;
    g_autoptr(GError) error = NULL;

    entry->check = ask_authority(entry, /* is_interactive= */ FALSE, on_checked, &error);
    if (entry->check) {
        line->is_asking = TRUE;
        line->queue->n_checks++;
    } else {
        end_entry(entry, BUS_ERROR_ACCESS_DENIED, error->message);
    }
}

static gboolean
may_ask_first(gpointer line, gpointer unused)
{
    return !((Line *)line)->is_asking;
}

static gboolean
serve_lines(gpointer user_data)
{
    PolicyQueue *queue = user_data;
    Line *line;

    g_clear_pointer(&queue->server, g_source_unref);
    while (queue->n_checks < MAX_CHECKS && (line = fair_queue_take_turn(&queue->lines, may_ask_first, NULL)))
        ask_first(line);
    return G_SOURCE_REMOVE;
}

static void
serve_soon(PolicyQueue *queue)
{
    if (queue->server || queue->lines.turns.length == 0 || queue->n_checks >= MAX_CHECKS)
        return;
    queue->server = g_idle_source_new();
    g_source_set_priority(queue->server, G_PRIORITY_DEFAULT);
    g_source_set_callback(queue->server, serve_lines, queue, NULL);
    g_source_attach(queue->server, queue->context);
}

PolicyEntry *
policy_queue_join(PolicyQueue *queue, const PolicyRequest *request, PolicyQueueFunc func, gpointer user_data,
                  GError **error)
{
    const BusPeer *peer = request->peer;
    QuotaShare share;
    PolicyEntry *entry;

    if (!quota_take(&queue->quota, &limits, peer->name, peer->uid, request->size, &share)) {
        g_set_error_literal(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "too much waits for polkit already");
        return NULL;
    }
    entry = g_new0(PolicyEntry, 1);
    entry->share = share;
    entry->line = fair_queue_get_line(&queue->lines, peer->name);
    entry->line->queue = queue;
    entry->link.data = entry;
    entry->request = request;
    entry->left = request->classes;
    entry->func = func;
    entry->user_data = user_data;
    fair_line_push(&entry->line->line, &entry->link);
    serve_soon(queue);
    return entry;
}

void
policy_entry_leave(PolicyEntry *entry)
{
    if (entry->check) {
        authority_check_cancel(entry->check);
        end_check(entry);
    }
    free_entry(entry);
}

PolicyQueue *
policy_queue_new(GMainContext *context, Authority *authority)
{
    PolicyQueue *queue = g_new0(PolicyQueue, 1);

    queue->context = g_main_context_ref(context);
    queue->authority = authority;
    queue->owners = user_names_new(shown_name_dup_user);
    fair_queue_init(&queue->lines, sizeof(Line));
    return queue;
}

void
policy_queue_free(PolicyQueue *queue)
{
    if (queue->server)
        g_source_destroy(queue->server);
    g_clear_pointer(&queue->server, g_source_unref);
    fair_queue_clear(&queue->lines);
    user_names_free(queue->owners);
    g_main_context_unref(queue->context);
    g_free(queue);
}
