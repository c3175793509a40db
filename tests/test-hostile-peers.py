# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU that is in the hands of its guest, or of somebody who took its place, while another VM's caller is to be served.

  kind                                      here, and elsewhere
  ----------------------------------------  ----------------------------------------------------------------------------
  lies: ids, types, classes, no JSON        Lies.test_answers; test-qmp-client-peers.c, test-schema, test-screenshot, test-display
  lies about another VM's callers           Lies.test_a_name_that_is_anothers; test-schema, test-manager
  replies that nobody asked for             Floods; test-qmp-client.c
  floods of events, without an end          Floods; test-vm, test-qmp-channel.c
  floods of jobs                            Floods; test-jobs
  stalls                                    test-silence, test-schema, test-manager, test-screenshot, test-display
  trickles                                  Slow.test_byte_by_byte
  nests, repeats, is too long               Lies.test_answers; test-json-framer.c, test-json-tree.c, test-vm
  truncates                                 Slow.test_cut_at_every_byte; test-vm
  changes its schema                        Lies.test_another_schema
  impersonates: TCP, server=on, descriptor  test-manager, test-access, test-found-names, test-monitor-id.c
"""
import json
import os
import random

from harness import CallError, Message, Peer, Steps, main, wait_until
from harness.peer import Raw
from hostile import MOST_LEFT, SIGNALS, HostileTest
from monitor import ANSWERS, DISCONNECTED, INVALID_ARGS, NAME, NOT_SUPPORTED, OBJECT_MANAGER, ROOT, UNREPRESENTABLE, VM

MANY = 100000
STAMP = {'seconds': 1, 'microseconds': 5}

# Every how many bytes a connection is cut off; 1 takes a quarter of a minute.
STEP = int(os.environ.get('HOSTILE_STEP', '7'))

TYPES = [{'name': name, 'meta-type': 'builtin', 'json-type': kind} for name, kind in (('int', 'int'), ('str', 'string'))]


def make_schema(**members):
    """One command, `prod`, which takes these."""
    return [*TYPES, {'name': 'none', 'meta-type': 'object', 'members': []},
            {'name': 'all', 'meta-type': 'object', 'members': [{'name': name, 'type': kind} for name, kind in members.items()]},
            {'name': 'prod', 'meta-type': 'command', 'arg-type': 'all', 'ret-type': 'none'}]


def event(name, **data):
    return {'timestamp': STAMP, 'event': name, 'data': data}


def to_lines(messages):
    return b''.join(json.dumps(message).encode() + b'\r\n' for message in messages)


class Floods(HostileTest):
    most_left = MOST_LEFT + SIGNALS

    def flood(self, peer, vm, messages):
        """Somebody else is answered while these are dealt with, to the last of them or to the end of the connection."""
        ends = vm.caller.record(interface=f'{NAME}.Events', member='Powerdown', path=vm.path)
        data = Raw(to_lines(messages) + to_lines([event('POWERDOWN')]))

        def emit():
            try:
                peer.emit(data)
            except OSError:
                ends.append('the agent has ended the connection')
        peer.run(emit)
        return self.serve_others_until(lambda: ends)

    def test_events(self):
        vm, peer = self.fake()
        with self.watched():
            answered = self.flood(peer, vm, (event('RTC_CHANGE', offset=n) for n in range(MANY)))
            self.assertGreater(answered, 10)
        self.assertTrue(vm.is_there())

    def test_jobs(self):
        jobs = [{'id': f'j{n}', 'type': 'stream', 'status': 'running'} for n in range(1000)]
        vm, peer = self.fake({'query-jobs': jobs})
        with self.watched():
            answered = self.flood(peer, vm, (event('JOB_STATUS_CHANGE', id=f'k{n}', status='created') for n in range(MANY)))
            self.assertGreater(answered, 10)
            tree, = self.caller.call(NAME, ROOT, OBJECT_MANAGER, 'GetManagedObjects')
            self.assertLessEqual(len([path for path in tree if '/job/' in path]), 256)
        self.assertTrue(vm.is_there())

    def test_replies_that_nobody_asked_for(self):
        vm, peer = self.fake()
        with self.watched():
            self.flood(peer, vm, ({'return': {'n': n}, 'id': n} for n in range(MANY)))


class Lies(HostileTest):
    # `ID` is the id that was sent.
    ANSWERS = (
        b'{"return":{},"id":"ID"}', b'{"return":{},"id":ID.0}', b'{"return":{},"id":-ID}', b'{"return":{},"id":null}',
        b'{"return":{},"id":[ID]}', b'{"return":{},"id":99999999999999999999}', b'{"return":{},"id":1ID}', b'{"return":{}}',
        b'{"return":{},"id":ID}\n{"return":{},"id":ID}', b'{"return":{},"error":{"class":"a","desc":"b"},"id":ID}',
        b'{"id":ID}', b'{"error":5,"id":ID}', b'{"error":{"class":5,"desc":[]},"id":ID}', b'{"error":{"desc":"x"},"id":ID}',
        b'{"error":{"class":"a b\\n.c","desc":"x\\u0000y"},"id":ID}', b'{"error":{"class":"","desc":""},"id":ID}',
        b'{"return":{},"return":[],"id":ID}', b'{"return":{},"id":ID,"id":ID}', b'{"return":{"a":1,"a":2},"id":ID}',
        b'{"return":"\xff\xfe","id":ID}', b'{"return":"\\ud800","id":ID}', b'{"return":1e400,"id":ID}', b'{"return":00,"id":ID}',
        b'{"return":' + b'[' * 100000 + b']' * 100000 + b',"id":ID}', b'{"return":' + b'{"a":' * 1000 + b'1' + b'}' * 1000 + b',"id":ID}',
        b'{"QMP":{},"id":ID}', b'{"event":"STOP","return":{},"id":ID}', b'{"event":5,"id":ID}', b'{"timestamp":0,"event":"","id":ID}',
        b'[]', b'5', b'"x"', b'null', b'nonsense', b'{"return":{},"id":ID', b'}', b'\0\0\0', b'{"return":' + b'9' * 100000 + b',"id":ID}')
    NAMES = {DISCONNECTED, NOT_SUPPORTED, UNREPRESENTABLE, f'{NAME}.Error.GenericError', f'{NAME}.Error.a'}

    def test_answers(self):
        """The caller gets an answer, whatever it is, and the connection goes on or ends."""
        fds = self.count_fds()
        with self.watched():
            for number, answer in enumerate(self.ANSWERS):
                with self.subTest(answer[:60]):
                    self.get_answered(f'liar{number}', answer)
        self.assertLessEqual(self.count_fds(), fds + 2)

    def get_answered(self, name, answer):
        def lie(command):
            data = answer.replace(b'ID', str(command.get('id', 0)).encode())
            # What comes next tells the end of what has none.
            return Steps([Raw(data + b'\r\n'), Message(event('RESUME')), Raw(b'}' * 3 + b'\xff')])
        vm, peer = self.fake({'x': lie}, name=name)
        try:
            vm.execute_json('x')
        except CallError as error:
            self.assertIn(error.name, self.NAMES, error)
        # Some of these have ended the connection already, or are about to.
        peer.stop()
        wait_until(lambda: vm.path not in self.paths(), lambda: f'{name} to go')

    def test_a_name_that_is_anothers(self):
        """One that calls itself as another VM does, by name and UUID, is not taken for that."""
        uuid = self.calm.get('UUID')
        peer = self.start(Peer, {**ANSWERS, 'query-name': {'name': 'calm'}, 'query-uuid': {'UUID': uuid}})
        with self.assertRaises(CallError) as caught:
            self.add('', f'unix:{peer.path}')
        self.assertIn('calm', caught.exception.message)
        self.add('calm2', f'unix:{peer.path}')
        self.assertEqual(self.manager('GetVM', '(s)', 'calm'), self.calm.path)
        self.assertIn('status', self.calm.qmp('QueryStatus'))

    def test_another_schema(self):
        """After each connection anew: no call goes out in the places of the schema that was."""
        answers = {**ANSWERS, 'query-commands': [{'name': 'prod'}], 'prod': {},
                   'query-qmp-schema': make_schema(to='int', what='str')}
        os.makedirs(self.run_directory, exist_ok=True)
        peer = self.adopt(Peer(self.run_directory, answers))
        vm = VM(self.caller, f'{ROOT}/vm/{os.path.basename(peer.path).replace("-", "_2d")}')
        wait_until(vm.is_there)
        vm.qmp('Prod', '(xs)', 1, 'a')
        self.assertEqual(peer.commands[-1]['arguments'], {'to': 1, 'what': 'a'})
        peer.answers['query-qmp-schema'] = make_schema(what='int', to='str')
        for connection in peer.connections:
            peer.hang_up(connection)
        wait_until(lambda: len(peer.connections) > 1 and vm.is_there())
        vm.qmp('Prod', '(xs)', 1, 'a')
        self.assertEqual(peer.commands[-1]['arguments'], {'what': 1, 'to': 'a'})
        peer.answers['query-qmp-schema'] = make_schema(to='str', what='str')
        self.manager('RemoveVM', '(o)', vm.path)
        vm = self.add('changing', f'unix:{peer.path}')
        self.assert_fails(INVALID_ARGS, 'to', vm.start('QMP', 'Prod', '(xs)', 1, 'a'))


class Trickle(Peer):
    def write(self, connection, data):
        with self.sending:
            for i in range(len(data)):
                connection.send(data[i:i + 1])


class Cut(Peer):
    """One that hangs up when it has sent so many bytes in all."""
    left = None
    sent = 0

    def write(self, connection, data):
        part = data if self.left is None else data[:self.left]
        self.sent += len(part)
        super().write(connection, part)
        if self.left is not None:
            self.left -= len(part)
            if len(part) < len(data):
                raise OSError('enough')


class Slow(HostileTest):
    answers = {**ANSWERS, 'query-commands': [{'name': 'prod'}], 'query-qmp-schema': make_schema(to='int', what='str'), 'prod': {},
               'large': [{'n': n} for n in range(5000)]}

    def test_byte_by_byte(self):
        peer = self.start(Trickle, self.answers)
        fast = self.start(Peer, self.answers)
        with self.watched():
            vm = self.add('slow', f'unix:{peer.path}')
            finish = vm.start('VM', 'Execute', '(s)', 'large')
            self.add('fast', f'unix:{fast.path}')
            self.serve_others_until(lambda: peer.commands[-1].get('execute') == 'large')
            self.assertEqual(finish()[0], self.answers['large'])

    def try_all(self, peer):
        """Adds its VM, and calls what takes the schema: each is answered."""
        try:
            vm = self.add('cut', f'unix:{peer.path}')
        except CallError as error:
            self.assertIn(error.name, Lies.NAMES, error)
            return
        try:
            vm.execute_json('prod', '{"to":1,"what":"a"}')
            self.manager('RemoveVM', '(o)', vm.path)
        except CallError as error:
            self.assertTrue(error.name in Lies.NAMES or 'UnknownObject' in error.name, error)

    def test_cut_at_every_byte(self):
        peer = self.start(Cut, self.answers)
        self.try_all(peer)
        first = random.randrange(STEP)
        print(f'# every {STEP}th byte of {peer.sent}, from {first} on')
        fds = self.count_fds()
        with self.watched():
            for left in range(first, peer.sent, STEP):
                with self.subTest(left):
                    peer.left = left
                    self.try_all(peer)
                    wait_until(lambda: f'{ROOT}/vm/cut' not in self.paths())
        self.assertLessEqual(self.count_fds(), fds + 2)


if __name__ == '__main__':
    main()
