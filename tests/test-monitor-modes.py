# SPDX-License-Identifier: LGPL-2.1-or-later
"""Monitors per caller where QEMU has no monitors as objects: spares and sharing on real QEMUs, monitor-add on a
scripted one."""
import os
import signal
import socket

from harness import SILENCE, CallError, Message, Peer, Qemu, main, wait_until
from monitor import ANSWERS, DISCONNECTED, NAME, OBJECT_MANAGER, PROPERTIES, ROOT, VM, variants
from monitors import GENERIC, LIMITS_EXCEEDED, PREFIX, MonitorsTest, list_monitors


class Spares(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def start_vm_with_spares(self, number, version='7.2', **options):
        self.qemu = self.start(Qemu, version, monitors=number + 2)
        self.raw = self.adopt(self.qemu.raw())
        self.spares = [f'unix:{path}' for path in self.qemu.paths[1:-1]]
        return self.add('vm', f'unix:{self.qemu.path}', spares=('as', self.spares), **options)

    def test_one_each(self):
        vm = self.start_vm_with_spares(3, isolation=('s', 'required'))
        self.assertEqual(vm.get('MonitorMode'), 'spare')
        callers = [self.other(vm) for _ in range(4)]
        for caller in callers[:3]:
            self.fds(caller, 'Getfd', '(hs)', 0, 'mine')
        self.assertEqual({monitor['id'] for monitor in list_monitors(vm).values()}, set(self.spares))
        self.assert_fails(LIMITS_EXCEEDED, '3 monitors', callers[3].start('QMP', 'QueryStatus'))
        # Given back as it was.
        callers[1].caller.stop()
        wait_until(lambda: len(list_monitors(vm)) == 2)
        self.assertEqual(callers[3].qmp('QueryStatus')['status'], 'running')
        self.assert_fails(GENERIC, 'not found', callers[3].start('QMP', 'Closefd', '(s)', 'mine'))

    def test_the_last_is_common(self):
        vm = self.start_vm_with_spares(2)
        callers = [self.other(vm) for _ in range(4)]
        for caller in callers:
            self.fds(caller, 'Getfd', '(hs)', 0, 'mine')
        ids = [monitor['id'] for monitor in list_monitors(vm).values()]
        self.assertEqual(sorted(map(ids.count, self.spares)), [1, 3])
        for caller in callers:
            self.assertIsNone(caller.qmp('Closefd', '(s)', 'mine'))

    def test_some_that_are_not_there(self):
        self.qemu = self.start(Qemu, '7.2')
        vm = self.add('vm', f'unix:{self.qemu.path}', spares=('as', ['unix:/nonexistent', 'unix:/nonexistent2']))
        callers = [self.other(vm) for _ in range(4)]
        for caller in callers:
            self.fds(caller, 'Getfd', '(hs)', 0, 'mine')
        for caller in callers:
            self.assertIsNone(caller.qmp('Closefd', '(s)', 'mine'))

    def test_what_was_for_another_does_not_arrive(self):
        """QEMU answers to whoever is connected what it was asked before."""
        for version in ('7.2', '10.0'):
            with self.subTest(version):
                vm = self.start_vm_with_spares(1, version, isolation=('s', 'required'))
                for _ in range(20):
                    leaver, comer = self.other(vm), self.other(vm)
                    for _ in range(9):
                        leaver.start('VM', 'ExecuteJSON', '(ss)', 'query-qmp-schema', '')
                    leaver.caller.gdbus.flush_sync(None)
                    leaver.caller.stop()
                    self.call_when_free(comer, 'QueryStatus')
                    comer.caller.stop()
                self.manager('RemoveVM', '(o)', vm.path)

    def call_when_free(self, vm, method):
        """The monitor may be another's for a moment."""
        def call():
            try:
                return vm.qmp(method)
            except CallError as error:
                if error.name != LIMITS_EXCEEDED:
                    raise
                return None
        wait_until(call)
        self.assertEqual(call()['status'], 'running')

    def test_a_name_that_is_given_while_its_caller_leaves(self):
        vm = self.start_vm_with_spares(1)
        for _ in range(5):
            leaver, comer = self.other(vm), self.other(vm)
            for name in ('one', 'two', 'three'):
                leaver.caller.start(NAME, vm.path, f'{NAME}.QMP', 'Getfd', '(hs)', 0, name, fds=[self.null])
            leaver.caller.gdbus.flush_sync(None)
            leaver.caller.stop()
            for name in ('one', 'two', 'three'):
                self.assert_fails(GENERIC, 'not found', comer.start('QMP', 'Closefd', '(s)', name))
            comer.caller.stop()

    def test_key_file(self):
        self.agent.kill(signal.SIGTERM)
        self.agent.wait()
        self.qemu = self.start(Qemu, '10.0', monitors=3)
        spares = ';'.join(f'unix:{path}' for path in self.qemu.paths[1:])
        self.start_agent(key_file=f'[vm conf]\naddress=unix:{self.qemu.path}\nspares={spares}\n')
        vm = VM(self.caller, f'{ROOT}/vm/conf')
        self.assertEqual(vm.get('MonitorMode'), 'spare')
        vm.qmp('QueryStatus')
        self.assertEqual(list_monitors(vm)[vm.caller.name]['mode'], 'spare')


class Mode(MonitorsTest):
    """MonitorMode is right before anybody has called, and nobody is told of changes that are none."""

    def setUp(self):
        super().setUp()
        self.start_agent()
        self.changes = self.caller.record(interface=PROPERTIES, member='PropertiesChanged')
        self.added = self.caller.record(interface=OBJECT_MANAGER, member='InterfacesAdded')

    def modes_told(self):
        return [values[1]['MonitorMode'] for _, _, _, values in self.changes if 'MonitorMode' in values[1]]

    def test_right_from_the_first(self):
        """Also of a QEMU that is known already, by another VM of it."""
        for number in range(3):
            qemu = self.start(Qemu, '11.1', machine='none')
            vm = self.add(f'vm{number}', f'unix:{qemu.path}')
            self.assertEqual(vm.get('MonitorMode'), 'hotplug')
            self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
            self.assertEqual(vm.get('MonitorMode'), 'hotplug')
        self.assertEqual([values[1][f'{NAME}.VM']['MonitorMode'] for _, _, _, values in self.added
                          if f'{NAME}.VM' in values[1]], ['hotplug'] * 3)
        self.assertEqual(self.modes_told(), [])

    def test_of_one_that_is_held_up(self):
        """That it has not told in time what it understands says nothing of what it can do."""
        peer = self.start(Peer, {**ANSWERS, 'query-qmp-schema': SILENCE, 'getfd': SILENCE, 'chardev-add': SILENCE,
                                 'object-add': SILENCE})
        vm = self.add('vm', f'unix:{peer.path}')
        vm.start_execute('x')
        wait_until(lambda: 'object-add' in str(peer.commands), 'a monitor to be plugged')
        self.assertEqual(vm.get('MonitorMode'), 'hotplug')
        self.assertEqual(self.modes_told(), [])

    def test_of_one_whose_own_monitors_are_objects(self):
        """A caller's command waits for no schema then, which costs QEMU 30 ms of the processor."""
        peer = self.start(Peer, {**ANSWERS, 'qom-list': [{'name': 'compat_monitor0', 'type': 'child<monitor-qmp>'}],
                                 'qom-get': 'compat_monitor0', 'getfd': {}, 'chardev-add': {}, 'object-add': SILENCE})
        vm = self.add('vm', f'unix:{peer.path}')
        vm.start_execute('x')
        wait_until(lambda: 'object-add' in str(peer.commands), 'a monitor to be plugged')
        self.assertEqual(vm.get('MonitorMode'), 'hotplug')
        self.assertNotIn('query-qmp-schema', str(peer.commands))

    def test_of_one_that_says_that_it_cannot(self):
        """Its schema tells, by whatever that was asked for."""
        peer = self.start(Peer, {**ANSWERS, 'query-qmp-schema': [
            {'name': 'empty', 'meta-type': 'object', 'members': []},
            {'name': 'x', 'meta-type': 'command', 'arg-type': 'empty', 'ret-type': 'empty'}]})
        vm = self.add('vm', f'unix:{peer.path}')
        self.caller.call(NAME, vm.path, 'org.freedesktop.DBus.Introspectable', 'Introspect')
        self.assertEqual(vm.get('MonitorMode'), 'shared')
        self.assertEqual(self.modes_told(), ['shared'])


class Shared(MonitorsTest):
    def test_names_of_descriptors_are_told_apart(self):
        self.start_agent()
        for version in ('7.2', '10.0'):
            with self.subTest(version):
                vm = self.start_vm(version)
                other = self.other(vm)
                self.assertEqual(vm.get('MonitorMode'), 'shared')
                self.fds(vm, 'Getfd', '(hs)', 0, 'mine')
                self.assert_fails(GENERIC, 'not found', other.start('QMP', 'Closefd', '(s)', 'mine'))
                self.fds(other, 'Getfd', '(hs)', 0, 'mine')
                backend = {'type': ('s', 'socket'), 'data': ('a{sv}', variants({'server': ('b', False), 'addr': (
                    'a{sv}', variants({'type': ('s', 'fd'), 'data': ('a{sv}', variants({'str': ('s', 'mine')}))}))}))}
                # /dev/null is no socket, which QEMU says when it has found it by that name.
                with self.assertRaises(CallError) as caught:
                    other.qmp('ChardevAdd', '(sa{sv})', 'c', variants(backend))
                self.assertNotIn('not found', caught.exception.message)
                self.assertIsNone(vm.qmp('Closefd', '(s)', 'mine'))
                self.manager('RemoveVM', '(o)', vm.path)


def socket_of(fd):
    return socket.socket(fileno=fd)


class Adder(Peer):
    """A QEMU that has the commands of the series: getfd, chardev-add, monitor-add and back, with the errors that it
    describes. `monitors` maps the id of each monitor that is plugged in to the connection on it."""

    def __init__(self, directory, answers=None, version=(11, 0, 50)):
        self.names, self.chardevs, self.monitors, self.busy = {}, {}, {}, set()
        greeting = {'QMP': {'version': {'qemu': dict(zip(('major', 'minor', 'micro'), version)), 'package': ''},
                            'capabilities': ['oob']}}
        super().__init__(directory, {
            **ANSWERS, 'query-commands': [{'name': 'monitor-add'}], 'query-fdsets': [],
            'query-chardev': lambda command: [{'label': name, 'filename': 'disconnected:fd:x'}
                                              for name in self.chardevs],
            'getfd': self.getfd, 'closefd': self.closefd, 'chardev-add': self.chardev_add,
            'chardev-remove': self.chardev_remove, 'monitor-add': self.monitor_add,
            'monitor-remove': self.monitor_remove, **(answers or {})}, greeting=greeting)

    @staticmethod
    def error(text):
        return Message({'error': {'class': 'GenericError', 'desc': text}})

    def getfd(self, command):
        self.names[command['arguments']['fdname']] = self.fds.pop(0)
        return {}

    def closefd(self, command):
        fd = self.names.pop(command['arguments']['fdname'], None)
        if fd is None:
            return self.error('File descriptor not found')
        os.close(fd)
        return {}

    def chardev_add(self, command):
        name = command['arguments']['backend']['data']['addr']['data']['str']
        if name not in self.names:
            return self.error(f"File descriptor named '{name}' not found")
        self.chardevs[command['arguments']['id']] = socket_of(self.names.pop(name))
        return {}

    def chardev_remove(self, command):
        name = command['arguments']['id']
        if name not in self.chardevs:
            return self.error(f"Chardev '{name}' not found")
        if name in self.monitors or name in self.busy:
            self.busy.discard(name)
            return self.error(f"Chardev '{name}' is busy")
        self.chardevs.pop(name).close()
        return {}

    def monitor_add(self, command):
        name = command['arguments']['id']
        if command['arguments']['chardev'] not in self.chardevs:
            return self.error('Chardev not found')
        self.monitors[name] = connection = self.chardevs[command['arguments']['chardev']].dup()
        self.attach(connection)
        return {}

    def monitor_remove(self, command):
        name = command['arguments']['id']
        if name not in self.monitors:
            return self.error(f"Monitor '{name}' not found")
        self.hang_up(self.monitors.pop(name))
        self.busy.add(name)
        return {}


class MonitorAdd(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def start_adder(self, answers=None):
        adder = self.start(Adder, answers)
        return self.add('vm', f'unix:{adder.path}'), adder

    def test_a_life(self):
        vm, adder = self.start_adder({'x': {}})
        self.assertEqual(vm.get('MonitorMode'), 'monitor-add')
        other = self.other(vm)
        vm.execute('x')
        other.execute('x')
        self.assertEqual({monitor['id'] for monitor in list_monitors(vm).values()}, set(adder.monitors))
        self.assertEqual((len(adder.monitors), adder.names), (2, {}))
        other.caller.stop()
        wait_until(lambda: len(adder.monitors) == len(adder.chardevs) == 1)
        vm.execute('x')
        self.manager('RemoveVM', '(o)', vm.path)
        wait_until(lambda: not adder.monitors)

    def test_one_that_ends_by_itself(self):
        vm, adder = self.start_adder({'x': {}, 'wait': SILENCE})
        vm.execute('x')
        reply = vm.start_execute('wait')
        vm.get('Name')
        name, connection = next(iter(adder.monitors.items()))
        wait_until(lambda: 'wait' in str(adder.commands))
        adder.hang_up(connection)
        self.assert_fails(DISCONNECTED, '', reply)
        wait_until(lambda: name not in adder.chardevs)
        vm.execute('x')
        self.assertNotIn(name, {monitor['id'] for monitor in list_monitors(vm).values()})

    def test_none_is_taken(self):
        """Then they share the control monitor, and nothing that was begun is left."""
        for command in ('getfd', 'chardev-add', 'monitor-add'):
            with self.subTest(command):
                vm, adder = self.start_adder({command: Adder.error('x does not accept value y'), 'x': {}})
                changes = vm.record_changes()
                self.assertEqual(vm.execute('x'), {})
                wait_until(lambda: not adder.names and not adder.chardevs)
                self.assertEqual(vm.get('MonitorMode'), 'shared')
                self.assertEqual([change[3][1] for change in changes], [{'MonitorMode': 'shared'}])
                self.assertEqual(list_monitors(vm)[vm.caller.name]['mode'], 'shared')
                self.manager('RemoveVM', '(o)', vm.path)
                adder.stop()

    def test_none_is_taken_this_time(self):
        """One who has filled QEMU's table of descriptors takes nobody's isolation away for good."""
        vm, adder = self.start_adder({'x': {}})
        trouble = ['no room']

        def getfd(command):
            if not trouble:
                return adder.getfd(command)
            os.close(adder.fds.pop(0))
            return Adder.error(trouble.pop())
        adder.answers['getfd'] = getfd
        self.assertEqual(vm.execute('x'), {})
        self.assertEqual(list_monitors(vm)[vm.caller.name]['mode'], 'shared')
        self.assertEqual(vm.get('MonitorMode'), 'monitor-add')
        other = self.other(vm)
        other.execute('x')
        self.assertEqual(list_monitors(vm)[other.caller.name]['mode'], 'monitor-add')

    def test_what_another_agent_left(self):
        adder = self.start(Adder)
        first, second = socket.socketpair()
        first.close()
        adder.chardevs[f'{PREFIX}left'] = second
        self.add('vm', f'unix:{adder.path}')
        wait_until(lambda: not adder.chardevs)

    def test_commands_wait_in_order_while_it_is_plugged(self):
        vm, adder = self.start_adder({'echo': lambda command: command['arguments']})
        replies = [vm.start_execute('echo', n=('i', number)) for number in range(100)]
        self.assertEqual([reply()[0]['n'] for reply in replies], list(range(100)))
        self.assertEqual([command['arguments']['n'] for command in adder.commands
                          if command.get('execute') == 'echo'], list(range(100)))

    def test_a_qemu_that_answers_nothing_can_still_be_yanked(self):
        vm, adder = self.start_adder({'getfd': SILENCE, 'chardev-add': SILENCE, 'monitor-add': SILENCE, 'yank': {}})
        vm.start_execute('x')
        vm.get('Name')
        self.assertEqual(vm.execute('yank', instances=('aa{sv}', [])), {})
        self.assertIn('exec-oob', str(adder.commands))


if __name__ == '__main__':
    main()
