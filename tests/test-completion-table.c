/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an answer of QEMU's says about the end of a command: also where it lacks what is looked for, or has a word that nobody
 * knows; and which events tell whom. */
#include "completion-table.h"

#include <string.h>

#include "json-tree.h"

typedef struct Row {
    const char *command;
    const char *arguments; /* NULL: none */
    const char *facts[COMPLETION_MAX_FACTS]; /* NULL: QEMU had none of use */
    gboolean has_turned;
    const char *answer;
    CompletionVerdict verdict;
    const char *error; /* of COMPLETION_BAD: a part of it */
} Row;

#define SIZES "{\"base-memory\":1048576,\"plugged-memory\":1073741824}"
#define DEVICES "[{\"type\":\"dimm\",\"data\":{\"size\":524288}},{\"type\":\"nvdimm\",\"data\":{\"size\":1048576}},7]"
#define J "{\"id\":\"j\"}"

static const Row rows[] = {
    { "cont", .answer = "{\"running\":true,\"status\":\"running\"}", .verdict = COMPLETION_GOOD },
    { "cont", .answer = "{\"running\":false,\"status\":\"io-error\"}", .verdict = COMPLETION_BAD,
      .error = "it is io-error" },
    { "cont", .answer = "{\"running\":false,\"status\":\"never-heard\"}", .verdict = COMPLETION_BAD,
      .error = "never-heard" },
    { "cont", .answer = "7", .verdict = COMPLETION_BAD, .error = "does not run" },
    { "stop", .answer = "{\"running\":false,\"status\":\"paused\"}", .verdict = COMPLETION_GOOD },
    { "stop", .answer = "{\"running\":true,\"status\":\"running\"}", .verdict = COMPLETION_BAD,
      .error = "it is running" },
    { "system_powerdown", .answer = "{\"running\":false,\"status\":\"shutdown\"}", .verdict = COMPLETION_GOOD },
    { "system_powerdown", .answer = "{}", .verdict = COMPLETION_OPEN },
    /* Below a top, at it, above it; with memory modules, and without any facts. */
    { "balloon", "{\"value\":524288}", .answer = "{\"actual\":524288}", .verdict = COMPLETION_GOOD },
    { "balloon", "{\"value\":524289}", .answer = "{\"actual\":528384}", .verdict = COMPLETION_GOOD },
    { "balloon", "{\"value\":524288}", .answer = "{\"actual\":528384}", .verdict = COMPLETION_OPEN },
    { "balloon", "{\"value\":524288}", .answer = "{\"actual\":524287}", .verdict = COMPLETION_OPEN },
    { "balloon", "{\"value\":524288}", .answer = "{}", .verdict = COMPLETION_OPEN },
    { "balloon",
      "{\"value\":9007199254740992}",
      { SIZES, "[]" },
      .answer = "{\"actual\":1048576}",
      .verdict = COMPLETION_GOOD },
    { "balloon",
      "{\"value\":9007199254740992}",
      { SIZES },
      .answer = "{\"actual\":1048576}",
      .verdict = COMPLETION_GOOD },
    { "balloon",
      "{\"value\":9007199254740992}",
      { SIZES, DEVICES },
      .answer = "{\"actual\":1048576}",
      .verdict = COMPLETION_OPEN },
    { "balloon",
      "{\"value\":9007199254740992}",
      { SIZES, DEVICES },
      .answer = "{\"actual\":1572864}",
      .verdict = COMPLETION_GOOD },
    { "balloon",
      "{\"value\":9007199254740992}",
      { NULL, DEVICES },
      .answer = "{\"actual\":1048576}",
      .verdict = COMPLETION_OPEN },
    { "calc-dirty-rate", .answer = "{\"status\":\"measuring\"}", .verdict = COMPLETION_OPEN },
    { "calc-dirty-rate", .answer = "{\"status\":\"unstarted\"}", .verdict = COMPLETION_OPEN },
    { "calc-dirty-rate", .answer = "{\"status\":\"measured\"}", .verdict = COMPLETION_GOOD },
    { "calc-dirty-rate", .answer = "{\"status\":\"lost\"}", .verdict = COMPLETION_BAD, .error = "it is lost" },
    { "calc-dirty-rate", .answer = "{}", .verdict = COMPLETION_BAD, .error = "come to nothing" },
    /* A block job by what was asked of it last, another job by its events. */
    { "job-pause", J, .answer = "[{\"device\":\"j\",\"status\":\"paused\",\"paused\":true}]",
      .verdict = COMPLETION_GOOD },
    { "job-pause", J, .answer = "[{\"device\":\"j\",\"status\":\"running\",\"paused\":true}]",
      .verdict = COMPLETION_OPEN },
    { "job-pause", J, .answer = "[{\"device\":\"j\",\"status\":\"ready\",\"paused\":false}]",
      .verdict = COMPLETION_BAD, .error = "resumed" },
    { "job-pause", J, .answer = "[{\"device\":\"j\",\"status\":\"concluded\"}]", .verdict = COMPLETION_GOOD },
    { "job-pause", J, .answer = "[{\"device\":\"k\",\"status\":\"running\",\"paused\":true}]",
      .verdict = COMPLETION_OPEN },
    { "job-pause", J, .has_turned = TRUE, .answer = "[]", .verdict = COMPLETION_GOOD },
    { "job-resume", J, .answer = "[{\"device\":\"j\",\"status\":\"running\",\"paused\":false}]",
      .verdict = COMPLETION_GOOD },
    { "job-resume", J, .answer = "[{\"device\":\"j\",\"status\":\"paused\",\"paused\":false}]",
      .verdict = COMPLETION_OPEN },
    { "job-resume", J, .answer = "[{\"device\":\"j\",\"status\":\"standby\",\"paused\":true}]",
      .verdict = COMPLETION_OPEN },
    { "job-resume", J, .has_turned = TRUE,
      .answer = "[{\"device\":\"j\",\"status\":\"paused\",\"paused\":true,\"io-status\":\"nospace\"}]",
      .verdict = COMPLETION_BAD, .error = "no space" },
    { "job-resume", J, .has_turned = TRUE,
      .answer = "[{\"device\":\"j\",\"status\":\"paused\",\"paused\":true,\"io-status\":\"?\"}]",
      .verdict = COMPLETION_BAD, .error = "'j' is paused again" },
    { "job-resume", J, .answer = "{}", .verdict = COMPLETION_OPEN },
    { "job-resume", J, .has_turned = TRUE, .answer = "[]", .verdict = COMPLETION_GOOD },
    /* By an id, a path, a path with empty parts; a drive by its name. */
    { "blockdev-open-tray", "{\"id\":\"cd\"}", .answer = "[{\"qdev\":\"cd\",\"tray_open\":true}]",
      .verdict = COMPLETION_GOOD },
    { "blockdev-open-tray", "{\"id\":\"/machine//peripheral/cd/\"}",
      .answer = "[{\"qdev\":\"cd\",\"tray_open\":false}]", .verdict = COMPLETION_OPEN },
    { "blockdev-open-tray", "{\"id\":\"/machine/x[0]/\"}", .answer = "[{\"qdev\":\"/machine/x[0]\"}]",
      .verdict = COMPLETION_GOOD },
    { "blockdev-open-tray", "{\"device\":\"ide1\"}", .answer = "[{\"device\":\"ide1\",\"tray_open\":false}]",
      .verdict = COMPLETION_OPEN },
    { "blockdev-open-tray", "{\"id\":\"d\"}", .answer = "[{\"qdev\":\"cd\",\"tray_open\":true}]",
      .verdict = COMPLETION_BAD, .error = "'d' was to be opened" },
    { "migrate-pause", .answer = "{\"status\":\"postcopy-active\"}", .verdict = COMPLETION_OPEN },
    { "migrate-pause", .answer = "{\"status\":\"postcopy-paused\"}", .verdict = COMPLETION_GOOD },
    { "migrate-pause", .answer = "{\"status\":\"never-heard\"}", .verdict = COMPLETION_OPEN },
    { "migrate-pause", .answer = "{\"status\":\"failed\"}", .verdict = COMPLETION_BAD, .error = "it is failed" },
    { "migrate-pause", .answer = "{}", .verdict = COMPLETION_BAD, .error = "ended before" },
    { "migrate_cancel", NULL, { "{\"status\":\"cancelling\"}" }, .answer = "{}", .verdict = COMPLETION_OPEN },
    { "migrate_cancel",
      NULL,
      { "{\"status\":\"setup\"}" },
      .answer = "{}",
      .verdict = COMPLETION_BAD,
      .error = "comes in" },
    { "migrate_cancel", NULL, { "{}" }, .answer = "{}", .verdict = COMPLETION_BAD, .error = "comes in" },
    { "replay-seek", "{\"icount\":10}", .answer = "{\"icount\":10}", .verdict = COMPLETION_OPEN },
    { "replay-seek", "{\"icount\":10}", .has_turned = TRUE, .answer = "{\"icount\":10}", .verdict = COMPLETION_GOOD },
    { "replay-seek", "{\"icount\":10}", .has_turned = TRUE, .answer = "{\"icount\":9}", .verdict = COMPLETION_BAD,
      .error = "instruction 9" },
};

