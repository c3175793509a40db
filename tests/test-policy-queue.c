/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions on their way to polkit, with a polkit of the test's own: what breaks here lets commands overtake each other, opens
 * dialog upon dialog, or never answers a caller. */
#include "policy-queue.h"

#include <string.h>

/* What policy-queue.c asks: the library's own is not linked beside this one. */
struct AuthorityCheck {
    struct Authority *authority; /* weak */
    char *caller, *action; /* owned */
    gboolean is_interactive;
    AuthorityFunc func;
    gpointer user_data;
};

struct Authority {
    GPtrArray *checks; /* owned, of AuthorityCheck; under way */
    GString *log; /* owned; what was asked, a blank after each */
    const char *refuses; /* a caller about whom nothing can be asked */
    gboolean takes_no_details;
};

static void
check_free(gpointer data)
{
    AuthorityCheck *check = data;

    g_free(check->caller);
    g_free(check->action);
    g_free(check);
}

static const char *
find_owner(const char *const *details)
{
    for (; details[0]; details += 2)
        if (g_str_equal(details[0], "owner"))
            return details[1];
    return NULL;
}

static const char *
get_short(const char *action)
{
    return strrchr(action, '.') + 1;
}

AuthorityCheck *
authority_check(Authority *authority, const AuthorityQuestion *question, AuthorityFunc func, gpointer user_data,
                GError **error)
{
    AuthorityCheck *check;
    const char *owner = find_owner(question->details);

    if (g_strcmp0(question->peer->name, authority->refuses) == 0) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "no process is known");
        return NULL;
    }
    check = g_new(AuthorityCheck, 1);
    *check = (AuthorityCheck){
        authority, g_strdup(question->peer->name), g_strdup(question->action), question->is_interactive, func,
        user_data
    };
    g_ptr_array_add(authority->checks, check);
    g_string_append_printf(authority->log, "%s%s%s%s ", check->caller, get_short(check->action),
                           check->is_interactive ? "?" : "", owner ? owner : "");
    return check;
}

gboolean
authority_takes_details(Authority *authority)
{
    return !authority->takes_no_details;
}

void
authority_check_cancel(AuthorityCheck *check)
{
    g_ptr_array_remove(check->authority->checks, check);
}

typedef struct Fixture {
    GMainContext *context; /* owned */
    Authority authority;
    PolicyQueue *queue; /* owned */
    GString *log; /* owned; how questions ended, a blank after each */
} Fixture;

typedef struct Question {
    Fixture *fixture; /* weak */
    const char *name;
    BusPeer peer;
    PolicyRequest request;
    PolicyEntry *entry; /* weak; NULL once answered */
    struct Question *leaves; /* weak; when this one is answered */
} Question;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->authority.checks = g_ptr_array_new_with_free_func(check_free);
    fixture->authority.log = g_string_new(NULL);
    fixture->queue = policy_queue_new(fixture->context, &fixture->authority);
    fixture->log = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    policy_queue_free(fixture->queue);
    g_assert_cmpuint(fixture->authority.checks->len, ==, 0);
    g_assert_false(g_main_context_pending(fixture->context));
    g_ptr_array_unref(fixture->authority.checks);
    g_string_free(fixture->authority.log, TRUE);
    g_string_free(fixture->log, TRUE);
    g_main_context_unref(fixture->context);
}

static void
leave(Question *question)
{
    policy_entry_leave(g_steal_pointer(&question->entry));
}

static void
on_decided(BusErrorCode code, const char *why, gpointer user_data)
{
    Question *question = user_data;

    question->entry = NULL;
    if (!why)
        g_string_append_printf(question->fixture->log, "%s+ ", question->name);
    else if (code == BUS_ERROR_ACCESS_DENIED)
        g_string_append_printf(question->fixture->log, "%s- ", question->name);
    else
        g_string_append_printf(question->fixture->log, "%s(%s) ", question->name,
                               strrchr(bus_error_get_name(code), '.') + 1);
    if (question->leaves)
        leave(question->leaves);
}

static gboolean
join(Fixture *fixture, Question *question, const char *name, const char *caller, PolicyClasses classes, gsize size,
     GError **error)
{
    memset(question, 0, sizeof *question);
    question->fixture = fixture;
    question->name = name;
    question->peer = (BusPeer){ .name = (char *)caller, .uid = 1000, .pid = 1 };
    question->request = (PolicyRequest){
        .peer = &question->peer,
        .is_interactive = TRUE,
        .classes = classes,
        .command = "stop",
        .bus = "system",
        .owner_uid = BUS_PEER_NO_ID,
        .qemu_uid = BUS_PEER_NO_ID,
        .friend_uid = BUS_PEER_NO_ID,
        .size = size,
    };
    question->entry = policy_queue_join(fixture->queue, &question->request, on_decided, question, error);
    return question->entry != NULL;
}

