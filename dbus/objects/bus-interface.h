/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The abilities of an object: an interface's introspection data joined with the functions that do it. One BusInterface
 * serves any number of objects. */
#pragma once

#include "bus-member.h"

typedef struct BusInterface BusInterface;

/* Joins @info (referenced) with its tables, which end with a row without a name; NULL: none. The tables must
 * outlive the interface. A call whose arguments are not of the XML's signature is refused before its function is
 * called; but arguments at the end that may be left out may be missing, and where the XML says `a{sv}` there may be
 * another dictionary with strings for keys (`a{ss}`).
 *
 * @any: takes every call to a member that no row names (with whatever signature), NULL: such calls are
 * UnknownMethod. The function counts as BUS_ACCESS_GATED.
 *
 * Fails with BUS_ERROR_FAILED where table and XML do not list the same members, so that contract and behaviour
 * cannot drift apart. */
BusInterface *bus_interface_new(GDBusInterfaceInfo *info, const BusMethod *methods, const BusProperty *properties,
                                BusMethodFunc any, GError **error);
BusInterface *bus_interface_ref(BusInterface *interface);
void bus_interface_unref(BusInterface *interface);

const char *bus_interface_get_name(BusInterface *interface);
GDBusInterfaceInfo *bus_interface_get_info(BusInterface *interface);

/* From here on for dbus/ alone. Whether @member can be called with the interface named (@named), or without. NULL:
 * no. */
const BusMember *bus_interface_find(BusInterface *interface, const char *member, gboolean named);

/* In the XML's order. */
const BusValue *bus_interface_get_values(BusInterface *interface, guint *ret_count);
const BusValue *bus_interface_find_value(BusInterface *interface, const char *name, guint *ret_index); /* NULL: none */

/* Appends all values, a{sv}. */
void bus_interface_append_values(BusInterface *interface, DBusMessageIter *iter, gpointer object_data);

/* Borrowed: the interface's XML, indented for an introspection document; made when it is first asked for. */
const char *bus_interface_get_xml(BusInterface *interface);
