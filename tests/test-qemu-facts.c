/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a QEMU tells of itself: what breaks here shows a VM with the name, the run state or the kind of another. */
#include "qemu-facts.h"

#include <string.h>

typedef void (*ReadFunc)(QemuFacts *facts, const QmpReply *reply);

static void
read_text(ReadFunc func, QemuFacts *facts, const char *text)
{
    func(facts, &(QmpReply){ .value = { text, strlen(text) } });
}

static void
test_texts(void)
{
    g_autofree char *long_name = g_strnfill(513, 'n'), *blanks = g_strnfill(65536, ' ');
    g_autofree char *of_long_name = g_strdup_printf("{\"name\": \"%s\"}", long_name);
    g_autofree char *long_reply = g_strdup_printf("{\"name\": \"n\"%s}", blanks);
    const char *useless[] = { "{}",         "[]",      "{\"name\": 7, \"running\": \"yes\"}", "{\"name\"", "null",
                              of_long_name, long_reply };
    QemuFacts facts;

    qemu_facts_init(&facts);
    g_assert_cmpstr(facts.name, ==, "");
    read_text(qemu_facts_read, &facts, "{\"name\": \"web\"}");
    read_text(qemu_facts_read, &facts, "{\"UUID\": \"u\"}");
    read_text(qemu_facts_read, &facts, "{\"arch\": \"x86_64\"}");
    read_text(qemu_facts_read, &facts, "{\"status\": \"running\", \"running\": true}");
    for (guint i = 0; i < G_N_ELEMENTS(useless); i++)
        read_text(qemu_facts_read, &facts, useless[i]);
    qemu_facts_read(&facts, NULL);
    qemu_facts_read(&facts, &(QmpReply){ .error_class = "CommandNotFound", .error_text = "no" });
    g_assert_cmpstr(facts.name, ==, "web");
    g_assert_cmpstr(facts.uuid, ==, "u");
    g_assert_cmpstr(facts.target, ==, "x86_64");
    g_assert_cmpstr(facts.status, ==, "running");
    g_assert_true(facts.running);
    qemu_facts_clear(&facts);
}

static void
test_commands(void)
{
    static const struct {
        const char *text;
        gboolean has_monitor_add, is_storage_daemon;
    } rows[] = {
        { "[{\"name\": \"blockdev-add\"}, {\"name\": \"query-block\"}]", FALSE, TRUE },
        { "[{\"name\": \"blockdev-add\"}, {\"name\": \"query-status\"}]", FALSE, FALSE },
        { "[{\"name\": \"x-blockdev-add\"}, {\"name\": \"query-block\"}]", FALSE, FALSE },
        { "[{\"name\": \"blockdev-add\"}, {\"name\": \"query-status-x\"}, {\"name\": \"monitor-add\"}]", TRUE, TRUE },
        { "[]", FALSE, FALSE },
        { "{}", FALSE, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        QemuFacts facts;
        qemu_facts_init(&facts);
        read_text(qemu_facts_read_commands, &facts, rows[i].text);
        g_assert_cmpint(facts.has_monitor_add, ==, rows[i].has_monitor_add);
        g_assert_cmpint(facts.is_storage_daemon, ==, rows[i].is_storage_daemon);
        qemu_facts_clear(&facts);
    }
}

/* No list: an error, no answer, or one that is longer than any QEMU's. */
static void
test_no_commands(void)
{
    g_autofree char *padding = g_strnfill(70000, 'x');
    g_autofree char *text = g_strdup_printf("[{\"name\": \"blockdev-add\"}, {\"name\": \"%s\"}]", padding);
    QemuFacts facts;

    qemu_facts_init(&facts);
    qemu_facts_read_commands(&facts, NULL);
    qemu_facts_read_commands(&facts, &(QmpReply){ .error_class = "X", .error_text = "\"blockdev-add\"" });
    read_text(qemu_facts_read_commands, &facts, text);
    g_assert_false(facts.is_storage_daemon);
    qemu_facts_clear(&facts);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qemu-facts/texts", test_texts);
    g_test_add_func("/qemu-facts/commands", test_commands);
    g_test_add_func("/qemu-facts/no-commands", test_no_commands);
    return g_test_run();
}
