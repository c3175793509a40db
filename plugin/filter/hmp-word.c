/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hmp-word.h"

#include "hmp-line.h"

/* `help` of QEMU 7.2, 10.0 and 11.1, with the short forms. */
static const char *const words[] = {
    "announce_self",
    "balloon",
    "block_job_cancel",
    "block_job_complete",
    "block_job_pause",
    "block_job_resume",
    "block_job_set_speed",
    "block_resize",
    "block_set_io_throttle",
    "block_stream",
    "boot_set",
    "c",
    "calc_dirty_rate",
    "cancel_vcpu_dirty_limit",
    "change",
    "chardev-add",
    "chardev-change",
    "chardev-remove",
    "chardev-send-break",
    "clear",
    "client_migrate_info",
    "closefd",
    "commit",
    "cont",
    "cpu",
    "delvm",
    "device_add",
    "device_del",
    "drive_add",
    "drive_backup",
    "drive_del",
    "drive_mirror",
    "dump-guest-memory",
    "dumpdtb",
    "eject",
    "exit_preconfig",
    "expire_password",
    "gdbserver",
    "getfd",
    "gpa2hpa",
    "gpa2hva",
    "gva2gpa",
    "help",
    "hostfwd_add",
    "hostfwd_remove",
    "i",
    "info",
    "loadvm",
    "log",
    "logfile",
    "mce",
    "memsave",
    "migrate",
    "migrate_cancel",
    "migrate_continue",
    "migrate_incoming",
    "migrate_pause",
    "migrate_recover",
    "migrate_set_capability",
    "migrate_set_parameter",
    "migrate_start_postcopy",
    "mouse_button",
    "mouse_move",
    "mouse_set",
    "nbd_server_add",
    "nbd_server_remove",
    "nbd_server_start",
    "nbd_server_stop",
    "netdev_add",
    "netdev_del",
    "nmi",
    "o",
    "object_add",
    "object_del",
    "one-insn-per-tb",
    "p",
    "pcie_aer_inject_error",
    "pmemsave",
    "print",
    "q",
    "qemu-io",
    "qom-get",
    "qom-list",
    "qom-set",
    "quit",
    "replay_break",
    "replay_delete_break",
    "replay_seek",
    "ringbuf_read",
    "ringbuf_write",
    "s",
    "savevm",
    "screendump",
    "sendkey",
    "set_link",
    "set_password",
    "set_vcpu_dirty_limit",
    "singlestep",
    "snapshot_blkdev",
    "snapshot_blkdev_internal",
    "snapshot_delete_blkdev_internal",
    "stop",
    "stopcapture",
    "sum",
    "sync-profile",
    "system_powerdown",
    "system_reset",
    "system_wakeup",
    "trace-event",
    "watchdog_action",
    "wavcapture",
    "x",
    "x_colo_lost_heartbeat",
    "xen-event-inject",
    "xen-event-list",
    "xp",
    NULL,
};

const char *
hmp_word_get(const char *command, JsonNode *arguments)
{
    g_autofree char *name = NULL;
    const char *rest;
    JsonNode *line;

    if (!g_str_equal(command, "human-monitor-command"))
        return NULL;
    line = arguments && JSON_NODE_HOLDS_OBJECT(arguments)
               ? json_object_get_member(json_node_get_object(arguments), "command-line")
               : NULL;
    if (!line || json_node_get_value_type(line) != G_TYPE_STRING)
        return "?";
    name = hmp_line_dup_command(json_node_get_string(line), &rest);
    for (gsize i = 0; name && words[i]; i++)
        if (g_str_equal(words[i], name))
            return words[i];
    return "?";
}
