#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replies of many MB, and many replies at once: converted in slices, while somebody else is served and whatever happens in the midst.

  kind                                     here, and elsewhere
  ---------------------------------------  -----------------------------------------------------------------------
  held behind a question never answered    Held; test-reply-barrier.c
  kept for a call that waits               Held.test_results_of_waits; test-execute-and-wait.c
  events before and behind                 Order
  callers, QEMU, VM, agent, bus that go    Ends
  more at once than there is room for      test-answers.c
"""
import json
import signal

from gi.repository import Gio

from harness import SILENCE, CallError, Message, Steps, main, wait_until
from harness.peer import Raw
from hostile import HostileTest
from monitor import DISCONNECTED, TIMED_OUT
from monitors import LIMITS_EXCEEDED

MIB = 1 << 20
# Texts that a reply is made of: numbers and names are most of the work, strings the least.
ENTRY = {'node-name': 'disk', 'size': 4096, 'ro': False, 'backing': [1, 2.5, None]}
STAMP = {'seconds': 1, 'microseconds': 5}


def event(name, **data):
    return Message({'timestamp': STAMP, 'event': name, 'data': data})


def make_list(size):
    """A list whose JSON is of that many bytes or some more."""
    return [ENTRY] * (size // len(json.dumps(ENTRY)) + 1)


class Reply:
    """What a peer returns, made once: json.dumps() takes a second for 30 MB."""

    def __init__(self, value):
        self.text = json.dumps(value).encode()

    def __call__(self, command):
        return Raw(b'{"return": %s, "id": %s}\r\n' % (self.text, json.dumps(command['id']).encode()) if 'id' in command
                   else b'{"return": %s}\r\n' % self.text)


class RepliesTest(HostileTest):
    def count(self, peer, name):
        """How often a peer was sent a command."""
        return len([command for command in peer.commands if command.get('execute') == name])

    def ask_never_answered(self, peer):
        """The VM has stopped, and the peer does not answer the question for its state, which is given."""
        peer.answers['query-status'] = SILENCE
        before = self.count(peer, 'query-status')
        peer.emit(event('STOP'))
        wait_until(lambda: self.count(peer, 'query-status') > before)
        return [command for command in peer.commands if command.get('execute') == 'query-status'][-1]

    def answer_question(self, peer, question):
        # A bare command has no id.
        ident = {'id': question['id']} if 'id' in question else {}
        peer.emit(Message({'return': {'status': 'paused', 'running': False}, **ident}))

    def finish_all(self, calls):
        """How many were answered with a value; the others with nothing but too much asked at once."""
        answered = 0
        for finish in calls:
            try:
                finish()
                answered += 1
            except CallError as error:
                self.assertEqual(error.name, LIMITS_EXCEEDED, error)
        return answered


class Held(RepliesTest):
    def test_large(self):
        """What is held has an end in bytes; each call is answered in the end."""
        vm, peer = self.fake({'x': Reply(['y' * 65536] * 64)})
        question = self.ask_never_answered(peer)
        other = self.other(vm)
        calls = [other.start('VM', 'ExecuteJSON', '(ss)', 'x', '') for _ in range(20)]
        with self.watched():
            self.serve_others_until(lambda: self.count(peer, 'x') == 20)
            # What has no room is with the bus, or with who reads it. The array that a reply is read into grows by doubling.
            wait_until(lambda: self.heap.read() < self.at_first[0] + 144 * MIB, lambda: self.heap.read() - self.at_first[0])
            self.answer_question(peer, question)
            self.assertGreater(self.finish_all(calls), 3)
        self.assertEqual(vm.get('Status'), 'paused')

    def test_many(self):
        """Those that were held are given in turns."""
        vm, peer = self.fake({'x': Reply([{'n': n} for n in range(1500)])})
        question = self.ask_never_answered(peer)
        other = self.other(vm)
        calls = [other.start('VM', 'Execute', '(s)', 'x') for _ in range(200)]
        wait_until(lambda: self.count(peer, 'x') == 200)
        with self.watched():
            self.answer_question(peer, question)
            self.assertEqual(self.finish_all(calls), 200)


class Order(RepliesTest):
    """QEMU tells of an event before a reply: whoever has the reply has been told of the event, and reads what it changed."""

    def record_all(self, vm):
        """What a caller is sent of a VM, in its order: names of events, of changed properties, and numbers of replies."""
        told = []

        def on_message(connection, message, incoming):
            if incoming and message.get_message_type() == Gio.DBusMessageType.SIGNAL and message.get_path() == vm.path:
                body = message.get_body().unpack()
                told.extend(body[1] if message.get_member() == 'PropertiesChanged' else [message.get_member()])
            elif incoming and message.get_reply_serial():
                told.append(message.get_reply_serial())
            return message
        vm.caller.record(path=vm.path)
        ident = vm.caller.gdbus.add_filter(on_message)
        self.addCleanup(vm.caller.gdbus.remove_filter, ident)
        return told

    def assert_before(self, told, *names):
        """Each of them is there, for the first time in this order."""
        self.assertEqual(sorted(names, key=told.index), list(names), told)

    def test_events_before(self):
        """Of a large reply, typed and as text."""
        large = Reply(make_list(MIB))

        def stop_and_reply(command):
            peer.answers['query-status'] = {'status': 'paused', 'running': False}
            return Steps([event('STOP'), large(command)])
        for method, signature, arguments in (('Execute', '(s)', ('x',)), ('ExecuteJSON', '(ss)', ('x', ''))):
            with self.subTest(method), self.watched():
                vm, peer = self.fake({'x': stop_and_reply}, name=f'fake{method}')
                told = self.record_all(vm)
                finish = vm.start('VM', method, signature, *arguments)
                serial = vm.caller.gdbus.get_last_serial()
                finish()
                self.assertEqual(vm.get('Status'), 'paused')
                self.assert_before(told, 'Stop', serial)
                self.assert_before(told, 'Status', serial)

    def test_small_ones_overtake(self):
        """A small reply, an event and another caller's reply, all behind a large reply that is being converted, do not wait for it."""
        large = Reply(make_list(3 * MIB))
        vm, peer = self.fake({'x': large, 'y': {'n': 1}})
        told = self.record_all(vm)
        other = self.other(vm)
        with self.watched():
            slow = vm.start('VM', 'Execute', '(s)', 'x')
            serial = vm.caller.gdbus.get_last_serial()
            wait_until(lambda: self.count(peer, 'x') == 1)
            quick = vm.start('VM', 'Execute', '(s)', 'y')
            quick_serial = vm.caller.gdbus.get_last_serial()
            wait_until(lambda: self.count(peer, 'y') == 1)
            peer.emit(event('POWERDOWN'))
            self.assertEqual(other.execute('y'), {'n': 1})
            self.assertEqual(quick()[0], {'n': 1})
            self.assertEqual(len(slow()[0]), len(json.loads(large.text)))
        self.assert_before(told, quick_serial, serial)
        self.assert_before(told, 'Powerdown', serial)


