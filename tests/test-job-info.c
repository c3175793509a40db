/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU says of slow work: also with a status that is missing, or that nobody knows. */
#include "job-info.h"

#include <string.h>

#include "json-tree.h"

typedef struct Row {
    JobKind kind;
    const char *answer;
    gboolean is_sense, has_ended, has_outcome;
    const char *error;
} Row;

static const Row rows[] = {
    { JOB_MIGRATION, "{}", .is_sense = FALSE },
    { JOB_MIGRATION, "{\"socket-address\":[]}", .is_sense = FALSE },
    { JOB_MIGRATION, "{\"status\":7}", .is_sense = FALSE },
    { JOB_MIGRATION, "{\"status\":\"none\"}", .is_sense = FALSE },
    { JOB_MIGRATION, "{\"status\":\"setup\"}", .is_sense = TRUE },
    { JOB_MIGRATION, "{\"status\":\"never-heard\"}", .is_sense = TRUE },
    { JOB_MIGRATION, "{\"status\":\"completed\"}", TRUE, TRUE, TRUE, NULL },
    { JOB_MIGRATION, "{\"status\":\"failed\",\"error-desc\":\"why\"}", TRUE, TRUE, TRUE, "why" },
    { JOB_MIGRATION, "{\"status\":\"failed\"}", TRUE, TRUE, TRUE, "The migration has failed" },
    { JOB_MIGRATION, "{\"status\":\"cancelled\"}", TRUE, TRUE, TRUE, "The migration was cancelled" },
    { JOB_DUMP, "{}", .is_sense = FALSE },
    { JOB_DUMP, "{\"status\":\"none\",\"completed\":0,\"total\":0}", .is_sense = FALSE },
    { JOB_DUMP, "{\"status\":\"active\"}", .is_sense = TRUE },
    { JOB_DUMP, "{\"status\":\"never-heard\"}", .is_sense = TRUE },
    { JOB_DUMP, "{\"status\":\"completed\"}", TRUE, TRUE, TRUE, NULL },
    { JOB_DUMP, "{\"status\":\"failed\"}", TRUE, TRUE, TRUE, "The dump has failed" },
    { JOB_QMP, "{\"id\":\"j\",\"type\":\"mirror\"}", .is_sense = FALSE },
    { JOB_QMP, "{\"id\":\"j\",\"status\":\"running\"}", .is_sense = FALSE },
    { JOB_QMP, "{\"id\":\"j\",\"type\":\"mirror\",\"status\":\"never-heard\"}", .is_sense = TRUE },
    { JOB_QMP, "{\"id\":\"j\",\"type\":\"mirror\",\"status\":\"concluded\",\"error\":\"why\"}", TRUE, FALSE, TRUE,
      "why" },
};

static JsonNode *
parse(const char *text)
{
    JsonNode *node = json_tree_parse(text, strlen(text), NULL);

    g_assert_nonnull(node);
    return node;
}

static void
test_answer(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(JsonNode) answer = parse(row->answer);
    JobInfo info;

    g_assert_cmpint(job_info_read_answer(&info, row->kind, json_node_get_object(answer)), ==, row->is_sense);
    if (!row->is_sense)
        return;
    g_assert_cmpint(info.has_ended, ==, row->has_ended);
    g_assert_cmpint(info.has_outcome, ==, row->has_outcome);
    g_assert_cmpstr(info.error, ==, row->error);
}

static void
test_hindrance(void)
{
    static const struct {
        const char *entry, *part;
    } entries[] = {
        { "{\"io-status\":\"nospace\"}", "no space" },
        { "{\"io-status\":\"failed\"}", "has failed" },
        { "{\"io-status\":\"ok\"}", NULL },
        { "{\"io-status\":\"never-heard\"}", NULL },
        { "{}", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_autoptr(JsonNode) entry = parse(entries[i].entry);
        const char *text = job_info_get_hindrance(json_node_get_object(entry));
        g_assert_cmpint(text != NULL, ==, entries[i].part != NULL);
        g_assert_true(!text || strstr(text, entries[i].part));
    }
}

static void
test_event(void)
{
    g_autoptr(JsonNode) stopped = parse("{\"device\":\"j\",\"action\":\"stop\",\"operation\":\"write\"}");
    g_autoptr(JsonNode) ignored = parse("{\"device\":\"j\",\"action\":\"ignore\",\"operation\":\"write\"}");
    g_autoptr(JsonNode) empty = parse("{}");
    JobInfo info;

    g_assert_true(job_info_read_event(&info, "BLOCK_JOB_ERROR", json_node_get_object(stopped)));
    g_assert_true(info.waits);
    g_assert_true(job_info_read_event(&info, "BLOCK_JOB_ERROR", json_node_get_object(ignored)));
    g_assert_false(info.waits);
    g_assert_false(job_info_read_event(&info, "MIGRATION", json_node_get_object(empty)));
    g_assert_false(job_info_read_event(&info, "DUMP_COMPLETED", json_node_get_object(empty)));
    g_assert_false(job_info_read_event(&info, "JOB_STATUS_CHANGE", json_node_get_object(empty)));
    g_assert_false(job_info_read_event(&info, "RESET", json_node_get_object(empty)));
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/job-info/answer/%u", i);
        g_test_add_data_func(path, &rows[i], test_answer);
    }
    g_test_add_func("/job-info/hindrance", test_hindrance);
    g_test_add_func("/job-info/event", test_event);
    return g_test_run();
}
