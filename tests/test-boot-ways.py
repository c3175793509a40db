# SPDX-License-Identifier: LGPL-2.1-or-later
"""The other ways in of qemu-monitor.conf(5), with the service confined as its unit says."""
import os

from booted import NAME, ROOT, SOCKETS, BootTest
from harness import CallError, main, wait_until


class Listening(BootTest):
    """The agent listens, and the QEMU of another user connects."""
    address = f'unix:{SOCKETS}/guest.sock,server=on'

    def setUp(self):
        super().setUp()
        self.write_key_file(f'[vm guest]\naddress={self.address}\nuser=alice\n')
        self.restart()
        self.socket = self.machine.path(f'{SOCKETS}/guest.sock')
        wait_until(lambda: os.path.exists(self.socket), "the agent's socket")

    def connect_qemu(self, user):
        return self.start_qemu(user, 'guest', address=f'unix:{SOCKETS}/guest.sock,server=off')

    def test_one_qemu_after_the_other(self):
        for _ in range(2):
            unit = self.connect_qemu('alice')
            self.wait_vm('guest')
            self.assertEqual(self.get('guest', 'OwnerUID'), 1000)
            self.end_unit(unit)
            wait_until(lambda: self.get('guest', 'Status') is None, 'the end of the VM')

    def test_the_qemu_of_nobody_else(self):
        unit = self.connect_qemu('bob')
        wait_until(lambda: self.show('ActiveState', unit=unit)['ActiveState'] != 'active', 'the end of its QEMU')
        self.assertIn('Permission denied', self.machine.run('journalctl', f'--unit={unit}').stdout)
        self.assertIsNone(self.get('guest', 'Status'))

    def test_a_socket_elsewhere_is_refused_with_the_place_where_it_may_be(self):
        with self.assertRaisesRegex(CallError, '/srv/guest.sock.*Read-only file system.*run directory'):
            self.call(ROOT, f'{NAME}.Manager', 'AddVM', 'ssa{sv}', 'other', 'unix:/srv/guest.sock,server=on', '0')


class Spares(BootTest):
    """A QEMU into which no monitor can be plugged."""
    qemu = '10.0'

    def test_each_caller_has_one_that_qemu_was_started_with(self):
        paths = [f'unix:/home/alice/{name}.sock' for name in ('web', 'web-2', 'web-3')]
        self.write_key_file(f'[vm web]\naddress={paths[0]}\nspares={paths[1]};{paths[2]}\nisolation=required\n')
        self.start_qemu('alice', 'web', *(word for path in paths[1:] for word in ('-qmp', f'{path},server=on,wait=off')),
                        address=f'{paths[0]},server=on,wait=off')
        self.wait_vm('web')
        self.assertEqual(self.get('web', 'MonitorMode'), 'spare')
        callers = [self.adopt(self.machine.connect(uid)) for uid in (1000, 0)]
        path = f'{ROOT}/vm/web'
        for caller in callers:
            caller.call(NAME, path, f'{NAME}.QMP', 'QueryStatus')
        monitors, = callers[0].call(NAME, path, f'{NAME}.VM', 'ListMonitors')
        self.assertEqual({monitor['id'] for monitor in monitors}, set(paths[1:]))


class WhyItIsNotThere(BootTest):
    """A user sees no object, and asks the Manager."""

    def wait_error(self, name, text):
        def find():
            return text in self.list_vms().get(name, {}).get('error', '')
        wait_until(find, lambda: f'{text!r} for {name} in {self.list_vms()}')
        return self.list_vms()[name]

    def test_a_left_over_and_a_vm_that_is_not_started(self):
        self.write_key_file('[vm db]\naddress=unix:/srv/db.sock\n')
        self.restart()
        unit = self.start_qemu('alice', 'web')
        self.wait_vm('web')
        there = self.list_vms()['web']
        self.assertEqual((there['origin'], there['object']), ('directory', f'{ROOT}/vm/web'))
        self.end_unit(unit)
        left = self.wait_error('web', 'Connection refused')
        self.assertNotIn('object', left)
        self.assertNotEqual(left['state'], there['state'])
        self.assertEqual(self.wait_error('db', 'No such file')['origin'], 'key-file')

    def test_a_name_that_is_somebody_elses_already(self):
        self.write_key_file('[vm web]\naddress=unix:/home/bob/web.sock\n')
        self.restart()
        unit = self.start_qemu('bob', 'web', address='unix:/home/bob/web.sock,server=on,wait=off')
        self.wait_vm('web')
        # The key file goes before whoever takes the name in the run directory.
        self.start_qemu('alice', 'web')
        wait_until(lambda: 'is taken by' in self.machine.run('journalctl', '--unit=management-agent').stdout, 'the reason in the log')
        self.assertEqual(self.get('web', 'OwnerUID'), 1001)
        self.end_unit(unit)


if __name__ == '__main__':
    main()
