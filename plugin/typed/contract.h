/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.qemu.Monitor1.xml, which is compiled into the module: what it says is what objects show and do. */
#pragma once

#include <gio/gio.h>

/* Parses it. To be unreferenced. */
GDBusNodeInfo *contract_load(void);
