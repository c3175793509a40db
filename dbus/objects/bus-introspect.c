/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Introspect: the object's interfaces as GIO writes them, the standard ones, and the paths one step below. Called by
 * bus-dispatch.c for every node, so that tools can walk down from "/". */
#include "bus-introspect.h"

#include <string.h>

#include "bus-roof.h"

static char *
build_xml(BusTree *tree, const BusNode *node)
{
    GString *xml = g_string_new(DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE "<node>\n");
    BusObject *object = node->object;

    for (guint i = 0; object && i < object->n_slots; i++)
        g_string_append(xml, bus_interface_get_xml(object->slots[i].interface));
    for (guint i = 0; i < bus_node_count_standard(node); i++)
        g_string_append(xml, bus_interface_get_xml(bus_tree_get_standard(tree, i)));
    for (GList *l = node->children.head; l; l = l->next) {
        const BusNode *child = l->data;

        g_string_append_printf(xml, "  <node name=\"%s\"/>\n", strrchr(child->path, '/') + 1);
    }
    g_string_append(xml, "</node>\n");
    return g_string_free(xml, FALSE);
}

void
bus_introspect_answer(BusCall *call, const BusNode *node)
{
    g_autofree char *xml = build_xml(bus_get_roof(bus_call_get_bus(call))->tree, node);
    DBusMessage *reply = bus_call_new_reply(call);

    dbus_message_append_args(reply, DBUS_TYPE_STRING, &xml, DBUS_TYPE_INVALID);
    bus_call_return(call, reply);
}

void
bus_introspect(BusCall *call, gpointer user_data)
{
    BusNode *node = user_data;

    if (node->object && node->object->introspect)
        node->object->introspect(call, node->object->data);
    else
        bus_introspect_answer(call, node);
}
