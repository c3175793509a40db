# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenMonitor(): a client that speaks QMP itself finds what QEMU's own monitor gives it, and finds nobody else there. On real
QEMUs."""
import itertools
import os
import re
import select
import socket

from exchanges import COMMANDS, DIFFERENT, IDS, NOT_NEGOTIATED, NO_JSON, OUT_OF_BAND, REFUSED
from harness import Peer, Qemu, QmpError, main, wait_until
from harness.loop import PATIENCE
from harness.process import is_listening
from monitor import ANSWERS, VERSIONS
from monitors import list_monitors
from native import NEGOTIATE, NEGOTIATE_OOB, OpenMonitorTest


def without_words(lines):
    """Text that is no JSON is a GenericError that begins with `JSON parse error, `, on both sides. Its other words and its
    place are no promise, and neither is the number of complaints in a row: QEMU takes up the thread at the next token, and
    then finds values that are no objects."""
    complaint = re.compile(rb'"desc": "(\d+:\d+: )?JSON (parse error, .*|nesting depth limit exceeded)"(\}\})?\r\n')
    masked = [complaint.sub(b'no JSON', line) for line in lines]
    if masked != lines:
        masked = [re.sub(rb'"desc": "QMP input must be a JSON object"\}\}\r\n', b'no JSON', line) for line in masked]
    return [line for line, _ in itertools.groupby(masked)]


class Conformance(OpenMonitorTest):
    def compare(self, vm, qemu, negotiate, exchanges):
        raw, native = self.connect_to(qemu.path), self.open(vm)
        self.assertEqual(native.line(), raw.line())
        if negotiate:
            for wire in (raw, native):
                wire.send(negotiate)
            # Read here, or exchange() takes it for the reply to the out-of-band command that it waits for.
            self.assertEqual(native.line(), raw.line())
        for exchange in exchanges:
            with self.subTest(version=qemu.version, exchange=exchange[:100]):
                self.assertEqual(without_words(native.exchange(exchange)), without_words(raw.exchange(exchange)))
        for wire in (raw, native):
            wire.stop()

    def compare_all(self, version):
        vm, qemu = self.start_vm(version, machine='none'), self.start(Qemu, version, machine='none')
        self.compare(vm, qemu, None, NOT_NEGOTIATED)
        self.compare(vm, qemu, NEGOTIATE, IDS + COMMANDS + REFUSED + NO_JSON)
        self.compare(vm, qemu, NEGOTIATE_OOB, OUT_OF_BAND + COMMANDS)

    def test_7_2(self):
        self.compare_all('7.2')

    def test_10_0(self):
        self.compare_all('10.0')

    def test_11_1(self):
        self.compare_all('11.1')

    def start_pretty(self, version):
        """The path of a pretty monitor of QEMU's own."""
        path = f'{self.directory}/pretty-{version}'
        self.start(Qemu, version, '-chardev', f'socket,id=p,path={path},server=on,wait=off', '-mon',
                   'chardev=p,mode=control,pretty=on', machine='none')
        wait_until(lambda: is_listening(path))
        return path

    def test_pretty(self):
        for version in VERSIONS:
            vm = self.start_vm(version, machine='none')
            raw, native = self.connect_to(self.start_pretty(version)), self.open(vm, pretty=('b', True))
            for exchange in (NEGOTIATE, b'{"execute":"stop","id":{"b":[1,[],{},{"c":[2,"\xc3\xa9,:{"]}]}}', b'}',
                             b'{"execute":"nosuch"}', b'{"execute":"query-version"}',
                             b'{"execute":"cont"}'):
                self.assertEqual(without_words(native.exchange(exchange)), without_words(raw.exchange(exchange)))
            self.manager('RemoveVM', '(o)', vm.path)

    def test_a_pretty_monitor_below(self):
        native = self.open(self.add('vm', f'unix:{self.start_pretty("11.1")}'))
        native.line()
        native.send(NEGOTIATE)
        self.assertEqual(native.exchange(b'{"execute":"stop"}')[1:3], [
            b'{"timestamp": {"seconds": T, "microseconds": T}, "event": "STOP"}\r\n', b'{"return": {}}\r\n'])

    def test_what_is_different(self):
        vm = self.start_vm()
        native = self.open(vm)
        native.line()
        native.send(NEGOTIATE)
        native.exchange(b'')
        for exchange, expected in DIFFERENT:
            self.assertIn(expected, b''.join(native.exchange(exchange)))

    def test_end_with_quit(self):
        for version in VERSIONS:
            vm = self.start_vm(version)
            native = self.open(vm)
            native.send(NEGOTIATE + b'{"execute":"quit","id":"q"}')
            lines = native.until_end().split(b'\r\n')
            self.assertIn(b'{"return": {}, "id": "q"}', lines)
            self.assertIn(b'"SHUTDOWN", "data": {"guest": false, "reason": "host-qmp-quit"}', b''.join(lines))
            wait_until(lambda: not vm.is_there())

