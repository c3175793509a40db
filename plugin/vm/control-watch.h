/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the control monitor still answers. Owned by QemuConnection; never wakes an agent that waits for nothing. */
#pragma once

#include "qmp-client.h"
#include "qmp-ending.h"

typedef struct ControlWatch ControlWatch;

typedef struct ControlWatchFuncs {
    /* Once: QEMU serves other monitors, and this one no more. The watch is freed from inside. */
    void (*on_lost)(const GError *error, gpointer user_data);
    /* QEMU has not answered anything for a long time, on no monitor. QEMU may be stopped, and may go on. Again after as long.
     * @error: NULL: QEMU answers again. */
    void (*on_stuck)(const GError *error, gpointer user_data);
} ControlWatchFuncs;

/* Watches over @client, which must outlive it and be ready. @ending: takes a reference; a QEMU that ends is asked nothing. @interval: us; 0:
 * the default. No callback comes from inside any function here. */
ControlWatch *control_watch_new(GMainContext *context, QmpClient *client, QmpEnding *ending, guint64 interval,
                                const ControlWatchFuncs *funcs, gpointer user_data);
void control_watch_free(ControlWatch *watch);

/* A command was sent, by this monitor or another: it is looked whether the control monitor answers. */
void control_watch_look(ControlWatch *watch);

/* Other monitors of the same QEMU, which are ready: an answer of theirs is the only proof that QEMU is not stopped. */
void control_watch_add_witness(ControlWatch *watch, QmpClient *client);
void control_watch_remove_witness(ControlWatch *watch, QmpClient *client);