#define CONTROL (1u << POLICY_CLASS_CONTROL)
#define HOST (1u << POLICY_CLASS_HOST)

static void
ask(Fixture *fixture, Question *question, const char *name, const char *caller, PolicyClasses classes)
{
    g_assert_true(join(fixture, question, name, caller, classes, 1, NULL));
}

static void
settle(Fixture *fixture)
{
    while (g_main_context_iteration(fixture->context, FALSE))
        ;
}

/* What has been asked since the last time. */
static void
assert_asked(Fixture *fixture, const char *log)
{
    settle(fixture);
    g_assert_cmpstr(fixture->authority.log->str, ==, log);
    g_string_truncate(fixture->authority.log, 0);
}

static void
assert_decided(Fixture *fixture, const char *log)
{
    settle(fixture);
    g_assert_cmpstr(fixture->log->str, ==, log);
    g_string_truncate(fixture->log, 0);
}

/* Polkit answers the question that it was asked first. */
static void
answer(Fixture *fixture, AuthorityAnswer value)
{
    AuthorityCheck *check = g_ptr_array_steal_index(fixture->authority.checks, 0);

    check->func(value, NULL, check->user_data);
    check_free(check);
}

/* A caller with several commands: they are asked for one after the other, so that QEMU gets them in their order; another
 * caller's go on beside them. */
static void
test_order(Fixture *fixture, gconstpointer unused)
{
    Question first, second, other;

    ask(fixture, &first, "1", ":1", CONTROL);
    ask(fixture, &second, "2", ":1", CONTROL);
    ask(fixture, &other, "3", ":2", CONTROL);
    g_assert_cmpuint(fixture->authority.checks->len, ==, 0);
    assert_asked(fixture, ":1control :2control ");
    answer(fixture, AUTHORITY_YES);
    assert_decided(fixture, "1+ ");
    assert_asked(fixture, ":1control ");
    answer(fixture, AUTHORITY_NO);
    answer(fixture, AUTHORITY_YES);
    assert_decided(fixture, "3- 2+ ");
}

/* Rules may look at whose QEMU it is; a user is looked up only where polkit is told. */
static void
test_owner(Fixture *fixture, gconstpointer unused)
{
    Question question;

    ask(fixture, &question, "1", ":1", CONTROL);
    question.request.qemu_uid = 0;
    assert_asked(fixture, ":1controlroot ");
    answer(fixture, AUTHORITY_YES);
    fixture->authority.takes_no_details = TRUE;
    ask(fixture, &question, "2", ":1", CONTROL);
    question.request.qemu_uid = 0;
    assert_asked(fixture, ":1control ");
    answer(fixture, AUTHORITY_YES);
    assert_decided(fixture, "1+ 2+ ");
}

/* A command that is of two kinds: both must be allowed, and the first no is the answer. */
static void
test_classes(Fixture *fixture, gconstpointer unused)
{
    Question both, neither;

    ask(fixture, &both, "1", ":1", CONTROL | HOST);
    assert_asked(fixture, ":1host ");
    answer(fixture, AUTHORITY_YES);
    assert_decided(fixture, "");
    assert_asked(fixture, ":1control ");
    answer(fixture, AUTHORITY_YES);
    assert_decided(fixture, "1+ ");
    ask(fixture, &neither, "2", ":1", CONTROL | HOST);
    assert_asked(fixture, ":1host ");
    answer(fixture, AUTHORITY_NO);
    assert_decided(fixture, "2- ");
    assert_asked(fixture, "");
}

/* Somebody who has to authenticate: one dialog, beside which the caller's other questions go on; what waited for the same
 * dialog is asked again when it ends. */
