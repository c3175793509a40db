/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What callers may name in a QEMU that they share, and see of it: what gets past here takes the VM from the agent, or a file
 * from another caller. */
#include "command-filter.h"

#include <string.h>

#include "json-tree.h"
#include "qmp-error.h"
#include "qmp-monitor.h"
#include "started-monitors.h"

#define OURS QMP_MONITOR_PREFIX "1"

typedef struct Fixture {
    Fdsets *fdsets; /* owned; set 3 is :1's */
    Secrets *secrets; /* owned; `hush` in `mine` is :1's */
    StartedMonitors *monitors; /* owned; none is known */
    CommandFilter *filter; /* owned */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    static const char added[] = "{\"fdset-id\": 3, \"fd\": 10}";
    static const char secret[] = "{\"qom-type\":\"secret\",\"id\":\"mine\",\"data\":\"hush\"}";
    g_autoptr(JsonNode) node = json_tree_parse(secret, strlen(secret), NULL);

    fixture->fdsets = fdsets_new("TAG");
    fdsets_note_added(fixture->fdsets, &(QmpText){ added, strlen(added) }, ":1");
    fixture->secrets = secrets_new();
    secrets_note_added(fixture->secrets, ":1", node);
    fixture->monitors = started_monitors_new(/* fd= */ -1);
    fixture->filter = command_filter_new(fixture->fdsets, fixture->secrets, fixture->monitors);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    command_filter_free(fixture->filter);
    started_monitors_free(fixture->monitors);
    secrets_free(fixture->secrets);
    fdsets_free(fixture->fdsets);
}

static gboolean
is_allowed(Fixture *fixture, const char *caller, const char *command, const char *arguments)
{
    g_autoptr(JsonNode) node = arguments ? json_tree_parse(arguments, strlen(arguments), NULL) : NULL;
    g_autoptr(GError) error = NULL;
    gboolean is_right = command_filter_check(fixture->filter, caller, command, node, &error);

    g_assert_true(is_right == !error);
    if (error)
        g_assert_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED);
    return is_right;
}

