/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of network devices, character devices and displays of the host. Owns nothing but constants. Called by command-arguments.c.
 *
 * `host` are those that start programs (`passt`; `vde`, whose library runs the words after `cmd://`), and `stdio`, which
 * takes QEMU's own descriptors 0 and 1, as a descriptor's number would. `vhost-user` gives all of the guest's memory to
 * the program at the other end of its socket: `read-guest`. */
#include "backend-class.h"

#include <string.h>

/* Without a descriptor QEMU runs a script when a tap comes up and one when it goes, by default its own. */
static PolicyClasses
raise_tap(JsonObject *members)
{
    static const char *const names[] = { "script", "downscript" };

    if (json_object_has_member(members, "helper"))
        return POLICY_HOST;
    if (json_object_has_member(members, "fd") || json_object_has_member(members, "fds"))
        return 0;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *script = policy_member_get_string(members, names[i]);
        if (!script || (*script && !g_str_equal(script, "no")))
            return POLICY_HOST;
    }
    return 0;
}

/* Without `helper` it is QEMU's own. */
static PolicyClasses
raise_bridge(JsonObject *members)
{
    return json_object_has_member(members, "helper") ? POLICY_HOST : 0;
}

/* `smb` starts a server, and `guestfwd` the program after `-cmd:`. */
static PolicyClasses
raise_user(JsonObject *members)
{
    JsonNode *node = json_object_get_member(members, "guestfwd");
    JsonArray *forwards = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

    if (json_object_has_member(members, "smb") || (node && !forwards))
        return POLICY_HOST;
    for (guint i = 0; forwards && i < json_array_get_length(forwards); i++) {
        JsonNode *element = json_array_get_element(forwards, i);
        JsonObject *object = JSON_NODE_HOLDS_OBJECT(element) ? json_node_get_object(element) : NULL;
        const char *forward = policy_member_get_string(object, "str");
        if (!forward || strstr(forward, "cmd:"))
            return POLICY_HOST;
    }
    return 0;
}

/* Sorted as strcmp() does it. */
static const PolicyType netdevs[] = {
    { "af-xdp", POLICY_CONFIGURE, "ifname mode sock-fds map-path", NULL },
    { "bridge", POLICY_CONFIGURE, "br helper", raise_bridge },
    { "dgram", POLICY_CONFIGURE, "local remote", NULL },
    { "hubport", POLICY_CONFIGURE, "netdev", NULL },
    { "l2tpv3", POLICY_CONFIGURE, "src dst srcport dstport", NULL },
    { "netmap", POLICY_CONFIGURE, "ifname devname", NULL },
    { "nic", POLICY_HOST, "netdev macaddr model addr", NULL }, /* of QEMU's command line only */
    { "none", POLICY_HOST, "", NULL }, /* likewise */
    { "passt", POLICY_HOST, "", NULL },
    { "socket", POLICY_CONFIGURE, "fd listen connect mcast localaddr udp", NULL },
    { "stream", POLICY_CONFIGURE, "addr", NULL },
    { "tap", POLICY_CONFIGURE, "ifname fd fds script downscript br helper vhostfd vhostfds", raise_tap },
    { "user", POLICY_CONFIGURE,
      "hostname ip net host tftp bootfile dhcpstart dns dnssearch domainname ipv6-prefix ipv6-host ipv6-dns smb "
      "smbserver hostfwd guestfwd tftp-server-name",
      raise_user },
    { "vde", POLICY_HOST, "sock group", NULL },
    { "vhost-user", POLICY_READ_GUEST, "chardev", NULL },
    { "vhost-vdpa", POLICY_CONFIGURE, "vhostdev vhostfd", NULL },
};

const PolicyTypes policy_netdev_types = { "netdev", netdevs, G_N_ELEMENTS(netdevs), "type id" };

/* Sorted as strcmp() does it. */
static const PolicyType chardevs[] = {
    { "braille", POLICY_CONFIGURE, "", NULL },
    { "console", POLICY_HOST, "", NULL }, /* of Windows: QEMU's own, as stdio */
    { "dbus", POLICY_CONFIGURE, "name encoding", NULL },
    { "file", POLICY_CONFIGURE, "in out", NULL },
    { "hub", POLICY_CONFIGURE, "chardevs", NULL },
    { "memory", POLICY_CONFIGURE, "", NULL },
    { "msmouse", POLICY_CONFIGURE, "", NULL },
    { "mux", POLICY_CONFIGURE, "chardev", NULL },
    { "null", POLICY_CONFIGURE, "", NULL },
    { "parallel", POLICY_CONFIGURE, "device", NULL },
    { "pipe", POLICY_CONFIGURE, "device", NULL },
    { "pty", POLICY_CONFIGURE, "path", NULL },
    { "qemu-vdagent", POLICY_CONFIGURE, "", NULL },
    { "ringbuf", POLICY_CONFIGURE, "", NULL },
    { "serial", POLICY_CONFIGURE, "device", NULL },
    { "socket", POLICY_CONFIGURE, "addr tls-creds tls-authz", NULL },
    { "spiceport", POLICY_CONFIGURE, "fqdn", NULL },
    { "spicevmc", POLICY_CONFIGURE, "type", NULL },
    { "stdio", POLICY_HOST, "", NULL },
    { "testdev", POLICY_CONFIGURE, "", NULL },
    { "udp", POLICY_CONFIGURE, "remote local", NULL },
    { "vc", POLICY_CONFIGURE, "encoding", NULL },
    { "wctablet", POLICY_CONFIGURE, "", NULL },
};

const PolicyTypes policy_chardev_types = { "chardev", chardevs, G_N_ELEMENTS(chardevs), "logfile" };

/* Opening one is `host`, whichever it is (command-class.c); this is for what only looks after one that is there. */
static const PolicyType displays[] = {
    { "vnc", POLICY_CONFIGURE, "", NULL },
};

const PolicyTypes policy_display_types = { "display", displays, G_N_ELEMENTS(displays), "type" };

PolicyClasses
policy_classes_of_display(JsonObject *arguments)
{
    return policy_types_classify(&policy_display_types, policy_member_get_string(arguments, "type"), arguments);
}

PolicyClasses
policy_classes_of_netdev(JsonObject *arguments)
{
    return policy_types_classify(&policy_netdev_types, policy_member_get_string(arguments, "type"), arguments);
}

/* The members of a type that has none may be left out. */
PolicyClasses
policy_classes_of_chardev(JsonObject *arguments)
{
    JsonObject *backend = policy_member_get_object(arguments, "backend");
    JsonObject *data = policy_member_get_object(backend, "data");
    const PolicyType *type = policy_types_find(&policy_chardev_types, policy_member_get_string(backend, "type"));

    if (!type)
        return POLICY_HOST;
    return data ? policy_types_classify(&policy_chardev_types, type->name, data) : type->classes;
}
