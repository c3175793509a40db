# SPDX-License-Identifier: LGPL-2.1-or-later
"""A monitor per caller: callers of one VM cannot see, stall, confuse or break one another, and whoever leaves takes
everything of theirs along. On the real QEMUs for what they can show, on scripted ones for the rest."""
import os
import signal
import socket

from harness import SILENCE, CallError, Message, Peer, Qemu, QmpError, main, wait_until
from monitor import ANSWERS, DISCONNECTED, INVALID_ARGS, NAME, NOT_SUPPORTED, ROOT, VM, MonitorTest, variants

PREFIX = 'org.qemu.Monitor1-'
DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
LIMITS_EXCEEDED = 'org.freedesktop.DBus.Error.LimitsExceeded'
GENERIC = f'{NAME}.Error.GenericError'


class MonitorsTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.null = os.open('/dev/null', os.O_RDWR)
        self.addCleanup(os.close, self.null)

    def start_vm(self, version='11.1', monitors=2, arguments=(), **options):
        """A VM, and a look behind the agent's back at what is in its QEMU."""
        self.qemu = self.start(Qemu, version, *arguments, monitors=monitors)
        self.raw = self.adopt(self.qemu.raw())
        return self.add('vm', f'unix:{self.qemu.path}', **options)

    def other(self, vm):
        """The same VM, as another caller sees it."""
        return VM(self.connect(), vm.path)

    def ours(self):
        """The agent's character devices in QEMU, and its objects."""
        objects = [entry['name'] for entry in self.raw.execute('qom-list', {'path': '/objects'})]
        chardevs = [chardev['label'] for chardev in self.raw.execute('query-chardev')]
        return [name for name in objects + chardevs if name.startswith(PREFIX)]

    def wait_clean(self):
        wait_until(lambda: self.ours() == [], lambda: f'none of {self.ours()}')

    def fds(self, vm, method, signature, *arguments):
        return vm.caller.call(NAME, vm.path, f'{NAME}.QMP', method, signature, *arguments, fds=[self.null])


def list_monitors(vm):
    return {monitor['caller']: monitor for monitor in vm.start('VM', 'ListMonitors')()[0]}


