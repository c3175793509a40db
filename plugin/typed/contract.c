/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "contract.h"

#include "contract-xml.h"

GDBusNodeInfo *
contract_load(void)
{
    g_autoptr(GError) error = NULL;
    GDBusNodeInfo *info = g_dbus_node_info_new_for_xml(contract_xml, &error);

    /* A test parses the same text: this cannot happen in a build that passed it. */
    if (!info)
        g_error("org.qemu.Monitor1.xml: %s", error->message);
    return info;
}