static void
test_dialog(Fixture *fixture, gconstpointer unused)
{
    Question first, same, other;

    ask(fixture, &first, "1", ":1", CONTROL);
    ask(fixture, &same, "2", ":1", CONTROL);
    ask(fixture, &other, "3", ":1", HOST);
    assert_asked(fixture, ":1control ");
    answer(fixture, AUTHORITY_CHALLENGE);
    assert_asked(fixture, ":1control? :1control ");
    /* the second question's */
    AuthorityCheck *check = g_ptr_array_steal_index(fixture->authority.checks, 1);
    check->func(AUTHORITY_CHALLENGE, NULL, check->user_data);
    check_free(check);
    assert_asked(fixture, ":1host ");
    check = g_ptr_array_steal_index(fixture->authority.checks, 1);
    check->func(AUTHORITY_YES, NULL, check->user_data);
    check_free(check);
    assert_decided(fixture, "3+ ");
    answer(fixture, AUTHORITY_YES);
    assert_decided(fixture, "1+ ");
    assert_asked(fixture, ":1control ");
    answer(fixture, AUTHORITY_YES);
    assert_decided(fixture, "2+ ");
}

/* Somebody who closes the dialog: the command is refused, and nobody is asked again for it. */
static void
test_dismissed(Fixture *fixture, gconstpointer unused)
{
    Question question;

    ask(fixture, &question, "1", ":1", CONTROL);
    settle(fixture);
    answer(fixture, AUTHORITY_CHALLENGE);
    settle(fixture);
    answer(fixture, AUTHORITY_NO);
    assert_decided(fixture, "1- ");
    ask(fixture, &question, "2", ":1", CONTROL);
    settle(fixture);
    answer(fixture, AUTHORITY_CHALLENGE);
    settle(fixture);
    answer(fixture, AUTHORITY_CHALLENGE);
    assert_decided(fixture, "2(InteractiveAuthorizationRequired) ");
}

/* A program that does not want a dialog: it is told that there would have to be one. */
static void
test_not_interactive(Fixture *fixture, gconstpointer unused)
{
    Question question;

    ask(fixture, &question, "1", ":1", CONTROL);
    question.request.is_interactive = FALSE;
    settle(fixture);
    answer(fixture, AUTHORITY_CHALLENGE);
    assert_decided(fixture, "1(InteractiveAuthorizationRequired) ");
    assert_asked(fixture, ":1control ");
}

/* A caller about whom polkit cannot even be asked: refused, and those behind are asked for. */
static void
test_cannot_ask(Fixture *fixture, gconstpointer unused)
{
    Question first, second, other;

    fixture->authority.refuses = ":1";
    ask(fixture, &first, "1", ":1", CONTROL);
    ask(fixture, &second, "2", ":1", CONTROL);
    ask(fixture, &other, "3", ":2", CONTROL);
    assert_decided(fixture, "1- 2- ");
    answer(fixture, AUTHORITY_YES);
    assert_decided(fixture, "3+ ");
}

/* A caller who leaves: their question and their dialog go, nobody is called back, and other questions go on. */
static void
test_leave(Fixture *fixture, gconstpointer unused)
{
    Question dialog, asked, waiting, other;

    ask(fixture, &dialog, "1", ":1", CONTROL);
    settle(fixture);
    answer(fixture, AUTHORITY_CHALLENGE);
    settle(fixture);
    ask(fixture, &asked, "2", ":1", HOST);
    ask(fixture, &waiting, "3", ":1", CONTROL);
    ask(fixture, &other, "4", ":2", CONTROL);
    assert_asked(fixture, ":1control :1control? :1host :2control ");
    leave(&waiting);
    leave(&dialog);
    leave(&asked);
    settle(fixture);
    g_assert_cmpuint(fixture->authority.checks->len, ==, 1);
    answer(fixture, AUTHORITY_YES);
    assert_decided(fixture, "4+ ");
}

/* A caller who, refused once, gives up all else. */
static void
test_leave_from_inside(Fixture *fixture, gconstpointer unused)
{
    Question first, second;

    ask(fixture, &first, "1", ":1", CONTROL);
    ask(fixture, &second, "2", ":1", CONTROL);
    first.leaves = &second;
    settle(fixture);
    answer(fixture, AUTHORITY_NO);
    assert_decided(fixture, "1- ");
    assert_asked(fixture, ":1control ");
}

/* A caller who asks without end, or holds much: refused past a cap, which others do not feel. */
static void
test_caps(Fixture *fixture, gconstpointer unused)
{
    Question questions[128], more;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(questions); i++)
        ask(fixture, &questions[i], "q", ":1", CONTROL);
    g_assert_false(join(fixture, &more, "m", ":1", CONTROL, 1, &error));
    g_assert_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED);
    g_assert_true(join(fixture, &more, "m", ":2", CONTROL, 512 * 1024, NULL));
    leave(&more);
    g_assert_false(join(fixture, &more, "m", ":2", CONTROL, 512 * 1024 + 1, NULL));
    leave(&questions[7]);
    g_assert_true(join(fixture, &more, "m", ":1", CONTROL, 1, NULL));
    leave(&more);
    for (guint i = 0; i < G_N_ELEMENTS(questions); i++)
        if (questions[i].entry)
            leave(&questions[i]);
    settle(fixture);
}

