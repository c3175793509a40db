/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a verb that goes on until it is ended. */
#pragma once

#include "ctl.h"

/* Runs @loop. Returns CTL_OK if the verb ended it, CTL_NO_SERVICE if the bus has gone, 128 and the number of the signal that did, and
 * 128 + SIGPIPE when whoever read standard output has gone. @on_interrupt: called for SIGINT instead; NULL: it ends the loop too. */
int ctl_loop_run(Ctl *ctl, GMainLoop *loop, GSourceFunc on_interrupt, gpointer user_data);

/* What was printed is written. Where that fails, @loop (NULL: none) ends: nobody has anything of a verb that goes on in vain. */
void ctl_loop_flush(Ctl *ctl, GMainLoop *loop);

/* `90`, `90s`, `5m`, `2h` or `1d`, as microseconds. FALSE: @text is none, which @error tells; the value of @option. */
gboolean ctl_loop_parse_time(const char *option, const char *text, guint64 *ret_time, GError **error);
