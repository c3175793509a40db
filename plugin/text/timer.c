/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timer.h"

GSource *
timer_start(GMainContext *context, guint64 delay, GSourceFunc func, gpointer user_data)
{
    guint64 ms = delay / 1000 + (delay % 1000 > 0);
    GSource *timer = g_timeout_source_new((guint)MIN(ms, (guint64)G_MAXINT));

    g_source_set_callback(timer, func, user_data, NULL);
    g_source_attach(timer, context);
    return timer;
}

void
timer_stop(GSource **timer)
{
    if (*timer)
        g_source_destroy(*timer);
    g_clear_pointer(timer, g_source_unref);
}
