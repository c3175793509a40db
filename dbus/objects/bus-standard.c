/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus's own interfaces, as XML and tables like anybody else's, so that calls to them are found, checked and
 * introspected the same way. bus-open.c makes one set a Bus. */
#include "bus-standard.h"

#include "bus-introspect.h"
#include "bus-object-manager.h"
#include "bus-properties.h"

static const char xml[] =
    "<node>"
    "<interface name='" DBUS_INTERFACE_INTROSPECTABLE "'>"
    "<method name='Introspect'><arg type='s' name='xml_data' direction='out'/></method>"
    "</interface>"
    "<interface name='" DBUS_INTERFACE_PEER "'>"
    "<method name='Ping'/>"
    "<method name='GetMachineId'><arg type='s' name='machine_uuid' direction='out'/></method>"
    "</interface>"
    "<interface name='" DBUS_INTERFACE_PROPERTIES "'>"
    "<method name='Get'><arg type='s' name='interface_name' direction='in'/>"
    "<arg type='s' name='property_name' direction='in'/><arg type='v' name='value' direction='out'/></method>"
    "<method name='GetAll'><arg type='s' name='interface_name' direction='in'/>"
    "<arg type='a{sv}' name='properties' direction='out'/></method>"
    "<method name='Set'><arg type='s' name='interface_name' direction='in'/>"
    "<arg type='s' name='property_name' direction='in'/><arg type='v' name='value' direction='in'/></method>"
    "<signal name='PropertiesChanged'><arg type='s' name='interface_name'/>"
    "<arg type='a{sv}' name='changed_properties'/><arg type='as' name='invalidated_properties'/></signal>"
    "</interface>"
    "<interface name='org.freedesktop.DBus.ObjectManager'>"
    "<method name='GetManagedObjects'>"
    "<arg type='a{oa{sa{sv}}}' name='object_paths_interfaces_and_properties' direction='out'/></method>"
    "<signal name='InterfacesAdded'><arg type='o' name='object_path'/>"
    "<arg type='a{sa{sv}}' name='interfaces_and_properties'/></signal>"
    "<signal name='InterfacesRemoved'><arg type='o' name='object_path'/><arg type='as' name='interfaces'/></signal>"
    "</interface>"
    "</node>";

/* Peer is on every path; see bus_dispatch(). */
static void
answer_ping(BusCall *call, gpointer node)
{
    bus_call_return(call, /* reply= */ NULL);
}

static void
get_machine_id(BusCall *call, gpointer node)
{
    DBusError unknown = DBUS_ERROR_INIT;
    char *id = dbus_try_get_local_machine_id(&unknown);
    DBusMessage *reply;

    if (!id) {
        bus_call_fail(call, unknown.name, unknown.message);
        dbus_error_free(&unknown);
        return;
    }
    reply = bus_call_new_reply(call);
    dbus_message_append_args(reply, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID);
    dbus_free(id);
    bus_call_return(call, reply);
}

static const BusMethod introspectable[] = {
    { "Introspect", BUS_ACCESS_PUBLIC, bus_introspect },
    { 0 },
};

static const BusMethod peer[] = {
    { "Ping", BUS_ACCESS_PUBLIC, answer_ping },
    { "GetMachineId", BUS_ACCESS_PUBLIC, get_machine_id },
    { 0 },
};

static const BusMethod properties[] = {
    { "Get", BUS_ACCESS_PUBLIC, bus_properties_get },
    { "GetAll", BUS_ACCESS_PUBLIC, bus_properties_get_all },
    { "Set", BUS_ACCESS_PUBLIC, bus_properties_set },
    { 0 },
};

static const BusMethod object_manager[] = {
    { "GetManagedObjects", BUS_ACCESS_PUBLIC, bus_managed_get },
    { 0 },
};

void
bus_standard_new(BusInterface *ret_interfaces[BUS_N_STANDARD])
{
    static const BusMethod *const methods[BUS_N_STANDARD] = {
        [BUS_STANDARD_INTROSPECTABLE] = introspectable,
        [BUS_STANDARD_PEER] = peer,
        [BUS_STANDARD_PROPERTIES] = properties,
        [BUS_STANDARD_OBJECT_MANAGER] = object_manager,
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, &error);

    g_assert_no_error(error);
    for (guint i = 0; i < BUS_N_STANDARD; i++) {
        ret_interfaces[i] = bus_interface_new(node->interfaces[i], methods[i], /* properties= */ NULL,
                                              /* any= */ NULL, &error);
        g_assert_no_error(error);
    }
}
