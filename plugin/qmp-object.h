/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.qemu.Monitor1.QMP: QMP commands as methods. */
#pragma once

#include "vm-object.h"

/* Takes every call on the interface; a BusMethodFunc. @object_data: a VmObject. */
void qmp_object_call(BusCall *call, gpointer object_data);
