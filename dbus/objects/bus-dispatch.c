/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of a call to the function of its table row: the object at its path, the interface, the member, and whether it may
 * be called with these arguments. bus-open.c hands calls in as they come from bus-peers.c. */
#include "bus-dispatch.h"

#include <string.h>

#include "bus-hint.h"

/* Where a call goes. */
typedef struct Target {
    BusInterface *interface; /* borrowed; NULL: the object has no such interface */
    const BusMember *member; /* borrowed; NULL: the interface has no such method */
    gpointer data;
} Target;

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
        if (try_interface(target, bus_tree_get_standard(tree, (BusStandard)i), node, name, member))
            return;
}

static void
fail_unknown_method(BusTree *tree, const BusNode *node, BusCall *call, const Target *target, const char *interface)
{
    const char *path = bus_call_get_path(call), *member = bus_call_get_member(call);
    gboolean is_interface = interface && !target->interface;
    g_autofree char *hint =
        is_interface ? bus_hint_interface(tree, node, interface) : bus_hint_method(tree, node, interface, member);

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
    const BusNode *parent = bus_tree_lookup(tree, above);
    g_autofree char *hint = parent ? bus_hint_object(parent, name + 1) : NULL;

    bus_call_fail_code(call, BUS_ERROR_UNKNOWN_OBJECT, "There is no object %s%s", path, hint ? hint : "");
}

static void
run_method(BusCall *call, const Target *target)
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
    bus_call_set_interface(call, bus_interface_get_info(target->interface));
    member->method->call(call, target->data);
}

void
bus_dispatch(BusTree *tree, BusCall *call)
{
    BusNode *node = bus_tree_lookup(tree, bus_call_get_path(call));
    const char *interface = dbus_message_get_interface(bus_call_get_message(call));
    Target target = { 0 };

    if (!node && g_strcmp0(interface, DBUS_INTERFACE_PEER) == 0)
        node = bus_tree_lookup(tree, "/");
    if (!node) {
        fail_unknown_object(tree, call);
        return;
    }
    find_target(tree, node, interface, bus_call_get_member(call), &target);
    if (target.member)
        run_method(call, &target);
    else
        fail_unknown_method(tree, node, call, &target, interface);
}
