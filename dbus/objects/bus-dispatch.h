/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls on their way to an object. */
#pragma once

#include "bus-tree.h"

/* Consumes @call, which is answered with an error where nothing takes it. */
void bus_dispatch(BusTree *tree, BusCall *call);
