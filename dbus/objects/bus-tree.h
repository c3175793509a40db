/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of paths: every object has a node, and so has every path that leads to one. Only dbus/ includes this. */
#pragma once

#include "bus-interface.h"
#include "bus-object-func.h"

typedef struct BusObject BusObject;
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
    GList dirty_link; /* in the BusChanges while its data is set */
};

/* The interfaces that every object has: "org.freedesktop.DBus.Introspectable", Properties, ObjectManager. Their
 * methods' data is the BusNode. */
typedef enum BusStandard {
    BUS_STANDARD_INTROSPECTABLE,
    BUS_STANDARD_PEER,
    BUS_STANDARD_PROPERTIES,
    BUS_STANDARD_OBJECT_MANAGER,
    BUS_N_STANDARD,
} BusStandard;

typedef struct BusTree BusTree;
BusTree *bus_tree_new(BusInterface *const standard[BUS_N_STANDARD]); /* references them */
void bus_tree_free(BusTree *tree);

/* NULL: the object's path has one already. */
BusNode *bus_tree_insert(BusTree *tree, BusObject *object);
void bus_tree_remove(BusTree *tree, BusNode *node);
BusNode *bus_tree_lookup(BusTree *tree, const char *path); /* NULL: there is none */
BusInterface *bus_tree_get_standard(BusTree *tree, BusStandard which);

/* The number of standard interfaces that @node has: the first so many of BusStandard. */
guint bus_node_count_standard(const BusNode *node);

void bus_object_note_read(BusObject *object);
BusSlot *bus_object_find_slot(BusObject *object, const char *interface); /* NULL: it has no such interface */
