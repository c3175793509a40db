# SPDX-License-Identifier: LGPL-2.1-or-later
"""Slow work that a guest takes part in, with a small Linux as the guest: it boots once for all of it. First what
libguestfs wished for in 2011: to plug a disk into a running guest over QMP, and to take it out again."""
import os

from gi.repository import GLib

from harness import CallError, Guest, Qemu, main, wait_until
from monitor import NAME, TIMED_OUT, VERSIONS, MonitorTest, variants
from slow import GENERIC

MIB = 1 << 20
DEVICES = ('-device', 'pcie-root-port,id=slot-1,bus=pcie.0', '-device', 'virtio-balloon-pci,id=balloon', '-device',
           'pvpanic-pci', '-action', 'panic=pause', '-no-shutdown')


class InAGuest(MonitorTest):
    def plug(self, vm):
        disk = f'{self.directory}/disk-{len(os.listdir(self.directory))}'
        with open(disk, 'wb') as file:
            file.truncate(MIB)
        vm.qmp('BlockdevAdd', '(a{sv})', variants({
            'driver': ('s', 'raw'), 'node-name': ('s', 'disk'),
            'file': ('a{sv}', variants({'driver': ('s', 'file'), 'filename': ('s', disk)}))}))
        self.add_device(vm)

    @staticmethod
    def add_device(vm):
        vm.qmp('DeviceAdd', '(sa{sv})', 'virtio-blk-pci', variants({
            'id': ('s', 'disk-1'), 'drive': ('s', 'disk'), 'bus': ('s', 'slot-1')}))

    def setUp(self):
        super().setUp()
        self.start_agent()

    def start_guest(self, version):
        self.guest = self.start(Guest, version, *DEVICES)
        return self.add('vm', f'unix:{self.guest.path}')

    def is_in_guest(self):
        return 'vda' in self.guest.run('ls /sys/block')

    def libguestfs_wish(self, vm):
        """A disk into the running guest, seen there, out again, and gone when the call returns."""
        self.guest.run('insmod /modules/*virtio_blk.ko')
        self.plug(vm)
        wait_until(self.is_in_guest, 'the disk in the guest')
        # Two wait for the one device: the second is told by QEMU that it is under way, or waits as well.
        events = vm.record_events()
        second = VMCall(vm, self.connect())
        first, second = vm.start_wait('device_del', id=('s', 'disk-1')), second.start('disk-1')
        self.assertEqual(first(), ({},))
        self.assertIn('disk-1', [values[0].get('device') for _, _, _, values in events.signals])
        self.assertIn(second(), ('done', 'in the process of unplug'))
        self.assertFalse(self.is_in_guest())
        vm.execute('blockdev-del', **{'node-name': ('s', 'disk')})

    def balloon(self, vm):
        vm.wait('balloon', value=('t', 112 * MIB))
        self.assertEqual(vm.qmp('QueryBalloon')['actual'], 112 * MIB)
        vm.wait('balloon', value=('t', 112 * MIB))
        # More than there is: all of it.
        self.assertEqual(vm.wait('balloon', value=('t', 1 << 40)), {'actual': 128 * MIB})

    def add_broken_disk(self, vm):
        vm.execute('blockdev-add', driver=('s', 'null-co'), size=('x', MIB), **{'node-name': ('s', 'nothing')})
        errors = ('aa{sv}', [variants({'event': ('s', 'none'), 'iotype': ('s', 'read'), 'once': ('b', False)})])
        vm.execute('blockdev-add', driver=('s', 'blkdebug'), image=('s', 'nothing'), **{
            'node-name': ('s', 'disk'), 'inject-error': errors})
        vm.execute('device_add', driver=('s', 'virtio-blk-pci'), id=('s', 'disk-1'), drive=('s', 'disk'), bus=('s', 'slot-1'),
                   rerror=('s', 'stop'))

    def a_guest_that_sleeps(self, vm):
        self.guest.tell('echo mem >/sys/power/state')
        wait_until(lambda: vm.get('Status') == 'suspended', 'the guest to sleep')
        self.assert_fails(GENERIC, 'it is suspended', vm.start_wait('cont'))
        vm.wait('system_wakeup')
        self.guest.wait_text('done 0')
        self.assertTrue(vm.get('Running'))

    def panic_and_reset(self, vm):
        events = vm.record_events()
        self.guest.tell('echo c >/proc/sysrq-trigger')
        events.wait('GuestPanicked')
        wait_until(lambda: vm.get('Status') == 'guest-panicked', 'the panic')
        vm.wait('system_reset')
        self.assertIn('Reset', events.names())
        vm.wait('cont')
        self.assertTrue(vm.get('Running'))
        self.guest.wait_text('the guest is up')

    def powerdown(self, vm):
        vm.wait('system_powerdown')
        self.assertEqual(vm.get('Status'), 'shutdown')
        # It is off: what it is told now, it has done.
        vm.wait('system_powerdown')

    def test_a_life(self):
        vm = self.start_guest('11.1')
        for part in (self.libguestfs_wish, self.balloon, self.a_guest_that_sleeps, self.panic_and_reset, self.powerdown):
            with self.subTest(part.__name__):
                part(vm)

    def test_a_disk_that_fails_again(self):
        """The guest runs for an instant, in which QEMU may have been asked, or not; nobody waits for it to go on running."""
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_guest(version)
                self.guest.run('insmod /modules/*virtio_blk.ko')
                self.add_broken_disk(vm)
                for _ in range(5):
                    wait_until(lambda: vm.get('Status') == 'io-error', 'the disk that fails')
                    try:
                        self.assertEqual(vm.wait('cont', 5), {})
                    except CallError as error:
                        self.assertEqual(error.name, GENERIC)
                        self.assertIn('it is io-error', error.message)
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_nobody_at_home(self):
        """A guest without software does not answer: the wait ends by its time, and the device is still there."""
        for version in VERSIONS:
            with self.subTest(version):
                qemu = self.start(Qemu, version, '-S', *DEVICES)
                vm = self.add(version, f'unix:{qemu.path}')
                self.plug(vm)
                self.assert_fails(TIMED_OUT, 'goes on', vm.start_wait('device_del', 1, id=('s', 'disk-1')))
                self.assertIn('disk-1', [device['name'] for device in vm.qmp('QomList', '(s)', '/machine/peripheral')])


class VMCall:
    """A device_del by somebody else."""

    def __init__(self, vm, caller):
        self.vm = vm
        self.caller = caller

    def start(self, device):
        reply = self.caller.start(NAME, self.vm.path, f'{NAME}.VM', 'ExecuteAndWait', '(sa{sv}a{sv})', 'device_del',
                                  {'id': GLib.Variant('s', device)}, {})

        def finish():
            try:
                reply()
            except Exception as error:
                return 'in the process of unplug' if 'in the process of unplug' in str(error) else str(error)
            return 'done'
        return finish


if __name__ == '__main__':
    main()