class Commands(OpenMonitorTest):
    def test_names_of_descriptors_are_its_own(self):
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                one, two = self.client(vm), self.client(vm)
                for client in (one, two):
                    client.execute('getfd', {'fdname': 'x'}, fds=[self.null])
                vm.start('QMP', 'Getfd', '(hs)', 0, 'x', fds=[self.null])()
                one.execute('closefd', {'fdname': 'x'})
                with self.assertRaisesRegex(QmpError, "^File descriptor named 'x' not found$"):
                    one.execute('closefd', {'fdname': 'x'})
                two.execute('closefd', {'fdname': 'x'})
                vm.qmp('Closefd', '(s)', 'x')
                self.manager('RemoveVM', '(o)', vm.path)

    def test_fdsets_are_its_own(self):
        vm = self.start_vm()
        one, two = self.client(vm), self.client(vm)
        fdset = one.execute('add-fd', fds=[self.null])['fdset-id']
        self.assertEqual([entry['fdset-id'] for entry in one.execute('query-fdsets')], [fdset])
        self.assertEqual(two.execute('query-fdsets'), [])
        self.assertEqual(vm.qmp('QueryFdsets'), [])
        with self.assertRaisesRegex(QmpError, "another caller's") as caught:
            two.execute('remove-fd', {'fdset-id': fdset})
        self.assertEqual(caught.exception.qmp_class, 'GenericError')
        one.stop()
        wait_until(lambda: self.raw.execute('query-fdsets') == [])

    def test_a_descriptor_that_comes_before_its_command(self):
        """As Python's client sends it, with a blank. The last that came counts."""
        vm = self.start_vm()
        native = self.open(vm)
        native.line()
        native.send(NEGOTIATE)
        native.line()
        other = os.open('/dev/zero', os.O_RDONLY)
        self.addCleanup(os.close, other)
        native.send(b' ', fds=[other])
        native.send(b' ', fds=[self.null, other])
        native.send(b'{"execute":"add-fd","arguments":{"opaque":"x"}}{"execute":"add-fd"}')
        self.assertIn(b'"fdset-id"', native.line())
        self.assertIn(b'No file descriptor supplied', native.line())

    def test_no_descriptor(self):
        """Nor one that QEMU still has of the plugging."""
        for command in ('add-fd', 'getfd'):
            for version in ('7.2', '11.1'):
                vm = self.start_vm(version)
                before = len(os.listdir(f'/proc/{self.qemu.pid}/fd'))
                native = self.open(vm)
                native.line()
                native.send(NEGOTIATE)
                native.line()
                native.send(b'{"execute":"%s","arguments":{%s}}' % (command.encode(), b'"fdname":"x"' if command == 'getfd' else b''))
                self.assertIn(b'No file descriptor supplied', native.line())
                native.stop()
                self.manager('RemoveVM', '(o)', vm.path)
                wait_until(lambda: len(os.listdir(f'/proc/{self.qemu.pid}/fd')) < before)

    def test_pipelined_descriptors_are_not_mixed_up(self):
        vm = self.start_vm()
        native = self.open(vm)
        native.line()
        native.send(NEGOTIATE_OOB)
        names = [self.write(f'file-{number}', '') for number in range(12)]
        for number, name in enumerate(names):
            fd = os.open(name, os.O_RDONLY)
            native.send(b'{"execute":"add-fd","arguments":{"fdset-id":%d,"opaque":"%d"}}' % (100 + number, number), [fd])
            os.close(fd)
        native.exchange(b'')
        for number, name in enumerate(names):
            native.send(b'{"execute":"blockdev-add","arguments":{"driver":"file","node-name":"n%d","read-only":true,'
                        b'"filename":"/dev/fdset/%d"}}' % (number, 100 + number))
        self.assertEqual(b''.join(native.exchange(b'')).count(b'{"return": {}}'), 12)
        opened = {os.readlink(f'/proc/{self.qemu.popen.pid}/fd/{fd}') for fd in os.listdir(f'/proc/{self.qemu.popen.pid}/fd')}
        self.assertLessEqual(set(names), opened)

    def test_out_of_band_overtakes(self):
        """A command that holds up QEMU's monitors: opening a FIFO that nobody reads."""
        vm = self.start_vm()
        native = self.open(vm)
        native.line()
        native.send(NEGOTIATE_OOB)
        native.exchange(b'')
        fifo = f'{self.directory}/fifo'
        os.mkfifo(fifo)
        native.send(b'{"execute":"pmemsave","arguments":{"val":0,"size":1,"filename":"%s"},"id":1}'
                    b'{"execute":"query-name","id":2}{"exec-oob":"yank","arguments":{"instances":[]},"id":3}' % fifo.encode())
        self.assertEqual(native.line(), b'{"return": {}, "id": 3}\r\n')
        self.addCleanup(os.close, os.open(fifo, os.O_RDWR))
        self.assertIn(b'"id": 1', native.line())
        self.assertIn(b'"id": 2', native.line())

    def test_the_agents_own_is_not_shown(self):
        vm = self.start_vm()
        native = self.client(vm)
        self.assertNotIn('org.qemu.Monitor1-', str(native.execute('query-chardev')))
        with self.assertRaisesRegex(QmpError, "the agent's own"):
            native.execute('object-del', {'id': self.natives_id(vm)})

    def natives_id(self, vm):
        return list_monitors(vm)[vm.caller.name]['id']

    def test_events_begin_with_negotiation(self):
        vm = self.start_vm()
        native = self.open(vm)
        native.line()
        vm.qmp('Stop')
        native.send(NEGOTIATE)
        self.assertEqual(native.line(), b'{"return": {}}\r\n')
        vm.qmp('Cont')
        event = native.line()
        self.assertRegex(event, rb'^{"timestamp": {"seconds": \d+, "microseconds": \d+}, "event": "RESUME"}\r\n$')
        raw = self.raw.wait_event('RESUME')['timestamp']
        self.assertIn(b'{"seconds": %d, "microseconds": %d}' % (raw['seconds'], raw['microseconds']), event)


