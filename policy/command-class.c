/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one table that says the class of every QMP command of QEMU 7.2, 10.0 and 11.1. The gate asks it before each
 * call. The file owns nothing but constants.
 *
 * A command is classed by the most that it can do with ordinary arguments; what raises it is decided elsewhere.
 * Whoever sits at the machine may observe without being asked, so `observe` tells nothing that a guest or the host
 * keeps to itself and, whatever the arguments, changes nothing and ends no QEMU: some that are called query- or list-
 * are not in it. File names, addresses and thread ids are no secrets here; guest memory, the properties of objects and
 * what identifies the host's hardware are, and so are URLs and command lines, because passwords are written into them.
 * (The rest shows none: query-blockstats names nodes, query-chardev and query-migrate sockets and plain files,
 * which have no place for a password, and a job's error is the system's text or names a plain file.)
 *
 * `control` is the guest's buttons, and what `control` itself can undo. Taking something away is `destroy` where only
 * those who may configure can give it back. Exports and descriptors are no part of the guest: `configure` adds and
 * removes them. Reading a file, writing one at the caller's path or listening on a socket is `configure` at least, or
 * `read-guest` if guest memory is what gets written. A display shows the guest, and more: QEMU puts a monitor into it
 * (`-monitor vc`, the default; a SPICE port), and nothing in the command tells whether there is one. So what opens a
 * display to somebody, by socket, address or password, is `host`, all of it alike. A command that QEMU calls unstable
 * is `host`: nobody has promised what it will do. Where two classes fit, the right one is that which the author of a
 * polkit rule would be more surprised to have granted. */
#include "command-class.h"

#include <stdlib.h>
#include <string.h>

typedef struct Row {
    const char *qmp_name;
    PolicyClass policy_class;
} Row;