static JsonNode *
parse(const char *text)
{
    JsonNode *node = text ? json_tree_parse(text, strlen(text), NULL) : NULL;

    g_assert_true(!text || node);
    return node;
}

static void
test_answer(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(JsonNode) arguments = parse(row->arguments ? row->arguments : "{}");
    g_autoptr(JsonNode) answer = parse(row->answer);
    const CompletionRow *found = completion_table_find(row->command, arguments);
    g_autoptr(GPtrArray) ids = completion_table_dup_ids(found, arguments);
    CompletionCase item = { json_node_get_object(arguments), ids->len > 0 ? ids->pdata[0] : NULL,
                            .has_turned = row->has_turned };
    g_autofree char *error = NULL;

    for (guint i = 0; i < COMPLETION_MAX_FACTS; i++)
        item.facts[i] = parse(row->facts[i]);
    g_assert_cmpint(completion_table_judge_answer(found, &item, answer, &error), ==, row->verdict);
    if (row->verdict == COMPLETION_BAD)
        g_assert_nonnull(strstr(error, row->error));
    else
        g_assert_null(error);
    for (guint i = 0; i < COMPLETION_MAX_FACTS; i++)
        g_clear_pointer(&item.facts[i], json_node_unref);
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
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/completion-table/answer/%s/%u", rows[i].command, i);
        g_test_add_data_func(path, &rows[i], test_answer);
    }
    g_test_add_func("/completion-table/event/devices", test_devices);
    g_test_add_func("/completion-table/event/turns", test_turns);
    g_test_add_func("/completion-table/event/tray", test_tray);
    return g_test_run();
}