class Abuse(OpenMonitorTest):
    def test_who_does_not_read_is_cut_off(self):
        peer = self.start(Peer, {**ANSWERS, 'x-large': 'x' * (1 << 20)})
        vm = self.add('large', f'unix:{peer.path}')
        native = self.open(vm)
        native.send(NEGOTIATE + b'{"execute":"x-large"}' * 40)
        self.agent.wait_output('cut off')
        native.until_end()
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
        memory = int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{self.agent.popen.pid}/status', encoding='ascii').read())[1])
        if not os.environ.get('AGENT_SANITIZED'):
            self.assertLess(memory, 48 * 1024)

    def test_a_reply_larger_than_that_is_not_cut_off(self):
        peer = self.start(Peer, {**ANSWERS, 'x-large': {'large': 'x' * (20 << 20)}})
        native = self.client(self.add('large', f'unix:{peer.path}'))
        self.assertEqual(len(native.execute('x-large')['large']), 20 << 20)
        self.assertEqual(native.execute('query-name')['name'], 'fake')

    def test_who_does_not_read_events_is_cut_off(self):
        """And is all who notices: the events go on for the others."""
        peer = self.start(Peer, ANSWERS)
        vm = self.add('noisy', f'unix:{peer.path}')
        native, reader = self.open(vm), self.client(vm)
        native.send(NEGOTIATE)
        native.line()
        native.line()
        for number in range(100):
            peer.emit({'event': 'X', 'data': {'n': number, 'large': 'x' * 200000},
                       'timestamp': {'seconds': 1, 'microseconds': 2}})
            self.assertEqual(reader.wait_event('X')['data']['n'], number)
        self.agent.wait_output('cut off')
        native.until_end()
        self.assertEqual(reader.execute('query-name')['name'], 'fake')

    def test_nonsense(self):
        vm = self.start_vm()
        for data in (os.urandom(300000), b'{' * 500000, b'["' + b'x' * 600000, b'[1,' * 200000, b'}' * 20000, b'\n' * 600000,
                     b'{"execute":"query-name","arguments":' * 30000):
            native = self.open(vm)
            native.socket.setblocking(False)
            at = 0
            while at < len(data):
                readable, writable, _ = select.select([native.socket], [native.socket], [], PATIENCE)
                if writable:
                    at += native.socket.send(data[at:at + 65536])
                if readable:
                    self.assertTrue(native.socket.recv(1 << 20))
            native.stop()
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')

    def test_who_dies_in_the_middle_of_it(self):
        vm = self.start_vm()
        for _ in range(20):
            native = self.open(vm)
            native.send(NEGOTIATE + b'{"execute":"query-status"}' * 200 + b'{"execute":"add-fd"', [self.null])
            native.stop()
        wait_until(lambda: self.natives(vm) == [])
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')

    def test_many_in_flight(self):
        vm = self.start_vm()
        native = self.open(vm)
        native.send(NEGOTIATE + b''.join(b'{"execute":"query-name","id":%d}' % number for number in range(2000)))
        native.line()
        native.line()
        for number in range(2000):
            self.assertEqual(native.line(), b'{"return": {}, "id": %d}\r\n' % number)


if __name__ == '__main__':
    main()
