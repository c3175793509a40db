# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers who send descriptors of every kind, 16 at once, where one fits and where none does: each call is answered, no descriptor
stays with the agent or its QEMU, and others are served meanwhile."""
import os
import socket
import threading
import xml.etree.ElementTree

from gi.repository import Gio, GLib

from descriptors import Descriptors
from harness import CallError, DeafConnection, Peer, Qemu, main, wait_until
from harness.loop import PATIENCE
from hostile import HostileTest
from monitor import ANSWERS, DISCONNECTED, INVALID_ARGS, NAME, ROOT, TIMED_OUT, VM
from native import open_fd
from monitors import LIMITS_EXCEEDED

# What a bus lets through at once.
MANY = 16
INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable'
VALUES = {'s': '', 'o': '/', 'b': False, 'v': GLib.Variant('s', ''), 'd': 0.0}


def make_value(kind):
    """A value of a D-Bus type, as empty as there is one."""
    if kind[0] == 'a':
        return {} if kind[1] == '{' else []
    return VALUES.get(kind, 0)


def turn_into_handle(data, signature):
    """The number of a message's body becomes a handle, which is written alike, but which GLib does not write out of bounds."""
    signature = signature[1:-1].encode()
    was = b'\x01g\0' + bytes([len(signature)]) + signature.replace(b'h', b'u') + b'\0'
    assert data.count(was) == 1
    return data.replace(was, was[:4] + signature + b'\0')


class DescriptorsTest(HostileTest):
    def setUp(self):
        super().setUp()
        self.descriptors = self.adopt(Descriptors(self.directory, self.bus.address))
        self.kinds = self.descriptors.kinds
        self.fds_before = self.count_fds()

    def assert_none_stays(self):
        wait_until(lambda: self.count_fds() <= self.fds_before,
                   lambda: f'{self.fds_before} descriptors: {[os.readlink(f"/proc/{self.agent.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{self.agent.pid}/fd")]}')

    def sixteen(self, first):
        """That one, and then others, of each kind in turn from call to call."""
        fds = list(self.kinds.values())
        at = list(self.kinds).index(first)
        return (fds[at:] + fds[:at])[:MANY]

    def finish(self, calls, *names):
        """Each is answered; with an error of one of these names, if with one at all. What it was answered."""
        answers = {}
        for kind, finish in calls.items():
            try:
                answers[kind] = finish()
            except CallError as error:
                self.assertIn(error.name, names, f'{kind}: {error}')
                answers[kind] = error
        return answers


