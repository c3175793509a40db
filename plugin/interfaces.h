/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two interfaces that are made from what a QEMU understands: org.qemu.Monitor1.QMP and .Events. One pair serves all
 * VMs that have told the same. */
#pragma once

#include "bus-interface.h"
#include "method.h"

typedef struct Interfaces Interfaces;

/* From the schema, which is taken. A command that @contract has too gets the signature that is promised there. @call: takes
 * every call on QMP. */
Interfaces *interfaces_new(QmpSchema *schema, GDBusNodeInfo *contract, BusMethodFunc call);

/* From the contract, for as long as a QEMU's own word is not known: what it promises is in every QEMU. Fails with
 * BUS_ERROR_FAILED where it is not a contract. */
Interfaces *interfaces_new_from_contract(GDBusNodeInfo *contract, BusMethodFunc call, GError **error);

/* Whether there is more than one reference. */
gboolean interfaces_is_shared(Interfaces *interfaces);

Interfaces *interfaces_ref(Interfaces *interfaces);
void interfaces_unref(Interfaces *interfaces);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Interfaces, interfaces_unref)

BusInterface *interfaces_get_qmp(Interfaces *interfaces);
BusInterface *interfaces_get_events(Interfaces *interfaces);

/* By its D-Bus name; NULL: there is none. Borrowed. */
const Method *interfaces_find_method(Interfaces *interfaces, const char *member);

/* The signal for an event by its QMP name; NULL: it has none of its own. Owned by the caller. @ret_data: the type of its
 * data, or NULL. */
char *interfaces_dup_signal(Interfaces *interfaces, const char *event, const QmpType **ret_data);

/* Whether there is a signal for an event, by its QMP name. */
gboolean interfaces_has_signal(Interfaces *interfaces, const char *event);

/* The command that was probably meant by a QMP name that QEMU has not: the end of an error's text, "" where nothing is near. To be
 * freed. */
char *interfaces_dup_hint(Interfaces *interfaces, const char *command);

/* The QMP name of the event that is called @name in QEMU (`BLOCK_IO_ERROR`) or on D-Bus (`BlockIoError`), borrowed. NULL with
 * BUS_ERROR_INVALID_ARGS, and the nearest name: there is none. */
const char *interfaces_find_event(Interfaces *interfaces, const char *name, GError **error);

/* Whether `object-add` makes monitors, as QEMU says. */
gboolean interfaces_has_monitor_object(Interfaces *interfaces);

/* Whether a command, by its QMP name, is to be executed out of band. */
gboolean interfaces_is_oob(Interfaces *interfaces, const char *command);
