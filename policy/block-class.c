/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of block drivers, and the places where commands name them. Owns nothing but constants. Called by
 * command-arguments.c.
 *
 * A node is an object with `driver`; its children are such objects in it, or names of nodes that are there already.
 * Reading, writing and connecting are `configure`. `host` are:
 * - `rbd` with `conf`: Ceph's configuration names libraries that it loads, and files that it writes;
 * - `gluster`: the server, whom the caller chooses, names the libraries that the client loads.
 * `virtio-blk-vhost-user` gives the guest's memory to the program at the other end of its socket: `read-guest`.
 *
 * A file's name can hold a protocol, and with some the options of a node: `rbd:POOL/IMAGE:conf=PATH`. (`json:` in a
 * string is looked for in command-arguments.c.) What an image file names as its backing file is not known here. */
#include "block-class.h"

#include <string.h>

#define FILE_MEMBERS "filename pr-manager locking aio"
#define CURL_MEMBERS "url username password-secret proxy-username proxy-password-secret"

static PolicyClasses
raise_rbd(JsonObject *members)
{
    return json_object_has_member(members, "conf") ? POLICY_HOST : 0;
}

/* Sorted as strcmp() does it. The members are those of blockdev-add; blockdev-create has more, below. */
static const PolicyType drivers[] = {
    { "blkdebug", POLICY_CONFIGURE, "image config inject-error set-state take-child-perms unshare-child-perms", NULL },
    { "blklogwrites", POLICY_CONFIGURE, "file log", NULL },
    { "blkreplay", POLICY_CONFIGURE, "image", NULL },
    { "blkverify", POLICY_CONFIGURE, "test raw", NULL },
    { "bochs", POLICY_CONFIGURE, "file", NULL },
    { "cloop", POLICY_CONFIGURE, "file", NULL },
    { "compress", POLICY_CONFIGURE, "file", NULL },
    { "copy-before-write", POLICY_CONFIGURE, "file target bitmap on-cbw-error", NULL },
    { "copy-on-read", POLICY_CONFIGURE, "file bottom", NULL },
    { "dmg", POLICY_CONFIGURE, "file", NULL },
    { "file", POLICY_CONFIGURE, FILE_MEMBERS, NULL },
    { "ftp", POLICY_CONFIGURE, CURL_MEMBERS, NULL },
    { "ftps", POLICY_CONFIGURE, CURL_MEMBERS, NULL },
    { "gluster", POLICY_HOST, "volume path server logfile", NULL },
    { "host_cdrom", POLICY_CONFIGURE, FILE_MEMBERS, NULL },
    { "host_device", POLICY_CONFIGURE, FILE_MEMBERS, NULL },
    { "http", POLICY_CONFIGURE, CURL_MEMBERS " cookie cookie-secret", NULL },
    { "https", POLICY_CONFIGURE, CURL_MEMBERS " cookie cookie-secret", NULL },
    { "io_uring", POLICY_CONFIGURE, "filename", NULL },
    { "iscsi", POLICY_CONFIGURE, "transport portal target user password-secret initiator-name header-digest", NULL },
    { "luks", POLICY_CONFIGURE, "file key-secret header", NULL },
    { "nbd", POLICY_CONFIGURE, "server export tls-creds tls-hostname x-dirty-bitmap", NULL },
    { "nfs", POLICY_CONFIGURE, "server path", NULL },
    { "null-aio", POLICY_CONFIGURE, "", NULL },
    { "null-co", POLICY_CONFIGURE, "", NULL },
    { "nvme", POLICY_CONFIGURE, "device", NULL },
    { "nvme-io_uring", POLICY_CONFIGURE, "path", NULL },
    { "parallels", POLICY_CONFIGURE, "file", NULL },
    { "preallocate", POLICY_CONFIGURE, "file", NULL },
    { "qcow", POLICY_CONFIGURE, "file backing encrypt", NULL },
    { "qcow2", POLICY_CONFIGURE, "file backing overlap-check encrypt data-file", NULL },
    { "qed", POLICY_CONFIGURE, "file backing", NULL },
    { "quorum", POLICY_CONFIGURE, "children read-pattern", NULL },
    { "raw", POLICY_CONFIGURE, "file", NULL },
    { "rbd", POLICY_CONFIGURE,
      "pool namespace image conf snapshot encrypt user auth-client-required key-secret server", raise_rbd },
    { "replication", POLICY_CONFIGURE, "file mode top-id", NULL },
    { "snapshot-access", POLICY_CONFIGURE, "file", NULL },
    { "ssh", POLICY_CONFIGURE, "server path user host-key-check", NULL },
    { "throttle", POLICY_CONFIGURE, "throttle-group file", NULL },
    { "vdi", POLICY_CONFIGURE, "file", NULL },
    { "vhdx", POLICY_CONFIGURE, "file", NULL },
    { "virtio-blk-vfio-pci", POLICY_CONFIGURE, "path", NULL },
    { "virtio-blk-vhost-user", POLICY_READ_GUEST, "path", NULL },
    { "virtio-blk-vhost-vdpa", POLICY_CONFIGURE, "path", NULL },
    { "vmdk", POLICY_CONFIGURE, "file backing", NULL },
    { "vpc", POLICY_CONFIGURE, "file", NULL },
    { "vvfat", POLICY_CONFIGURE, "dir label", NULL },
};

