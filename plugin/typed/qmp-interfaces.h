/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two interfaces that are made from what a QEMU understands: org.qemu.Monitor1.QMP and .Events. One pair serves all
 * VMs that have told the same. */
#pragma once

#include "bus-interface.h"
#include "introspection.h"
#include "qmp-method.h"

typedef struct QmpInterfaces QmpInterfaces;

/* From the schema, which is taken. A command that @contract has too gets the signature that is promised there. @get_action:
 * for introspection. @call: takes every call on QMP. */
QmpInterfaces *qmp_interfaces_new(QmpSchema *schema, GDBusNodeInfo *contract, IntrospectionActionFunc get_action,
                                  BusMethodFunc call);

/* From the contract, for as long as a QEMU's own word is not known: what it promises is in every QEMU. Fails with
 * BUS_ERROR_FAILED where it is not a contract. */
QmpInterfaces *qmp_interfaces_new_from_contract(GDBusNodeInfo *contract, BusMethodFunc call, GError **error);

/* Whether there is more than one reference. */
gboolean qmp_interfaces_is_shared(QmpInterfaces *interfaces);

QmpInterfaces *qmp_interfaces_ref(QmpInterfaces *interfaces);
void qmp_interfaces_unref(QmpInterfaces *interfaces);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpInterfaces, qmp_interfaces_unref)

BusInterface *qmp_interfaces_get_qmp(QmpInterfaces *interfaces);
BusInterface *qmp_interfaces_get_events(QmpInterfaces *interfaces);

/* By its D-Bus name; NULL: there is none. Borrowed. */
const QmpMethod *qmp_interfaces_find_method(QmpInterfaces *interfaces, const char *member);

/* The signal for an event by its QMP name; NULL: it has none of its own. Owned by the caller. @ret_data: the type of its
 * data, or NULL. */
char *qmp_interfaces_dup_signal(QmpInterfaces *interfaces, const char *event, const QmpType **ret_data);

/* Whether there is a signal for an event, by its QMP name. */
gboolean qmp_interfaces_has_signal(QmpInterfaces *interfaces, const char *event);

/* The command that was probably meant by a QMP name that QEMU has not: the end of an error's text, "" where nothing is near. To be
 * freed. */
char *qmp_interfaces_dup_hint(QmpInterfaces *interfaces, const char *command);

/* The QMP name of the event that is called @name in QEMU (`BLOCK_IO_ERROR`) or on D-Bus (`BlockIoError`), borrowed. NULL with
 * BUS_ERROR_INVALID_ARGS, and the nearest name: there is none. */
const char *qmp_interfaces_find_event(QmpInterfaces *interfaces, const char *name, GError **error);

/* Whether `object-add` makes monitors, as QEMU says. */
gboolean qmp_interfaces_has_monitor_object(QmpInterfaces *interfaces);

/* Whether a command, by its QMP name, is to be executed out of band. */
gboolean qmp_interfaces_is_oob(QmpInterfaces *interfaces, const char *command);
