/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Callers that are found out before they call. */
#pragma once

#include "bus.h"

/* From here on callers are found out when they join the bus instead of when they first call: which process that is can be
 * known too late. To be called once, before anybody can know of us. */
void bus_find_out_early(Bus *bus);
