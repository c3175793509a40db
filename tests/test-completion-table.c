/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of commands that only begin something: what a command is about, and which events tell of its end. An event that is
 * taken for another one's answers a caller too early; one that is missed leaves the caller waiting for ever. */
#include "completion-table.h"

#include <string.h>

#include "json-tree.h"

static JsonNode *
parse(const char *text)
{
    JsonNode *node = text ? json_tree_parse(text, strlen(text), NULL) : NULL;

    g_assert_true(!text || node);
    return node;
}

static CompletionVerdict
hear(const char *command, const char *id, const char *event, const char *data, gboolean *has_turned)
{
    g_autoptr(JsonNode) node = parse(data);
    g_autofree char *error = NULL;

    g_assert_true(completion_table_hears(completion_table_find(command, NULL), event));
    return completion_table_judge_event(completion_table_find(command, NULL), id, event,
                                        node ? json_node_get_object(node) : NULL, has_turned, &error);
}

static void
test_devices(void)
{
    static const char *const known[] = { "cd", "cd/", "/machine/peripheral/cd", "/machine//peripheral/cd/" };
    const char *data = "{\"device\":\"cd\",\"path\":\"/machine/peripheral/cd\"}";
    gboolean has_turned = FALSE;

    for (guint i = 0; i < G_N_ELEMENTS(known); i++)
        g_assert_cmpint(hear("device_del", known[i], "DEVICE_DELETED", data, &has_turned), ==, COMPLETION_GOOD);
    g_assert_cmpint(hear("device_del", "d", "DEVICE_DELETED", data, &has_turned), ==, COMPLETION_OPEN);
    g_assert_cmpint(hear("device_del", "cd/x", "DEVICE_DELETED", data, &has_turned), ==, COMPLETION_OPEN);
    g_assert_cmpint(hear("device_del", "/machine/peripheral/c", "DEVICE_DELETED", data, &has_turned), ==,
                    COMPLETION_OPEN);
    g_assert_cmpint(hear("device_del", "", "DEVICE_DELETED", data, &has_turned), ==, COMPLETION_OPEN);
    g_assert_cmpint(hear("device_del", "cd", "DEVICE_DELETED", NULL, &has_turned), ==, COMPLETION_OPEN);
    g_assert_cmpint(hear("device_del", "cd", "DEVICE_UNPLUG_GUEST_ERROR", data, &has_turned), ==, COMPLETION_BAD);
    g_assert_false(has_turned);
}

static void
test_turns(void)
{
    gboolean has_turned = FALSE;

    hear("replay-seek", NULL, "STOP", NULL, &has_turned);
    g_assert_true(has_turned);
    hear("replay-seek", NULL, "RESUME", NULL, &has_turned);
    g_assert_false(has_turned);
    hear("job-pause", "j", "JOB_STATUS_CHANGE", "{\"id\":\"k\",\"status\":\"paused\"}", &has_turned);
    hear("job-pause", "j", "JOB_STATUS_CHANGE", "{\"id\":\"j\",\"status\":\"running\"}", &has_turned);
    hear("job-resume", "j", "JOB_STATUS_CHANGE", "{\"id\":\"j\",\"status\":\"paused\"}", &has_turned);
    hear("job-resume", "j", "JOB_STATUS_CHANGE", "{\"id\":\"j\"}", &has_turned);
    g_assert_false(has_turned);
    hear("job-pause", "j", "JOB_STATUS_CHANGE", "{\"id\":\"j\",\"status\":\"standby\"}", &has_turned);
    g_assert_true(has_turned);
}

static void
test_tray(void)
{
    gboolean has_turned = FALSE;

    g_assert_cmpint(
        hear("blockdev-open-tray", "cd", "DEVICE_TRAY_MOVED", "{\"id\":\"cd\",\"tray-open\":true}", &has_turned), ==,
        COMPLETION_GOOD);
    g_assert_cmpint(
        hear("blockdev-open-tray", "cd", "DEVICE_TRAY_MOVED", "{\"id\":\"cd\",\"tray-open\":false}", &has_turned), ==,
        COMPLETION_OPEN);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/completion-table/event/devices", test_devices);
    g_test_add_func("/completion-table/event/turns", test_turns);
    g_test_add_func("/completion-table/event/tray", test_tray);
    return g_test_run();
}
