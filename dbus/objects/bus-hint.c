/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by bus-dispatch.c and bus-properties.c when they refuse a call, and by bus_object_dup_method_hint()'s users;
 * owns nothing. */
#include "bus-hint.h"

#include <string.h>

#include "nearest.h"

/* The members of an interface that can be named wrongly. */
typedef enum Kind {
    METHODS,
    PROPERTIES,
} Kind;

/* The interfaces of an object, its own first; NULL: there are no more. */
static BusInterface *
get_node_interface(BusTree *tree, const BusNode *node, guint index)
{
    guint n_own = node->object ? node->object->n_slots : 0;

    if (index < n_own)
        return node->object->slots[index].interface;
    index -= n_own;
    return index < bus_node_count_standard(node) ? bus_tree_get_standard(tree, (BusStandard)index) : NULL;
}

/* NULL: there are no more. */
static const char *
get_member_name(BusInterface *interface, Kind kind, guint index)
{
    const GDBusInterfaceInfo *info = bus_interface_get_info(interface);

    switch (kind) {
    case METHODS:
        return info->methods && info->methods[index] ? info->methods[index]->name : NULL;
    case PROPERTIES:
        return info->properties && info->properties[index] ? info->properties[index]->name : NULL;
    }
    g_return_val_if_reached(NULL);
}

static gboolean
has_member(BusInterface *interface, Kind kind, const char *name)
{
    const char *member;

    for (guint i = 0; (member = get_member_name(interface, kind, i)); i++)
        if (g_str_equal(member, name))
            return TRUE;
    return FALSE;
}

/* The first that has a member of that name; NULL: none. */
static BusInterface *
find_interface_with(BusTree *tree, const BusNode *node, Kind kind, const char *name)
{
    BusInterface *interface;

    for (guint i = 0; (interface = get_node_interface(tree, node, i)); i++)
        if (has_member(interface, kind, name))
            return interface;
    return NULL;
}

/* Of the interface of that name; NULL: of all. */
static void
offer_members(Nearest *nearest, BusTree *tree, const BusNode *node, Kind kind, const char *name)
{
    BusInterface *interface;
    const char *member;

    for (guint i = 0; (interface = get_node_interface(tree, node, i)); i++)
        if (!name || g_str_equal(bus_interface_get_name(interface), name))
            for (guint j = 0; (member = get_member_name(interface, kind, j)); j++)
                nearest_offer(nearest, member);
}

/* The right name on the wrong interface, a wrong name on the right one, and then a wrong name on the wrong one. */
static char *
dup_member_hint(BusTree *tree, const BusNode *node, Kind kind, const char *interface, const char *member)
{
    BusInterface *other = find_interface_with(tree, node, kind, member);
    Nearest nearest;

    if (other)
        return g_strdup_printf("; %s has it", bus_interface_get_name(other));
    nearest_init(&nearest, member);
    offer_members(&nearest, tree, node, kind, interface);
    if (nearest_get(&nearest) || !interface)
        return nearest_dup_question(&nearest);
    offer_members(&nearest, tree, node, kind, /* name= */ NULL);
    if (!nearest_get(&nearest))
        return g_strdup("");
    other = find_interface_with(tree, node, kind, nearest_get(&nearest));
    return g_strdup_printf("; did you mean %s of %s?", nearest_get(&nearest), bus_interface_get_name(other));
}

char *
bus_hint_method(BusTree *tree, const BusNode *node, const char *interface, const char *member)
{
    return dup_member_hint(tree, node, METHODS, interface, member);
}

char *
bus_hint_property(BusTree *tree, const BusNode *node, const char *interface, const char *property)
{
    return dup_member_hint(tree, node, PROPERTIES, interface, property);
}

char *
bus_hint_interface(BusTree *tree, const BusNode *node, const char *name)
{
    BusInterface *interface;
    Nearest nearest;

    nearest_init(&nearest, name);
    for (guint i = 0; (interface = get_node_interface(tree, node, i)); i++)
        nearest_offer(&nearest, bus_interface_get_name(interface));
    return nearest_dup_question(&nearest);
}

char *
bus_hint_object(const BusNode *parent, const char *name)
{
    Nearest nearest;

    nearest_init(&nearest, name);
    for (GList *i = parent->children.head; i; i = i->next)
        nearest_offer(&nearest, strrchr(((const BusNode *)i->data)->path, '/') + 1);
    return nearest_dup_question(&nearest);
}
