# SPDX-License-Identifier: LGPL-2.1-or-later
"""A monitor per caller: callers of one VM cannot see, stall, confuse or break one another, and whoever leaves takes
everything of theirs along. On real QEMUs."""
import os
import signal
import socket

from harness import main, wait_until
from monitor import DISCONNECTED, INVALID_ARGS, NAME, NOT_SUPPORTED, ROOT, VM, variants
from monitors import DENIED, GENERIC, LIMITS_EXCEEDED, PREFIX, MonitorsTest, list_monitors


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
                        ('HumanMonitorCommand', '(s)', ' object_del  "compat_monitor0"')):
                    self.assert_fails(DENIED, 'QEMU was started with', vm.start('QMP', method, signature, *arguments))
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

    def end_in_use(self, number, is_under_way):
        vm = self.start_vm()
        for caller in [self.other(vm) for _ in range(5)]:
            caller.qmp('QueryStatus')
            if is_under_way:
                caller.start('QMP', 'QueryStatus')
        self.agent.kill(number)
        self.agent.wait()
        return vm

    def test_nothing_is_left_of_an_agent(self):
        for number, is_under_way in ((signal.SIGKILL, False), (signal.SIGTERM, True)):
            with self.subTest(number):
                vm = self.end_in_use(number, is_under_way)
                self.wait_clean()
                self.start_agent()
                self.manager('RemoveVM', '(o)', vm.path)

    def test_nothing_is_left_of_an_agent_and_its_successor(self):
        """QEMU keeps the monitor whose command it is just answering when the agent is killed (once in 120 runs of this)."""
        vm = self.end_in_use(signal.SIGKILL, is_under_way=True)
        self.start_agent()
        wait_until(VM(self.caller, vm.path).is_there)
        self.wait_clean()

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
        # The monitor of the VM that was removed may be disconnected for a moment, too.
        wait_until(lambda: any(chardev['label'] == f'{PREFIX}left' and chardev['filename'].startswith('disconnected')
                               for chardev in self.raw.execute('query-chardev')))
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
        newcomers = [self.other(vm) for _ in range(4)]
        replies += [caller.start('QMP', 'QueryStatus') for caller in newcomers]
        for caller in callers + newcomers:
            caller.get('Name')  # behind them on the same connection: by now the agent has them all
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
        self.assert_fails(DENIED, f'User {os.getuid()} may not call object-del on the VM "vm": What is called',
                          other.start('QMP', 'ObjectDel', '(s)', monitor))
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
        # QEMU needs some 10 s for them, and a minute where others want the processors too.
        replies = [vm.start('VM', 'ExecuteJSON', '(ss)', 'query-qmp-schema', '', timeout=120) for _ in range(300)]
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
        for options, named in (({'isolation': ('s', 'some')}, '`preferred` or `required`'),
                               ({'isolation': ('b', True)}, '`s`'), ({'spares': ('as', ['x'])}, 'options.spares'),
                               ({'spares': ('as', ['unix:/x,server=on'])}, 'must listen'),
                               ({'spares': ('s', 'unix:/x')}, '`as`'), ({'other': ('b', True)}, 'isolation')):
            self.assert_fails(INVALID_ARGS, named, self.add, 'other', f'unix:{self.qemu.path}', **options)


if __name__ == '__main__':
    main()