/* Sorted as strcmp() does it. */
static const Row rows[] = {
    { "add-fd", POLICY_CLASS_CONFIGURE },
    { "add_client",
      POLICY_CLASS_HOST }, /* any socket becomes a client of any monitor, and of a display with one in it */
    { "announce-self", POLICY_CLASS_CONTROL },
    { "balloon", POLICY_CLASS_CONTROL },
    { "block-commit", POLICY_CLASS_CONFIGURE },
    { "block-dirty-bitmap-add", POLICY_CLASS_CONFIGURE },
    { "block-dirty-bitmap-clear", POLICY_CLASS_DESTROY }, /* the next backup would miss what the guest has written */
    { "block-dirty-bitmap-disable", POLICY_CLASS_DESTROY }, /* as clear: what is written meanwhile is not recorded */
    { "block-dirty-bitmap-enable", POLICY_CLASS_CONFIGURE },
    { "block-dirty-bitmap-merge", POLICY_CLASS_CONFIGURE },
    { "block-dirty-bitmap-remove", POLICY_CLASS_DESTROY },
    { "block-export-add", POLICY_CLASS_CONFIGURE },
    { "block-export-del", POLICY_CLASS_CONFIGURE },
    { "block-job-cancel", POLICY_CLASS_DESTROY },
    { "block-job-change", POLICY_CLASS_CONFIGURE }, /* no way back from write-blocking */
    { "block-job-complete", POLICY_CLASS_CONFIGURE }, /* a mirror moves the guest to its target */
    { "block-job-dismiss", POLICY_CLASS_CONTROL }, /* a record of what has ended */
    { "block-job-finalize", POLICY_CLASS_CONFIGURE }, /* as complete */
    { "block-job-pause", POLICY_CLASS_CONTROL },
    { "block-job-resume", POLICY_CLASS_CONTROL },
    { "block-job-set-speed", POLICY_CLASS_CONTROL },
    { "block-latency-histogram-set", POLICY_CLASS_CONTROL },
    { "block-set-write-threshold", POLICY_CLASS_CONTROL },
    { "block-stream", POLICY_CLASS_CONFIGURE },
    { "block_resize", POLICY_CLASS_CONFIGURE },
    { "block_set_io_throttle", POLICY_CLASS_CONTROL },
    { "blockdev-add", POLICY_CLASS_CONFIGURE },
    { "blockdev-backup", POLICY_CLASS_CONFIGURE },
    { "blockdev-change-medium", POLICY_CLASS_CONFIGURE },
    { "blockdev-close-tray", POLICY_CLASS_CONTROL },
    { "blockdev-create", POLICY_CLASS_CONFIGURE }, /* formats what is there */
    { "blockdev-del", POLICY_CLASS_DESTROY },
    { "blockdev-insert-medium", POLICY_CLASS_CONFIGURE },
    { "blockdev-mirror", POLICY_CLASS_CONFIGURE },
    { "blockdev-open-tray", POLICY_CLASS_CONTROL },
    { "blockdev-remove-medium", POLICY_CLASS_DESTROY },
    { "blockdev-reopen", POLICY_CLASS_CONFIGURE },
    { "blockdev-set-active", POLICY_CLASS_MIGRATE }, /* hands an image over; active at both ends, it is lost */
    { "blockdev-snapshot", POLICY_CLASS_CONFIGURE },
    { "blockdev-snapshot-delete-internal-sync", POLICY_CLASS_DESTROY },
    { "blockdev-snapshot-internal-sync", POLICY_CLASS_CONFIGURE },
    { "blockdev-snapshot-sync", POLICY_CLASS_CONFIGURE },
    { "calc-dirty-rate", POLICY_CLASS_MIGRATE },
    { "cancel-vcpu-dirty-limit", POLICY_CLASS_CONTROL },
    { "change-backing-file", POLICY_CLASS_CONFIGURE }, /* writes a path that is opened later */
    { "change-vnc-password", POLICY_CLASS_HOST }, /* opens the display to whoever knows the password: see above */
    { "chardev-add", POLICY_CLASS_CONFIGURE },
    { "chardev-change", POLICY_CLASS_CONFIGURE },
    { "chardev-remove", POLICY_CLASS_DESTROY },
    { "chardev-send-break", POLICY_CLASS_CONTROL },
    { "client_migrate_info", POLICY_CLASS_MIGRATE }, /* sends SPICE clients to another host */
    { "closefd", POLICY_CLASS_CONFIGURE },
    { "cont", POLICY_CLASS_CONTROL },
    { "cxl-add-dynamic-capacity", POLICY_CLASS_HOST },
    { "cxl-inject-correctable-error", POLICY_CLASS_DESTROY },
    { "cxl-inject-dram-event", POLICY_CLASS_DESTROY },
    { "cxl-inject-general-media-event", POLICY_CLASS_DESTROY },
    { "cxl-inject-memory-module-event", POLICY_CLASS_DESTROY },
    { "cxl-inject-poison", POLICY_CLASS_DESTROY },
    { "cxl-inject-uncorrectable-errors", POLICY_CLASS_DESTROY },
    { "cxl-release-dynamic-capacity", POLICY_CLASS_HOST },
    { "device-list-properties", POLICY_CLASS_CONFIGURE }, /* creates one of any type: 2 of 7.2's end it */
    { "device-sync-config", POLICY_CLASS_HOST },
    { "device_add", POLICY_CLASS_CONFIGURE },
    { "device_del", POLICY_CLASS_DESTROY },
    { "display-reload", POLICY_CLASS_CONFIGURE },
    { "display-update", POLICY_CLASS_HOST }, /* listens on any address: as change-vnc-password */
    { "drive-backup", POLICY_CLASS_CONFIGURE },
    { "drive-mirror", POLICY_CLASS_CONFIGURE },
    { "dump-guest-memory", POLICY_CLASS_READ_GUEST },
    { "dump-skeys", POLICY_CLASS_READ_GUEST },
    { "dumpdtb", POLICY_CLASS_READ_GUEST }, /* may hold the seeds of the guest's random numbers */
    { "eject", POLICY_CLASS_DESTROY }, /* only those who may configure can put the medium back */
    { "expire_password", POLICY_CLASS_HOST }, /* can make an old one good again: as change-vnc-password */
    { "getfd", POLICY_CLASS_CONFIGURE },
    { "human-monitor-command", POLICY_CLASS_HOST },
    { "inject-ghes-v2-error", POLICY_CLASS_HOST },
    { "inject-nmi", POLICY_CLASS_DESTROY },
    { "input-send-event", POLICY_CLASS_CONTROL },
    { "job-cancel", POLICY_CLASS_DESTROY },
    { "job-complete", POLICY_CLASS_CONFIGURE },
    { "job-dismiss", POLICY_CLASS_CONTROL },
    { "job-finalize", POLICY_CLASS_CONFIGURE },
    { "job-pause", POLICY_CLASS_CONTROL },
    { "job-resume", POLICY_CLASS_CONTROL },
    { "memsave", POLICY_CLASS_READ_GUEST },
    { "migrate", POLICY_CLASS_MIGRATE },
    { "migrate-continue", POLICY_CLASS_MIGRATE },
    { "migrate-incoming", POLICY_CLASS_MIGRATE },
    { "migrate-pause", POLICY_CLASS_MIGRATE },
    { "migrate-recover", POLICY_CLASS_MIGRATE },
    { "migrate-set-capabilities", POLICY_CLASS_MIGRATE },
    { "migrate-set-parameters", POLICY_CLASS_MIGRATE },
    { "migrate-start-postcopy", POLICY_CLASS_MIGRATE },
    { "migrate_cancel", POLICY_CLASS_MIGRATE },
    { "nbd-server-add", POLICY_CLASS_CONFIGURE },
    { "nbd-server-remove", POLICY_CLASS_CONFIGURE },
    { "nbd-server-start", POLICY_CLASS_CONFIGURE },
    { "nbd-server-stop", POLICY_CLASS_CONFIGURE },
    { "netdev_add", POLICY_CLASS_CONFIGURE },
    { "netdev_del", POLICY_CLASS_DESTROY },
    { "object-add", POLICY_CLASS_CONFIGURE },
    { "object-del", POLICY_CLASS_DESTROY },
    { "pmemsave", POLICY_CLASS_READ_GUEST },
    { "qmp_capabilities", POLICY_CLASS_OBSERVE }, /* QEMU refuses it once a session is negotiated */
    { "qom-get", POLICY_CLASS_READ_GUEST }, /* of secrets the data that its caller has given */
    { "qom-list", POLICY_CLASS_OBSERVE },
    { "qom-list-get", POLICY_CLASS_READ_GUEST },
    { "qom-list-properties", POLICY_CLASS_CONFIGURE }, /* as device-list-properties: 4 of 7.2's, 4 of 10.0's end it */
    { "qom-list-types", POLICY_CLASS_CONFIGURE }, /* loads every module; those of another build end it */
    { "qom-set", POLICY_CLASS_HOST },
    { "query-accelerators", POLICY_CLASS_OBSERVE },
    { "query-acpi-ospm-status", POLICY_CLASS_OBSERVE },
    { "query-audiodevs", POLICY_CLASS_OBSERVE },
    { "query-balloon", POLICY_CLASS_OBSERVE },
    { "query-block", POLICY_CLASS_READ_GUEST }, /* URLs of images, with user:password@, cookie= or key= in them */
    { "query-block-exports", POLICY_CLASS_OBSERVE },
    { "query-block-jobs", POLICY_CLASS_OBSERVE },
    { "query-blockstats", POLICY_CLASS_OBSERVE },
    { "query-chardev", POLICY_CLASS_OBSERVE },
    { "query-chardev-backends", POLICY_CLASS_OBSERVE },
    { "query-colo-status", POLICY_CLASS_OBSERVE },
    { "query-command-line-options", POLICY_CLASS_OBSERVE },
    { "query-commands", POLICY_CLASS_OBSERVE },
    { "query-cpu-definitions", POLICY_CLASS_OBSERVE },
    { "query-cpu-model-baseline", POLICY_CLASS_CONFIGURE }, /* as query-cpu-model-expansion, on s390x */
    { "query-cpu-model-comparison", POLICY_CLASS_CONFIGURE }, /* as query-cpu-model-expansion, on s390x */
    { "query-cpu-model-expansion", POLICY_CLASS_CONFIGURE }, /* sets any property: realized=true plugs in a CPU */
    { "query-cpus-fast", POLICY_CLASS_OBSERVE },
    { "query-cryptodev", POLICY_CLASS_OBSERVE },
    { "query-current-machine", POLICY_CLASS_OBSERVE },
    { "query-dirty-rate", POLICY_CLASS_OBSERVE },
    { "query-display-options", POLICY_CLASS_OBSERVE },
    { "query-dump", POLICY_CLASS_OBSERVE },
    { "query-dump-guest-memory-capability", POLICY_CLASS_OBSERVE },
    { "query-fdsets", POLICY_CLASS_OBSERVE },
    { "query-firmware-log", POLICY_CLASS_READ_GUEST }, /* read from guest memory */
    { "query-gic-capabilities", POLICY_CLASS_OBSERVE },
    { "query-hotpluggable-cpus", POLICY_CLASS_OBSERVE },
    { "query-hv-balloon-status-report", POLICY_CLASS_OBSERVE },
    { "query-iothreads", POLICY_CLASS_OBSERVE },
    { "query-jobs", POLICY_CLASS_OBSERVE },
    { "query-kvm", POLICY_CLASS_OBSERVE },
    { "query-machines", POLICY_CLASS_OBSERVE },
    { "query-memdev", POLICY_CLASS_OBSERVE },
    { "query-memory-devices", POLICY_CLASS_OBSERVE },
    { "query-memory-size-summary", POLICY_CLASS_OBSERVE },
    { "query-mice", POLICY_CLASS_OBSERVE },
    { "query-migrate", POLICY_CLASS_OBSERVE },
    { "query-migrate-capabilities", POLICY_CLASS_OBSERVE },
    { "query-migrate-parameters", POLICY_CLASS_MIGRATE }, /* cpr-exec-command is a command line, with what is in it */
    { "query-migrationthreads", POLICY_CLASS_OBSERVE },
    { "query-name", POLICY_CLASS_OBSERVE },
    { "query-named-block-nodes", POLICY_CLASS_READ_GUEST }, /* as query-block */
    { "query-pci", POLICY_CLASS_OBSERVE },
    { "query-pr-managers", POLICY_CLASS_OBSERVE },
    { "query-qmp-schema", POLICY_CLASS_OBSERVE },
    { "query-replay", POLICY_CLASS_OBSERVE },
    { "query-rocker", POLICY_CLASS_OBSERVE },
    { "query-rocker-of-dpa-flows", POLICY_CLASS_READ_GUEST }, /* the guest's own rules */
    { "query-rocker-of-dpa-groups", POLICY_CLASS_READ_GUEST }, /* the guest's own rules */
    { "query-rocker-ports", POLICY_CLASS_OBSERVE },
    { "query-rx-filter", POLICY_CLASS_OBSERVE },
    { "query-s390x-cpu-polarization", POLICY_CLASS_HOST },
    { "query-sev", POLICY_CLASS_OBSERVE },
    { "query-sev-attestation-report", POLICY_CLASS_READ_GUEST }, /* signs the caller's nonce in the guest's name */
    { "query-sev-capabilities", POLICY_CLASS_READ_GUEST }, /* the host CPU's serial number */
    { "query-sev-launch-measure", POLICY_CLASS_READ_GUEST }, /* proves the guest to its owner */
    { "query-sgx", POLICY_CLASS_OBSERVE },
    { "query-sgx-capabilities", POLICY_CLASS_OBSERVE },
    { "query-spice", POLICY_CLASS_OBSERVE },
    { "query-stats", POLICY_CLASS_OBSERVE },
    { "query-stats-schemas", POLICY_CLASS_OBSERVE },
    { "query-status", POLICY_CLASS_OBSERVE },
    { "query-target", POLICY_CLASS_OBSERVE },
    { "query-tpm", POLICY_CLASS_OBSERVE },
    { "query-tpm-models", POLICY_CLASS_OBSERVE },
    { "query-tpm-types", POLICY_CLASS_OBSERVE },
    { "query-uuid", POLICY_CLASS_OBSERVE },
    { "query-vcpu-dirty-limit", POLICY_CLASS_OBSERVE },
    { "query-version", POLICY_CLASS_OBSERVE },
    { "query-vm-generation-id", POLICY_CLASS_OBSERVE },
    { "query-vnc", POLICY_CLASS_OBSERVE },
    { "query-vnc-servers", POLICY_CLASS_OBSERVE },
    { "query-xen-replication-status", POLICY_CLASS_OBSERVE },
    { "query-yank", POLICY_CLASS_OBSERVE },
    { "quit", POLICY_CLASS_DESTROY },
    { "remove-fd", POLICY_CLASS_CONFIGURE },
    { "replay-break", POLICY_CLASS_CONTROL },
    { "replay-delete-break", POLICY_CLASS_CONTROL },
    { "replay-seek", POLICY_CLASS_DESTROY }, /* loads a snapshot */
    { "request-ebpf", POLICY_CLASS_OBSERVE }, /* a program that is built into QEMU */
    { "ringbuf-read", POLICY_CLASS_READ_GUEST },
    { "ringbuf-write", POLICY_CLASS_DESTROY }, /* overwrites what nobody has read yet */
    { "rtc-reset-reinjection", POLICY_CLASS_CONTROL },
    { "screendump", POLICY_CLASS_READ_GUEST },
    { "send-key", POLICY_CLASS_CONTROL },
    { "set-action", POLICY_CLASS_DESTROY }, /* decides what a later reboot or panic costs */
    { "set-cpu-topology", POLICY_CLASS_HOST },
    { "set-numa-node", POLICY_CLASS_CONFIGURE },
    { "set-vcpu-dirty-limit", POLICY_CLASS_CONTROL },
    { "set_link", POLICY_CLASS_CONTROL },
    { "set_password", POLICY_CLASS_HOST }, /* as change-vnc-password */
    { "sev-inject-launch-secret", POLICY_CLASS_CONFIGURE },
    { "snapshot-delete", POLICY_CLASS_DESTROY },
    { "snapshot-load", POLICY_CLASS_DESTROY },
    { "snapshot-save", POLICY_CLASS_MIGRATE },
    { "stop", POLICY_CLASS_CONTROL },
    { "system_powerdown", POLICY_CLASS_CONTROL },
    { "system_reset", POLICY_CLASS_DESTROY },
    { "system_wakeup", POLICY_CLASS_CONTROL },
    { "trace-event-get-state", POLICY_CLASS_OBSERVE },
    { "trace-event-set-state", POLICY_CLASS_HOST }, /* guest and host data go to a log */
    { "transaction", POLICY_CLASS_CONFIGURE }, /* at least; its members can raise it */
    { "watchdog-set-action", POLICY_CLASS_DESTROY }, /* as set-action */
    { "x-accel-stats", POLICY_CLASS_HOST },
    { "x-blockdev-amend", POLICY_CLASS_HOST },
    { "x-blockdev-change", POLICY_CLASS_HOST },
    { "x-blockdev-set-iothread", POLICY_CLASS_HOST },
    { "x-colo-lost-heartbeat", POLICY_CLASS_HOST },
    { "x-debug-block-dirty-bitmap-sha256", POLICY_CLASS_HOST },
    { "x-debug-query-block-graph", POLICY_CLASS_HOST },
    { "x-exit-preconfig", POLICY_CLASS_HOST },
    { "x-query-interrupt-controllers", POLICY_CLASS_HOST },
    { "x-query-irq", POLICY_CLASS_HOST },
    { "x-query-jit", POLICY_CLASS_HOST },
    { "x-query-numa", POLICY_CLASS_HOST },
    { "x-query-opcount", POLICY_CLASS_HOST },
    { "x-query-profile", POLICY_CLASS_HOST },
    { "x-query-ramblock", POLICY_CLASS_HOST },
    { "x-query-rdma", POLICY_CLASS_HOST },
    { "x-query-roms", POLICY_CLASS_HOST },
    { "x-query-usb", POLICY_CLASS_HOST },
    { "x-query-virtio", POLICY_CLASS_HOST },
    { "x-query-virtio-queue-element", POLICY_CLASS_HOST },
    { "x-query-virtio-queue-status", POLICY_CLASS_HOST },
    { "x-query-virtio-status", POLICY_CLASS_HOST },
    { "x-query-virtio-vhost-queue-status", POLICY_CLASS_HOST },
    { "xen-colo-do-checkpoint", POLICY_CLASS_MIGRATE },
    { "xen-event-inject", POLICY_CLASS_DESTROY },
    { "xen-event-list", POLICY_CLASS_OBSERVE },
    { "xen-load-devices-state", POLICY_CLASS_HOST }, /* QEMU trusts what it loads */
    { "xen-save-devices-state", POLICY_CLASS_MIGRATE }, /* stops the VM and gives up its disks as well */
    { "xen-set-global-dirty-log", POLICY_CLASS_MIGRATE },
    { "xen-set-replication", POLICY_CLASS_MIGRATE },
    { "yank", POLICY_CLASS_DESTROY }, /* cuts connections that disks and devices depend on */
};

