/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this folder know of each other. Only tests that look for leftovers include it besides. */
#pragma once

#include "bus-budget.h"
#include "bus-object.h"

typedef struct BusPeers BusPeers;
typedef struct BusTree BusTree;

struct Bus {
    guint refs; /* bus_open()'s; one for each object, call and watch; one while a message is dispatched */
    GMainContext *context; /* ref */
    DBusConnection *connection; /* owned, private; NULL once closed */
    GSource *source; /* owned */
    char *unique_name; /* owned; NULL before Hello is answered */
    BusStateFunc on_state;
    gpointer state_data;
    gboolean failed; /* on_state has been told the last thing */
    char *own_name; /* owned; the name asked for */
    BusNameFunc on_name;
    gpointer name_data;
    GQueue queries; /* of BusQuery, owned: sent, not answered */
    GQueue unsent; /* of BusQuery, owned: could not be sent, still to be told */
    GSource *unsent_hook; /* owned */
    GQueue drains; /* of BusDrain, owned */
    BusBudget *budget; /* owned; NULL once closed */
    BusPeers *peers; /* owned; NULL once closed */
    BusTree *tree; /* owned; NULL once closed */
    GQueue dirty; /* of BusObject, weak: a property has changed */
    GSource *dirty_hook; /* owned */
};

/* The memory stays while somebody may still ask it whether it is closed. */
Bus *bus_ref(Bus *bus);
void bus_unref(Bus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bus, bus_unref)

/* Sends without the property changes. */
void bus_send_now(Bus *bus, DBusMessage *message);

/* bus-query.c, bus-drain.c */
void bus_queries_open(Bus *bus);
void bus_queries_close(Bus *bus);
void bus_queries_disconnected(Bus *bus);
void bus_drains_close(Bus *bus);

/* bus-peer.c: a method call arrived, somebody left. bus_peers_count(): entries in the table, complete or not. */
BusPeers *bus_peers_new(Bus *bus);
void bus_peers_free(BusPeers *peers);
void bus_peers_take_call(BusPeers *peers, DBusMessage *message);
void bus_peers_expect(BusPeers *peers, const char *unique_name); /* has joined the bus, and may call */
void bus_peers_forget(BusPeers *peers, const char *unique_name);
guint bus_peers_count(BusPeers *peers);

BusPeer *bus_peer_ref(BusPeer *peer);
void bus_peer_unref(BusPeer *peer);
gboolean bus_peer_is_gone(const BusPeer *peer);

/* NULL: the bus has not told of the peer yet, or it is gone. */
BusAccount *bus_peer_get_account(const BusPeer *peer);

/* bus-call.c. bus_call_set_interface(): the table row was found, and may go before the call does. */
BusCall *bus_call_new(Bus *bus, BusPeer *peer, DBusMessage *message);
void bus_call_set_interface(BusCall *call, BusInterface *interface);

/* Refuses a call of somebody who does not read the answers; consumes it. */
void bus_call_fail_unread(BusCall *call);

/* bus-interface.c */
typedef enum BusEmits {
    BUS_EMITS_VALUE,
    BUS_EMITS_INVALIDATION,
    BUS_EMITS_NOTHING,
} BusEmits;

/* A table's row and what the XML says about it. */
typedef struct BusMember {
    const BusMethod *method; /* weak */
    char *signature; /* owned; of the arguments; NULL: any */
    guint n_required; /* arguments; those after them may be left out */
} BusMember;

/* Whether the method takes arguments of that signature. */
gboolean bus_member_takes(const BusMember *member, const char *signature);

typedef struct BusValue {
    const BusProperty *property; /* weak */
    const char *signature; /* borrowed from the GDBusInterfaceInfo */
    BusEmits emits;
} BusValue;

/* Whether @member can be called with the interface named (@named), or without. NULL: no. */
const BusMember *bus_interface_find(BusInterface *interface, const char *member, gboolean named);
const BusValue *bus_interface_get_values(BusInterface *interface, guint *ret_count);

/* Borrowed: the interface's XML, indented for an introspection document; made when it is first asked for. */
const char *bus_interface_get_xml(BusInterface *interface);

/* bus-tree.c, bus-object.c: the tree of paths. Every object has a node, and so has every path that leads to one. */
typedef struct BusNode BusNode;
struct BusNode {
    char *path; /* owned; key of the tree's table */
    BusNode *parent; /* weak; NULL: this is "/" */
    GQueue children; /* of BusNode, owned by the tree's table */
    GList link; /* in the parent's children */
    BusObject *object; /* weak; NULL: the path only leads to one */
};

typedef struct BusSlot {
    BusInterface *interface; /* ref */
    guint64 dirty; /* one bit a property whose change has not been told */
} BusSlot;

struct BusObject {
    Bus *bus; /* ref */
    char *path; /* owned */
    gpointer data; /* weak */
    BusNode *node; /* weak; NULL: not published */
    BusSlot *slots; /* owned */
    guint n_slots;
    gboolean is_manager;
    BusListedFunc on_listed; /* may be NULL */
    BusIntrospectFunc introspect; /* NULL: answered at once */
    BusReadFunc read; /* may be NULL */
    GList dirty_link; /* in the bus's dirty while its data is set */
};

BusTree *bus_tree_new(Bus *bus);
void bus_tree_free(BusTree *tree);
void bus_tree_dispatch(BusTree *tree, BusCall *call);
BusNode *bus_tree_insert(BusTree *tree, BusObject *object);
void bus_tree_remove(BusTree *tree, BusNode *node);
void bus_object_note_read(BusObject *object);
BusSlot *bus_object_find_slot(BusObject *object, const char *interface);

/* Those every object has: "org.freedesktop.DBus.Introspectable", Properties, ObjectManager. Their methods' data is the
 * BusNode. */
typedef enum BusStandard {
    BUS_STANDARD_INTROSPECTABLE,
    BUS_STANDARD_PEER,
    BUS_STANDARD_PROPERTIES,
    BUS_STANDARD_OBJECT_MANAGER,
    BUS_N_STANDARD,
} BusStandard;
BusInterface *bus_tree_get_standard(BusTree *tree, BusStandard which);

/* How many of them, in this order, @node has. */
guint bus_node_count_standard(const BusNode *node);

/* The handlers of the standard interfaces, and what else happens by itself. */
void bus_introspect(BusCall *call, gpointer node);
void bus_properties_get(BusCall *call, gpointer node);
void bus_properties_get_all(BusCall *call, gpointer node);
void bus_properties_set(BusCall *call, gpointer node);
void bus_properties_append(DBusMessageIter *iter, BusInterface *interface, gpointer object_data);
void bus_properties_open(Bus *bus);
void bus_properties_flush(Bus *bus);
void bus_properties_forget(BusObject *object);
void bus_managed_get(BusCall *call, gpointer node);
void bus_managed_added(BusObject *object, BusInterface *only);
void bus_managed_removed(BusObject *object, BusInterface *only);
