/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a QEMU ends: what breaks here sends commands to a QEMU that dies of them, or keeps callers from one that stays. */
#include "qmp-ending.h"

#include "test-clock.h"

typedef struct Waiter {
    QmpEndingMember member; /* first */
    guint n_called;
    gboolean leaves; /* when it is called */
} Waiter;

typedef struct Fixture {
    GMainContext *context; /* owned */
    QmpEnding *ending; /* ref */
    Waiter waiters[2];
} Fixture;

static void
on_go_on(QmpEndingMember *member)
{
    Waiter *waiter = (Waiter *)member;

    waiter->n_called++;
    if (waiter->leaves)
        qmp_ending_leave(member);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->ending = qmp_ending_new(fixture->context);
    for (guint i = 0; i < G_N_ELEMENTS(fixture->waiters); i++)
        qmp_ending_join(fixture->ending, &fixture->waiters[i].member, on_go_on);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < G_N_ELEMENTS(fixture->waiters); i++)
        qmp_ending_leave(&fixture->waiters[i].member);
    qmp_ending_unref(fixture->ending);
    g_assert_false(g_main_context_pending(fixture->context));
    g_main_context_unref(fixture->context);
}

static void
note_event(Fixture *fixture, const char *name)
{
    qmp_ending_note_event(fixture->ending, &(QmpEvent){ .name = name });
}

static void
advance(Fixture *fixture, gint64 seconds)
{
    test_clock_advance(seconds * G_TIME_SPAN_SECOND);
    while (g_main_context_iteration(fixture->context, FALSE))
        ;
}

static void
assert_state(Fixture *fixture, gboolean is_under_way, guint n_called)
{
    g_assert_cmpint(qmp_ending_is_under_way(fixture->ending), ==, is_under_way);
    for (guint i = 0; i < G_N_ELEMENTS(fixture->waiters); i++)
        g_assert_cmpuint(fixture->waiters[i].n_called, ==, n_called);
}

static void
end_quit(Fixture *fixture, const char *error_class)
{
    qmp_ending_end_quit(fixture->ending, &(QmpReply){ .error_class = error_class }, /* is_connected= */ TRUE);
}

/* A guest that powers off, with -no-shutdown: each monitor tells of both events. */
static void
test_stays(Fixture *fixture, gconstpointer unused)
{
    note_event(fixture, "STOP");
    note_event(fixture, "RESET");
    assert_state(fixture, FALSE, 0);
    note_event(fixture, "SHUTDOWN");
    note_event(fixture, "SHUTDOWN");
    assert_state(fixture, TRUE, 0);
    note_event(fixture, "RESET");
    assert_state(fixture, TRUE, 0);
    note_event(fixture, "STOP");
    note_event(fixture, "STOP");
    assert_state(fixture, FALSE, 1);
}

/* No STOP comes of a guest that did not run. */
static void
test_paused(Fixture *fixture, gconstpointer unused)
{
    note_event(fixture, "SHUTDOWN");
    advance(fixture, 9);
    assert_state(fixture, TRUE, 0);
    advance(fixture, 2);
    assert_state(fixture, FALSE, 1);
}

/* Two callers quit; QEMU may refuse that. Of a successful quit no event and no time makes a failure. */
static void
test_quit(Fixture *fixture, gconstpointer unused)
{
    qmp_ending_begin_quit(fixture->ending);
    qmp_ending_begin_quit(fixture->ending);
    end_quit(fixture, "GenericError");
    assert_state(fixture, TRUE, 0);
    end_quit(fixture, "GenericError");
    assert_state(fixture, FALSE, 1);
    qmp_ending_begin_quit(fixture->ending);
    qmp_ending_end_quit(fixture->ending, /* reply= */ NULL, /* is_connected= */ TRUE);
    assert_state(fixture, FALSE, 2);
    qmp_ending_begin_quit(fixture->ending);
    end_quit(fixture, NULL);
    note_event(fixture, "SHUTDOWN");
    note_event(fixture, "STOP");
    advance(fixture, 1000);
    assert_state(fixture, TRUE, 2);
}

/* A monitor that ends with quit under way: with its QEMU, as a rule, but somebody else may have removed it. */
static void
test_lost(Fixture *fixture, gconstpointer unused)
{
    qmp_ending_begin_quit(fixture->ending);
    qmp_ending_end_quit(fixture->ending, &(QmpReply){ 0 }, /* is_connected= */ FALSE);
    advance(fixture, 9);
    assert_state(fixture, TRUE, 0);
    advance(fixture, 2);
    assert_state(fixture, FALSE, 1);
}

/* Whoever waits for one thing only. */
static void
test_leave(Fixture *fixture, gconstpointer unused)
{
    fixture->waiters[0].leaves = TRUE;
    note_event(fixture, "SHUTDOWN");
    note_event(fixture, "STOP");
    assert_state(fixture, FALSE, 1);
    note_event(fixture, "SHUTDOWN");
    note_event(fixture, "STOP");
    g_assert_cmpuint(fixture->waiters[0].n_called, ==, 1);
    g_assert_cmpuint(fixture->waiters[1].n_called, ==, 2);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-ending/stays", test_stays);
    ADD("/qmp-ending/paused", test_paused);
    ADD("/qmp-ending/quit", test_quit);
    ADD("/qmp-ending/lost", test_lost);
    ADD("/qmp-ending/leave", test_leave);
    return g_test_run();
}
