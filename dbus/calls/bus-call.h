/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A method call from a peer, which is answered exactly once: every function that answers consumes it, and the compiler
 * and valgrind tell about the rest. A call may be kept for as long as the answer takes. If its caller leaves
 * meanwhile, answering is still required, and costs nothing. */
#pragma once

#include <gio/gio.h>

#include "bus-error.h"
#include "bus-peer.h"

typedef struct BusCall BusCall;

Bus *bus_call_get_bus(BusCall *call);

/* All borrowed, valid as long as the call. The interface is that of the table row, also where the caller named
 * none. */
const char *bus_call_get_sender(BusCall *call);
const char *bus_call_get_path(BusCall *call);
const char *bus_call_get_interface(BusCall *call);
const char *bus_call_get_member(BusCall *call);
const char *bus_call_get_signature(BusCall *call);

/* The caller's credentials; kept with the call, also when the caller has left since. */
const BusPeer *bus_call_get_peer(BusCall *call);

/* FALSE where the caller does not wait for a reply (NO_REPLY_EXPECTED); answering is required all the same. */
gboolean bus_call_is_reply_expected(BusCall *call);

/* ALLOW_INTERACTIVE_AUTHORIZATION: the caller may be asked for a password. */
gboolean bus_call_is_interactive(BusCall *call);

/* The arguments: NULL once bus_call_drop_message() was called. A call that waits should drop them: libdbus stops
 * reading from the bus while the messages that we hold exceed 63 MiB, which would let one caller stall all. */
DBusMessage *bus_call_get_message(BusCall *call);
void bus_call_drop_message(BusCall *call);

/* An empty reply to fill, owned by the caller of this function. */
DBusMessage *bus_call_new_reply(BusCall *call);

/* The same with the values as bytes (bus-assemble.h). NULL: they are not values of @signature. */
DBusMessage *bus_call_assemble_reply(BusCall *call, const char *signature, const GByteArray *body);

/* Answer, and consume the call. @reply: from bus_call_new_reply(), taken; NULL for a reply without values. */
void bus_call_return(BusCall *call, DBusMessage *reply);

/* The same; @size: bytes that the values of @reply take. */
void bus_call_return_sized(BusCall *call, DBusMessage *reply, gsize size);

/* The same with one descriptor, which stays the caller's of this function. Fails the call where the process has no descriptor left for
 * libdbus's copy. */
void bus_call_return_fd(BusCall *call, int fd);

/* @name: a D-Bus error name; one that is not valid is sent as org.freedesktop.DBus.Error.Failed. @text: any bytes;
 * what D-Bus cannot carry is replaced. */
void bus_call_fail(BusCall *call, const char *name, const char *text);

/* For errors of the domain BUS_ERROR; any other is sent as org.freedesktop.DBus.Error.Failed. */
void bus_call_fail_error(BusCall *call, const GError *error);
void bus_call_fail_code(BusCall *call, BusErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* From here on for dbus/ alone. bus_call_set_interface(): the table row was found, and may go before the call does. */
BusCall *bus_call_new(Bus *bus, BusPeerRecord *caller, DBusMessage *message);
void bus_call_set_interface(BusCall *call, GDBusInterfaceInfo *interface);

/* Refuses a call of somebody who does not read the answers; consumes it. */
void bus_call_fail_unread(BusCall *call);