/* Many callers at once: polkit is asked at most 64 questions, and the rest when there is room. */
static void
test_many_callers(Fixture *fixture, gconstpointer unused)
{
    Question questions[100];
    char names[100][8];

    for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
        g_snprintf(names[i], sizeof names[i], ":%u", i);
        ask(fixture, &questions[i], "q", names[i], CONTROL);
    }
    settle(fixture);
    g_assert_cmpuint(fixture->authority.checks->len, ==, 64);
    while (fixture->authority.checks->len > 0) {
        answer(fixture, AUTHORITY_YES);
        settle(fixture);
    }
    g_assert_cmpuint(fixture->log->len, ==, 100 * strlen("q+ "));
}

/* One user with many programs: not all the dialogs that there may be are theirs. */
static void
test_many_dialogs(Fixture *fixture, gconstpointer unused)
{
    Question questions[9];
    char names[9][8];

    for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
        g_snprintf(names[i], sizeof names[i], ":%u", i);
        ask(fixture, &questions[i], names[i], names[i], CONTROL);
    }
    settle(fixture);
    for (guint i = 0; i < G_N_ELEMENTS(questions); i++)
        answer(fixture, AUTHORITY_CHALLENGE);
    assert_decided(fixture, ":8(LimitsExceeded) ");
    g_assert_cmpuint(fixture->authority.checks->len, ==, 8);
    while (fixture->authority.checks->len > 0)
        answer(fixture, AUTHORITY_YES);
    settle(fixture);
}

/* Many users with a dialog each: all of them together leave room for other questions at polkit. */
static void
test_dialogs_of_all(Fixture *fixture, gconstpointer unused)
{
    Question questions[33];
    char names[33][8];

    for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
        g_snprintf(names[i], sizeof names[i], ":%u", i);
        ask(fixture, &questions[i], names[i], names[i], CONTROL);
        questions[i].peer.uid = 1000 + i;
    }
    settle(fixture);
    for (guint i = 0; i < G_N_ELEMENTS(questions); i++)
        answer(fixture, AUTHORITY_CHALLENGE);
    assert_decided(fixture, ":32(LimitsExceeded) ");
    g_assert_cmpuint(fixture->authority.checks->len, ==, 32);
    while (fixture->authority.checks->len > 0)
        answer(fixture, AUTHORITY_YES);
    settle(fixture);
}

/* Leave that a rule gave, and took back while a dialog stood there for what else the command takes: it is asked for again, and
 * the person is not. */
static void
test_taken_back(Fixture *fixture, gconstpointer unused)
{
    Question question;

    ask(fixture, &question, "1", ":1", CONTROL | HOST);
    assert_asked(fixture, ":1host ");
    answer(fixture, AUTHORITY_YES);
    assert_asked(fixture, ":1control ");
    answer(fixture, AUTHORITY_CHALLENGE);
    assert_asked(fixture, ":1control? ");
    answer(fixture, AUTHORITY_YES);
    assert_asked(fixture, ":1host ");
    answer(fixture, AUTHORITY_NO);
    assert_decided(fixture, "1- ");
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/policy-queue/order", test_order);
    ADD("/policy-queue/owner", test_owner);
    ADD("/policy-queue/classes", test_classes);
    ADD("/policy-queue/dialog", test_dialog);
    ADD("/policy-queue/dismissed", test_dismissed);
    ADD("/policy-queue/not-interactive", test_not_interactive);
    ADD("/policy-queue/cannot-ask", test_cannot_ask);
    ADD("/policy-queue/leave", test_leave);
    ADD("/policy-queue/leave-from-inside", test_leave_from_inside);
    ADD("/policy-queue/caps", test_caps);
    ADD("/policy-queue/many-callers", test_many_callers);
    ADD("/policy-queue/many-dialogs", test_many_dialogs);
    ADD("/policy-queue/dialogs-of-all", test_dialogs_of_all);
    ADD("/policy-queue/taken-back", test_taken_back);
    return g_test_run();
}
