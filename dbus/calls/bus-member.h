/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods and properties: the rows of an interface's tables, and what its XML says about each. */
#pragma once

#include "bus-call.h"

/* The callers that a method is open to. A row without a decision is refused with AccessDenied, so that forgetting one
 * is safe. */
typedef enum BusAccess {
    BUS_ACCESS_UNDECIDED = 0, /* refused */
    BUS_ACCESS_PUBLIC, /* everybody on the bus */
    BUS_ACCESS_GATED, /* the handler takes the call through the policy's gate */
} BusAccess;

/* Consumes @call, at once or later. @object_data: bus_object_new()'s. The object may be freed from inside. */
typedef void (*BusMethodFunc)(BusCall *call, gpointer object_data);

/* Returns the value, of the type that the XML declares, which is a basic one; a text is borrowed until the main loop's next turn. Must
 * not fail and must be cheap. */
typedef DBusBasicValue (*BusPropertyFunc)(gpointer object_data);

typedef struct BusMethod {
    const char *name; /* as in the XML */
    BusAccess access;
    BusMethodFunc call;
} BusMethod;

typedef struct BusProperty {
    const char *name; /* as in the XML */
    BusPropertyFunc get;
} BusProperty;

/* Of an argument that may be left out together with all that follow it, where the value is "true". Every `a{sv}` at
 * the end of the arguments may be left out without it. */
#define BUS_OPTIONAL_ANNOTATION "org.qemu.Monitor1.Optional"

/* From here on for dbus/ alone. A method's row, and what the XML says about it. */
typedef struct BusMember {
    const BusMethod *method; /* weak */
    char *signature; /* owned; of the arguments; NULL: any */
    guint n_required; /* arguments; those after them may be left out */
} BusMember;

/* @method must outlive it. */
BusMember *bus_member_new(const BusMethod *method, const GDBusMethodInfo *info);
void bus_member_free(BusMember *member);

/* Whether the method takes arguments of that signature. */
gboolean bus_member_takes(const BusMember *member, const char *signature);

typedef enum BusEmits {
    BUS_EMITS_VALUE,
    BUS_EMITS_INVALIDATION,
    BUS_EMITS_NOTHING,
} BusEmits;

/* A property's row, and what the XML says about it. */
typedef struct BusValue {
    const BusProperty *property; /* weak */
    const char *signature; /* borrowed from the GDBusInterfaceInfo */
    BusEmits emits;
} BusValue;

/* @property and @info must outlive the value. */
BusValue bus_value_make(const BusProperty *property, const GDBusInterfaceInfo *interface,
                        const GDBusPropertyInfo *info);

/* Appends the value that @object_data has now: a variant, or an entry of an a{sv}. Returns the bytes that a variant takes, counted as
 * bus-body.h does. */
gsize bus_value_append(const BusValue *value, DBusMessageIter *iter, gpointer object_data);
void bus_value_append_entry(const BusValue *value, DBusMessageIter *iter, gpointer object_data);