class Hotplug(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def test_each_has_their_own(self):
        vm = self.start_vm()
        self.assertEqual(vm.get('MonitorMode'), 'hotplug')
        callers = [self.other(vm) for _ in range(5)]
        self.assertEqual(self.ours(), [])
        for caller in callers:
            caller.qmp('QueryStatus')
        monitors = list_monitors(vm)
        self.assertEqual(set(monitors), {caller.caller.name for caller in callers})
        ids = {monitor['id'] for monitor in monitors.values()}
        self.assertEqual((len(ids), set(self.ours())), (5, ids))
        for monitor in monitors.values():
            self.assertEqual((monitor['uid'], monitor['mode'], monitor['pending']), (0, 'hotplug', 0))

    def test_who_leaves_takes_it_along(self):
        vm = self.start_vm()
        callers = [self.other(vm) for _ in range(5)]
        for caller in callers:
            caller.qmp('QueryStatus')
        callers[0].caller.stop()
        wait_until(lambda: len(self.ours()) == 8)
        for caller in callers[1:]:
            self.assertEqual(caller.qmp('QueryStatus')['status'], 'running')
            caller.caller.stop()
        self.wait_clean()
        self.assertEqual(list_monitors(vm), {})

    def test_the_vm_goes_while_a_caller_leaves(self):
        for _ in range(3):
            vm = self.start_vm()
            leaver = self.other(vm)
            leaver.qmp('QueryStatus')
            self.qemu.kill(signal.SIGSTOP)
            for name in ('one', 'two'):
                leaver.caller.start(NAME, vm.path, f'{NAME}.QMP', 'Getfd', '(hs)', 0, name, fds=[self.null])
            leaver.caller.gdbus.flush_sync(None)
            leaver.caller.stop()
            vm.get('Name')
            self.manager('RemoveVM', '(o)', vm.path)
            self.qemu.kill(signal.SIGCONT)

    def test_monitors_cannot_be_taken_from_under_it(self):
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                yank = variants({'type': ('s', 'chardev'), 'id': ('s', 'compat_monitor0')})
                for method, signature, *arguments in (
                        ('Yank', '(aa{sv})', [yank]), ('ObjectDel', '(s)', 'compat_monitor0'),
                        ('ChardevRemove', '(s)', 'compat_monitor0'),
                        ('HumanMonitorCommand', '(s)', ' object_del  "compat\\_monitor0"')):
                    self.assert_fails(DENIED, 'is given', vm.start('QMP', method, signature, *arguments))
                self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
                self.manager('RemoveVM', '(o)', vm.path)

    def test_who_leaves_in_the_middle_of_it(self):
        vm = self.start_vm()
        for _ in range(30):
            caller = self.other(vm)
            for _ in range(5):
                caller.start('QMP', 'QueryStatus')
            caller.caller.gdbus.flush_sync(None)
            caller.caller.stop()
        self.wait_clean()
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')

    def test_nothing_is_left_of_an_agent(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number):
                vm = self.start_vm()
                for caller in [self.other(vm) for _ in range(5)]:
                    caller.qmp('QueryStatus')
                    caller.start('QMP', 'QueryStatus')
                self.agent.kill(number)
                self.agent.wait()
                self.wait_clean()
                self.start_agent()

    def test_what_a_killed_agent_left_half_done_is_removed_by_the_next(self):
        vm = self.start_vm(monitors=3)
        ours, theirs = socket.socketpair()
        with theirs:
            self.raw.execute('getfd', {'fdname': 'x'}, fds=[theirs.fileno()])
        backend = {'type': 'socket', 'data': {'addr': {'type': 'fd', 'data': {'str': 'x'}}, 'server': False}}
        self.raw.execute('chardev-add', {'id': f'{PREFIX}left', 'backend': backend})
        self.manager('RemoveVM', '(o)', vm.path)
        # One that is still connected belongs to somebody.
        self.add('again', f'unix:{self.qemu.path}').qmp('QueryStatus')
        self.assertIn(f'{PREFIX}left', self.ours())
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/again')
        ours.close()
        wait_until(lambda: 'disconnected' in str(self.raw.execute('query-chardev')))
        self.add('again', f'unix:{self.qemu.path}')
        self.wait_clean()

    def test_remove_vm(self):
        vm = self.start_vm()
        replies = [self.other(vm).start('QMP', 'QueryStatus') for _ in range(5)]
        for reply in replies:
            reply()
        self.manager('RemoveVM', '(o)', vm.path)
        self.wait_clean()

    def test_death_answers_every_call_once(self):
        vm = self.start_vm()
        callers = [self.other(vm) for _ in range(4)]
        for caller in callers:
            caller.qmp('QueryStatus')
        self.qemu.kill(signal.SIGSTOP)
        replies = [caller.start('QMP', 'QueryStatus') for caller in callers for _ in range(20)]
        replies += [self.other(vm).start('QMP', 'QueryStatus') for _ in range(4)]
        vm.get('Name')
        self.qemu.kill(signal.SIGKILL)
        for reply in replies:
            self.assert_fails(DISCONNECTED, '', reply)

    def test_the_agents_own_is_not_to_be_seen(self):
        vm = self.start_vm()
        vm.qmp('QueryStatus')
        self.assertEqual(len(self.ours()), 2)
        for reply in (vm.qmp('QueryChardev'), vm.execute('query-chardev'), vm.execute_json('query-chardev'),
                      vm.qmp('QomList', '(s)', '/objects'), vm.qmp('QomList', '(s)', '/chardevs'),
                      vm.qmp('QueryYank'), vm.qmp('HumanMonitorCommand', '(s)', 'info chardev')):
            self.assertNotIn(PREFIX, str(reply))
            self.assertIn('compat_monitor', str(reply))

    def test_the_agents_own_is_not_to_be_named(self):
        vm = self.start_vm()
        vm.qmp('QueryStatus')
        monitor = list_monitors(vm)[vm.caller.name]['id']
        other = self.other(vm)
        for method, signature, *arguments in (
                ('ObjectDel', '(s)', monitor), ('ChardevRemove', '(s)', monitor),
                ('QomGet', '(ss)', f'/objects/{monitor}', 'chardev'), ('QomList', '(s)', f'/chardevs/{monitor}'),
                ('HumanMonitorCommand', '(s)', f'chardev-remove {monitor}'),
                ('ObjectAdd', '(a{sv})', variants({'qom-type': ('s', 'iothread'), 'id': ('s', f'{PREFIX}x')})),
                ('Yank', '(aa{sv})', [variants({'type': ('s', 'chardev'), 'id': ('s', monitor)})])):
            with self.subTest(method):
                self.assert_fails(DENIED, "the agent's own", other.start('QMP', method, signature, *arguments))
        escaped = monitor.replace('o', '\\u006f')
        self.assert_fails(DENIED, "the agent's own", other.execute_json, 'object-del', f'{{"id":"{escaped}"}}')
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')

    def test_every_event_once(self):
        vm = self.start_vm()
        signals = vm.record_events().signals
        for caller in [self.other(vm) for _ in range(5)]:
            caller.qmp('Stop')
            self.assertEqual(vm.get('Status'), 'paused')
            caller.qmp('Cont')
            self.assertEqual(vm.get('Status'), 'running')
        self.assertEqual([signal[2] for signal in signals], ['Stop', 'Resume'] * 5)

    def test_names_of_descriptors_are_their_makers(self):
        vm = self.start_vm()
        other = self.other(vm)
        self.fds(vm, 'Getfd', '(hs)', 0, 'mine')
        self.assert_fails(GENERIC, 'not found', other.start('QMP', 'Closefd', '(s)', 'mine'))
        self.fds(other, 'Getfd', '(hs)', 0, 'mine')
        self.assertIsNone(vm.qmp('Closefd', '(s)', 'mine'))
        self.assertIsNone(other.qmp('Closefd', '(s)', 'mine'))

    def test_a_greedy_caller_costs_another_its_turn(self):
        vm = self.start_vm()
        other = self.other(vm)
        other.qmp('QueryStatus')
        replies = [vm.start('VM', 'ExecuteJSON', '(ss)', 'query-qmp-schema', '') for _ in range(300)]
        vm.get('Name')
        other.qmp('QueryStatus')
        self.assertGreater(list_monitors(other)[vm.caller.name]['pending'], 200)
        for reply in replies:
            self.assertGreater(len(reply()[0]), 200000)


class Limits(MonitorsTest):
    def test_idle_monitors_go_and_come_again(self):
        self.start_agent(key_file='[qemu-monitor]\nidle-timeout=0.2\n')
        vm = self.start_vm()
        for _ in range(3):
            self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
            self.wait_clean()
        self.assertEqual(list_monitors(vm), {})

    def test_a_named_descriptor_keeps_it(self):
        self.start_agent(key_file='[qemu-monitor]\nidle-timeout=0.1\n')
        vm, other = self.start_vm(), None
        self.fds(vm, 'Getfd', '(hs)', 0, 'mine')
        other = self.other(vm)
        other.qmp('QueryStatus')
        # The other one's goes, and it was the younger.
        wait_until(lambda: list(list_monitors(vm)) == [vm.caller.name])
        self.assertIsNone(vm.qmp('Closefd', '(s)', 'mine'))
        self.wait_clean()

    def test_more_callers_than_monitors(self):
        self.start_agent(key_file='[qemu-monitor]\nmax-monitors=3\n')
        vm = self.start_vm()
        callers = [self.other(vm) for _ in range(6)]
        for caller in callers:
            # Whoever has named one is not idle.
            self.fds(caller, 'Getfd', '(hs)', 0, 'mine')
        self.assertEqual(len(self.ours()), 6)
        monitors = list_monitors(vm)
        self.assertEqual(len({monitor['id'] for monitor in monitors.values()}), 3)
        for caller in callers:
            self.assertIsNone(caller.qmp('Closefd', '(s)', 'mine'))
            self.assert_fails(GENERIC, 'not found', caller.start('QMP', 'Closefd', '(s)', 'mine'))

    def test_who_has_been_idle_for_longest_makes_room(self):
        self.start_agent(key_file='[qemu-monitor]\nmax-monitors=3\n')
        vm = self.start_vm(isolation=('s', 'required'))
        callers = [self.other(vm) for _ in range(6)]
        for caller in callers + callers:
            self.assertEqual(caller.qmp('QueryStatus')['status'], 'running')
        self.assertEqual(set(list_monitors(vm)), {caller.caller.name for caller in callers[3:]})
        wait_until(lambda: len(self.ours()) == 6)

    def test_isolation_required(self):
        self.start_agent(key_file='[qemu-monitor]\nmax-monitors=2\nisolation=required\n')
        vm = self.start_vm()
        callers = [self.other(vm) for _ in range(3)]
        for caller in callers[:2]:
            self.fds(caller, 'Getfd', '(hs)', 0, 'mine')
        self.assert_fails(LIMITS_EXCEEDED, '2 monitors', callers[2].start('QMP', 'QueryStatus'))
        callers[0].caller.stop()
        wait_until(lambda: len(list_monitors(vm)) == 1)
        self.assertEqual(callers[2].qmp('QueryStatus')['status'], 'running')

    def test_isolation_that_cannot_be_had(self):
        self.start_agent()
        vm = self.start_vm('10.0', isolation=('s', 'required'))
        self.assertEqual(vm.get('MonitorMode'), 'shared')
        self.assert_fails(NOT_SUPPORTED, 'none to give', vm.start('QMP', 'QueryStatus'))
        for options, named in (({'isolation': ('s', 'some')}, '`required` or `preferred`'),
                               ({'isolation': ('b', True)}, '`s`'), ({'spares': ('as', ['x'])}, 'options.spares'),
                               ({'spares': ('as', ['unix:/x,server=on'])}, 'must listen'),
                               ({'spares': ('s', 'unix:/x')}, '`as`'), ({'other': ('b', True)}, 'isolation')):
            self.assert_fails(INVALID_ARGS, named, self.add, 'other', f'unix:{self.qemu.path}', **options)


class Fdsets(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def add_fd(self, vm, **options):
        return self.fds(vm, 'AddFd', '(ha{sv})', 0, variants(options))[0]

    def test_they_are_their_makers(self):
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                other = self.other(vm)
                fdset = self.add_fd(vm)['fdset-id']
                self.assertEqual([entry['fdset-id'] for entry in vm.qmp('QueryFdsets')], [fdset])
                self.assertEqual(other.qmp('QueryFdsets'), [])
                for method, signature, *arguments in (
                        ('RemoveFd', '(x)', fdset), ('RemoveFd', '(a{sv})', variants({'fdset-id': ('x', fdset)})),
                        ('BlockdevAdd', '(a{sv})', variants({'driver': ('s', 'file'),
                                                             'filename': ('s', f'/dev/fdset/{fdset}')}))):
                    self.assert_fails(DENIED, "another caller's", other.start('QMP', method, signature, *arguments))
                with self.assertRaises(CallError) as caught:
                    self.add_fd(other, **{'fdset-id': ('x', fdset)})
                self.assertEqual(caught.exception.name, DENIED)
                self.assertIsNone(vm.qmp('RemoveFd', '(x)', fdset))
                self.manager('RemoveVM', '(o)', vm.path)

    def test_a_number_that_is_used_again_is_the_next_ones(self):
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                other = self.other(vm)
                fdset = self.add_fd(vm)['fdset-id']
                vm.qmp('RemoveFd', '(x)', fdset)
                self.assertEqual(self.add_fd(other)['fdset-id'], fdset)
                self.assertEqual([entry['fdset-id'] for entry in other.qmp('QueryFdsets')], [fdset])
                self.assertEqual(vm.qmp('QueryFdsets'), [])
                vm.caller.stop()
                self.assertEqual([entry['fdset-id'] for entry in other.qmp('QueryFdsets')], [fdset])
                self.caller = other.caller
                self.assertIsNone(other.qmp('RemoveFd', '(x)', fdset))
                self.manager('RemoveVM', '(o)', other.path)
                self.caller = self.connect()

    def test_another_spelling_does_not_get_past(self):
        vm = self.start_vm()
        other = self.other(vm)
        fdset = self.add_fd(vm)['fdset-id']
        for path in (f'/dev/fdset/\t{fdset}', f'/dev/fdset/+{fdset}', f'/dev/fdset/0{fdset}',
                     f'json:{{"driver":"file","filename":"/dev/\\u0066dset/{fdset}"}}',
                     f'json:{{"filename":"\\/dev\\/fdset/{fdset}"}}', '/proc/self/fd/3', '/dev/fd/3'):
            with self.subTest(path):
                with self.assertRaises(CallError) as caught:
                    other.qmp('BlockdevAdd', '(a{sv})', variants({'driver': ('s', 'file'), 'filename': ('s', path)}))
                self.assertEqual(caught.exception.name, DENIED)

    def test_they_go_with_their_maker(self):
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                self.raw.execute('add-fd', {'opaque': 'not a caller\'s'}, fds=[self.null])
                leaver = self.other(vm)
                self.add_fd(leaver)
                self.add_fd(leaver)
                # One that is still on its way, too.
                leaver.caller.start(NAME, vm.path, f'{NAME}.QMP', 'AddFd', '(ha{sv})', 0, {}, fds=[self.null])
                leaver.caller.gdbus.flush_sync(None)
                leaver.caller.stop()
                wait_until(lambda: len(self.raw.execute('query-fdsets')) == 1)
                self.assertEqual(len(vm.qmp('QueryFdsets')), 1)
                self.manager('RemoveVM', '(o)', vm.path)

    def test_also_while_the_guest_is_paused(self):
        """Where QEMU says that it has removed them, and does so when it is told again while the guest runs."""
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                leaver = self.other(vm)
                self.add_fd(leaver)
                vm.qmp('Stop')
                leaver.caller.stop()
                wait_until(lambda: vm.qmp('QueryFdsets') == [])
                vm.qmp('Cont')
                wait_until(lambda: self.raw.execute('query-fdsets') == [])
                self.manager('RemoveVM', '(o)', vm.path)


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
