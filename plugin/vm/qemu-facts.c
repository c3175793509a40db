/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-facts.h"

#include <string.h>

#include "json-tree.h"

/* Bytes. The list of commands is the longest, with 9 kB. */
#define MAX_REPLY 65536

void
qemu_facts_init(QemuFacts *facts)
{
    *facts = (QemuFacts){ .name = g_strdup(""), .uuid = g_strdup(""), .target = g_strdup(""), .status = g_strdup("") };
}

void
qemu_facts_clear(QemuFacts *facts)
{
    g_clear_pointer(&facts->name, g_free);
    g_clear_pointer(&facts->uuid, g_free);
    g_clear_pointer(&facts->target, g_free);
    g_clear_pointer(&facts->status, g_free);
}

static void
set_fact_string(char **fact, JsonObject *object, const char *member)
{
    JsonNode *value = json_object_get_member(object, member);

    if (!value || json_tree_get_type(value) != JSON_TREE_STRING ||
        strlen(json_tree_get_string(value)) > QEMU_FACTS_MAX_TEXT)
        return;
    g_free(*fact);
    *fact = g_strdup(json_tree_get_string(value));
}

static void
read_fact_object(QemuFacts *facts, JsonObject *object)
{
    JsonNode *running = json_object_get_member(object, "running");

    set_fact_string(&facts->name, object, "name");
    set_fact_string(&facts->uuid, object, "UUID");
    set_fact_string(&facts->target, object, "arch");
    set_fact_string(&facts->status, object, "status");
    if (running && json_tree_get_type(running) == JSON_TREE_BOOLEAN)
        facts->running = json_node_get_boolean(running);
}

void
qemu_facts_read(QemuFacts *facts, const QmpReply *reply)
{
    if (!reply || !reply->value.text || reply->value.length > MAX_REPLY)
        return;
    g_autoptr(JsonNode) value = json_tree_parse(reply->value.text, reply->value.length, NULL);
    if (value && JSON_NODE_HOLDS_OBJECT(value))
        read_fact_object(facts, json_node_get_object(value));
}

gboolean
qemu_facts_read_status(QemuFacts *facts, const QmpReply *reply)
{
    g_autofree char *before = g_strdup(facts->status);
    gboolean was_running = facts->running;

    qemu_facts_read(facts, reply);
    return facts->running != was_running || g_strcmp0(facts->status, before) != 0;
}

/* The text has no other members than `name`, so the whole of it need not be parsed. */
static gboolean
has_command(const QmpText *list, const char *command)
{
    g_autofree char *word = g_strdup_printf("\"%s\"", command);

    return memmem(list->text, list->length, word, strlen(word)) != NULL;
}

/* A qemu-storage-daemon has QEMU's block layer and no machine (7.2 to 11.1). Whoever lists neither is something else. */
void
qemu_facts_read_commands(QemuFacts *facts, const QmpReply *reply)
{
    if (!reply || !reply->value.text || reply->value.length > MAX_REPLY)
        return;
    facts->has_monitor_add = has_command(&reply->value, "monitor-add");
    facts->has_target = has_command(&reply->value, "query-target");
    facts->is_storage_daemon =
        has_command(&reply->value, "blockdev-add") && !has_command(&reply->value, "query-status");
}

gboolean
qemu_facts_lack_machine(const QemuFacts *facts)
{
    return facts->has_target && !*facts->target;
}
