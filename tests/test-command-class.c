/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The class of commands: what an administrator who writes a polkit rule relies on. (Whether the table is complete is
 * for test-policy-table.py to say, with real QEMUs.) */
#include "command-class.h"

typedef struct Promise {
    const char *path;
    PolicyClass policy_class;
    const char *commands[20];
} Promise;

static const Promise promises[] = {
    { "/command-class/desktop-shows-a-vm-without-asking",
      POLICY_CLASS_OBSERVE,
      { "query-status", "query-blockstats", "query-jobs", "query-chardev", "query-qmp-schema", "qom-list",
        "qmp_capabilities" } },
    { "/command-class/query-that-can-change-or-end-qemu-is-no-observation",
      POLICY_CLASS_CONFIGURE,
      { "query-cpu-model-expansion", "device-list-properties", "qom-list-properties", "qom-list-types" } },
    { "/command-class/query-that-tells-secrets-is-no-observation",
      POLICY_CLASS_READ_GUEST,
      { "qom-get", "qom-list-get", "ringbuf-read", "query-firmware-log", "query-sev-capabilities",
        "query-sev-attestation-report", "query-sev-launch-measure", "query-rocker-of-dpa-flows",
        "query-rocker-of-dpa-groups" } },
    { "/command-class/passwords-in-urls-are-secrets",
      POLICY_CLASS_READ_GUEST,
      { "query-block", "query-named-block-nodes" } },
    { "/command-class/passwords-in-command-lines-are-secrets", POLICY_CLASS_MIGRATE, { "query-migrate-parameters" } },
    { "/command-class/what-opens-a-display-opens-what-is-in-it",
      POLICY_CLASS_HOST,
      { "add_client", "change-vnc-password", "display-update", "expire_password", "set_password" } },
    { "/command-class/guest-memory-in-a-file-is-still-guest-memory",
      POLICY_CLASS_READ_GUEST,
      { "dump-guest-memory", "dump-skeys", "memsave", "pmemsave", "screendump", "dumpdtb" } },
    { "/command-class/buttons-can-be-released",
      POLICY_CLASS_CONTROL,
      { "stop", "cont", "system_powerdown", "send-key", "set_link", "balloon", "job-pause", "blockdev-open-tray" } },
    { "/command-class/loss-is-more-than-a-button",
      POLICY_CLASS_DESTROY,
      { "quit", "system_reset", "inject-nmi", "snapshot-load", "snapshot-delete", "device_del", "netdev_del",
        "object-del", "blockdev-del", "chardev-remove", "block-dirty-bitmap-clear", "eject", "job-cancel",
        "block-job-cancel", "replay-seek", "ringbuf-write", "set-action", "watchdog-set-action", "yank" } },
    { "/command-class/files-and-sockets-of-the-host-are-configured",
      POLICY_CLASS_CONFIGURE,
      { "add-fd", "blockdev-add", "chardev-add", "drive-backup", "nbd-server-start", "transaction" } },
    { "/command-class/state-that-leaves-is-migration",
      POLICY_CLASS_MIGRATE,
      { "migrate", "migrate-incoming", "migrate-recover", "migrate-set-parameters", "migrate_cancel", "snapshot-save",
        "blockdev-set-active", "calc-dirty-rate", "client_migrate_info", "xen-save-devices-state" } },
    { "/command-class/ways-round-the-policy-are-host",
      POLICY_CLASS_HOST,
      { "human-monitor-command", "qom-set", "trace-event-set-state", "xen-load-devices-state" } },
    { "/command-class/what-qemu-promises-nothing-of-is-host",
      POLICY_CLASS_HOST,
      { "x-exit-preconfig", "x-query-roms", "cxl-add-dynamic-capacity", "cxl-release-dynamic-capacity",
        "device-sync-config", "inject-ghes-v2-error", "query-s390x-cpu-polarization", "set-cpu-topology" } },
    { "/command-class/unknown-is-host",
      POLICY_CLASS_HOST,
      { "", "query-status2", "query-statu", "QUERY-STATUS", "query_status", "monitor-add", "zzz", "é" } },
};

static void
test_promise(gconstpointer data)
{
    const Promise *promise = data;

    for (const char *const *command = promise->commands; *command; command++) {
        g_test_message("%s", *command);
        g_assert_cmpint(policy_class_of_command(*command), ==, promise->policy_class);
    }
}

static void
test_sorted(void)
{
    const char *last = "";
    const char *command = NULL;

    for (guint n = 0; (command = policy_class_get_nth_command(n)); n++) {
        g_assert_cmpstr(last, <, command);
        last = command;
    }
    g_assert_cmpstr(last, ==, "yank");
    g_assert_null(policy_class_get_nth_command(G_MAXUINT));
}

/* QEMU's own word for what it promises nothing of. */
static void
test_experimental(void)
{
    const char *command = NULL;

    for (guint n = 0; (command = policy_class_get_nth_command(n)); n++)
        if (g_str_has_prefix(command, "x-"))
            g_assert_cmpint(policy_class_of_command(command), ==, POLICY_CLASS_HOST);
}

static void
test_forgotten_class(void)
{
    static const Promise forgotten = { .path = NULL };

    g_assert_cmpint(forgotten.policy_class, ==, POLICY_CLASS_HOST);
}

static void
test_actions(void)
{
    static const struct {
        PolicyClass policy_class;
        const char *action;
    } actions[] = {
        { POLICY_CLASS_HOST, "org.qemu.monitor1.host" },
        { POLICY_CLASS_OBSERVE, "org.qemu.monitor1.observe" },
        { POLICY_CLASS_CONTROL, "org.qemu.monitor1.control" },
        { POLICY_CLASS_DESTROY, "org.qemu.monitor1.destroy" },
        { POLICY_CLASS_CONFIGURE, "org.qemu.monitor1.configure" },
        { POLICY_CLASS_READ_GUEST, "org.qemu.monitor1.read-guest" },
        { POLICY_CLASS_MIGRATE, "org.qemu.monitor1.migrate" },
        { POLICY_CLASS_MANAGE, "org.qemu.monitor1.manage" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(actions); i++)
        g_assert_cmpstr(policy_class_get_action(actions[i].policy_class), ==, actions[i].action);
}

/* Who reads Introspect to know what they will be asked for: nobody has promised what an unstable command will do. */
static void
test_command_actions(void)
{
    g_assert_cmpstr(policy_class_get_command_action("stop", FALSE), ==, "org.qemu.monitor1.control");
    g_assert_cmpstr(policy_class_get_command_action("stop", TRUE), ==, "org.qemu.monitor1.host");
    g_assert_cmpstr(policy_class_get_command_action("unknown", FALSE), ==, "org.qemu.monitor1.host");
    g_assert_cmpstr(policy_class_get_command_action(NULL, FALSE), ==, "org.qemu.monitor1.observe");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(promises); i++)
        g_test_add_data_func(promises[i].path, &promises[i], test_promise);
    g_test_add_func("/command-class/sorted-and-unique", test_sorted);
    g_test_add_func("/command-class/experimental-is-host", test_experimental);
    g_test_add_func("/command-class/forgotten-class-is-host", test_forgotten_class);
    g_test_add_func("/command-class/actions", test_actions);
    g_test_add_func("/command-class/command-actions", test_command_actions);
    return g_test_run();
}
