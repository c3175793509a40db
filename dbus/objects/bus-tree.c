/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The paths of a Bus. bus-object.c puts objects in and takes them out; bus-dispatch.c finds the one that is called. The tree
 * owns its nodes; the objects belong to whoever made them.
 *
 * A node is found by its path in a hash table; parents and children are linked for introspection and ObjectManager. */
#include "bus-tree.h"

#include <string.h>

struct BusTree {
    GHashTable *nodes; /* path (the node's) → BusNode, owned */
    BusInterface *standard[BUS_N_STANDARD]; /* ref */
};

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
bus_tree_new(BusInterface *const standard[BUS_N_STANDARD])
{
    BusTree *tree = g_new0(BusTree, 1);

    tree->nodes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)node_free);
    for (guint i = 0; i < BUS_N_STANDARD; i++)
        tree->standard[i] = bus_interface_ref(standard[i]);
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

        if (object)
            object->node = NULL;
    }
    for (guint i = 0; i < BUS_N_STANDARD; i++)
        bus_interface_unref(tree->standard[i]);
    g_hash_table_unref(tree->nodes);
    g_free(tree);
}

BusNode *
bus_tree_lookup(BusTree *tree, const char *path)
{
    return g_hash_table_lookup(tree->nodes, path);
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

BusSlot *
bus_object_find_slot(BusObject *object, const char *interface)
{
    for (guint i = 0; i < object->n_slots; i++)
        if (g_str_equal(bus_interface_get_name(object->slots[i].interface), interface))
            return &object->slots[i];
    return NULL;
}

void
bus_object_note_read(BusObject *object)
{
    if (object->read)
        object->read(object->data);
}