/* The properties of every node, and then those of blockdev-create. */
const PolicyTypes policy_block_types = {
    "block",
    drivers,
    G_N_ELEMENTS(drivers),
    "driver node-name discard cache detect-zeroes "
    "location preallocation version backing-file backing-fmt compression-type subformat extents adapter-type "
    "hwversion "
    "toolsversion cipher-alg cipher-mode ivgen-alg ivgen-hash-alg hash-alg",
};

/* The exports, which give a VM's disks to others. Sorted as strcmp() does it. */
static const PolicyType exports[] = {
    { "fuse", POLICY_CONFIGURE, "mountpoint allow-other", NULL },
    { "nbd", POLICY_CONFIGURE, "name description bitmaps", NULL },
    { "vduse-blk", POLICY_CONFIGURE, "name serial", NULL },
    { "vhost-user-blk", POLICY_CONFIGURE, "addr", NULL },
};

const PolicyTypes policy_export_types = { "export", exports, G_N_ELEMENTS(exports), "type id node-name iothread" };

/* Prefixes of file names that are not the name of their driver. */
static const char *const protocols[][2] = {
    { "fat", "vvfat" },  { "gluster+rdma", "gluster" }, { "gluster+tcp", "gluster" }, { "gluster+unix", "gluster" },
    { "iser", "iscsi" }, { "nbd+tcp", "nbd" },          { "nbd+unix", "nbd" },
};

static const PolicyType *
find_protocol(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(protocols); i++)
        if (g_str_equal(name, protocols[i][0]))
            return policy_types_find(&policy_block_types, protocols[i][1]);
    return policy_types_find(&policy_block_types, name);
}

/* The next colon in @text that has no backslash before it, as qemu_rbd_next_tok() of QEMU finds it; NULL: there is
 * none. */
static const char *
find_colon(const char *text)
{
    for (; *text && *text != ':'; text++)
        text += *text == '\\' && text[1] ? 1 : 0;
    return *text ? text : NULL;
}

/* rbd:POOL/IMAGE[@SNAPSHOT][:KEY=VALUE...], where KEY is anything that Ceph's configuration knows. */
static PolicyClasses
classes_of_rbd_name(const char *name)
{
    static const char *const keys[] = { "auth_supported=", "id=", "key=", "mon_host=" };

    for (const char *at = find_colon(name); at; at = find_colon(at + 1)) {
        gboolean is_known = FALSE;
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
            is_known |= g_str_has_prefix(at + 1, keys[i]);
        if (!is_known)
            return POLICY_HOST;
    }
    return 0;
}

/* Of a file's name that QEMU looks for a protocol in, as path_has_protocol() of QEMU does.
 * `blkdebug:CONFIGURATION:NAME` and `blkverify:FILE:NAME` have another name in them. */
