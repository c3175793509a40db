/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One-shot timers on a given context. */
#pragma once

#include <glib.h>

/* Calls @func once, @delay us from now (rounded up to ms) unless stopped. @func returns G_SOURCE_REMOVE. The result is
 * owned, and outlives the call. */
GSource *timer_start(GMainContext *context, guint64 delay, GSourceFunc func, gpointer user_data);

/* Stops the timer in *@timer if there is one, and forgets it. */
void timer_stop(GSource **timer);
