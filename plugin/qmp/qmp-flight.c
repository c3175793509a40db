/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-flight.h"

/* Of a session that is used for one command after the other. */
#define FEW 2

void
qmp_flight_init(QmpFlight *flight)
{
    flight->slots = g_array_sized_new(/* zero_terminated= */ FALSE, /* clear= */ TRUE, sizeof(QmpSlot), FEW);
}

void
qmp_flight_clear(QmpFlight *flight)
{
    g_array_unref(flight->slots);
}

QmpSlot *
qmp_flight_at(QmpFlight *flight, guint id)
{
    QmpSlot *slot = id < flight->slots->len ? &g_array_index(flight->slots, QmpSlot, id) : NULL;
    return slot && slot->serial > 0 ? slot : NULL;
}

/* The smallest free id: QEMU reads every digit of it, and echoes it. */
guint
qmp_flight_add(QmpFlight *flight, const QmpSlot *slot)
{
    guint id = 0;
    while (qmp_flight_at(flight, id))
        id++;
    if (id == flight->slots->len)
        g_array_set_size(flight->slots, id + 1);
    QmpSlot *added = &g_array_index(flight->slots, QmpSlot, id);
    *added = *slot;
    added->serial = ++flight->last_serial;
    flight->n++;
    return id;
}

QmpSlot
qmp_flight_steal(QmpFlight *flight, guint id)
{
    QmpSlot slot = g_array_index(flight->slots, QmpSlot, id);
    g_array_index(flight->slots, QmpSlot, id) = (QmpSlot){ 0 };
    flight->n--;
    /* QEMU is asked several things at once when it is met, and then perhaps nothing for days: 0.4 kB a VM. */
    if (flight->n == 0 && flight->slots->len > FEW) {
        qmp_flight_clear(flight);
        qmp_flight_init(flight);
    }
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
qmp_slot_complete(const QmpSlot *slot, const QmpReply *reply, const GError *error)
{
    if (slot->func)
        slot->func(reply, error, slot->user_data);
}
