/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One caller, with credentials. A peer is a unique bus name, and known from its first call (which waits until the bus
 * has told its credentials) until NameOwnerChanged says that it left the bus. */
#pragma once

#include "bus-budget.h"

#define BUS_PEER_NO_ID G_MAXUINT32

/* The uid that the kernel gives for users for whom it has no number: nobody's, or everybody's. See user_namespaces(7). */
#define BUS_PEER_OVERFLOW_ID 65534u

typedef struct BusPeer {
    char *name; /* owned; the unique name, ":1.42" */
    guint32 uid; /* as the bus vouches for it; BUS_PEER_NO_ID where it cannot */
    guint32 pid; /* likewise */
    guint64 start_time; /* of that process, as it was when the bus told of it; 0: not known */
    gboolean is_gone; /* has left the bus; a copy tells what was when it was made */
} BusPeer;

/* Whether @peer is the user @uid, and can be no other. */
gboolean bus_peer_is_user(const BusPeer *peer, guint32 uid);

/* When a process started, in the kernel's ticks; FALSE: there is none, or it cannot be told. */
gboolean bus_peer_read_start_time(guint32 pid, guint64 *ret_time);

/* From here on for dbus/ alone: a peer with what is kept of it here. One reference is the table's, and one each call's. */
typedef struct BusPeerRecord {
    BusPeer peer; /* what everybody else sees */
    guint refs;
    BusAccount *account; /* owned; NULL before the bus has told, and once gone */
    DBusMessage *blank; /* owned; NULL before the first reply */
} BusPeerRecord;

BusPeerRecord *bus_peer_record_new(const char *unique_name);
BusPeerRecord *bus_peer_record_ref(BusPeerRecord *record);
void bus_peer_record_unref(BusPeerRecord *record);

/* The bus has told of the peer: @reply is the answer to GetConnectionCredentials, NULL: refused. Opens the account. */
void bus_peer_record_set_credentials(BusPeerRecord *record, DBusMessage *reply, BusBudget *budget);

/* The peer has left, or the Bus is closed: closes the account. */
void bus_peer_record_set_gone(BusPeerRecord *record);

/* An empty reply to the call with @serial, owned by the caller. Nearly all of its header is the same in all replies to one
 * peer: a copy of a blank one takes half the time of a new one. */
DBusMessage *bus_peer_record_new_reply(BusPeerRecord *record, guint32 serial);
