/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A way to QEMU: a monitor of its own (plugged in, or a spare), or a share in the control monitor; and the line of
 * commands before it, which is there before the monitor is. Knows no callers but as names of lines. */
#pragma once

#include "qemu.h"
#include "qmp-monitor.h"

typedef struct Slot Slot;

typedef struct SlotFuncs {
    /* Once, before or after it was ready: there is no monitor any more. Commands under way and those that waited have been
     * failed, unless @was_ready is FALSE: then those that wait still do, for slot_use_control() or slot_free(). */
    void (*on_ended)(Slot *slot, gboolean was_ready, const GError *error, gpointer user_data);
} SlotFuncs;

/* A share in the control monitor of @qemu, which must outlive all its slots. */
Slot *slot_new_on_control(Qemu *qemu);

/* With a monitor of its own, as @plan says. NULL where not even a beginning can be made. */
Slot *slot_new(Qemu *qemu, const QmpMonitorPlan *plan, const SlotFuncs *funcs, gpointer user_data, GError **error);

/* From now on it is a share in the control monitor. Only inside on_ended with !was_ready. */
void slot_use_control(Slot *slot);

/* Fails the commands that wait. */
void slot_fail_waiting(Slot *slot, const GError *error);

/* All its commands must have been answered or cancelled. The monitor is unplugged. */
void slot_free(Slot *slot);

/* The same where the VM is going, and its control monitor with it. */
void slot_free_at_once(Slot *slot);

/* As reply_gate_submit(), in @caller's line. */
ReplyTicket *slot_submit(Slot *slot, const char *caller, const QmpCommand *command, QmpReplyFunc func,
                         gpointer user_data, GError **error);

/* The monitor's id in QEMU, or the spare's address; "control" for the control monitor. */
const char *slot_get_id(Slot *slot);
gboolean slot_is_on_control(Slot *slot);

/* Whether commands go to QEMU, or wait for the monitor. */
gboolean slot_is_ready(Slot *slot);