class Sent(DescriptorsTest):
    def test_as_a_vm(self):
        """Only a connected stream socket is taken; a silent one is let go."""
        add = NAME, ROOT, f'{NAME}.Manager', 'AddVMFromFD', '(sha{sv})'
        with self.watched():
            answers = self.finish({kind: self.caller.start(*add, f'n{number}', 0, {'timeout': GLib.Variant('t', 200000)},
                                                           fds=self.sixteen(kind))
                                   for number, kind in enumerate(self.kinds)}, INVALID_ARGS, DISCONNECTED, TIMED_OUT)
            taken = [kind for kind, answer in answers.items() if getattr(answer, 'name', None) != INVALID_ARGS]
            self.assertLessEqual(set(taken), set(self.descriptors.sockets))
        self.assertEqual(self.paths(), [self.calm.path])
        self.assert_none_stays()

    def test_to_a_qemu(self):
        """By name and as an fdset, each taken back; on the monitor that all share, and on the caller's own."""
        for version in ('7.2', '11.1'):
            vm = self.start_vm(version)
            with self.subTest(version), self.watched():
                for kind, fd in self.kinds.items():
                    if kind in self.descriptors.paths:
                        self.refuse_path(vm, fd)
                        continue
                    vm.start('QMP', 'Getfd', '(hs)', 0, 'one', fds=[fd])()
                    fdset = vm.start('QMP', 'AddFd', '(h)', 0, fds=self.sixteen(kind))()[0]
                    vm.qmp('Closefd', '(s)', 'one')
                    vm.execute('remove-fd', **{'fdset-id': ('x', fdset['fdset-id'])})
            self.assertEqual(self.raw.execute('query-fdsets'), [])
            self.manager('RemoveVM', '(o)', vm.path)
            self.assert_none_stays()

    def refuse_path(self, vm, fd):
        """QEMU 11.1 ends the connection that one comes by, and in some modes others have it too."""
        self.assert_fails(INVALID_ARGS, 'O_PATH', vm.start('QMP', 'Getfd', '(hs)', 0, 'one', fds=[fd]))
        self.assert_fails(INVALID_ARGS, 'O_PATH', vm.start('QMP', 'AddFd', '(h)', 0, fds=[fd]))

    def test_a_caller_who_leaves(self):
        """What they had sent goes with them."""
        vm = self.start_vm('11.1')
        fds = len(os.listdir(f'/proc/{self.qemu.pid}/fd'))
        for kind, fd in self.kinds.items():
            leaver = self.other(vm)
            leaver.start('QMP', 'Getfd', '(hs)', 0, 'one', fds=[fd])
            leaver.start('QMP', 'AddFd', '(h)', 0, fds=self.sixteen(kind))
            leaver.caller.gdbus.flush_sync(None)
            leaver.caller.stop()
        wait_until(lambda: self.raw.execute('query-fdsets') == [] and self.ours() == [])
        wait_until(lambda: len(os.listdir(f'/proc/{self.qemu.pid}/fd')) <= fds)
        self.manager('RemoveVM', '(o)', vm.path)
        self.assert_none_stays()

    def list_methods(self, path):
        """(interface, method, signature) of an object's."""
        text, = self.caller.call(NAME, path, INTROSPECTABLE, 'Introspect')
        return [(interface.get('name'), method.get('name'), [argument.get('type') for argument in method.findall('arg')
                                                             if argument.get('direction') == 'in'])
                for interface in xml.etree.ElementTree.fromstring(text) for method in interface.findall('method')]

    def test_to_methods_that_take_none(self):
        """Not even one that would be harmful with these arguments is run."""
        kinds = list(self.kinds)
        with self.watched():
            for path in (ROOT, self.calm.path, '/', '/nowhere'):
                calls = {}
                for number, (interface, method, signature) in enumerate(self.list_methods(path if path != '/nowhere' else ROOT)):
                    if 'h' in signature:
                        continue
                    calls[f'{path} {method}'] = self.caller.start(
                        NAME, path, interface, method, f'({"".join(signature)})', *map(make_value, signature),
                        fds=self.sixteen(kinds[number % len(kinds)]))
                names = {'org.freedesktop.DBus.Error.UnknownObject', 'org.freedesktop.DBus.Error.UnknownInterface'}
                answers = self.finish(calls, INVALID_ARGS, *(names if path == '/nowhere' else ()))
                for name, answer in answers.items():
                    self.assertIsInstance(answer, CallError, name)
                self.assertGreater(len(answers), 0)
        self.assertEqual(self.calm.qmp('QueryStatus')['status'], 'running')
        self.assert_none_stays()

    def test_in_dictionaries(self):
        """A handle is no value of a command's."""
        with self.watched():
            for method, signature, arguments in (
                    ('Execute', '(sa{sv})', ('getfd', {'fdname': GLib.Variant('h', 0)})),
                    ('Execute', '(sa{sh})', ('getfd', {'fdname': 0})),
                    ('ExecuteAndWait', '(sa{sv}a{sv})', ('stop', {}, {'timeout': GLib.Variant('h', 0)})),
                    ('OpenMonitor', '(a{sh})', ({'pretty': 0},)), ('Subscribe', '(ah)', ([0],))):
                self.assert_fails(INVALID_ARGS, '', self.calm.caller.call, NAME, self.calm.path, f'{NAME}.VM', method, signature,
                                  *arguments, fds=self.sixteen('null'))
        self.assert_none_stays()

    def test_that_are_not_there(self):
        """A handle whose descriptor does not come, which no library sends."""
        vm, peer = self.fake({'getfd': {}, 'add-fd': {'fdset-id': 1, 'fd': 1}})
        self.fds_before = self.count_fds()
        sender = self.adopt(DeafConnection(self.bus.address))
        with self.watched():
            for fds in ([], self.sixteen('null')):
                for number in (len(fds), 16, 255, 0x7fffffff, 0xffffffff):
                    for path, interface, method, signature, rest in (
                            (vm.path, 'QMP', 'Getfd', '(hs)', ('x',)), (vm.path, 'QMP', 'AddFd', '(h)', ()),
                            (ROOT, 'Manager', 'AddVMFromFD', '(sh)', None)):
                        values = ('x', number) if rest is None else (number, *rest)
                        message = Gio.DBusMessage.new_method_call(NAME, path, f'{NAME}.{interface}', method)
                        message.set_body(GLib.Variant(signature.replace('h', 'u'), values))
                        sender.send_message(message, fds, lambda data: turn_into_handle(data, signature))
            self.assert_taken(sender)
        self.assertEqual([command for command in peer.commands if command.get('execute') in ('getfd', 'add-fd')
                          and not command['arguments'].get('fdname', '').startswith('org.')], [])
        self.assertEqual(self.paths(), sorted([self.calm.path, vm.path]))
        self.assert_none_stays()

    def assert_taken(self, sender):
        """The agent has dealt with all that was sent: the last one is a call whose effect shows."""
        peer = self.start(Peer, ANSWERS)
        sender.send(NAME, ROOT, f'{NAME}.Manager', 'AddVM', GLib.Variant('(ss)', ('last', f'unix:{peer.path}')))
        wait_until(lambda: f'{ROOT}/vm/last' in self.paths())
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/last')

    def test_with_what_is_no_call(self):
        """Signals, replies and errors that nobody asked for."""
        messages = []
        for kind in (Gio.DBusMessageType.SIGNAL, Gio.DBusMessageType.METHOD_RETURN, Gio.DBusMessageType.ERROR):
            for serial in range(1, 30):
                message = Gio.DBusMessage.new()
                message.set_message_type(kind)
                message.set_destination(NAME)
                if kind == Gio.DBusMessageType.SIGNAL:
                    message.set_path('/org/freedesktop/DBus')
                    message.set_interface('org.freedesktop.DBus')
                    message.set_member('NameOwnerChanged')
                else:
                    message.set_reply_serial(serial)
                if kind == Gio.DBusMessageType.ERROR:
                    message.set_error_name('org.freedesktop.DBus.Error.Failed')
                messages.append(message)
        sender = self.adopt(DeafConnection(self.bus.address))
        kinds = list(self.kinds)
        with self.watched():
            for number, message in enumerate(messages):
                sender.send_message(message, self.sixteen(kinds[number % len(kinds)]))
            self.assert_taken(sender)
        self.assert_none_stays()


if __name__ == '__main__':
    main()