static const char *const actions[] = {
    [POLICY_CLASS_HOST] = "org.qemu.monitor1.host",
    [POLICY_CLASS_OBSERVE] = "org.qemu.monitor1.observe",
    [POLICY_CLASS_CONTROL] = "org.qemu.monitor1.control",
    [POLICY_CLASS_DESTROY] = "org.qemu.monitor1.destroy",
    [POLICY_CLASS_CONFIGURE] = "org.qemu.monitor1.configure",
    [POLICY_CLASS_READ_GUEST] = "org.qemu.monitor1.read-guest",
    [POLICY_CLASS_MIGRATE] = "org.qemu.monitor1.migrate",
    [POLICY_CLASS_MANAGE] = "org.qemu.monitor1.manage",
};

static int
compare_to_row(gconstpointer qmp_name, gconstpointer row)
{
    return strcmp(qmp_name, ((const Row *)row)->qmp_name);
}

static const Row *
find_command_row(const char *qmp_name)
{
    return bsearch(qmp_name, rows, G_N_ELEMENTS(rows), sizeof(*rows), compare_to_row);
}

PolicyClass
policy_class_of_command(const char *qmp_name)
{
    const Row *row = find_command_row(qmp_name);

    return row ? row->policy_class : POLICY_CLASS_HOST;
}

const char *
policy_class_find_command(const char *qmp_name)
{
    const Row *row = find_command_row(qmp_name);

    return row ? row->qmp_name : NULL;
}

const char *
policy_class_get_action(PolicyClass policy_class)
{
    return actions[policy_class];
}

const char *
policy_class_get_command_action(const char *qmp_name, gboolean is_unstable)
{
    if (!qmp_name)
        return policy_class_get_action(POLICY_CLASS_OBSERVE);
    return policy_class_get_action(is_unstable ? POLICY_CLASS_HOST : policy_class_of_command(qmp_name));
}

const char *
policy_class_get_nth_command(guint n)
{
    return n < G_N_ELEMENTS(rows) ? rows[n].qmp_name : NULL;
}
