/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drains of a Bus at its end. bus.h has what everybody waits with. */
#pragma once

#include "bus.h"

void bus_drains_close(Bus *bus);
