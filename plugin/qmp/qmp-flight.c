/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-flight.h"

void
qmp_flight_init(QmpFlight *flight)
{
    flight->slots = g_ptr_array_new();
}

void
qmp_flight_clear(QmpFlight *flight)
{
    g_ptr_array_unref(flight->slots);
}

QmpSlot *
qmp_flight_at(QmpFlight *flight, guint id)
{
    return id < flight->slots->len ? g_ptr_array_index(flight->slots, id) : NULL;
}

/* The smallest free id: QEMU reads every digit of it, and echoes it. */
guint
qmp_flight_add(QmpFlight *flight, QmpSlot *slot)
{
    guint id = 0;
    while (qmp_flight_at(flight, id))
        id++;
    if (id == flight->slots->len)
        g_ptr_array_add(flight->slots, NULL);
    g_ptr_array_index(flight->slots, id) = slot;
    flight->n++;
    return id;
}

QmpSlot *
qmp_flight_steal(QmpFlight *flight, guint id)
{
    QmpSlot *slot = qmp_flight_at(flight, id);
    g_ptr_array_index(flight->slots, id) = NULL;
    flight->n--;
    return slot;
}

int
qmp_flight_find_oldest(QmpFlight *flight, gboolean in_band_only)
{
    int oldest = -1;
    for (guint id = 0; id < flight->slots->len; id++) {
        QmpSlot *slot = qmp_flight_at(flight, id);
        if (slot && !(in_band_only && slot->oob) &&
            (oldest < 0 || slot->serial < qmp_flight_at(flight, (guint)oldest)->serial))
            oldest = (int)id;
    }
    return oldest;
}

void
qmp_slot_complete(QmpSlot *slot, const QmpReply *reply, const GError *error)
{
    if (slot->func)
        slot->func(reply, error, slot->user_data);
    g_free(slot);
}
