/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The paths of a Bus: from bus-peer.c a call comes here and goes to the function of its table row. The tree owns its
 * nodes and the standard interfaces; the objects belong to whoever made them.
 *
 * A node is found by its path in a hash table; parents and children are linked for introspection and ObjectManager. */
#include "bus-hint.h"
#include "bus-standard.h"

#include <string.h>

struct BusTree {
    GHashTable *nodes; /* path (the node's) → BusNode, owned */
    BusInterface *standard[BUS_N_STANDARD]; /* ref */
};

/* Where a call goes. */
typedef struct Target {
    BusInterface *interface; /* borrowed; NULL: the object has no such interface */
    const BusMember *member; /* borrowed; NULL: the interface has no such method */
    gpointer data;
} Target;

static void
node_free(BusNode *node)
{
    g_free(node->path);
    g_free(node);
}

static BusNode *
add_node(BusTree *tree, BusNode *parent, const char *path)
{
    BusNode *node = g_new0(BusNode, 1);

    node->path = g_strdup(path);
    node->parent = parent;
    node->link.data = node;
    if (parent)
        g_queue_push_tail_link(&parent->children, &node->link);
    g_hash_table_insert(tree->nodes, node->path, node);
    return node;
}

/* The node at @path, made with those that lead to it where they are missing. */
static BusNode *
get_node(BusTree *tree, const char *path)
{
    BusNode *node = g_hash_table_lookup(tree->nodes, path);
    g_autofree char *parent = NULL;
    const char *slash;

    if (node)
        return node;
    slash = strrchr(path, '/');
    parent = slash == path ? g_strdup("/") : g_strndup(path, (gsize)(slash - path));
    return add_node(tree, get_node(tree, parent), path);
}

BusNode *
bus_tree_insert(BusTree *tree, BusObject *object)
{
    BusNode *node = get_node(tree, object->path);

    g_return_val_if_fail(!node->object, NULL);
    node->object = object;
    return node;
}

/* The paths that led to this object only go with it; "/" stays. */
void
bus_tree_remove(BusTree *tree, BusNode *node)
{
    node->object = NULL;
    while (node->parent && !node->object && node->children.length == 0) {
        BusNode *parent = node->parent;

        g_queue_unlink(&parent->children, &node->link);
        g_hash_table_remove(tree->nodes, node->path);
        node = parent;
    }
}

BusTree *
bus_tree_new(Bus *bus)
{
    BusTree *tree = g_new0(BusTree, 1);

    tree->nodes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)node_free);
    bus_standard_new(tree->standard);
    add_node(tree, /* parent= */ NULL, "/");
    return tree;
}

void
bus_tree_free(BusTree *tree)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, tree->nodes);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        BusObject *object = ((BusNode *)value)->object;

        if (!object)
            continue;
        bus_properties_forget(object);
        object->node = NULL;
    }
    for (guint i = 0; i < BUS_N_STANDARD; i++)
        bus_interface_unref(tree->standard[i]);
    g_hash_table_unref(tree->nodes);
    g_free(tree);
}

BusObject *
bus_get_object(Bus *bus, const char *path)
{
    BusNode *node = bus->tree ? g_hash_table_lookup(bus->tree->nodes, path) : NULL;

    return node ? node->object : NULL;
}

BusInterface *
bus_tree_get_standard(BusTree *tree, BusStandard which)
{
    return tree->standard[which];
}

guint
bus_node_count_standard(const BusNode *node)
{
    if (!node->object)
        return BUS_STANDARD_PROPERTIES;
    return node->object->is_manager ? BUS_N_STANDARD : BUS_STANDARD_OBJECT_MANAGER;
}

/* TRUE: the search is over. */
static gboolean
try_interface(Target *target, BusInterface *interface, gpointer data, const char *name, const char *member)
{
    if (name && !g_str_equal(bus_interface_get_name(interface), name))
        return FALSE;
    target->interface = interface;
    target->member = bus_interface_find(interface, member, /* named= */ name != NULL);
    target->data = data;
    return name || target->member;
}

static void
find_target(BusTree *tree, BusNode *node, const char *name, const char *member, Target *target)
{
    BusObject *object = node->object;

    for (guint i = 0; object && i < object->n_slots; i++)
        if (try_interface(target, object->slots[i].interface, object->data, name, member))
            return;
    for (guint i = 0; i < bus_node_count_standard(node); i++)
        if (try_interface(target, tree->standard[i], node, name, member))
            return;
}

static void
fail_unknown(BusTree *tree, const BusNode *node, BusCall *call, const Target *target, const char *interface)
{
    const char *path = bus_call_get_path(call), *member = bus_call_get_member(call);
    gboolean is_interface = interface && !target->interface;
    g_autofree char *hint = is_interface ? bus_hint_interface(tree, node, interface)
                                         : bus_hint_method(tree, node, interface, member);

    if (!interface)
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_METHOD, "No interface of %s has a method %s%s", path, member, hint);
    else if (is_interface)
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_INTERFACE, "%s has no interface %s%s", path, interface, hint);
    else
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_METHOD, "%s has no method %s%s", interface, member, hint);
}

static void
fail_unknown_object(BusTree *tree, BusCall *call)
{
    const char *path = bus_call_get_path(call), *name = strrchr(path, '/');
    g_autofree char *above = name == path ? g_strdup("/") : g_strndup(path, (gsize)(name - path));
    const BusNode *parent = g_hash_table_lookup(tree->nodes, above);
    g_autofree char *hint = parent ? bus_hint_object(parent, name + 1) : NULL;

    bus_call_fail_code(call, BUS_ERROR_UNKNOWN_OBJECT, "There is no object %s%s", path, hint ? hint : "");
}

static void
run(BusCall *call, const Target *target)
{
    const BusMember *member = target->member;

    if (member->method->access == BUS_ACCESS_UNDECIDED) {
        bus_call_fail_code(call, BUS_ERROR_ACCESS_DENIED, "Nobody may call %s", bus_call_get_member(call));
        return;
    }
    if (member->signature && !bus_member_takes(member, bus_call_get_signature(call))) {
        bus_call_fail_code(call, BUS_ERROR_INVALID_ARGS, "%s takes arguments of type \"%s\", not \"%s\"",
                           bus_call_get_member(call), member->signature, bus_call_get_signature(call));
        return;
    }
    /* Whoever keeps the message keeps them, and libdbus stops reading where 4,096 are held. */
    if (dbus_message_contains_unix_fds(bus_call_get_message(call)) && !strchr(bus_call_get_signature(call), 'h')) {
        bus_call_fail_code(call, BUS_ERROR_INVALID_ARGS, "Descriptors came with %s that none of its arguments names",
                           bus_call_get_member(call));
        return;
    }
    bus_call_set_interface(call, target->interface);
    member->method->call(call, target->data);
}

void
bus_tree_dispatch(BusTree *tree, BusCall *call)
{
    BusNode *node = g_hash_table_lookup(tree->nodes, bus_call_get_path(call));
    const char *interface = dbus_message_get_interface(bus_call_get_message(call));
    Target target = { 0 };

    if (!node && g_strcmp0(interface, DBUS_INTERFACE_PEER) == 0)
        node = g_hash_table_lookup(tree->nodes, "/");
    if (!node) {
        fail_unknown_object(tree, call);
        return;
    }
    find_target(tree, node, interface, bus_call_get_member(call), &target);
    if (target.member)
        run(call, &target);
    else
        fail_unknown(tree, node, call, &target, interface);
}
