# SPDX-License-Identifier: LGPL-2.1-or-later
"""The harness itself, against each QEMU and a real bus: a test that trusts it must be able to."""
import json
import os
import socket
import subprocess
import sys
import unittest

from harness import (DIE, SILENCE, Bus, CallError, Connection, Flood, Message, Peer, Qemu, QmpClient, QmpError, Raw,
                     Steps, Test, busctl, main, wait_until)

BUS = ('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus')


class RealQemu(Test):
    def check(self, version):
        qemu = self.start(Qemu, version, name='vm', monitors=2)
        raw = self.adopt(qemu.raw())
        found = raw.greeting['version']['qemu']
        self.assertEqual(f'{found["major"]}.{found["minor"]}', version)
        self.assertEqual(raw.execute('query-name'), {'name': 'vm'})
        with self.assertRaises(QmpError) as caught:
            raw.execute('no-such-command')
        self.assertEqual(caught.exception.qmp_class, 'CommandNotFound')
        raw.execute('stop')
        raw.wait_event('STOP')
        raw.execute('quit')
        self.assertEqual(qemu.wait(), 0, qemu.output)

    def test_7_2(self):
        self.check('7.2')

    def test_10_0(self):
        self.check('10.0')

    def test_11_1(self):
        self.check('11.1')

    def test_gone_with_its_test(self):
        class Inner(Test):
            def runTest(self):
                pids.append(self.start(Qemu, '7.2').pid)
                raise ValueError('a test that fails')
        pids = []
        result = unittest.TestResult()
        Inner().run(result)
        if result.skipped:
            self.skipTest(result.skipped[0][1])
        self.assertEqual(len(result.errors), 1)
        self.assertFalse(os.path.exists(f'/proc/{pids[0]}'))


class RealBus(Test):
    def setUp(self):
        super().setUp()
        self.bus = self.start(Bus)
        self.caller = self.adopt(Connection(self.bus.address))

    def test_call_and_error(self):
        self.assertEqual(self.caller.call(*BUS, 'GetNameOwner', '(s)', self.caller.name), (self.caller.name,))
        self.assertIsNone(self.caller.owner('org.example.Nobody'))
        with self.assertRaises(CallError) as caught:
            self.caller.call(*BUS, 'NoSuchMethod')
        self.assertEqual(caught.exception.name, 'org.freedesktop.DBus.Error.UnknownMethod')
        self.assertNotIn('GDBus', caught.exception.message)

    def test_signals(self):
        signals = self.caller.record(member='NameOwnerChanged')
        other = self.adopt(Connection(self.bus.address))
        wait_until(lambda: any(values[0] == other.name for *_, values in signals), 'the signal')

    def test_busctl(self):
        reply = busctl(self.bus.address, 'call', *BUS, 'NameHasOwner', 's', self.caller.name)
        self.assertEqual(reply, {'type': 'b', 'data': [True]})
        with self.assertRaises(CallError):
            busctl(self.bus.address, 'call', *BUS, 'NoSuchMethod')


class ScriptedPeer(Test):
    def connect(self, **options):
        self.peer = self.start(Peer, **options)
        return self.adopt(QmpClient(self.peer.path))

    def test_follows_its_script(self):
        event = Message({'event': 'STOP', 'timestamp': {'seconds': 1, 'microseconds': 2}})
        client = self.connect(answers={
            'query-status': {'status': 'running'},
            'stop': Steps([event, {}]),
            'echo': lambda command: command['arguments'],
            'raw': Raw(b'{"return":{},\n "id":"lie"}\n'),
        })
        self.assertEqual(client.execute('query-status'), {'status': 'running'})
        client.execute('stop')
        self.assertEqual(client.events, [event])
        self.assertEqual(client.execute('echo', {'a': 1}), {'a': 1})
        client.send({'execute': 'unknown', 'id': 7})
        self.assertEqual(client.read(), {'error': {'class': 'CommandNotFound',
                                                   'desc': 'The command unknown has not been found'}, 'id': 7})
        self.peer.emit(event)
        self.assertEqual(client.read(), event)
        self.assertEqual([command['execute'] for command in self.peer.commands],
                         ['qmp_capabilities', 'query-status', 'stop', 'echo', 'unknown'])

    def test_misbehaves(self):
        client = self.connect(answers={
            'silent': SILENCE,
            'half': Steps([Raw(b'{"ret'), DIE]),
            'flood': Flood(b' ' * 99),
        })
        client.send({'execute': 'silent'})
        client.send({'execute': 'half'})
        with self.assertRaises(json.JSONDecodeError):
            client.read()
        other = self.adopt(QmpClient(self.peer.path))
        other.send({'execute': 'flood'})
        self.assertEqual(other.file.read(1 << 20), ' ' * (1 << 20))

    def test_by_descriptor_and_with_descriptors(self):
        peer = self.start(Peer, answers={'getfd': {}})
        client = self.adopt(QmpClient(fd=peer.offer().detach()))
        with open(__file__, encoding='utf-8') as file:
            client.execute('getfd', {'fdname': 'this'}, fds=[file.fileno()])
            self.assertTrue(os.path.sameopenfile(peer.fds[0], file.fileno()))

    def test_dials(self):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f'{self.directory}/server')
            server.listen()
            self.start(Peer).dial(f'{self.directory}/server')
            client = self.adopt(QmpClient(fd=server.accept()[0].detach()))
            self.assertEqual(client.greeting['version']['qemu']['major'], 11)

    def test_no_greeting(self):
        peer = self.start(Peer, greeting=DIE)
        with self.assertRaises(EOFError):
            QmpClient(peer.path)



class Sum(Test):
    """The line that tests/run ends with."""

    def sum(self, *programs):
        """(its last line, its exit status) for a log of these programs; none: without a log."""
        log = f'{self.directory}/results.json'
        if programs:
            with open(log, 'w', encoding='utf-8') as file:
                file.writelines(json.dumps({'name': 'test', **program}) + '\n' for program in programs)
        script = f'{os.path.dirname(os.path.abspath(__file__))}/sum-results'
        done = subprocess.run([sys.executable, script, log], stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout.splitlines()[-1], done.returncode

    def test_points_are_counted(self):
        self.assertEqual(self.sum({'result': 'OK', 'stdout': 'ok 1 a\nok 2 b\n'}), ('2 passed, 0 failed, 0 skipped', 0))
        self.assertEqual(self.sum({'result': 'ERROR', 'stdout': 'ok 1 a\nnot ok 2 b\n'}), ('1 passed, 1 failed, 0 skipped', 1))

    def test_a_crash_is_a_failure(self):
        self.assertEqual(self.sum({'result': 'ERROR', 'stdout': 'ok 1 a\n'}), ('1 passed, 1 failed, 0 skipped', 1))

    def test_a_run_without_a_log_is_a_failure(self):
        self.assertEqual(self.sum(), ('0 passed, 1 failed, 0 skipped', 1))


if __name__ == '__main__':
    main()