class Ends(RepliesTest):
    """Of whatever a conversion needs. The reply that QEMU has given comes, or an error."""

    def begin(self, name='fake', size=MIB, **answers):
        self.large = Reply(make_list(size))
        return self.fake({'x': self.large, 'y': {}, **answers}, name=name)

    def start_slow(self, vm):
        """A conversion that is under way: the whole text has come, and what came behind it."""
        finish = vm.start('VM', 'Execute', '(s)', 'x')
        vm.execute_json('y')
        return finish

    def check(self, finish):
        self.assertEqual(len(finish()[0]), len(json.loads(self.large.text)))

    def test_callers(self):
        vm, _ = self.begin()
        with self.watched():
            for _ in range(3):
                other = self.other(vm)
                self.start_slow(other)
                other.caller.stop()
                wait_until(lambda: self.heap.read() < self.at_first[0] + MIB, lambda: self.heap.read() - self.at_first[0])
            self.check(vm.start('VM', 'Execute', '(s)', 'x'))

    def test_vms(self):
        """QEMU dies; the VM is removed; QEMU comes back with another schema. What QEMU said still counts."""
        with self.watched():
            vm, peer = self.begin('dies')
            finish = self.start_slow(vm)
            peer.stop()
            self.check(finish)
            wait_until(lambda: not vm.is_there())
            vm, peer = self.begin('removed')
            finish = self.start_slow(vm)
            self.manager('RemoveVM', '(o)', vm.path)
            self.check(finish)
            vm, peer = self.begin('again', **{'query-qmp-schema': [], 'query-commands': [{'name': 'x'}]})
            finish = self.start_slow(vm)
            peer.answers['query-qmp-schema'] = [{'name': 'int', 'meta-type': 'builtin', 'json-type': 'int'}]
            for connection in peer.connections:
                peer.hang_up(connection)
            self.check(finish)

    def test_times(self):
        """A call whose time is over before, in the midst, or not at all: it is answered once."""
        vm, _ = self.begin()
        with self.watched():
            for milliseconds in (20, 50, 100, 10000):
                try:
                    self.check(vm.start_wait('x', timeout=milliseconds / 1000))
                except CallError as error:
                    self.assertEqual(error.name, TIMED_OUT, error)

    def test_agent(self):
        vm, _ = self.begin(size=4 * MIB)
        finish = self.start_slow(vm)
        self.agent.kill(signal.SIGTERM)
        with self.assertRaises(CallError) as caught:
            finish()
        self.assertIn(caught.exception.name, (DISCONNECTED, 'org.freedesktop.DBus.Error.NoReply'))
        self.assertEqual(self.agent.wait(), 0, self.agent.output)

    def test_bus(self):
        vm, _ = self.begin(size=4 * MIB)
        self.start_slow(vm)
        self.bus.stop()
        self.agent.wait_output('The message bus went away')
        wait_until(lambda: self.heap.read() < self.at_first[0] + MIB, lambda: self.heap.read() - self.at_first[0])


if __name__ == '__main__':
    main()
