# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VM's object as its users see it: properties that are true, calls that are answered once and exactly, events that
are all there; whatever QEMU or another caller does."""
import json
import os
import threading
import time

from gi.repository import GLib

from harness import DIE, SILENCE, CallError, Flood, Message, Peer, Qemu, Raw, Steps, main, wait_until
from harness.process import is_listening
from monitor import (ANSWERS, DISCONNECTED, INVALID_ARGS, NAME, NOT_SUPPORTED, PROPERTIES, ROOT, UNKNOWN_OBJECT,
                     UNREPRESENTABLE, VERSIONS, VM, MonitorTest, requests, variants)

SANITIZED = bool(os.environ['AGENT_SANITIZED'])
LIMITS_EXCEEDED = 'org.freedesktop.DBus.Error.LimitsExceeded'
UNKNOWN_METHOD = 'org.freedesktop.DBus.Error.UnknownMethod'


def event(name, data=None, seconds=1700000000, microseconds=5):
    return Message({'timestamp': {'seconds': seconds, 'microseconds': microseconds}, 'event': name,
                    **({} if data is None else {'data': data})})


class VmTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def fake(self, answers=None, **options):
        """A VM with a scripted peer behind it."""
        peer = self.start(Peer, {**ANSWERS, **(answers or {})}, **options)
        return self.add('', f'unix:{peer.path}'), peer


class Properties(VmTest):
    def test_all(self):
        for version in VERSIONS:
            with self.subTest(version):
                uuid = '01234567-89ab-4def-8123-456789abcdef'
                qemu = self.start(Qemu, version, '-uuid', uuid, '-S', name=f'vm-{version}')
                before = time.time_ns() // 1000
                vm = self.add('', f'unix:{qemu.path}')
                values = vm.get_all()
                self.assertTrue(before <= values.pop('Since') <= time.time_ns() // 1000)
                self.assertEqual(values.pop('PID'), qemu.pid)
                self.assertTrue(values.pop('QEMUVersion').startswith(version + '.'))
                self.assertIn('Debian', values.pop('QEMUPackage'))
                self.assertEqual(values, {
                    'Kind': 'machine', 'Name': f'vm-{version}', 'GuestName': f'vm-{version}', 'UUID': uuid,
                    'Status': 'prelaunch', 'Running': False,
                    'Target': 'x86_64', 'Address': f'unix:{qemu.path}', 'OwnerUID': 0,
                    'MonitorMode': 'hotplug' if version == '11.1' else 'shared'})

    def test_changes_made_behind_the_agents_back(self):
        for version in VERSIONS:
            with self.subTest(version):
                qemu = self.start(Qemu, version, monitors=2)
                vm = self.add(version, f'unix:{qemu.path}')
                changes = vm.record_changes()
                other = qemu.raw()
                other.execute('stop')
                wait_until(lambda: changes)
                self.assertEqual(changes.pop()[3],
                                 (f'{NAME}.VM', {'Status': 'paused', 'Running': False}, []))
                other.execute('cont')
                wait_until(lambda: vm.get('Running'))
                self.assertEqual(changes.pop()[3][1], {'Status': 'running', 'Running': True})

    def test_reading_costs_qemu_nothing(self):
        vm, peer = self.fake()
        asked = len(requests(peer))
        for _ in range(100):
            vm.get_all()
        self.assertEqual(len(requests(peer)), asked)

    def test_the_run_state_after_a_migration_which_no_event_tells(self):
        """Nor does STOP come of a guest that does not run. The policy goes by this state, see authorization.c."""
        for version, *arguments in [(version,) for version in VERSIONS] + [(version, '-S') for version in VERSIONS]:
            with self.subTest(version, arguments=arguments):
                vm = self.add(f'{version}{len(arguments)}', f'unix:{self.start(Qemu, version, *arguments).path}')
                vm.execute('migrate', uri=('s', f'exec:cat > {self.directory}/migrated-{version}'))
                wait_until(lambda: vm.get('Status') == 'postmigrate')

    def test_a_machine_that_comes_later(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.add(version, f'unix:{self.start(Qemu, version, "-preconfig", "-S").path}')
                self.assertEqual((vm.get('Status'), vm.get('Target')), ('prelaunch', ''))
                changes = vm.record_changes()
                vm.execute('x-exit-preconfig')
                wait_until(lambda: vm.get('Target') == 'x86_64')
                self.assertIn('x86_64', [values[1].get('Target') for *_, values in changes])
                # The agent's questions that QEMU had refused.
                wait_until(lambda: {'capability': 'events', 'state': True} in vm.execute('query-migrate-capabilities'))

    def test_a_word_longer_than_any_of_qemus_is_left_out(self):
        vm, _ = self.fake({'query-target': {'arch': 'x' * 1000}})
        self.assertEqual(vm.get('Target'), '')

    def test_who_has_stopped_a_vm_reads_paused(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.add(version, f'unix:{self.start(Qemu, version).path}')
                changes = vm.record_changes()
                for number in range(50):
                    vm.qmp('Stop')
                    # No waiting: it has been told, and is so.
                    self.assertEqual(len(changes), 2 * number + 1)
                    self.assertEqual(vm.get('Status'), 'paused')
                    vm.qmp('Cont')
                    self.assertEqual(vm.get('Status'), 'running')

    def test_replies_held_for_the_run_state_are_told_in_any_case(self):
        gate = threading.Event()
        self.addCleanup(gate.set)
        asked = []

        def answer_status(command):
            asked.append(command)
            if len(asked) > 1:
                gate.wait()
            return ANSWERS['query-status']
        vm, peer = self.fake({'query-status': answer_status, 'stop': Steps([event('STOP'), {}])})
        leaver = self.connect()
        leaver.start(NAME, vm.path, f'{NAME}.QMP', 'Stop')
        replies = [vm.start('QMP', 'Stop') for _ in range(3)]
        wait_until(lambda: len(asked) == 2)
        leaver.stop()
        vm.get('Name')
        gate.set()
        for reply in replies:
            self.assertEqual(reply(), ())

    def test_none_can_be_set(self):
        vm, _ = self.fake()
        self.assert_fails('org.freedesktop.DBus.Error.PropertyReadOnly', 'Name', self.caller.call, NAME, vm.path,
                          PROPERTIES, 'Set', '(ssv)', f'{NAME}.VM', 'Name', GLib.Variant('s', 'x'))

    def test_many_events_cost_few_questions(self):
        vm, peer = self.fake()
        events = vm.record_events()
        asked = len(requests(peer))
        for _ in range(300):
            peer.emit(event('STOP'))
        wait_until(lambda: len(events.names()) == 300)
        self.assertLess(len(requests(peer)) - asked, 300)


class Calls(VmTest):
    def test_execute_everywhere(self):
        for version in VERSIONS:
            with self.subTest(version):
                qemu = self.start(Qemu, version)
                vm = self.add(version, f'unix:{qemu.path}')
                self.assertEqual(vm.execute('query-status')['status'], 'running')
                self.assertEqual(vm.execute('stop'), {})
                self.assertEqual(json.loads(vm.execute_json('query-status'))['status'], 'paused')
                self.assertEqual(json.loads(vm.execute_json('qom-list', '{ "path" : "/" }')),
                                 vm.execute('qom-list', path=('s', '/')))

    def test_the_largest_reply(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.add(version, f'unix:{self.start(Qemu, version).path}')
                schema = json.loads(vm.execute_json('query-qmp-schema'))
                self.assertGreater(len(schema), 1000)
                self.assertEqual(len(vm.execute('query-qmp-schema')), len(schema))

    def test_values_pass_unchanged_both_ways(self):
        vm, peer = self.fake({'echo': lambda command: command['arguments']})
        values = {'i': ('x', -2**63), 'j': ('x', 2**63 - 1), 'u': ('t', 2**64 - 1), 'd': ('d', 0.1),
                  'e': ('d', 5e-324), 'b': ('b', True), 's': ('s', 'é"\\\n🐧'), 'n': ('g', ''),
                  'l': ('as', ['a', 'b']), 'm': ('aa{sv}', [{}, {}]), 'o': ('a{sv}', {}), 'y': ('y', 255)}
        self.assertEqual(vm.execute('echo', **values), {name: value for name, (_, value) in values.items()})
        sent = peer.commands[-1]['arguments']
        self.assertEqual((sent['i'], sent['u'], sent['d'], sent['n']), (-2**63, 2**64 - 1, 0.1, None))

    def test_json_passes_unchanged_both_ways(self):
        text = '{"a":[1,18446744073709551615,-0.5,1e300,null,true,"\\u00e9 \\\\ \\" \\n"],"b":{"c":{}}}'
        vm, _ = self.fake({'echo': lambda command: command['arguments']})
        self.assertEqual(json.loads(vm.execute_json('echo', text)), json.loads(text))

    def test_commands_are_compact(self):
        sent = []
        vm, peer = self.fake({'x': lambda command: sent.append(command) or {}})
        vm.execute_json('x', ' { "a" : [ 1 , 2 ] } ')
        self.assertEqual(sent[0]['arguments'], {'a': [1, 2]})
        self.assertLess(len(str(sent[0]['id'])), 4)

    def test_what_d_bus_cannot_carry(self):
        deep = {}
        for _ in range(30):
            deep = {'a': deep}
        replies = {'nul': {'a': [{'b': 'x\0y'}]}, 'deep': deep, 'large': ['x' * 1000] * 34000}
        vm, _ = self.fake(replies)
        self.assert_fails(UNREPRESENTABLE, 'return.a[0].b holds U+0000', vm.execute, 'nul')
        self.assert_fails(UNREPRESENTABLE, 'ExecuteJSON', vm.execute, 'deep')
        for command in ('nul', 'deep'):
            self.assertEqual(json.loads(vm.execute_json(command)), replies[command])
        # Past the cap for a reply the session itself is given up; the agent is not.
        with self.assertRaises(CallError):
            vm.execute('large')
        self.assertIsNone(self.agent.popen.poll())

    def test_bad_arguments(self):
        vm, peer = self.fake()
        asked = len(requests(peer))
        self.assert_fails(INVALID_ARGS, 'name of a QMP command', vm.execute, 'query status')
        self.assert_fails(INVALID_ARGS, 'arguments.a[1]', vm.execute, 'x',
                          a=('av', [GLib.Variant('s', ''), GLib.Variant('d', float('nan'))]))
        self.assert_fails(INVALID_ARGS, 'struct', vm.execute, 'x', a=('(i)', (1,)))
        for text, named in (('[]', 'object'), ('{', 'arguments'), ('{} {}', 'arguments'), ('{"a":1,"a":2}', 'a'),
                            ("{'a':1}", 'arguments'), ('{"a":1e400}', 'arguments'),
                            ('{"a":' + '[' * 5000, 'arguments'),
                            ('{"a":99999999999999999999}', 'arguments')):
            with self.subTest(text[:20]):
                self.assert_fails(INVALID_ARGS, named, vm.execute_json, 'x', text)
        self.assert_fails(INVALID_ARGS, '', vm.start('VM', 'Execute', '(x)', 1))
        self.assert_fails(UNKNOWN_METHOD, 'NoSuch', vm.start('VM', 'NoSuch'))
        self.assert_fails(UNKNOWN_METHOD, 'VM.Execute', vm.start('QMP', 'NoSuch'))
        for signature, arguments in (('()', ()), ('(xx)', (1, 2)), ('(xs)', (1, ''))):
            self.assert_fails(INVALID_ARGS, '`x` or `a{sv}`', vm.start('QMP', 'Balloon', signature, *arguments))
        self.assertEqual(len(requests(peer)), asked)

    def test_more_values_than_one_turn_of_the_main_loop_has_time_for(self):
        many = list(range(100000))
        vm, _ = self.fake({'many': many, 'large': {'text': 'x' * 5000000}, 'late': many + ['a\0b']})
        self.assertEqual(vm.execute('many'), many)
        self.assertEqual(json.loads(vm.execute_json('many')), many)
        self.assertEqual(len(vm.execute('large')['text']), 5000000)
        self.assert_fails(UNREPRESENTABLE, 'return[100000] holds U+0000', vm.execute, 'late')
        # Several at a time, and one whose caller has left.
        leaver = VM(self.connect(), vm.path)
        leaver.start('VM', 'Execute', '(s)', 'many')
        waits = [vm.start('VM', 'Execute', '(s)', 'many') for _ in range(3)]
        self.assertEqual(vm.execute('query-status')['status'], 'running')
        leaver.caller.stop()
        for wait in waits:
            self.assertEqual(wait()[0], many)

    def test_what_takes_qemu_too_long_to_read(self):
        vm, peer = self.fake({'x': {}})
        asked = len(requests(peer))
        self.assert_fails(LIMITS_EXCEEDED, 'arguments.a is beyond', vm.execute, 'x', a=('s', 'x' * 262145))
        self.assert_fails(LIMITS_EXCEEDED, 'arguments.a', vm.execute, 'x', a=('ay', bytes(262145)))
        self.assert_fails(LIMITS_EXCEEDED, 'arguments', vm.execute_json, 'x', '{"a":"' + 'x' * 262145 + '"}')
        self.assertEqual(len(requests(peer)), asked)
        self.assertEqual(vm.execute('x', a=('s', 'x' * 200000)), {})

    def test_forms_of_typed_methods(self):
        vm, peer = self.fake({'balloon': {}, 'query-blockstats': [], 'eject': {}})
        vm.qmp('Balloon', '(x)', 5)
        vm.qmp('Balloon', '(a{sv})', variants({'value': ('u', 6)}))
        self.assertEqual([command['arguments'] for command in peer.commands[-2:]], [{'value': 5}, {'value': 6}])
        self.assertEqual(vm.qmp('QueryBlockstats'), [])
        self.assertEqual(vm.qmp('QueryBlockstats', '(a{sv})', variants({'query-nodes': ('b', True)})), [])
        self.assertEqual(peer.commands[-1]['arguments'], {'query-nodes': True})
        self.assertNotIn('arguments', peer.commands[-2])

    def test_a_reply_of_another_type_than_promised(self):
        vm, _ = self.fake({'query-kvm': [], 'query-pci': {},
                           'query-version': Raw(b'{"return": {"a": inf}, "id": 0}\r\n')})
        self.assert_fails(UNREPRESENTABLE, 'return', vm.qmp, 'QueryKvm')
        self.assert_fails(UNREPRESENTABLE, 'return', vm.qmp, 'QueryPci')
        self.assert_fails(NOT_SUPPORTED, 'cannot be read', vm.qmp, 'QueryVersion')
        self.assertTrue(vm.is_there())

    def test_many_in_flight_come_back_to_the_right_callers(self):
        vm, _ = self.fake({'echo': lambda command: command['arguments']})
        replies = [vm.start_execute('echo', n=('x', n)) for n in range(500)]
        self.assertEqual([reply()[0]['n'] for reply in replies], list(range(500)))

    def test_no_more_than_seven_under_way(self):
        vm, peer = self.fake({'wait': SILENCE})
        asked = len(requests(peer))
        for _ in range(20):
            vm.start_execute('wait')
        wait_until(lambda: len(requests(peer)) - asked == 7)
        self.assertEqual(vm.get('Status'), 'running')
        self.assertEqual(len(requests(peer)) - asked, 7)

    def test_one_caller_with_a_thousand_waiting_costs_another_its_turn(self):
        gate = threading.Event()
        self.addCleanup(gate.set)
        order = []

        def slow(command):
            gate.wait()
            order.append(command['arguments']['who'])
            return {}
        vm, _ = self.fake({'slow': slow})
        for _ in range(1000):
            vm.start_execute('slow', who=('s', 'greedy'))
        vm.get('Name')
        other = self.connect()
        reply = other.start(NAME, vm.path, f'{NAME}.VM', 'Execute', '(sa{sv})', 'slow',
                            variants({'who': ('s', 'modest')}))
        other.call(NAME, vm.path, PROPERTIES, 'Get', '(ss)', f'{NAME}.VM', 'Name')
        gate.set()
        reply()
        self.assertLess(order.index('modest'), 10)

    def test_a_caller_that_leaves_is_forgotten(self):
        vm, peer = self.fake({'wait': SILENCE})
        leaver = self.connect()
        asked = len(requests(peer))
        for _ in range(20):
            leaver.start(NAME, vm.path, f'{NAME}.VM', 'Execute', '(sa{sv})', 'wait', {})
        wait_until(lambda: len(requests(peer)) - asked == 7)
        leaver.stop()
        vm.get('Name')
        self.assertEqual(len(requests(peer)) - asked, 7)
        self.assertTrue(vm.is_there())

    def test_a_line_has_an_end(self):
        vm, _ = self.fake({'wait': SILENCE})
        replies = [vm.start_execute('wait') for _ in range(4200)]
        self.assert_fails(LIMITS_EXCEEDED, '', replies[-1])


class Ends(VmTest):
    def test_every_waiting_call_is_answered(self):
        vm, peer = self.fake({'wait': SILENCE})
        replies = [vm.start_execute('wait') for _ in range(20)]
        vm.get('Name')  # behind them on the same connection: by now the agent has them all
        peer.stop()
        for reply in replies:
            self.assert_fails(DISCONNECTED, '', reply)
        self.assertFalse(vm.is_there())

    def test_quit_overtaken_by_the_end_succeeded(self):
        vm, _ = self.fake({'quit': DIE})
        self.assertIsNone(vm.qmp('Quit'))

    def test_death_in_the_middle_of_a_line(self):
        vm, _ = self.fake({'x': Steps([Raw(b'{"return": {"a'), DIE])})
        self.assert_fails(DISCONNECTED, '', vm.execute, 'x')
        wait_until(lambda: not vm.is_there())

    def test_killed_and_stopped(self):
        for version in VERSIONS:
            with self.subTest(version):
                qemu = self.start(Qemu, version)
                vm = self.add(version, f'unix:{qemu.path}')
                qemu.kill(19)
                reply = vm.start_execute('query-status')
                self.assertEqual(vm.get('Status'), 'running')
                qemu.kill()
                self.assert_fails(DISCONNECTED, '', reply)


class EventsTest(VmTest):
    def test_data_and_timestamp(self):
        vm, peer = self.fake()
        events = vm.record_events()
        peer.emit(event('BLOCK_IO_ERROR', {'device': 'ide0-hd1', 'operation': 'write', 'action': 'stop'}))
        peer.emit(event('__com.redhat_EXTRA'))
        self.assertEqual(events.wait('BlockIoError'),
                         ({'device': 'ide0-hd1', 'operation': 'write', 'action': 'stop'}, 1700000000000005))
        self.assertEqual(events.wait('ComRedhatExtra'), ({}, 1700000000000005))

    def test_events_around_the_handshake_are_not_lost(self):
        version = {'qemu': {'major': 1, 'minor': 0, 'micro': 0}, 'package': ''}
        greeting = {'QMP': {'version': version, 'capabilities': []}}
        early = Raw(f'{json.dumps(event("EARLY"))}\r\n{json.dumps(greeting)}\r\n'.encode())
        recorder = self.connect().record(interface=f'{NAME}.Events')
        vm, _ = self.fake({'qmp_capabilities': Steps([event('INSIDE'), {}]),
                           'query-status': Steps([event('PROBING'), ANSWERS['query-status']])}, greeting=early)
        wait_until(lambda: len(recorder) == 3)
        self.assertEqual([member for _, _, member, _ in recorder], ['Early', 'Inside', 'Probing'])
        self.assertEqual(vm.get('QEMUVersion'), '1.0.0')

    def test_what_has_no_signal_of_its_own(self):
        vm, peer = self.fake()
        general = self.caller.record(interface=f'{NAME}.VM', member='Event')
        peer.emit(event('4EVER', {'a': 1}))
        peer.emit(event('ODD', {'text': 'a\0b'}))
        wait_until(lambda: len(general) == 2)
        self.assertEqual(general[0][3], ('4EVER', {'a': 1}, 1700000000000005))
        name, data, _ = general[1][3]
        self.assertEqual((name, json.loads(data['json'])), ('ODD', {'text': 'a\0b'}))

    def test_a_flood_of_events_is_passed_on_whole(self):
        vm, peer = self.fake()
        events = vm.record_events()
        count = 20000
        lines = (json.dumps(event('RTC_CHANGE', {'offset': n})) for n in range(count))
        peer.emit(Raw('\r\n'.join(lines).encode()))
        wait_until(lambda: len(events.signals) == count, lambda: f'{len(events.signals)} events', 60)
        self.assertEqual([values[0]['offset'] for _, _, _, values in events.signals], list(range(count)))

    def test_an_endless_flood_harms_nobody_else(self):
        chunk = json.dumps(event('RTC_CHANGE', {'offset': 1})).encode() + b'\r\n'
        vm, peer = self.fake({'flood': Flood(chunk * 100)})
        calm = self.add('calm', f'unix:{self.start(Peer, ANSWERS).path}')
        vm.start_execute('flood')
        for _ in range(50):
            self.assertEqual(calm.qmp('QueryStatus')['status'], 'running')
        # These keep what was freed for a while.
        if not SANITIZED and not os.environ.get('AGENT_WRAPPER'):
            self.assertLess(self.memory(), 50e6)
        peer.stop()

    def memory(self):
        with open(f'/proc/{self.agent.pid}/statm', encoding='ascii') as file:
            return int(file.read().split()[1]) * 4096

    def test_subscribing_needs_nothing_on_a_session_bus(self):
        vm, peer = self.fake()
        events = vm.record_events()
        vm.start('VM', 'Subscribe', '(as)', ['STOP'])()
        peer.emit(event('RESET'))
        events.wait('Reset')
        vm.start('VM', 'Unsubscribe')()
        self.assert_fails(LIMITS_EXCEEDED, '257 names', vm.start('VM', 'Subscribe', '(as)', ['STOP'] * 257))


class Lies(VmTest):
    """A QEMU that breaks the rules harms its own VM at most."""

    def test_nonsense(self):
        for lie in (b'\x00', b']', b'{"return": {}, "id": 99}\r\n' * 10, b'{"error": 1}', b'[1]', b'{"event": 5}',
                    b'{}', b'{"event": "X", "timestamp": "now"}', b'{"QMP": {}}', b'{"a": ' + b'[' * 3000,
                    b'{"event": "X", "data": "' + b'x' * 300000 + b'"}', b'{"event": "\xff"}', b'nonsense' * 1000):
            with self.subTest(lie[:20]):
                vm, peer = self.fake({'lie': Raw(lie), 'after': {'a': 1}})
                replies = [vm.start_execute('lie'), vm.start_execute('after')]
                # It answers one way or another, and then the peer goes.
                wait_until(lambda: not vm.is_there() or len(requests(peer)) == 7)
                peer.stop()
                for reply in replies:
                    try:
                        reply()
                    except CallError as error:
                        self.assertTrue(error.name == UNKNOWN_OBJECT or error.name.startswith(f'{NAME}.Error.'), error)
                wait_until(lambda: not vm.is_there())
        self.add('x', f'unix:{self.start(Peer, ANSWERS).path}')
        self.assertEqual(self.paths(), [f'{ROOT}/vm/x'])

    def test_an_error_without_id_ends_the_oldest_command(self):
        text = b'{"error": {"class": "GenericError", "desc": "JSON parse error, expecting value"}}\r\n'
        vm, _ = self.fake({'odd': Raw(text), 'x': {'a': 1}})
        self.assert_fails(f'{NAME}.Error.GenericError', 'JSON parse error', vm.execute, 'odd')
        self.assertEqual(vm.execute('x'), {'a': 1})

    def test_pretty_printed(self):
        for version in VERSIONS:
            with self.subTest(version):
                path = f'{self.directory}/pretty-{version}'
                self.start(Qemu, version, '-chardev', f'socket,id=m,path={path},server=on,wait=off', '-mon',
                           'chardev=m,mode=control,pretty=on')
                wait_until(lambda: is_listening(path))
                vm = self.add(version, f'unix:{path}')
                self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
                self.assertGreater(len(vm.qmp('QueryCommands')), 200)


class Introspection(VmTest):
    def test_tree(self):
        vm, _ = self.fake()
        for path, child in (('/', 'org'), ('/org', 'qemu'), ('/org/qemu', 'Monitor1'), (ROOT, 'vm'),
                            (f'{ROOT}/vm', 'fake')):
            xml = self.caller.call(NAME, path, 'org.freedesktop.DBus.Introspectable', 'Introspect')[0]
            self.assertIn(f'<node name="{child}"/>', xml)
        xml = self.caller.call(NAME, vm.path, 'org.freedesktop.DBus.Introspectable', 'Introspect')[0]
        for interface in ('VM', 'QMP', 'Events'):
            self.assertIn(f'<interface name="{NAME}.{interface}">', xml)


if __name__ == '__main__':
    main()
