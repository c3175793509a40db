/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's run states: which of them end without an event, and which events change them. */
#pragma once

#include <glib.h>

/* Whether QEMU leaves the state @status by itself and may not tell. */
gboolean run_state_is_passing(const char *status);

/* Whether the run state may be another after @event. */
gboolean run_state_may_change_by(const char *event);
