/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The methods of org.qemu.Monitor1.Job. */
#pragma once

#include "bus-interface.h"

/* Methods of a JobObject. Each is a QMP command of its caller's. */
extern const BusMethod job_methods[];
