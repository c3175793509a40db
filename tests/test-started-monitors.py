# SPDX-License-Identifier: LGPL-2.1-or-later
"""The monitors that QEMU was started with stay: no caller ends the agent's, or another program's, whatever they are
called and however that is said. On real QEMUs."""
import json
import socket

from harness import main
from monitor import ROOT, VERSIONS
from monitors import DENIED, MonitorsTest

NULL = {'type': 'null', 'data': {}}
STAYS = 'QEMU was started with'


class StartedMonitors(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    @staticmethod
    def call(vm, command, **arguments):
        return vm.execute_json(command, json.dumps(arguments))

    def start_as_libvirt(self, version):
        """The agent is given a monitor that is called as libvirt calls it; on 11.1 there is one more, as an object."""
        path = f'{self.directory}/libvirt-{version}'
        arguments = ['-chardev', f'socket,id=charmonitor,path={path},server=on,wait=off',
                     '-mon', 'chardev=charmonitor,id=monitor,mode=control']
        if version == '11.1':
            arguments += ['-chardev', 'null,id=charsecond', '-object', 'monitor-qmp,id=second,chardev=charsecond']
        self.start_vm(version, arguments=arguments)
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/vm')
        return self.add('vm', f'unix:{path}')

    def ways(self, version):
        """Each is a command with arguments that name the agent's own monitor, or the one beside it."""
        labels = ['charmonitor', 'compat_monitor0'] + ['charsecond'] * (version == '11.1')
        objects = ['monitor', 'second', 'compat_monitor0'] if version == '11.1' else ['charmonitor', 'compat_monitor0']
        for label in labels:
            yield 'chardev-remove', {'id': label}
            yield 'chardev-change', {'id': label, 'backend': NULL}
            yield 'chardev-send-break', {'id': label}
            yield 'yank', {'instances': [{'type': 'migration'}, {'type': 'chardev', 'id': label}]}
            yield 'add_client', {'protocol': label, 'fdname': 'x'}
            yield 'qom-set', {'path': f'/chardevs/{label}', 'property': 'x', 'value': 1}
            for line in (f'chardev-remove {label}', f'chardev-change {label} null', f'chardev-send-break\v{label}',
                         f'gdbserver chardev:{label}', f'gdbserver "chardev:{label}"'):
                yield 'human-monitor-command', {'command-line': line}
        for name in objects:
            yield 'object-del', {'id': name}
            yield 'qom-set', {'path': f'/objects/{name}', 'property': 'x', 'value': 1}
            yield 'qom-set', {'path': name, 'property': 'x', 'value': 1}
            for space in (' ', '\t', '\n', '\v', '\f', '\r', ' \v '):
                yield 'human-monitor-command', {'command-line': f'{space}object_del{space}{name}{space}'}
            for line in (f'object_del "{name}"', f'object_del {name} more', f'object_del "{name}',
                         f'qom-set {name} x 1', f'qom-set -j{name} x 1', f'qom-set -j "/objects/{name}" x 1',
                         f'qom-set/objects/{name} x 1'):
                yield 'human-monitor-command', {'command-line': line}

    def test_they_stay(self):
        for version in VERSIONS:
            vm = self.start_as_libvirt(version)
            for command, arguments in self.ways(version):
                with self.subTest(version, command=command, **arguments):
                    self.assert_fails(DENIED, '', self.call, vm, command, **arguments)
            self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
            self.manager('RemoveVM', '(o)', vm.path)

    def test_a_caller_that_is_the_first(self):
        """Nothing has to be asked of QEMU any more when the first call comes."""
        vm = self.start_as_libvirt('11.1')
        for _ in range(10):
            self.manager('RemoveVM', '(o)', vm.path)
            vm = self.add('vm', f'unix:{self.directory}/libvirt-11.1')
            self.assert_fails(DENIED, STAYS, vm.start('QMP', 'ObjectDel', '(s)', 'monitor'))

    def test_given_as_a_descriptor(self):
        """There the agent has no address to go by; the socket tells."""
        for version in VERSIONS:
            with self.subTest(version):
                path = f'{self.directory}/descriptor-{version}'
                self.start_vm(version, arguments=[
                    '-chardev', f'socket,id=any,path={path},server=on,wait=off', '-mon', 'chardev=any,mode=control'])
                self.manager('RemoveVM', '(o)', f'{ROOT}/vm/vm')
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(path)
                    vm = self.add_fd('vm', client.fileno())
                for command in ('chardev-remove', 'chardev-send-break'):
                    self.assert_fails(DENIED, STAYS, self.call, vm, command, id='any')
                self.manager('RemoveVM', '(o)', vm.path)

    def test_what_a_caller_adds_is_theirs(self):
        """Also what is called as a monitor might be."""
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_as_libvirt(version)
                for name in ('compat_monitor7', 'monitor') if version != '11.1' else ('compat_monitor7', 'charmine'):
                    self.call(vm, 'chardev-add', **{'id': name, 'backend': NULL})
                    self.call(vm, 'chardev-send-break', **{'id': name})
                    self.call(vm, 'chardev-remove', **{'id': name})
                    self.call(vm, 'object-add', **{'qom-type': 'iothread', 'id': name})
                    self.call(vm, 'qom-set', **{'path': f'/objects/{name}', 'property': 'poll-grow', 'value': 2})
                    self.call(vm, 'object-del', **{'id': name})
                # An object may be called as a monitor's device is.
                self.call(vm, 'object-add', **{'qom-type': 'iothread', 'id': 'charmonitor'})
                self.call(vm, 'human-monitor-command', **{'command-line': 'object_del charmonitor'})
                self.assert_fails(DENIED, STAYS, self.call, vm, 'chardev-remove', id='charmonitor')
                self.manager('RemoveVM', '(o)', vm.path)

    def test_a_monitor_that_a_caller_adds_is_theirs(self):
        vm = self.start_as_libvirt('11.1')
        self.call(vm, 'chardev-add', **{'id': 'mine', 'backend': NULL})
        self.call(vm, 'object-add', **{'qom-type': 'monitor-qmp', 'id': 'mine', 'chardev': 'mine'})
        self.call(vm, 'object-del', **{'id': 'mine'})
        self.call(vm, 'chardev-remove', **{'id': 'mine'})

    def test_serial_lines_of_old_qemus(self):
        """Nobody can tell there what a device is under; what QEMU itself protects monitors from is let through."""
        for version in ('7.2', '10.0'):
            with self.subTest(version):
                path = f'{self.directory}/serial-{version}'
                vm = self.start_vm(version, monitors=2, arguments=['-serial', f'unix:{path},server=on,wait=off'])
                self.call(vm, 'chardev-send-break', **{'id': 'serial0'})
                self.call(vm, 'chardev-change', **{'id': 'serial0', 'backend': NULL})
                self.assert_fails(DENIED, STAYS, self.call, vm, 'yank',
                                  instances=[{'type': 'chardev', 'id': 'compat_monitor1'}])
                self.manager('RemoveVM', '(o)', vm.path)


if __name__ == '__main__':
    main()
