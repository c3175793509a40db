/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The answer to ListVMs(): how each VM stands that the agent knows, connected or not. */
#pragma once

#include "bus-libdbus.h"
#include "bus-peer.h"
#include "vm-table.h"

/* Appends an `aa{sv}` to @iter, as @peer may see it. The list is public; the address of a VM that is not connected, and
 * the error, which may name files of others, are for root, the agent's user, and the user who added the VM, made its socket or
 * runs it. */
void vm_list_append(DBusMessageIter *iter, VmTable *table, const BusPeer *peer);
