# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of what ends how, against every command of every QEMU that is supported: of a command that only begins something
ExecuteAndWait would say that it is done. A command that QEMU adds is named here until somebody has decided about it."""
import glob
import os
import re

from harness import Qemu, Test, main
from monitor import VERSIONS

TABLE = glob.glob(f'{os.path.dirname(os.path.abspath(__file__))}/../plugin/**/completion-table.c', recursive=True)[0]

# They begin something, and nothing in QEMU tells when it has ended: announcements and held keys by a timer, and work that the
# guest is asked for without a sign of its answer.
UNSEEN = set('''announce-self cxl-add-dynamic-capacity cxl-release-dynamic-capacity send-key
xen-colo-do-checkpoint'''.split())

# They set what holds from then on.
SETTINGS = set('''block-dirty-bitmap-disable block-dirty-bitmap-enable block-job-change block-job-set-speed
block-latency-histogram-set block-set-write-threshold block_set_io_throttle blockdev-set-active cancel-vcpu-dirty-limit
change-backing-file change-vnc-password client_migrate_info display-reload display-update expire_password input-send-event
migrate-set-capabilities migrate-set-parameters qom-set replay-break replay-delete-break rtc-reset-reinjection set-action
set-cpu-topology set-numa-node set-vcpu-dirty-limit set_link set_password trace-event-set-state watchdog-set-action
x-blockdev-set-iothread xen-set-global-dirty-log xen-set-replication'''.split())

# They have done all when they return.
DONE = set('''add-fd add_client block-dirty-bitmap-add block-dirty-bitmap-clear block-dirty-bitmap-merge
block-dirty-bitmap-remove block-export-add block-job-dismiss block_resize blockdev-add blockdev-change-medium
blockdev-close-tray blockdev-del blockdev-insert-medium blockdev-remove-medium blockdev-reopen blockdev-snapshot
blockdev-snapshot-delete-internal-sync blockdev-snapshot-internal-sync blockdev-snapshot-sync chardev-add chardev-change
chardev-remove chardev-send-break closefd cxl-inject-correctable-error cxl-inject-dram-event
cxl-inject-general-media-event cxl-inject-memory-module-event cxl-inject-poison cxl-inject-uncorrectable-errors
device-list-properties device-sync-config device_add dump-skeys dumpdtb eject getfd human-monitor-command
inject-ghes-v2-error inject-nmi job-dismiss memsave nbd-server-add nbd-server-start nbd-server-stop netdev_add netdev_del
object-add object-del pmemsave qmp_capabilities qom-get qom-list qom-list-get qom-list-properties qom-list-types remove-fd
request-ebpf ringbuf-read ringbuf-write screendump sev-inject-launch-secret trace-event-get-state x-accel-stats
x-blockdev-change x-debug-block-dirty-bitmap-sha256 x-debug-query-block-graph x-exit-preconfig xen-event-inject
xen-event-list xen-load-devices-state xen-save-devices-state yank'''.split())


class EndingsTable(Test):
    def setUp(self):
        super().setUp()
        with open(TABLE, encoding='utf-8') as file:
            source = file.read()
        self.rows = set(re.findall(r'^    \{ "([\w-]+)"', source[source.index('rows[] = {'):], re.MULTILINE))

    def commands(self, version):
        return {command['name'] for command in self.start(Qemu, version).raw().execute('query-commands')}

    def test_every_command_is_decided_on(self):
        known = set()
        for version in VERSIONS:
            with self.subTest(version):
                commands = {name for name in self.commands(version) if not re.match('(x-)?query-', name)}
                self.assertEqual(commands - self.rows - UNSEEN - SETTINGS - DONE, set())
                known |= commands
        self.assertEqual((self.rows | UNSEEN | SETTINGS | DONE) - known, set())

    def test_each_once(self):
        self.assertEqual(len(self.rows | UNSEEN | SETTINGS | DONE),
                         len(self.rows) + len(UNSEEN) + len(SETTINGS) + len(DONE))


if __name__ == '__main__':
    main()