/* A caller who names the agent's own monitor, openly or behind escapes, in QMP, in JSON inside a string, or in HMP. */
static void
test_ours(Fixture *fixture, gconstpointer unused)
{
    static const char *const cases[][2] = {
        { "object-del", "{\"id\":\"" OURS "\"}" },
        { "qom-get", "{\"path\":\"/objects/" OURS "\"}" },
        { "x", "{\"a\":[{\"b\":\"" OURS "\"}]}" },
        { "x", "{\"a\":\"{\\\"id\\\":\\\"\\\\u006frg.qemu.Monitor1-1\\\"}\"}" },
        { "x", "{\"a\":\"\\u0000" OURS "\"}" },
        { "chardev-add",
          "{\"fd\":\"c0123456789abcdef.tap\"}" }, /* as QEMU calls a descriptor that somebody has named */
        { "human-monitor-command", "{\"command-line\":\"object_del " OURS "\"}" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s %s", cases[i][0], cases[i][1]);
        g_assert_false(is_allowed(fixture, ":1", cases[i][0], cases[i][1]));
    }
    g_assert_true(is_allowed(fixture, ":1", "object-del", "{\"id\":\"org.qemu.Monitor\"}"));
    g_assert_true(is_allowed(fixture, ":1", "stop", NULL));
}

/* A caller who opens another's fdset, by its number or its path; their own is theirs. */
static void
test_fdsets(Fixture *fixture, gconstpointer unused)
{
    static const char *const cases[][2] = {
        { "add-fd", "{\"fdset-id\":3}" },
        { "remove-fd", "{\"fdset-id\":3,\"fd\":10}" },
        { "blockdev-add", "{\"filename\":\"/dev/fdset/3\"}" },
        { "human-monitor-command", "{\"command-line\":\"drive_add 0 file=/dev/fdset/03\"}" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_false(is_allowed(fixture, ":2", cases[i][0], cases[i][1]));
        g_assert_true(is_allowed(fixture, ":1", cases[i][0], cases[i][1]));
    }
    g_assert_false(is_allowed(fixture, ":1", "blockdev-add", "{\"filename\":\"/dev/fdset/ 3\"}"));
    g_assert_false(is_allowed(fixture, ":1", "blockdev-add", "{\"filename\":\"/proc/self/fd/3\"}"));
    g_assert_false(is_allowed(fixture, ":1", "blockdev-add", "{\"filename\":\"/dev/fd/3\"}"));
    g_assert_false(is_allowed(fixture, ":1", "blockdev-add", "{\"dir\":\"/proc/self/fd\"}"));
    g_assert_false(is_allowed(fixture, ":1", "blockdev-add", "{\"dir\":\"/proc/self/map_files\"}"));
    g_assert_false(is_allowed(fixture, ":1", "chardev-add", "{\"out\":\"/dev/stdout\"}"));
    g_assert_false(is_allowed(fixture, ":1", "human-monitor-command",
                              "{\"command-line\":\"chardev-add file,path=/dev/stdout,id=x\"}"));
    g_assert_true(is_allowed(fixture, ":1", "blockdev-add", "{\"filename\":\"/dev/fd0\"}"));
    g_assert_true(is_allowed(fixture, ":1", "blockdev-add", "{\"filename\":\"/srv/stdout\"}"));
    g_assert_true(is_allowed(fixture, ":2", "blockdev-add", "{\"filename\":\"/dev/fdset/4\"}"));
    g_assert_true(is_allowed(fixture, ":2", "stop", "{\"fdset-id\":3}"));
}

static gboolean
try_clean(Fixture *fixture, const char *caller, const char *command, const char *arguments, const char *value,
          char **ret_text, GError **error)
{
    g_autoptr(JsonNode) node = arguments ? json_tree_parse(arguments, strlen(arguments), NULL) : NULL;
    g_autoptr(JsonNode) kept = command_filter_keep_arguments(command, node);
    const QmpText text = { value, strlen(value) };
    const CommandFilterReply reply = { caller, command, kept, &text };

    return command_filter_clean(fixture->filter, &reply, ret_text, error);
}

static char *
clean(Fixture *fixture, const char *caller, const char *command, const char *value)
{
    g_autoptr(GError) error = NULL;
    char *text;

    try_clean(fixture, caller, command, /* arguments= */ NULL, value, &text, &error);
    g_assert_no_error(error);
    return text;
}

/* A caller who reads a secret: their own is shown, of others none, and a list has it without its value. */
static void
test_secrets(Fixture *fixture, gconstpointer unused)
{
    static const char data[] = "{\"path\":\"/objects/mine\",\"property\":\"data\"}";
    static const char file[] = "{\"path\":\"/objects/mine\",\"property\":\"file\"}";
    static const char list[] = "[{\"properties\":[{\"name\":\"type\",\"value\":\"secret\"},"
                               "{\"name\":\"data\",\"value\":\"hush\",\"type\":\"string\"}]}]";
    g_autofree char *shown = clean(fixture, ":1", "qom-list-get", list);
    g_autoptr(GError) error = NULL;
    char *text;

    g_assert_true(try_clean(fixture, ":1", "qom-get", data, "\"hush\"", &text, NULL) && !text);
    g_assert_true(try_clean(fixture, ":2", "qom-get", file, "\"hush\"", &text, NULL) && !text);
    g_assert_false(try_clean(fixture, ":2", "qom-get", data, "\"hush\"", &text, &error));
    g_assert_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED);
    g_assert_cmpstr(shown, ==,
                    "[{\"properties\":[{\"name\":\"type\",\"value\":\"secret\"},"
                    "{\"name\":\"data\",\"type\":\"string\"}]}]");
    g_assert_false(is_allowed(fixture, ":1", "human-monitor-command", "{\"command-line\":\"qom-get mine data\"}"));
    g_assert_true(is_allowed(fixture, ":1", "human-monitor-command", "{\"command-line\":\"qom-get mine file\"}"));
    g_assert_true(is_allowed(fixture, ":1", "guest-exec", "{\"command-line\":\"qom-get mine data\"}"));
}

/* A caller who lists what is there: the agent's own and others' sets are not in it, and all else is to the byte. */
static void
test_clean(Fixture *fixture, gconstpointer unused)
{
    static const struct {
        const char *caller, *command, *value, *shown; /* NULL: all of it */
    } cases[] = {
        { ":1", "query-chardev", "[{\"label\": \"a\"} ]", NULL },
        { ":1", "query-chardev", "[{\"label\": \"" OURS "\"}, {\"label\": \"a\"}]", "[{\"label\":\"a\"}]" },
        { ":1", "qom-list", "[\"" OURS "\", \"a\"]", "[\"a\"]" },
        { ":1", "human-monitor-command", "\"a\\r\\n" OURS ": x\\r\\nb\\r\\n\"", "\"a\\r\\nb\\r\\n\"" },
        { ":1", "query-fdsets", "[{\"fdset-id\": 3}, {\"fdset-id\": 4}]", "[{\"fdset-id\":3},{\"fdset-id\":4}]" },
        { ":2", "query-fdsets", "[{\"fdset-id\": 3}, {\"fdset-id\": 4}]", "[{\"fdset-id\":4}]" },
        { ":2", "query-fdsets",
          "[{\"fdset-id\": 4, \"fds\": [{\"fd\": 1, \"opaque\": \"" OURS " mine\"}, {\"fd\": 2, \"opaque\": \"" OURS
          "\"}]}]",
          "[{\"fdset-id\":4,\"fds\":[{\"fd\":1,\"opaque\":\"mine\"},{\"fd\":2}]}]" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = clean(fixture, cases[i].caller, cases[i].command, cases[i].value);
        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}

/* A caller whose reply is too long to be looked through: they get none, rather than what is not theirs; a long one without
 * the agent's names goes through. */
static void
test_long(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *filler = g_strnfill(1024 * 1024, 'x');
    g_autofree char *ours = g_strdup_printf("[\"%s\",\"" OURS "\"]", filler);
    g_autofree char *plain = g_strdup_printf("[\"%s\"]", filler);
    g_autoptr(GError) error = NULL;
    char *text;

    g_assert_false(try_clean(fixture, ":1", "x", /* arguments= */ NULL, ours, &text, &error));
    g_assert_error(error, QMP_ERROR, QMP_ERROR_PROTOCOL);
    g_assert_null(clean(fixture, ":1", "x", plain));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/command-filter/ours", test_ours);
    ADD("/command-filter/fdsets", test_fdsets);
    ADD("/command-filter/secrets", test_secrets);
    ADD("/command-filter/clean", test_clean);
    ADD("/command-filter/long", test_long);
    return g_test_run();
}
