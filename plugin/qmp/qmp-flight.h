/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of one QMP session that QEMU has not answered, by their ids. Part of QmpClient. */
#pragma once

#include "qmp-message.h"

typedef struct QmpSlot {
    QmpReplyFunc func; /* NULL: cancelled */
    gpointer user_data;
    guint64 serial; /* set by qmp_flight_add(): later commands have higher ones; 0: the id is free */
    guint64 begin, end; /* of its text: bytes since the session began */
    gboolean oob;
    gboolean quit;
    gboolean has_id;
} QmpSlot;

typedef struct QmpFlight {
    QmpSlot first; /* id 0: all that is used where one command follows the other */
    GArray *more; /* owned, of QmpSlot; those of id 1 and so on; NULL: none is under way */
    guint n;
    guint64 last_serial;
} QmpFlight;

void qmp_flight_init(QmpFlight *flight);

/* The flight must be empty. */
void qmp_flight_clear(QmpFlight *flight);

/* Borrowed until the next qmp_flight_add(); NULL: the id is free. */
QmpSlot *qmp_flight_at(QmpFlight *flight, guint id);

/* Copies @slot, and gives its id. */
guint qmp_flight_add(QmpFlight *flight, const QmpSlot *slot);

/* The command is answered: its id is free. */
QmpSlot qmp_flight_steal(QmpFlight *flight, guint id);

/* The id of the command that was sent first; -1 where there is none. */
int qmp_flight_find_oldest(QmpFlight *flight, gboolean in_band_only);

/* The id of the command that a reply without one is for; -1: none. @is_error: the reply is an error. @n_taken: bytes that the kernel has
 * taken since the session began. */
int qmp_flight_find_without_id(QmpFlight *flight, gboolean is_error, guint64 n_taken);

/* How a reply for the command @id breaks the rules; NULL: it does not. @is_complaint: an error that may be about a part of the
 * command. */
const char *qmp_flight_find_fault(QmpFlight *flight, int id, gboolean is_complaint, guint64 n_taken);

/* Calls the slot's function, if that was not cancelled. */
void qmp_slot_complete(const QmpSlot *slot, const QmpReply *reply, const GError *error);
