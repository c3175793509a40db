#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which commands a QEMU is sent when a VM is attached, when a caller comes for the first time, and at the farewell: every byte of them
costs QEMU 2.5 us, and whoever runs a suite of short-lived QEMUs pays for each. On real QEMUs."""
import socket

from failures import Relay
from harness import Peer, Qemu, main, wait_until
from monitor import ANSWERS, MonitorTest

VERSIONS = ('7.2', '11.1')
NEGOTIATE = ['qmp_capabilities']
FACTS = ['query-commands', 'query-name', 'query-uuid', 'query-target', 'query-status']
MONITORS = {'7.2': ['qom-list', 'query-chardev'], '11.1': ['qom-list', 'qom-get', 'qom-list']}
WORK = ['query-fdsets', 'query-jobs', 'migrate-set-capabilities', 'query-migrate']
PLUG = ['getfd', 'chardev-add', 'object-add']


def write_port(width, port, value):
    """mov $value, %al (%ax, %eax); mov $port, %dx; out."""
    prefix, load, out = {1: (b'', b'\xb0', b'\xee'), 2: (b'', b'\xb8', b'\xef'), 4: (b'\x66', b'\xb8', b'\xef')}[width]
    return prefix + load + value.to_bytes(width, 'little') + b'\xba' + port.to_bytes(2, 'little') + prefix + out


# The q35's power management gets ports from 0x600 on, and is told to suspend to disk; pvpanic is told of a panic.
GUESTS = {
    'SUSPEND_DISK': (write_port(4, 0xcf8, 0x8000f840) + write_port(4, 0xcfc, 0x601) + write_port(4, 0xcf8, 0x8000f844) +
                     write_port(1, 0xcfc, 0x80) + write_port(2, 0x604, 0x2800)),
    'GUEST_PANICKED': write_port(1, 0x505, 1),
}


def make_firmware(end):
    """A guest that waits for a byte on its serial port (mov $0x3fd, %dx; in; test $1; jz), and ends."""
    code = b'\xfa\xba\xfd\x03\xec\xa8\x01\x74\xfb' + end + b'\xf4\xeb\xfd'
    jump = b'\xe9' + (-3 - len(code)).to_bytes(2, 'little', signed=True)
    return bytes(65536 - 16 - len(code)) + code + jump.ljust(16, b'\0')


class Attach(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def attach(self, version, *arguments):
        """A VM that is behind a relay, once QEMU has answered all that it was asked."""
        self.relay = self.start(Relay)
        self.qemu = self.start(Qemu, version, *arguments)
        self.relay.target = self.qemu.path
        vm = self.add(f'vm-{version}', f'unix:{self.relay.path}')
        self.wait_answered()
        return vm

    def wait_answered(self):
        def is_answered():
            control = [moment for moment in self.relay.moments if moment.startswith('control: ')]
            replies = control.count('control: reply') - 1  # less the greeting
            return self.is_work_asked(control) and replies == sum(self.is_command(moment) for moment in control)
        wait_until(is_answered, lambda: self.relay.moments)

    def is_work_asked(self, control):
        last = 'query-dump' if '-S' in self.qemu.popen.args else 'query-migrate'
        return f'control: {last}' in control

    @staticmethod
    def is_command(moment):
        return moment.split(': ')[1] not in ('reply', 'event')

    def take_commands(self):
        """Those since the last time, by the monitor."""
        commands = {}
        for moment in filter(self.is_command, self.relay.moments):
            monitor, name = moment.split(': ')
            commands.setdefault(monitor, []).append(name)
        self.relay.arm(0, None)
        return commands

    def test_life(self):
        """A suite's QEMU: nothing is asked twice, the second call costs nothing more, and a QEMU that ends is asked for no schema."""
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.attach(version)
                own = 'monitor 1' if version == '11.1' else 'control'
                self.assertEqual(self.take_commands(), {'control': [*NEGOTIATE, *FACTS, *MONITORS[version], *WORK]})
                vm.execute('query-name')
                self.assert_first_call(self.take_commands(), own)
                vm.execute('query-version')
                self.assertEqual(self.take_commands(), {own: ['query-version']})
                vm.execute('quit')
                self.qemu.popen.wait()
                wait_until(lambda: not vm.is_there(), 'the end of the VM')
                # Nothing more is asked or removed, or QEMU could die of it.
                self.assertEqual(self.take_commands(), {own: ['quit']})

    def test_guest_that_ends(self):
        """Nothing is asked because of the event that comes right before SHUTDOWN: of a question QEMU 7.2 hangs for good, once in
        some dozen ends."""
        for version in VERSIONS:
            for event, end in GUESTS.items():
                with self.subTest(version, event=event):
                    path = f'{self.directory}/{event}'
                    with open(path, 'wb') as file:
                        file.write(make_firmware(end))
                    vm = self.attach(version, '-bios', path, '-device', 'pvpanic', '-serial', f'unix:{path}.serial,server=on,wait=off')
                    self.take_commands()
                    with socket.socket(socket.AF_UNIX) as serial:
                        serial.connect(f'{path}.serial')
                        serial.send(b'x')
                        self.qemu.wait()
                    wait_until(lambda: not vm.is_there(), 'the end of the VM')
                    self.assertEqual(self.take_commands(), {})

    def assert_first_call(self, commands, own):
        """QEMU is asked for fdsets anew, unless the agent has not read the answer to the first question yet."""
        if commands['control'][0] == 'query-fdsets':
            commands['control'].pop(0)
        first = {'control': PLUG, own: [*NEGOTIATE, 'query-name']} if own != 'control' else {own: ['query-name']}
        self.assertEqual(commands, first)

    def test_paused(self):
        """A dump stops the guest: only a QEMU whose guest is stopped is asked whether one is under way."""
        for version in VERSIONS:
            with self.subTest(version):
                self.attach(version, '-S')
                self.assertEqual(self.take_commands(),
                                 {'control': [*NEGOTIATE, *FACTS, *MONITORS[version], *WORK, 'query-dump']})

    def test_schema(self):
        """A QEMU that may have monitors as objects, and lists none, is asked for its schema before it is given one."""
        peer = self.start(Peer, {**ANSWERS, 'qom-list': []})
        self.add('fake', f'unix:{peer.path}').execute('query-name')
        names = [command['execute'] for command in peer.commands]
        self.assertEqual(names[names.index('query-migrate') + 1:], ['query-qmp-schema', 'query-fdsets', 'query-name'])


if __name__ == '__main__':
    main()
