/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways in which a command may end a monitor that QEMU was started with: a way that is missed here lets a caller take the VM
 * from the agent or from another program. Monitors are the object "mon" on the character device "dev"; of "used" nobody can
 * tell. */
#include "monitor-ends.h"

#include "qmp-error.h"

/* The linker takes these for those of started-monitors.c. */
gboolean
started_monitors_has_object(StartedMonitors *monitors, const char *id)
{
    return g_str_equal(id, "mon");
}

gboolean
started_monitors_has_chardev(StartedMonitors *monitors, const char *label)
{
    return g_str_equal(label, "dev");
}

gboolean
started_monitors_may_have_chardev(StartedMonitors *monitors, const char *label)
{
    return g_str_equal(label, "dev") || g_str_equal(label, "used");
}

typedef struct Row {
    const char *command, *member, *text;
    gboolean is_allowed;
} Row;

static void
assert_rows(const Row *rows, guint n_rows)
{
    for (guint i = 0; i < n_rows; i++) {
        g_autoptr(GError) error = NULL;
        gboolean is_allowed = monitor_ends_check(NULL, rows[i].command, rows[i].member, rows[i].text, &error);
        if (is_allowed != rows[i].is_allowed)
            g_test_message("%s %s %s", rows[i].command, rows[i].member, rows[i].text);
        g_assert_cmpint(is_allowed, ==, rows[i].is_allowed);
        if (is_allowed)
            g_assert_no_error(error);
        else
            g_assert_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED);
    }
}

/* A caller who names a monitor, or the device under it, in the argument that ends it. */
static void
test_qmp(void)
{
    static const Row rows[] = {
        { "object-del", "id", "mon", FALSE },
        { "object-del", "id", "other", TRUE },
        { "object-del", "id", "dev", TRUE },
        { "monitor-remove", "id", "mon", FALSE },
        { "chardev-remove", "id", "dev", FALSE },
        { "chardev-remove", "id", "mon", TRUE },
        { "chardev-remove", "id", "used", TRUE },
        { "chardev-change", "id", "dev", FALSE },
        { "chardev-send-break", "id", "dev", FALSE },
        { "qom-set", "path", "/objects/mon", FALSE },
        { "qom-set", "path", "dev", FALSE },
        { "qom-set", "path", "//chardevs/dev/", FALSE },
        { "qom-set", "path", "/objects/monitor", TRUE },
        { "qom-set", "property", "mon", TRUE },
        { "query-status", "id", "mon", TRUE },
        { "qom-get", "path", "/objects/mon", TRUE },
    };

    assert_rows(rows, G_N_ELEMENTS(rows));
}

/* A caller whose command takes a device from whatever has it: also a device of which nobody can tell is refused. */
static void
test_any_device(void)
{
    static const Row rows[] = {
        { "yank", "id", "dev", FALSE },
        { "yank", "id", "used", FALSE },
        { "yank", "id", "chardev:used", FALSE },
        { "yank", "id", "free", TRUE },
        { "yank", "node-name", "used", TRUE },
        { "add_client", "protocol", "used", FALSE },
        { "add_client", "protocol", "vnc", TRUE },
    };

    assert_rows(rows, G_N_ELEMENTS(rows));
}

/* A caller who goes by HMP: its words are read as HMP reads them, behind options and in quotes, and in no other argument. */
static void
test_hmp(void)
{
    static const Row rows[] = {
        { "human-monitor-command", "command-line", "object_del mon", FALSE },
        { "human-monitor-command", "command-line", " object_del \"mo\\n\"", TRUE },
        { "human-monitor-command", "command-line", "\tobject_del  \"mon\" x", FALSE },
        { "human-monitor-command", "command-line", "object_del other mon", TRUE },
        { "human-monitor-command", "command-line", "object_del -a mon", FALSE },
        { "human-monitor-command", "command-line", "object_del \"mon", FALSE },
        { "human-monitor-command", "command-line", "object_del \"\\x\"", FALSE },
        { "human-monitor-command", "command-line", "info \"mon", TRUE },
        { "human-monitor-command", "command-line", "object_del", TRUE },
        { "human-monitor-command", "command-line", "", TRUE },
        { "human-monitor-command", "command-line", "chardev-remove dev", FALSE },
        { "human-monitor-command", "command-line", "gdbserver chardev:used", FALSE },
        { "human-monitor-command", "command-line", "gdbserver tcp::1", TRUE },
        { "human-monitor-command", "command-line", "qom-set /objects/mon x 1", FALSE },
        { "human-monitor-command", "cpu-index", "object_del mon", TRUE },
    };

    assert_rows(rows, G_N_ELEMENTS(rows));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/monitor-ends/qmp", test_qmp);
    g_test_add_func("/monitor-ends/any-device", test_any_device);
    g_test_add_func("/monitor-ends/hmp", test_hmp);
    return g_test_run();
}
