/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object can do: an interface's introspection data joined with the functions that do it. One BusInterface
 * serves any number of objects. */
#pragma once

#include <gio/gio.h>

#include "bus-call.h"

/* Who may call a method. A row without a decision is refused with AccessDenied, so that forgetting one is safe. */
typedef enum BusAccess {
    BUS_ACCESS_UNDECIDED = 0, /* refused */
    BUS_ACCESS_PUBLIC, /* everybody on the bus */
    BUS_ACCESS_GATED, /* the handler takes the call through the policy's gate */
} BusAccess;

/* Consumes @call, at once or later. @object_data: bus_object_new()'s. The object may be freed from inside. */
typedef void (*BusMethodFunc)(BusCall *call, gpointer object_data);

/* Appends exactly one value, of the type that the XML declares. Must not fail and must be cheap. */
typedef void (*BusPropertyFunc)(DBusMessageIter *iter, gpointer object_data);

typedef struct BusMethod {
    const char *name; /* as in the XML */
    BusAccess access;
    BusMethodFunc call;
} BusMethod;

typedef struct BusProperty {
    const char *name; /* as in the XML */
    BusPropertyFunc get;
} BusProperty;

typedef struct BusInterface BusInterface;

/* Of an argument that may be left out together with all that follow it, where the value is "true". Every `a{sv}` at the end
 * of the arguments may be left out without it. */
#define BUS_OPTIONAL_ANNOTATION "org.qemu.Monitor1.Optional"

/* Joins @info (referenced) with its tables, which end with a row without a name; NULL: none. The tables must
 * outlive the interface. A call whose arguments are not of the XML's signature is refused before its function is
 * called; but arguments at the end that may be left out may be missing, and where the XML says `a{sv}` there may be
 * another dictionary with strings for keys (`a{ss}`).
 *
 * @any: takes every call to a member that no row names (with whatever signature), NULL: such calls are
 * UnknownMethod. It counts as BUS_ACCESS_GATED.
 *
 * Fails with BUS_ERROR_FAILED where table and XML do not list the same members, so that contract and behaviour
 * cannot drift apart. */
BusInterface *bus_interface_new(GDBusInterfaceInfo *info, const BusMethod *methods, const BusProperty *properties,
                                BusMethodFunc any, GError **error);
BusInterface *bus_interface_ref(BusInterface *interface);
void bus_interface_unref(BusInterface *interface);

const char *bus_interface_get_name(BusInterface *interface);
GDBusInterfaceInfo *bus_interface_get_info(BusInterface *interface);
