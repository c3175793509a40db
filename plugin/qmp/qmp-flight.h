/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of one QMP session that QEMU has not answered, by their ids. Part of QmpClient. */
#pragma once

#include "qmp-message.h"

typedef struct QmpSlot QmpSlot;

struct QmpSlot {
    QmpReplyFunc func; /* NULL: cancelled */
    gpointer user_data;
    guint64 serial; /* later commands have higher ones */
    gboolean oob;
    gboolean quit;
    gboolean has_id;
};

typedef struct QmpFlight {
    GPtrArray *slots; /* owned, of QmpSlot, owned; the index is the id, NULL where it is free */
    guint n;
    guint64 last_serial;
} QmpFlight;

void qmp_flight_init(QmpFlight *flight);

/* The flight must be empty. */
void qmp_flight_clear(QmpFlight *flight);

/* NULL where there is none. */
QmpSlot *qmp_flight_at(QmpFlight *flight, guint id);

/* Takes @slot, and gives its id. */
guint qmp_flight_add(QmpFlight *flight, QmpSlot *slot);
QmpSlot *qmp_flight_steal(QmpFlight *flight, guint id);

/* The id of the command that was sent first; -1 where there is none. */
int qmp_flight_find_oldest(QmpFlight *flight, gboolean in_band_only);

/* Tells whoever waits for it, and frees @slot. */
void qmp_slot_complete(QmpSlot *slot, const QmpReply *reply, const GError *error);
