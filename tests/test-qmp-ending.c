/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a QEMU ends: what breaks here sends commands to a QEMU that dies of them, or keeps callers from one that stays. */
#include "qmp-ending.h"

#include <string.h>

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
    guint64 now; /* as QEMU stamps events */
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

/* @stamp: another monitor tells of the same event, or of an earlier one. */
static void
note_event_of(Fixture *fixture, const char *name, const char *data, guint64 stamp)
{
    const QmpEvent event = { .name = name, .data = { data, data ? strlen(data) : 0 }, .timestamp = stamp };

    qmp_ending_note_event(fixture->ending, &event);
}

static void
note_event(Fixture *fixture, const char *name)
{
    note_event_of(fixture, name, /* data= */ NULL, ++fixture->now);
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
    note_event_of(fixture, "SHUTDOWN", NULL, fixture->now);
    assert_state(fixture, TRUE, 0);
    note_event(fixture, "RESET");
    assert_state(fixture, TRUE, 0);
    note_event(fixture, "STOP");
    note_event_of(fixture, "STOP", NULL, fixture->now);
    assert_state(fixture, FALSE, 1);
}

/* A monitor that is read later than others: the guest was stopped before it powered off, or QEMU stays, as others have told. */
static void
test_told_late(Fixture *fixture, gconstpointer unused)
{
    note_event(fixture, "STOP");
    note_event(fixture, "SHUTDOWN");
    note_event_of(fixture, "STOP", NULL, fixture->now - 1);
    note_event_of(fixture, "SHUTDOWN", NULL, fixture->now);
    assert_state(fixture, TRUE, 0);
    note_event(fixture, "STOP");
    assert_state(fixture, FALSE, 1);
    note_event_of(fixture, "SHUTDOWN", NULL, fixture->now - 1);
    assert_state(fixture, FALSE, 1);
    note_event(fixture, "SHUTDOWN");
    assert_state(fixture, TRUE, 1);
}

/* What comes before SHUTDOWN, if that comes; a STOP between them says nothing. */
static void
test_heralds(Fixture *fixture, gconstpointer unused)
{
    note_event_of(fixture, "GUEST_PANICKED", "{\"action\": \"pause\"}", 1);
    note_event_of(fixture, "GUEST_PANICKED", "{\"info\": {\"message\": \"\\\"poweroff\\\"\"}, \"action\": \"run\"}", 2);
    note_event_of(fixture, "GUEST_PANICKED", NULL, 3);
    assert_state(fixture, FALSE, 0);
    note_event_of(fixture, "GUEST_PANICKED", "{\"action\": \"poweroff\"}", 4);
    note_event_of(fixture, "STOP", NULL, 5);
    assert_state(fixture, TRUE, 0);
    advance(fixture, 11);
    assert_state(fixture, FALSE, 1);
    note_event_of(fixture, "SUSPEND_DISK", NULL, 6);
    assert_state(fixture, TRUE, 1);
    note_event_of(fixture, "SHUTDOWN", NULL, 7);
    note_event_of(fixture, "STOP", NULL, 8);
    note_event_of(fixture, "SUSPEND_DISK", NULL, 6);
    assert_state(fixture, FALSE, 2);
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
    note_event(fixture, "STOP");
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
    ADD("/qmp-ending/told-late", test_told_late);
    ADD("/qmp-ending/heralds", test_heralds);
    ADD("/qmp-ending/paused", test_paused);
    ADD("/qmp-ending/quit", test_quit);
    ADD("/qmp-ending/lost", test_lost);
    ADD("/qmp-ending/leave", test_leave);
    return g_test_run();
}
