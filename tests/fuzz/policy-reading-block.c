/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "block-class.h"
#include "json-tree.h"
#include "policy-reading.h"

static PolicyClasses
read_driver_word(const char *driver)
{
    for (guint i = 0; i < policy_block_types.n_rows; i++)
        if (g_str_equal(policy_block_types.rows[i].name, driver))
            return policy_block_types.rows[i].classes;
    return POLICY_HOST;
}

/* POOL/IMAGE:KEY=VALUE:…; a colon behind a backslash is none. */
static PolicyClasses
read_rbd(const char *rest)
{
    gboolean is_name = TRUE;

    while (*rest) {
        g_autoptr(GString) piece = g_string_new(NULL);
        for (; *rest && *rest != ':'; rest++) {
            if (*rest == '\\' && rest[1])
                g_string_append_c(piece, *rest++);
            g_string_append_c(piece, *rest);
        }
        if (!is_name && !policy_reading_matches(piece->str, "(auth_supported|id|key|mon_host)=.*"))
            return POLICY_HOST;
        is_name = FALSE;
        if (*rest == ':' && !*++rest)
            return POLICY_HOST; /* a key that is empty */
    }
    return 0;
}

static PolicyClasses
read_file_name(const char *name)
{
    if (!policy_reading_matches(name, "[^:/]*:.*"))
        return 0;

    g_auto(GStrv) halves = g_strsplit(name, ":", 2);
    const char *driver = halves[0];
    if (g_str_equal(driver, "fat"))
        driver = "vvfat";
    else if (policy_reading_matches(driver, "gluster\\+(rdma|tcp|unix)"))
        driver = "gluster";
    else if (g_str_equal(driver, "iser"))
        driver = "iscsi";
    else if (policy_reading_matches(driver, "nbd\\+(tcp|unix)"))
        driver = "nbd";

    PolicyClasses classes = read_driver_word(driver);
    if (g_str_equal(driver, "rbd"))
        return classes | read_rbd(halves[1]);
    if (!g_str_equal(driver, "blkdebug") && !g_str_equal(driver, "blkverify"))
        return classes;
    g_auto(GStrv) other = g_strsplit(halves[1], ":", 2);
    return classes | (other[0] && other[1] ? read_file_name(other[1]) : 0);
}

static PolicyClasses
read_names(JsonObject *arguments, const char *name, const char *format)
{
    const char *file = policy_reading_get_string(arguments, name);
    const char *driver = policy_reading_get_string(arguments, format);

    return (file ? read_file_name(file) : 0) | (driver ? read_driver_word(driver) : 0);
}

static PolicyClasses
read_node(JsonObject *node)
{
    const char *driver = policy_reading_get_string(node, "driver");
    JsonObject *location = policy_reading_get_object(node, "location");

    return policy_reading_of_type(&policy_block_types, driver, node) | read_names(node, "backing-file", "backing-fmt") |
           (location ? policy_reading_of_type(&policy_block_types, driver, location) : 0);
}

/* Every object in @value, at any depth, that has a driver. */
static PolicyClasses
read_all_nodes(JsonNode *value, gboolean is_arguments)
{
    PolicyClasses classes = 0;

    if (json_tree_get_type(value) == JSON_TREE_ARRAY)
        for (guint i = 0; i < json_array_get_length(json_node_get_array(value)); i++)
            classes |= read_all_nodes(json_array_get_element(json_node_get_array(value), i), FALSE);
    if (json_tree_get_type(value) != JSON_TREE_OBJECT)
        return classes;

    JsonObject *object = json_node_get_object(value);
    g_autoptr(GList) members = json_object_get_values(object);
    for (GList *at = members; at; at = at->next)
        classes |= read_all_nodes(at->data, FALSE);
    return classes | (!is_arguments && json_object_has_member(object, "driver") ? read_node(object) : 0);
}

PolicyClasses
policy_reading_of_block(const char *command, JsonObject *arguments)
{
    g_autoptr(JsonNode) all = json_node_init_object(json_node_alloc(), arguments);

    if (g_str_equal(command, "blockdev-add"))
        return read_node(arguments) | read_all_nodes(all, /* is_arguments= */ TRUE);
    if (g_str_equal(command, "blockdev-create") || g_str_equal(command, "blockdev-reopen"))
        return read_all_nodes(all, /* is_arguments= */ TRUE);
    if (g_str_equal(command, "block-export-add"))
        return policy_reading_of_type(&policy_export_types, policy_reading_get_string(arguments, "type"), arguments);
    if (policy_reading_matches(command, "block-commit|block-stream|change-backing-file"))
        return read_names(arguments, "backing-file", "backing-fmt");
    if (g_str_equal(command, "blockdev-change-medium"))
        return read_names(arguments, "filename", "format");
    if (g_str_equal(command, "blockdev-snapshot-sync"))
        return read_names(arguments, "snapshot-file", "format");
    if (g_str_equal(command, "drive-backup") || g_str_equal(command, "drive-mirror"))
        return read_names(arguments, "target", "format");
    return 0;
}
