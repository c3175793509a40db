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

static guint
add(QmpFlight *flight, gboolean oob)
{
    return qmp_flight_add(flight, &(QmpSlot){ .oob = oob });
}

/* Callers of many commands: ids are small, an id is free again once it is answered, and not before. */
static void
test_ids(void)
{
    QmpFlight flight = { 0 };

    qmp_flight_init(&flight);
    for (guint i = 0; i < 5; i++)
        g_assert_cmpuint(add(&flight, FALSE), ==, i);
    qmp_flight_steal(&flight, 3);
    qmp_flight_steal(&flight, 1);
    g_assert_null(qmp_flight_at(&flight, 1));
    g_assert_nonnull(qmp_flight_at(&flight, 2));
    g_assert_null(qmp_flight_at(&flight, 5));
    g_assert_null(qmp_flight_at(&flight, G_MAXUINT));
    g_assert_cmpuint(flight.n, ==, 3);
    g_assert_cmpuint(add(&flight, FALSE), ==, 1);
    g_assert_cmpuint(add(&flight, FALSE), ==, 3);
    g_assert_cmpuint(add(&flight, FALSE), ==, 5);
    for (guint i = 0; i < 6; i++)
        qmp_flight_steal(&flight, i);
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
    add(&flight, FALSE);
    add(&flight, TRUE);
    add(&flight, FALSE);
    qmp_flight_steal(&flight, 0);
    add(&flight, FALSE);
    g_assert_cmpint(qmp_flight_find_oldest(&flight, FALSE), ==, 1);
    g_assert_cmpint(qmp_flight_find_oldest(&flight, TRUE), ==, 2);
    qmp_flight_steal(&flight, 2);
    g_assert_cmpint(qmp_flight_find_oldest(&flight, TRUE), ==, 0);
    qmp_flight_steal(&flight, 0);
    g_assert_cmpint(qmp_flight_find_oldest(&flight, TRUE), ==, -1);
    qmp_flight_steal(&flight, 1);
    qmp_flight_clear(&flight);
}

/* A caller who waits is told once; one who has given up, not at all. */
static void
test_complete(void)
{
    QmpReply reply = { .value = { "{}", 2 } };
    Told told = { 0 };

    qmp_slot_complete(&(QmpSlot){ .func = on_reply, .user_data = &told }, &reply, NULL);
    qmp_slot_complete(&(QmpSlot){ .user_data = &told }, &reply, NULL);
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
