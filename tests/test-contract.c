/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract that is compiled in: without it the module cannot start, and with another text objects would show what they do
 * not do. */
#include "contract.h"

#include "introspection.h"
#include "names.h"

/* An agent that starts: the text parses, and has every interface that objects are made of. */
static void
test_load(void)
{
    static const char *const interfaces[] = {
        MONITOR_MANAGER_INTERFACE, MONITOR_VM_INTERFACE,     MONITOR_JOB_INTERFACE,
        MONITOR_QMP_INTERFACE,     MONITOR_EVENTS_INTERFACE,
    };
    GDBusNodeInfo *contract = contract_load();

    for (guint i = 0; i < G_N_ELEMENTS(interfaces); i++)
        g_assert_nonnull(g_dbus_node_info_lookup_interface(contract, interfaces[i]));
    g_dbus_node_info_unref(contract);
}

/* Somebody who calls a method by the contract: each says which QMP command it is, and is called by the rule for names. */
static void
test_names(void)
{
    GDBusNodeInfo *contract = contract_load();
    GDBusInterfaceInfo *qmp = g_dbus_node_info_lookup_interface(contract, MONITOR_QMP_INTERFACE);
    GDBusInterfaceInfo *events = g_dbus_node_info_lookup_interface(contract, MONITOR_EVENTS_INTERFACE);

    for (GDBusMethodInfo **method = qmp->methods; *method; method++) {
        const char *command = introspection_get_qmp_name((*method)->annotations);
        g_autofree char *member = names_member_from_qmp(command);
        g_assert_cmpstr((*method)->name, ==, member);
    }
    for (GDBusSignalInfo **signal = events->signals; *signal; signal++) {
        g_autofree char *member = names_member_from_qmp(introspection_get_qmp_name((*signal)->annotations));
        g_assert_cmpstr((*signal)->name, ==, member);
    }
    g_dbus_node_info_unref(contract);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/contract/load", test_load);
    g_test_add_func("/contract/names", test_names);
    return g_test_run();
}
