/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands under way by their ids: one that is found under another's id gives a caller somebody else's reply. */
#include "qmp-flight.h"

typedef struct Told {
    guint n;
    const QmpReply *reply;
    const GError *error;
} Told;

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Told *told = user_data;

    told->n++;
    told->reply = reply;
    told->error = error;
}

static QmpSlot *
new_slot(QmpFlight *flight, gboolean oob)
{
    QmpSlot *slot = g_new0(QmpSlot, 1);

    slot->serial = ++flight->last_serial;
    slot->oob = oob;
    return slot;
}

/* Callers of many commands: ids are small, an id is free again once it is answered, and not before. */
static void
test_ids(void)
{
    QmpFlight flight = { 0 };

    qmp_flight_init(&flight);
    for (guint i = 0; i < 5; i++)
        g_assert_cmpuint(qmp_flight_add(&flight, new_slot(&flight, FALSE)), ==, i);
    g_free(qmp_flight_steal(&flight, 3));
    g_free(qmp_flight_steal(&flight, 1));
    g_assert_null(qmp_flight_at(&flight, 1));
    g_assert_nonnull(qmp_flight_at(&flight, 2));
    g_assert_null(qmp_flight_at(&flight, 5));
    g_assert_null(qmp_flight_at(&flight, G_MAXUINT));
    g_assert_cmpuint(flight.n, ==, 3);
    g_assert_cmpuint(qmp_flight_add(&flight, new_slot(&flight, FALSE)), ==, 1);
    g_assert_cmpuint(qmp_flight_add(&flight, new_slot(&flight, FALSE)), ==, 3);
    g_assert_cmpuint(qmp_flight_add(&flight, new_slot(&flight, FALSE)), ==, 5);
    for (guint i = 0; i < 6; i++)
        g_free(qmp_flight_steal(&flight, i));
    g_assert_cmpuint(flight.n, ==, 0);
    qmp_flight_clear(&flight);
}

/* A QEMU that answers without an id, because it could not read the command: the reply is for the one sent first, not for
 * the one with the smallest id, and in band not for one out of band. */
static void
test_oldest(void)
{
    QmpFlight flight = { 0 };

    qmp_flight_init(&flight);
    g_assert_cmpint(qmp_flight_find_oldest(&flight, FALSE), ==, -1);
    qmp_flight_add(&flight, new_slot(&flight, FALSE));
    qmp_flight_add(&flight, new_slot(&flight, TRUE));
    qmp_flight_add(&flight, new_slot(&flight, FALSE));
    g_free(qmp_flight_steal(&flight, 0));
    qmp_flight_add(&flight, new_slot(&flight, FALSE));
    g_assert_cmpint(qmp_flight_find_oldest(&flight, FALSE), ==, 1);
    g_assert_cmpint(qmp_flight_find_oldest(&flight, TRUE), ==, 2);
    g_free(qmp_flight_steal(&flight, 2));
    g_assert_cmpint(qmp_flight_find_oldest(&flight, TRUE), ==, 0);
    g_free(qmp_flight_steal(&flight, 0));
    g_assert_cmpint(qmp_flight_find_oldest(&flight, TRUE), ==, -1);
    g_free(qmp_flight_steal(&flight, 1));
    qmp_flight_clear(&flight);
}

/* A caller who waits is told once; one who has given up, not at all. */
static void
test_complete(void)
{
    QmpFlight flight = { 0 };
    QmpSlot *waiting = new_slot(&flight, FALSE), *cancelled = new_slot(&flight, FALSE);
    QmpReply reply = { .value = { "{}", 2 } };
    Told told = { 0 };

    waiting->func = on_reply;
    waiting->user_data = &told;
    qmp_slot_complete(waiting, &reply, NULL);
    qmp_slot_complete(cancelled, &reply, NULL);
    g_assert_cmpuint(told.n, ==, 1);
    g_assert_true(told.reply == &reply && !told.error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-flight/ids", test_ids);
    g_test_add_func("/qmp-flight/oldest", test_oldest);
    g_test_add_func("/qmp-flight/complete", test_complete);
    return g_test_run();
}
