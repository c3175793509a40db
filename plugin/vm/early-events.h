/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events kept for the moment when the VM can be seen. Part of QemuConnection. */
#pragma once

#include "qmp-message.h"

/* Zeroed at the beginning. */
typedef struct EarlyEvents {
    GPtrArray *events; /* owned, of QmpEvent; NULL: none */
    gsize bytes; /* of their data */
} EarlyEvents;

void early_events_add(EarlyEvents *early, const QmpEvent *event);

/* Gives them, of which none are left; NULL: there were none. */
GPtrArray *early_events_steal(EarlyEvents *early);
void early_events_clear(EarlyEvents *early);
