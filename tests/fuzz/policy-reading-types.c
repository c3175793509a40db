/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device-class.h"
#include "json-tree.h"
#include "policy-reading.h"
#include "type-class.h"

#define READ_GUEST POLICY_CLASSES(POLICY_CLASS_READ_GUEST)

/* Strings, lists and objects. */
static gboolean
can_name_something(JsonNode *node)
{
    JsonTreeType type = json_tree_get_type(node);

    return type == JSON_TREE_STRING || type == JSON_TREE_STRING_WITH_NUL || type == JSON_TREE_ARRAY || type == JSON_TREE_OBJECT;
}

/* Anything but the word `no` and the empty word is a program's name; so is QEMU's default. */
static gboolean
runs_script(JsonObject *tap, const char *name)
{
    const char *script = policy_reading_get_string(tap, name);

    return !script || !policy_reading_matches(script, "(no)?");
}

static gboolean
forwards_to_program(JsonObject *user)
{
    JsonNode *node = json_object_get_member(user, "guestfwd");

    if (!node)
        return FALSE;
    if (json_tree_get_type(node) != JSON_TREE_ARRAY)
        return TRUE;
    for (guint i = 0; i < json_array_get_length(json_node_get_array(node)); i++) {
        JsonNode *element = json_array_get_element(json_node_get_array(node), i);
        JsonObject *object = json_tree_get_type(element) == JSON_TREE_OBJECT ? json_node_get_object(element) : NULL;
        const char *text = policy_reading_get_string(object, "str");
        if (!text || policy_reading_matches(text, ".*cmd:.*"))
            return TRUE;
    }
    return FALSE;
}

static PolicyClasses
read_members(const char *kind, const char *type, JsonObject *members)
{
    g_autofree char *what = g_strdup_printf("%s %s", kind, type);

    if (g_str_equal(what, "netdev tap")) {
        gboolean is_given = json_object_has_member(members, "fd") || json_object_has_member(members, "fds");
        gboolean runs = runs_script(members, "script") || runs_script(members, "downscript");
        return json_object_has_member(members, "helper") || (!is_given && runs) ? POLICY_HOST : 0;
    }
    if (g_str_equal(what, "netdev bridge"))
        return json_object_has_member(members, "helper") ? POLICY_HOST : 0;
    if (g_str_equal(what, "netdev user"))
        return json_object_has_member(members, "smb") || forwards_to_program(members) ? POLICY_HOST : 0;
    if (g_str_equal(what, "block rbd"))
        return json_object_has_member(members, "conf") ? POLICY_HOST : 0;
    if (g_str_equal(what, "object secret"))
        return json_object_has_member(members, "file") ? READ_GUEST : 0;
    return 0;
}

PolicyClasses
policy_reading_of_type(const PolicyTypes *types, const char *name, JsonObject *members)
{
    const PolicyType *row = NULL;
    g_autoptr(GList) names = json_object_get_members(members);

    for (guint i = 0; name && i < types->n_rows; i++)
        row = g_str_equal(types->rows[i].name, name) ? &types->rows[i] : row;
    if (!row)
        return POLICY_HOST;
    for (GList *at = names; at; at = at->next)
        if (can_name_something(json_object_get_member(members, at->data)) && !policy_reading_has_word(row->members, at->data) &&
            !policy_reading_has_word(types->common, at->data))
            return POLICY_HOST;
    return row->classes | read_members(types->kind, name, members);
}

/* A device's name, or that name with the transport of a virtio device, or a CPU's. */
static PolicyClasses
read_driver(const char *driver)
{
    const char *transports = "(-ccw|-device|-device-pci|-pci|-pci-non-transitional|-pci-transitional)";
    const PolicyDevices *group;

    if (policy_reading_matches(driver, ".*(-i386-cpu|-loongarch-cpu|-s390x-cpu|-spapr-cpu-core|-x86_64-cpu)"))
        return POLICY_CONFIGURE;
    for (guint n = 0; (group = policy_devices_get_nth(n)); n++) {
        g_auto(GStrv) names = g_strsplit(group->names, " ", -1);
        for (guint i = 0; names[i]; i++) {
            g_autofree char *escaped = g_regex_escape_string(names[i], -1);
            g_autofree char *expression = g_strdup_printf("(?=virtio-|vhost-)%s%s|%s", escaped, transports, escaped);
            if (policy_reading_matches(driver, expression))
                return group->classes;
        }
    }
    return POLICY_HOST;
}

static PolicyClasses
read_property(const char *name, JsonNode *value)
{
    JsonTreeType type = json_tree_get_type(value);
    const char *text = type == JSON_TREE_STRING ? json_tree_get_string(value) : NULL;
    gboolean is_plain =
        text && policy_reading_matches(text, "auto|false|no|off|on|true|yes|-?[0-9][-.+0-9a-fA-FxXkKMGTPE]*");

    if (policy_reading_matches(name, "x-.*|db|evdev|hotpluggable|hotplugged|parent_bus|realized"))
        return POLICY_HOST;
    if (policy_reading_matches(name, "pcap|pcapfile"))
        return POLICY_READ_GUEST;
    return !can_name_something(value) || is_plain || policy_reading_has_word(policy_devices_get_properties(), name) ? 0
                                                                                                                     : POLICY_HOST;
}

PolicyClasses
policy_reading_of_device(JsonObject *arguments)
{
    const char *driver = policy_reading_get_string(arguments, "driver");
    g_autoptr(GList) names = json_object_get_members(arguments);
    PolicyClasses classes = driver ? read_driver(driver) : POLICY_HOST;

    for (GList *at = names; at; at = at->next)
        classes |= read_property(at->data, json_object_get_member(arguments, at->data));
    return classes;
}
