# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job: three real QEMUs as three objects on one bus, called, watched and quit by an administrator with
busctl. The commands are those of QMP's first proposal (2009), its tour (2010) and a user's notes (2011)."""
import time

from harness import CallError, Qemu, busctl, main, wait_until
from monitor import NAME, ROOT, VERSIONS, VM, MonitorTest, variants


class MainJob(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()
        self.qemus = {}
        self.vms = {}
        for version in VERSIONS:
            qemu = self.start(Qemu, version, '-device', 'virtio-balloon-pci', '-device', 'virtio-scsi-pci', '-device',
                              'scsi-cd,id=cd0', name=f'vm-{version}')
            self.qemus[version] = qemu
            path = self.busctl('call', NAME, ROOT, f'{NAME}.Manager', 'AddVM', 'ssa{sv}', '', f'unix:{qemu.path}', '0')
            self.vms[version] = VM(self.caller, path)

    def busctl(self, *arguments):
        """The reply's one value, plain; None where there is none."""
        reply = busctl(self.bus.address, *arguments)
        return plain(reply['data'][0]) if reply and reply['data'] else None

    def qmp(self, vm, method, *arguments):
        return self.busctl('call', NAME, vm.path, f'{NAME}.QMP', method, *arguments)

    def test_names_by_qemu_itself(self):
        self.assertEqual(self.paths(), [f'{ROOT}/vm/vm_2d10_2e0', f'{ROOT}/vm/vm_2d11_2e1', f'{ROOT}/vm/vm_2d7_2e2'])
        for version, vm in self.vms.items():
            self.assertEqual(vm.get('Name'), f'vm-{version}')
            self.assertTrue(vm.get('QEMUVersion').startswith(version + '.'))

    def test_questions(self):
        for version, vm in self.vms.items():
            with self.subTest(version):
                self.assertIn('present', self.qmp(vm, 'QueryKvm'))
                self.assertEqual(self.qmp(vm, 'QueryBalloon')['actual'], 32 * 1024 * 1024)
                self.assertEqual([block['qdev'] for block in self.qmp(vm, 'QueryBlock')], ['cd0'])
                self.assertEqual(len(self.qmp(vm, 'QueryBlockstats')), 1)
                self.assertIn({'name': 'query-status'}, self.qmp(vm, 'QueryCommands'))
                self.assertEqual(self.qmp(vm, 'QueryPci')[0]['bus'], 0)
                self.assertEqual(self.qmp(vm, 'QueryStatus')['status'], 'running')

    def test_buttons_and_their_events(self):
        for version, vm in self.vms.items():
            with self.subTest(version):
                events = vm.record_events()
                before = time.time() * 1e6
                for method, event in (('Stop', 'Stop'), ('Cont', 'Resume'), ('SystemReset', 'Reset'),
                                      ('SystemPowerdown', 'Powerdown')):
                    self.assertIsNone(self.qmp(vm, method))
                    _, timestamp = events.wait(event)
                    self.assertTrue(before <= timestamp <= time.time() * 1e6, (before, timestamp))
                self.assertEqual(events.wait('Reset')[0], {'guest': False, 'reason': 'host-qmp-system-reset'})

    def test_stop_and_cont_show_in_the_properties(self):
        for version, vm in self.vms.items():
            with self.subTest(version):
                self.qmp(vm, 'Stop')
                wait_until(lambda: (vm.get('Status'), vm.get('Running')) == ('paused', False))
                self.qmp(vm, 'Cont')
                wait_until(lambda: (vm.get('Status'), vm.get('Running')) == ('running', True))

    def test_balloon(self):
        for version, vm in self.vms.items():
            with self.subTest(version):
                self.assertIsNone(self.qmp(vm, 'Balloon', 'x', str(16 * 1024 * 1024)))

    def test_eject_tells_of_a_device_that_is_not_there(self):
        for version, vm in self.vms.items():
            with self.subTest(version):
                self.assertIsNone(self.qmp(vm, 'Eject', 'a{sv}', '1', 'id', 's', 'cd0'))
                with self.assertRaises(CallError) as caught:
                    self.qmp(vm, 'Eject', 'a{sv}', '1', 'device', 's', 'foobar')
                self.assertIn("Device 'foobar' not found", caught.exception.message)
                self.assert_fails(f'{NAME}.Error.DeviceNotFound', "Device 'foobar' not found", vm.qmp, 'Eject',
                                  '(a{sv})', variants({'device': ('s', 'foobar')}))

    def test_errors_have_qemus_own_text(self):
        for version, vm in self.vms.items():
            with self.subTest(version):
                self.assert_fails(f'{NAME}.Error.CommandNotFound', 'The command no-such-command has not been found',
                                  vm.execute, 'no-such-command')
                self.assert_fails(f'{NAME}.Error.GenericError', "Parameter 'name' is missing", vm.execute, 'set_link')

    def test_quit(self):
        for version, vm in self.vms.items():
            with self.subTest(version):
                events = vm.record_events()
                self.assertIsNone(self.qmp(vm, 'Quit'))
                self.assertEqual(self.qemus[version].wait(), 0)
                self.assertEqual(events.wait('Shutdown')[0], {'guest': False, 'reason': 'host-qmp-quit'})
                wait_until(lambda: vm.path not in self.paths())
        self.assertEqual(self.paths(), [])


def plain(value):
    """busctl's --json without its types."""
    if isinstance(value, dict) and set(value) == {'type', 'data'}:
        return plain(value['data'])
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    return value


if __name__ == '__main__':
    main()
