/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a QEMU is ending, as far as its monitors have told. A command that reaches QEMU 10.0 while it ends has it die of
 * SIGSEGV, by whatever monitor it comes (20 of 51 times), and QEMU 7.2 of SIGABRT (2 of 120), so nobody sends any but out-of-band commands
 * meanwhile. A QEMU has one QmpEnding for the queues of all its monitors; QemuConnection tells it of events. */
#pragma once

#include "qmp-message.h"

typedef struct QmpEnding QmpEnding;

/* Of somebody who waits while QEMU ends: the first member of their struct, zero until they join. */
typedef struct QmpEndingMember {
    void (*go_on)(struct QmpEndingMember *member); /* QEMU does not end after all. May let the member leave. */
    QmpEnding *ending; /* ref */
    GList link;
} QmpEndingMember;

QmpEnding *qmp_ending_new(GMainContext *context);
QmpEnding *qmp_ending_ref(QmpEnding *ending);
void qmp_ending_unref(QmpEnding *ending);

/* Whether nothing may be sent for now. */
gboolean qmp_ending_is_under_way(const QmpEnding *ending);

/* Every monitor hears every event, so the same may come more than once. */
void qmp_ending_note_event(QmpEnding *ending, const QmpEvent *event);

/* `quit` was sent; and it has come to its end. @reply: NULL: none that could be read. @is_connected: FALSE: the monitor that it went by
 * had gone before QEMU answered, which says little. */
void qmp_ending_begin_quit(QmpEnding *ending);
void qmp_ending_end_quit(QmpEnding *ending, const QmpReply *reply, gboolean is_connected);

/* @go_on is called whenever the wait is over. */
void qmp_ending_join(QmpEnding *ending, QmpEndingMember *member, void (*go_on)(QmpEndingMember *member));
void qmp_ending_leave(QmpEndingMember *member); /* also of somebody who has not joined */