static PolicyClasses
classes_of_name(const char *name)
{
    PolicyClasses classes = 0;

    while (name[strcspn(name, ":/")] == ':') {
        const char *rest = strchr(name, ':') + 1;
        g_autofree char *protocol = g_strndup(name, rest - 1 - name);
        const PolicyType *type = find_protocol(protocol);
        gboolean has_another = g_str_equal(protocol, "blkdebug") || g_str_equal(protocol, "blkverify");
        if (!type || type->classes & POLICY_HOST)
            return POLICY_HOST;
        classes |= type->classes;
        if (g_str_equal(protocol, "rbd"))
            return classes | classes_of_rbd_name(rest);
        name = has_another ? strchr(rest, ':') : NULL;
        if (!name)
            return classes;
        name++;
    }
    return classes;
}

static PolicyClasses
classes_of_format(const char *format)
{
    const PolicyType *type = policy_types_find(&policy_block_types, format);

    return type ? type->classes : POLICY_HOST;
}

static PolicyClasses
classes_of_names(JsonObject *arguments, const char *name, const char *format)
{
    const char *file = policy_member_get_string(arguments, name);
    const char *driver = policy_member_get_string(arguments, format);

    return (file ? classes_of_name(file) : 0) | (driver ? classes_of_format(driver) : 0);
}

static PolicyClasses classes_of_value(JsonNode *value);

static PolicyClasses
classes_of_members(JsonObject *object)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;
    PolicyClasses classes = 0;

    json_object_iter_init(&iter, object);
    while (!(classes & POLICY_HOST) && json_object_iter_next(&iter, &name, &value))
        classes |= classes_of_value(value);
    return classes;
}

/* `location` is a node of the same driver that does not say so. */
static PolicyClasses
classes_of_node(JsonObject *node)
{
    const char *driver = policy_member_get_string(node, "driver");
    JsonObject *location = policy_member_get_object(node, "location");
    PolicyClasses classes = policy_types_classify(&policy_block_types, driver, node);

    if (location)
        classes |= policy_types_classify(&policy_block_types, driver, location);
    classes |= classes_of_names(node, "backing-file", "backing-fmt");
    return classes & POLICY_HOST ? POLICY_HOST : classes | classes_of_members(node);
}

/* Of the nodes in it, at any depth: arguments are not nested deeper than the reader of JSON allows. */
static PolicyClasses
classes_of_value(JsonNode *value)
{
    PolicyClasses classes = 0;

    if (JSON_NODE_HOLDS_OBJECT(value)) {
        JsonObject *object = json_node_get_object(value);
        return json_object_has_member(object, "driver") ? classes_of_node(object) : classes_of_members(object);
    }
    for (guint i = 0; JSON_NODE_HOLDS_ARRAY(value) && i < json_array_get_length(json_node_get_array(value)); i++)
        classes |= classes_of_value(json_array_get_element(json_node_get_array(value), i));
    return classes;
}

PolicyClasses
policy_classes_of_block(const char *qmp_name, JsonObject *arguments)
{
    /* The commands with a file's name, and a format for it where they have one. */
    static const struct {
        const char *qmp_name, *name, *format;
    } commands[] = {
        { "block-commit", "backing-file", "backing-fmt" },
        { "block-stream", "backing-file", "backing-fmt" },
        { "blockdev-change-medium", "filename", "format" },
        { "blockdev-snapshot-sync", "snapshot-file", "format" },
        { "change-backing-file", "backing-file", "backing-fmt" },
        { "drive-backup", "target", "format" },
        { "drive-mirror", "target", "format" },
    };

    if (g_str_equal(qmp_name, "blockdev-add"))
        return classes_of_node(arguments);
    if (g_str_equal(qmp_name, "blockdev-create") || g_str_equal(qmp_name, "blockdev-reopen"))
        return classes_of_members(arguments);
    if (g_str_equal(qmp_name, "block-export-add"))
        return policy_types_classify(&policy_export_types, policy_member_get_string(arguments, "type"), arguments);
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_str_equal(qmp_name, commands[i].qmp_name))
            return classes_of_names(arguments, commands[i].name, commands[i].format);
    return 0;
}
