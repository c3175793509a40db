# SPDX-License-Identifier: LGPL-2.1-or-later
"""A qemu-storage-daemon, which has QEMU's block layer and no machine: whoever exports disks from one finds it beside the
VMs, told apart from them, and reads nothing about a guest that is not there."""
import os
import socket

from gi.repository import GLib

from harness import Peer, Qemu, StorageDaemon, main, wait_until
from monitor import ANSWERS, INVALID_ARGS, NAME, VERSIONS, MonitorTest

JOB = f'{NAME}.Job'


class Daemon(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def start_daemon(self, *arguments):
        return self.start(StorageDaemon, *arguments)

    def test_kinds(self):
        process = self.start_daemon()
        daemon = self.add('disks', f'unix:{process.path}')
        properties = daemon.get_all()
        self.assertEqual([properties[name] for name in ('Kind', 'Name', 'Status', 'Running', 'Target', 'UUID')],
                         ['storage-daemon', 'disks', '', False, '', ''])
        self.assertEqual((properties['OwnerUID'], properties['PID']), (os.getuid(), process.pid))
        for version in VERSIONS:
            with self.subTest(version):
                machine = self.add(version, f'unix:{self.start(Qemu, version, "-S").path}')
                self.assertEqual((machine.get('Kind'), machine.get('Status')), ('machine', 'prelaunch'))

    def test_who_does_not_tell_is_a_machine(self):
        """Nothing else is made of a QEMU whose list of commands cannot be had, or is no QEMU's."""
        for commands in ({}, [], [{'name': 'blockdev-add'}, {'name': 'query-status'}], [{'name': 'x' * 70_000}]):
            with self.subTest(str(commands)[:60]):
                peer = self.start(Peer, {**ANSWERS, 'query-commands': commands})
                vm = self.add('web', f'unix:{peer.path}')
                self.assertEqual(vm.get('Kind'), 'machine')
                self.manager('RemoveVM', '(o)', vm.path)

    def test_without_a_name(self):
        daemon = self.start_daemon()
        text = 'A qemu-storage-daemon has no name of its own: the argument `name` must say'
        self.assert_fails(INVALID_ARGS, text, self.add, '', f'unix:{daemon.path}')
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(daemon.path)
            self.assert_fails(INVALID_ARGS, text, self.add_fd, '', connection.fileno())
        self.assertEqual(self.paths(), [])

    def test_its_log_has_no_run_state(self):
        daemon = self.start_daemon()
        vm = self.add('disks', f'unix:{daemon.path}')
        self.agent.wait_output('VM "disks" is there: qemu-storage-daemon ')
        vm.qmp('QueryJobs')
        daemon.kill()
        self.agent.wait_output('VM "disks" is gone')
        for line in self.agent.output.splitlines():
            self.assertNotRegex(line, 'query-status|query-migrate|run state|warning|critical')

    def test_by_itself(self):
        daemon = self.start_daemon()
        os.rename(daemon.path, f'{self.run_directory}/disks.sock')
        wait_until(lambda: self.paths() == ['/org/qemu/Monitor1/vm/disks'])

    def test_commands_jobs_and_events(self):
        vm = self.add('disks', f'unix:{self.start_daemon().path}')
        events = vm.record_events()
        finished = self.caller.record(interface=JOB, member='Finished')
        image = f'{self.directory}/image'
        with open(image, 'wb'):
            pass
        vm.qmp('BlockdevAdd', '(a{sv})', {'driver': GLib.Variant('s', 'file'), 'node-name': GLib.Variant('s', 'f'),
                                          'filename': GLib.Variant('s', image)})
        vm.wait('blockdev-create', **{'job-id': ('s', 'make')}, options=('a{sv}', {
            'driver': GLib.Variant('s', 'qcow2'), 'file': GLib.Variant('s', 'f'), 'size': GLib.Variant('x', 1 << 20)}))
        wait_until(lambda: len(finished) == 1)
        self.assertEqual(finished[0][3], ('concluded', ''))
        self.assertEqual(events.wait('JobStatusChange')[0]['id'], 'make')

    def test_what_it_has_not(self):
        vm = self.add('disks', f'unix:{self.start_daemon().path}')
        for call in (lambda: vm.execute('query-status'), lambda: vm.wait('cont'), lambda: vm.wait('system_powerdown')):
            self.assert_fails(f'{NAME}.Error.CommandNotFound', 'has not been found', call)

    def test_quit(self):
        daemon = self.start_daemon()
        vm = self.add('disks', f'unix:{daemon.path}')
        vm.wait('quit')
        wait_until(lambda: self.paths() == [])
        self.assertEqual(daemon.wait(), 0)


if __name__ == '__main__':
    main()
