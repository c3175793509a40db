# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ends how, on a real QEMU of every version: when ExecuteAndWait returns, what the command was for has been done. And
that it is no way round the policy, as little as the methods of Jobs are."""
from harness import Message, main, wait_until
from monitor import NAME, VERSIONS
from slow import GENERIC, MIB, SlowTest, status_change, variants
from system_bus import DENIED, SOMEBODY, SystemBusTest, commands


class Endings(SlowTest):
    def make(self, vm, name, backing=None):
        """A qcow2 image of 4 MiB, as a node of that name; each step waited for."""
        path = self.write(name, '')
        vm.execute('blockdev-add', driver=('s', 'file'), filename=('s', path), **{'node-name': ('s', f'{name}-file')})
        options = {'driver': ('s', 'qcow2'), 'file': ('s', f'{name}-file'), 'size': ('x', 4 * MIB)}
        vm.wait('blockdev-create', **{'job-id': ('s', 'make'), 'options': ('a{sv}', variants(options))})
        self.assertEqual(self.raw.execute('query-jobs'), [])
        more = {'backing': ('s', backing)} if backing else {}
        vm.execute('blockdev-add', driver=('s', 'qcow2'), file=('s', f'{name}-file'), **{'node-name': ('s', name)}, **more)

    def backing(self, vm, node):
        return [found for found in vm.execute('query-named-block-nodes') if found['node-name'] == node][0].get(
            'backing_file_depth')

    def snapshots(self, vm):
        found = [node for node in vm.execute('query-named-block-nodes') if node['node-name'] == 'base'][0]
        return [snapshot['name'] for snapshot in found['image'].get('snapshots', [])]

    def a_disk(self, vm):
        self.make(vm, 'base')
        vm.execute('device_add', driver=('s', 'virtio-blk-pci'), drive=('s', 'base'), id=('s', 'disk'), bus=('s', 'slot-1'))

    def in_snapshots(self, vm):
        job = {'job-id': ('s', 'snap'), 'tag': ('s', 'one'), 'devices': ('as', ['base'])}
        vm.wait('snapshot-save', vmstate=('s', 'base'), **job)
        self.assertEqual(self.snapshots(vm), ['one'])
        vm.wait('snapshot-load', vmstate=('s', 'base'), **job)
        vm.wait('snapshot-delete', **job)
        self.assertEqual(self.snapshots(vm), [])
        self.assert_fails(GENERIC, "'one'", vm.start_wait('snapshot-load', vmstate=('s', 'base'), **job))
        self.assertEqual(self.raw.execute('query-jobs'), [])
        vm.wait('cont')

    def in_chains(self, vm):
        """An overlay: its backing file read into it; another: written down into what it stands on."""
        for name in ('over', 'upper'):
            path = self.write(name, '')
            vm.execute('blockdev-add', driver=('s', 'file'), filename=('s', path), **{'node-name': ('s', f'{name}-file')})
            options = {'driver': ('s', 'qcow2'), 'file': ('s', f'{name}-file'), 'size': ('x', 4 * MIB)}
            vm.wait('blockdev-create', **{'job-id': ('s', 'make'), 'options': ('a{sv}', variants(options))})
            vm.execute('blockdev-add', driver=('s', 'qcow2'), file=('s', f'{name}-file'), backing=('g', ''),
                       **{'node-name': ('s', name)})
        vm.execute('blockdev-snapshot', node=('s', 'base'), overlay=('s', 'over'))
        vm.execute('blockdev-snapshot', node=('s', 'over'), overlay=('s', 'upper'))
        vm.wait('block-commit', **{'job-id': ('s', 'c'), 'device': ('s', 'upper'), 'top-node': ('s', 'over'),
                                   'base-node': ('s', 'base')})
        self.assertEqual(self.backing(vm, 'upper'), 1)
        vm.wait('block-stream', **{'job-id': ('s', 's'), 'device': ('s', 'upper')})
        self.assertEqual(self.backing(vm, 'upper'), 0)
        self.assertEqual(self.raw.execute('query-jobs'), [])

    def in_transactions(self, vm):
        self.add_disks(vm, 'a', 'b', 'c', 'd')
        actions = [{'type': 'blockdev-backup', 'data': {'job-id': f'to-{target}', 'device': source, 'target': target,
                                                        'sync': 'full'}} for source, target in ('ab', 'cd')]
        as_variants = [variants({'type': ('s', action['type']), 'data': ('a{ss}', action['data'])}) for action in actions]
        vm.wait('transaction', actions=('aa{sv}', as_variants))
        self.assertEqual(self.raw.execute('query-jobs'), [])
        # One that waits for somebody to say that it may become true.
        waiting = vm.start_wait('blockdev-backup', **{**self.backup('f', speed=('x', 0)), 'auto-finalize': ('b', False),
                                                      'auto-dismiss': ('b', False)})
        wait_until(lambda: (self.get('f') or {}).get('Status') == 'pending')
        vm.wait('job-finalize', id=('s', 'f'))
        self.assertEqual(waiting(), ({},))
        # It is the caller's, who has said so, to dismiss.
        self.assertEqual((self.get('f')['Status'], self.get('f')['Progress']), ('concluded', 1.0))
        self.job('Dismiss', 'f')
        self.assertIsNone(self.get('f'))

    def in_exports(self, vm):
        vm.execute('nbd-server-start', addr=('a{sv}', variants({'type': ('s', 'unix'), 'data': ('a{sv}', variants(
            {'path': ('s', f'{self.directory}/nbd-{self.qemu.version}')}))})))
        for name in ('one', 'two'):
            vm.execute('block-export-add', **{'type': ('s', 'nbd'), 'id': ('s', name), 'name': ('s', name),
                                              'node-name': ('s', 'a')})
        vm.wait('block-export-del', 5, id=('s', 'one'))
        vm.wait('nbd-server-remove', 5, name=('s', 'two'))
        self.assertEqual(vm.execute('query-block-exports'), [])

    def in_devices(self, vm):
        vm.wait('blockdev-open-tray', 5, id=('s', 'cd'))
        self.assertTrue([device for device in vm.execute('query-block') if device.get('qdev') == 'cd'][0]['tray_open'])
        vm.execute('device_add', driver=('s', 'usb-tablet'), id=('s', 'tablet'))
        vm.wait('device_del', 5, id=('s', 'tablet'))
        self.assert_fails(f'{NAME}.Error.DeviceNotFound', 'tablet', vm.start_wait('device_del', 5, id=('s', 'tablet')))

    def test_what_ends_how(self):
        for version in VERSIONS:
            vm = self.start_vm(version, '-device', 'pcie-root-port,id=slot-1', '-device', 'ide-cd,id=cd', '-device',
                               'qemu-xhci')
            for part in (self.a_disk, self.in_snapshots, self.in_chains, self.in_transactions, self.in_exports,
                         self.in_devices):
                with self.subTest(version, part=part.__name__):
                    part(vm)
            vm.wait('quit')
            wait_until(lambda: not vm.is_there())

    def test_asleep(self):
        """Without a guest nobody can be put to sleep: QEMU refuses, and nobody waits."""
        vm = self.start_vm()
        self.assert_fails(GENERIC, 'suspended', vm.start_wait('system_wakeup', 5))


class Refused(SystemBusTest):
    def test_who_may_not(self):
        self.start_system_agent()
        vm, peer = self.add_peer()
        peer.answers['query-jobs'] = [{'id': 'j', 'type': 'backup', 'status': 'running', 'current-progress': 0,
                                       'total-progress': 1}]
        peer.emit(Message(status_change('j', 'running')))
        path = f'{vm.path}/job/j'
        wait_until(lambda: path in self.paths())
        somebody = self.as_user(vm, SOMEBODY)
        before = commands(peer)
        for method, signature, *arguments in (('Cancel', '()'), ('Pause', '()'), ('Resume', '()'), ('SetSpeed', '(t)', 1),
                                              ('Complete', '()'), ('Finalize', '()'), ('Dismiss', '()')):
            self.assert_fails(DENIED, 'may not call', somebody.caller.start(NAME, path, f'{NAME}.Job', method, signature,
                                                                            *arguments))
        for command in ('device_del', 'quit', 'query-status'):
            self.assert_fails(DENIED, 'may not call', somebody.start_wait(command))
        self.assertEqual(commands(peer), before)
        # What is public of it.
        self.assertEqual(somebody.caller.call(NAME, path, 'org.freedesktop.DBus.Properties', 'Get', '(ss)', f'{NAME}.Job',
                                              'Type')[0], 'backup')


if __name__ == '__main__':
    main()
