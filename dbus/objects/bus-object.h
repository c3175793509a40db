/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An object on the bus: a path, interfaces, and whatever data its functions want. Introspectable, Properties and
 * Peer are there by themselves on every object, and Introspectable on the paths that lead to one. */
#pragma once

#include "bus-interface.h"
#include "bus-object-func.h"

typedef struct BusObject BusObject;

/* Not callable before bus_object_publish(). @path: a valid object path; it is an error of the program to publish two
 * objects at one path. */
BusObject *bus_object_new(Bus *bus, const char *path, gpointer object_data);

/* Before publishing, or later (InterfacesAdded tells). An interface of the same name is replaced. References it. */
void bus_object_add_interface(BusObject *object, BusInterface *interface);

/* Puts @interface in the place of the object's one of the same name, and tells nobody: for more to be known of what
 * the object could do all along. The two must have the same properties. */
void bus_object_refine_interface(BusObject *object, BusInterface *interface);

/* The functions that are told of calls and of readers; see bus-object-func.h. */
void bus_object_set_introspect(BusObject *object, BusIntrospectFunc func);
void bus_object_set_read(BusObject *object, BusReadFunc func);

/* Answers, and consumes, a call of Introspect on @object with what its interfaces say now. */
void bus_object_introspect(BusObject *object, BusCall *call);

/* Makes the object an org.freedesktop.DBus.ObjectManager for all objects below its path. Before publishing. @func
 * may be NULL. */
void bus_object_make_manager(BusObject *object, BusListedFunc func);

/* From here on it can be called; InterfacesAdded by the manager above it, if there is one. */
void bus_object_publish(BusObject *object);

/* From here on it cannot be called, and no property of it is read: changes that were noted and not yet signalled are
 * forgotten, and InterfacesRemoved is sent, if it was published. The object may be published again. */
void bus_object_unpublish(BusObject *object);

/* Unpublishes it, and it is gone. Calls under way stay valid; they do not refer to it. */
void bus_object_free(BusObject *object);

const char *bus_object_get_path(BusObject *object);

/* Notes that a property has a new value. PropertiesChanged, with all that has changed on the object since, is sent
 * before the next message of any kind that goes out by bus_send(), at the latest when the main context gets to it. */
void bus_object_property_changed(BusObject *object, const char *interface, const char *property);

/* A new signal of this object, owned by the caller of this function, to fill and to send. */
DBusMessage *bus_object_new_signal(BusObject *object, const char *interface, const char *member);

/* Sends a signal to everybody, within what the bus keeps for those who do not read (bus-signals.h). Borrows @signal. */
void bus_object_send_signal(BusObject *object, DBusMessage *signal);

/* The object published at @path, or NULL. Its data. */
BusObject *bus_get_object(Bus *bus, const char *path);
gpointer bus_object_get_data(BusObject *object);

/* Guesses at what a caller meant who called @member of @interface, which the object has: the end of an error's text,
 * or "". To be freed. */
char *bus_object_dup_method_hint(BusObject *object, const char *interface, const char *member);
