/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an answer of QEMU's says about the end of a command, also where it lacks the member that is looked for, or has a word that
 * nobody knows: a wrong verdict answers a caller too early, or never. */
#include "completion-judge.h"

#include <string.h>

#include "json-member.h"
#include "json-tree.h"

typedef struct Row {
    const char *name;
    CompletionJudgeFunc judge;
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
    { "cont", completion_judge_running, .answer = "{\"running\":true,\"status\":\"running\"}",
      .verdict = COMPLETION_GOOD },
    { "cont", completion_judge_running, .answer = "{\"running\":false,\"status\":\"io-error\"}",
      .verdict = COMPLETION_BAD, .error = "it is io-error" },
    { "cont", completion_judge_running, .answer = "{\"running\":false,\"status\":\"never-heard\"}",
      .verdict = COMPLETION_BAD, .error = "never-heard" },
    { "cont", completion_judge_running, .answer = "7", .verdict = COMPLETION_BAD, .error = "does not run" },
    { "stop", completion_judge_stopped, .answer = "{\"running\":false,\"status\":\"paused\"}",
      .verdict = COMPLETION_GOOD },
    { "stop", completion_judge_stopped, .answer = "{\"running\":true,\"status\":\"running\"}",
      .verdict = COMPLETION_BAD, .error = "it is running" },
    { "system_powerdown", completion_judge_off, .answer = "{\"running\":false,\"status\":\"shutdown\"}",
      .verdict = COMPLETION_GOOD },
    { "system_powerdown", completion_judge_off, .answer = "{}", .verdict = COMPLETION_OPEN },
    /* Below a top, at it, above it; with memory modules, and without any facts. */
    { "balloon", completion_judge_balloon, "{\"value\":524288}", .answer = "{\"actual\":524288}",
      .verdict = COMPLETION_GOOD },
    { "balloon", completion_judge_balloon, "{\"value\":524289}", .answer = "{\"actual\":528384}",
      .verdict = COMPLETION_GOOD },
    { "balloon", completion_judge_balloon, "{\"value\":524288}", .answer = "{\"actual\":528384}",
      .verdict = COMPLETION_OPEN },
    { "balloon", completion_judge_balloon, "{\"value\":524288}", .answer = "{\"actual\":524287}",
      .verdict = COMPLETION_OPEN },
    { "balloon", completion_judge_balloon, "{\"value\":524288}", .answer = "{}", .verdict = COMPLETION_OPEN },
    { "balloon",
      completion_judge_balloon,
      "{\"value\":9007199254740992}",
      { SIZES, "[]" },
      .answer = "{\"actual\":1048576}",
      .verdict = COMPLETION_GOOD },
    { "balloon",
      completion_judge_balloon,
      "{\"value\":9007199254740992}",
      { SIZES },
      .answer = "{\"actual\":1048576}",
      .verdict = COMPLETION_GOOD },
    { "balloon",
      completion_judge_balloon,
      "{\"value\":9007199254740992}",
      { SIZES, DEVICES },
      .answer = "{\"actual\":1048576}",
      .verdict = COMPLETION_OPEN },
    { "balloon",
      completion_judge_balloon,
      "{\"value\":9007199254740992}",
      { SIZES, DEVICES },
      .answer = "{\"actual\":1572864}",
      .verdict = COMPLETION_GOOD },
    { "balloon",
      completion_judge_balloon,
      "{\"value\":9007199254740992}",
      { NULL, DEVICES },
      .answer = "{\"actual\":1048576}",
      .verdict = COMPLETION_OPEN },
    { "calc-dirty-rate", completion_judge_dirty_rate, .answer = "{\"status\":\"measuring\"}",
      .verdict = COMPLETION_OPEN },
    { "calc-dirty-rate", completion_judge_dirty_rate, .answer = "{\"status\":\"unstarted\"}",
      .verdict = COMPLETION_OPEN },
    { "calc-dirty-rate", completion_judge_dirty_rate, .answer = "{\"status\":\"measured\"}",
      .verdict = COMPLETION_GOOD },
    { "calc-dirty-rate", completion_judge_dirty_rate, .answer = "{\"status\":\"lost\"}", .verdict = COMPLETION_BAD,
      .error = "it is lost" },
    { "calc-dirty-rate", completion_judge_dirty_rate, .answer = "{}", .verdict = COMPLETION_BAD,
      .error = "come to nothing" },
    /* A block job by what was asked of it last, another job by its events. */
    { "job-pause", completion_judge_paused, J, .answer = "[{\"device\":\"j\",\"status\":\"paused\",\"paused\":true}]",
      .verdict = COMPLETION_GOOD },
    { "job-pause", completion_judge_paused, J, .answer = "[{\"device\":\"j\",\"status\":\"running\",\"paused\":true}]",
      .verdict = COMPLETION_OPEN },
    { "job-pause", completion_judge_paused, J, .answer = "[{\"device\":\"j\",\"status\":\"ready\",\"paused\":false}]",
      .verdict = COMPLETION_BAD, .error = "resumed" },
    { "job-pause", completion_judge_paused, J, .answer = "[{\"device\":\"j\",\"status\":\"concluded\"}]",
      .verdict = COMPLETION_GOOD },
    { "job-pause", completion_judge_paused, J, .answer = "[{\"device\":\"k\",\"status\":\"running\",\"paused\":true}]",
      .verdict = COMPLETION_OPEN },
    { "job-pause", completion_judge_paused, J, .has_turned = TRUE, .answer = "[]", .verdict = COMPLETION_GOOD },
    { "job-resume", completion_judge_resumed, J,
      .answer = "[{\"device\":\"j\",\"status\":\"running\",\"paused\":false}]", .verdict = COMPLETION_GOOD },
    { "job-resume", completion_judge_resumed, J,
      .answer = "[{\"device\":\"j\",\"status\":\"paused\",\"paused\":false}]", .verdict = COMPLETION_OPEN },
    { "job-resume", completion_judge_resumed, J,
      .answer = "[{\"device\":\"j\",\"status\":\"standby\",\"paused\":true}]", .verdict = COMPLETION_OPEN },
    { "job-resume", completion_judge_resumed, J, .has_turned = TRUE,
      .answer = "[{\"device\":\"j\",\"status\":\"paused\",\"paused\":true,\"io-status\":\"nospace\"}]",
      .verdict = COMPLETION_BAD, .error = "no space" },
    { "job-resume", completion_judge_resumed, J, .has_turned = TRUE,
      .answer = "[{\"device\":\"j\",\"status\":\"paused\",\"paused\":true,\"io-status\":\"?\"}]",
      .verdict = COMPLETION_BAD, .error = "'j' is paused again" },
    { "job-resume", completion_judge_resumed, J, .answer = "{}", .verdict = COMPLETION_OPEN },
    { "job-resume", completion_judge_resumed, J, .has_turned = TRUE, .answer = "[]", .verdict = COMPLETION_GOOD },
    /* By an id, a path, a path with empty parts; a drive by its name. */
    { "blockdev-open-tray", completion_judge_tray, "{\"id\":\"cd\"}",
      .answer = "[{\"qdev\":\"cd\",\"tray_open\":true}]", .verdict = COMPLETION_GOOD },
    { "blockdev-open-tray", completion_judge_tray, "{\"id\":\"/machine//peripheral/cd/\"}",
      .answer = "[{\"qdev\":\"cd\",\"tray_open\":false}]", .verdict = COMPLETION_OPEN },
    { "blockdev-open-tray", completion_judge_tray, "{\"id\":\"/machine/x[0]/\"}",
      .answer = "[{\"qdev\":\"/machine/x[0]\"}]", .verdict = COMPLETION_GOOD },
    { "blockdev-open-tray", completion_judge_tray, "{\"device\":\"ide1\"}",
      .answer = "[{\"device\":\"ide1\",\"tray_open\":false}]", .verdict = COMPLETION_OPEN },
    { "blockdev-open-tray", completion_judge_tray, "{\"id\":\"d\"}",
      .answer = "[{\"qdev\":\"cd\",\"tray_open\":true}]", .verdict = COMPLETION_BAD, .error = "'d' was to be opened" },
    { "migrate-pause", completion_judge_migration_paused, .answer = "{\"status\":\"postcopy-active\"}",
      .verdict = COMPLETION_OPEN },
    { "migrate-pause", completion_judge_migration_paused, .answer = "{\"status\":\"postcopy-paused\"}",
      .verdict = COMPLETION_GOOD },
    { "migrate-pause", completion_judge_migration_paused, .answer = "{\"status\":\"never-heard\"}",
      .verdict = COMPLETION_OPEN },
    { "migrate-pause", completion_judge_migration_paused, .answer = "{\"status\":\"failed\"}",
      .verdict = COMPLETION_BAD, .error = "it is failed" },
    { "migrate-pause", completion_judge_migration_paused, .answer = "{}", .verdict = COMPLETION_BAD,
      .error = "ended before" },
    { "migrate_cancel",
      completion_judge_cancelled,
      NULL,
      { "{\"status\":\"cancelling\"}" },
      .answer = "{}",
      .verdict = COMPLETION_OPEN },
    { "migrate_cancel",
      completion_judge_cancelled,
      NULL,
      { "{\"status\":\"setup\"}" },
      .answer = "{}",
      .verdict = COMPLETION_BAD,
      .error = "comes in" },
    { "migrate_cancel",
      completion_judge_cancelled,
      NULL,
      { "{}" },
      .answer = "{}",
      .verdict = COMPLETION_BAD,
      .error = "comes in" },
    { "replay-seek", completion_judge_replay, "{\"icount\":10}", .answer = "{\"icount\":10}",
      .verdict = COMPLETION_OPEN },
    { "replay-seek", completion_judge_replay, "{\"icount\":10}", .has_turned = TRUE, .answer = "{\"icount\":10}",
      .verdict = COMPLETION_GOOD },
    { "replay-seek", completion_judge_replay, "{\"icount\":10}", .has_turned = TRUE, .answer = "{\"icount\":9}",
      .verdict = COMPLETION_BAD, .error = "instruction 9" },
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
    CompletionCase item = { .arguments = json_node_get_object(arguments), .has_turned = row->has_turned };
    g_autofree char *error = NULL;

    item.id = json_member_get_string(item.arguments, "id");
    if (!item.id)
        item.id = json_member_get_string(item.arguments, "device");
    for (guint i = 0; i < COMPLETION_MAX_FACTS; i++)
        item.facts[i] = parse(row->facts[i]);
    g_assert_cmpint(row->judge(&item, answer, &error), ==, row->verdict);
    if (row->verdict == COMPLETION_BAD)
        g_assert_nonnull(strstr(error, row->error));
    else
        g_assert_null(error);
    for (guint i = 0; i < COMPLETION_MAX_FACTS; i++)
        g_clear_pointer(&item.facts[i], json_node_unref);
}

/* A caller who names a device in another way than QEMU's events and answers do. */
static void
test_devices(void)
{
    static const struct {
        const char *name, *known;
        gboolean is_same;
    } devices[] = {
        { "cd", "cd", TRUE },
        { "cd/", "cd", TRUE },
        { "/machine/peripheral/cd", "cd", TRUE },
        { "/machine//peripheral/cd//", "/machine/peripheral/cd", TRUE },
        { "/machine/peripheral/cd", "/machine/peripheral/cd/x", FALSE },
        { "cd", "c", FALSE },
        { "c", "cd", FALSE },
        { "cd/x", "cd", FALSE },
        { "", "cd", FALSE },
        { "/", "cd", FALSE },
        { "cd", "", FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(devices); i++)
        g_assert_cmpint(completion_is_device(devices[i].name, devices[i].known), ==, devices[i].is_same);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/completion-judge/answer/%s/%u", rows[i].name, i);
        g_test_add_data_func(path, &rows[i], test_answer);
    }
    g_test_add_func("/completion-judge/devices", test_devices);
    return g_test_run();
}
