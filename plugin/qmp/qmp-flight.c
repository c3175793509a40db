/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-flight.h"

void
qmp_flight_init(QmpFlight *flight)
{
    *flight = (QmpFlight){ 0 };
}

void
qmp_flight_clear(QmpFlight *flight)
{
    g_clear_pointer(&flight->more, g_array_unref);
}

static guint
count_slots(const QmpFlight *flight)
{
    return 1 + (flight->more ? flight->more->len : 0);
}

static QmpSlot *
get_slot(QmpFlight *flight, guint id)
{
    return id == 0 ? &flight->first : &g_array_index(flight->more, QmpSlot, id - 1);
}

QmpSlot *
qmp_flight_at(QmpFlight *flight, guint id)
{
    QmpSlot *slot = id < count_slots(flight) ? get_slot(flight, id) : NULL;
    return slot && slot->serial > 0 ? slot : NULL;
}

/* The smallest free id: QEMU reads every digit of it, and echoes it. */
guint
qmp_flight_add(QmpFlight *flight, const QmpSlot *slot)
{
    guint id = 0;
    while (qmp_flight_at(flight, id))
        id++;
    if (id > 0 && !flight->more)
        flight->more = g_array_new(/* zero_terminated= */ FALSE, /* clear= */ TRUE, sizeof(QmpSlot));
    if (id == count_slots(flight))
        g_array_set_size(flight->more, id);
    QmpSlot *added = get_slot(flight, id);
    *added = *slot;
    added->serial = ++flight->last_serial;
    flight->n++;
    return id;
}

/* QEMU is asked several things at once when it is met, and then perhaps nothing for days: 0.5 kB a VM. */
QmpSlot
qmp_flight_steal(QmpFlight *flight, guint id)
{
    QmpSlot slot = *get_slot(flight, id);
    *get_slot(flight, id) = (QmpSlot){ 0 };
    flight->n--;
    if (flight->n == 0)
        qmp_flight_clear(flight);
    return slot;
}

int
qmp_flight_find_oldest(QmpFlight *flight, gboolean in_band_only)
{
    int oldest = -1;
    for (guint id = 0; id < count_slots(flight); id++) {
        QmpSlot *slot = qmp_flight_at(flight, id);
        if (slot && !(in_band_only && slot->oob) &&
            (oldest < 0 || slot->serial < qmp_flight_at(flight, (guint)oldest)->serial))
            oldest = (int)id;
    }
    return oldest;
}

/* QEMU answers in order, so the reply is for the oldest, if that was sent without id, or if QEMU could not read that as far as its
 * id, which QEMU says with an error: maybe before it has the whole of it. */
int
qmp_flight_find_without_id(QmpFlight *flight, gboolean is_error, guint64 n_taken)
{
    int oldest = qmp_flight_find_oldest(flight, /* in_band_only= */ TRUE);
    const QmpSlot *slot = oldest >= 0 ? qmp_flight_at(flight, (guint)oldest) : NULL;
    gboolean has_begun = slot && slot->begin < n_taken;
    return slot && (is_error ? has_begun : !slot->has_id) ? oldest : -1;
}

const char *
qmp_flight_find_fault(QmpFlight *flight, int id, gboolean is_complaint, guint64 n_taken)
{
    const QmpSlot *slot = id >= 0 ? qmp_flight_at(flight, (guint)id) : NULL;
    if (id < 0)
        return "without an id";
    if (!slot)
        return "with the id of no command";
    if (slot->end > n_taken && !is_complaint)
        return "to a command that had not been sent";
    return NULL;
}

void
qmp_slot_complete(const QmpSlot *slot, const QmpReply *reply, const GError *error)
{
    if (slot->func)
        slot->func(reply, error, slot->user_data);
}
