# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers who send what is no right call: wrong arguments for every method, what is too large or nests too deep, messages in the name
of others, replies to questions of the agent's. Each call is answered if it can be, and others are served meanwhile."""
import re
import xml.etree.ElementTree

from gi.repository import Gio, GLib

from harness import CallError, DeafConnection, Peer, main
from hostile import HostileTest
from monitor import ANSWERS, INVALID_ARGS, NAME, PROPERTIES, ROOT, UNKNOWN_OBJECT, VM
from monitors import LIMITS_EXCEEDED

MIB = 1 << 20
INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable'
ERRORS = 'org.freedesktop.DBus.Error.'
UNKNOWN_METHOD = f'{ERRORS}UnknownMethod'

# Arguments of types that the fewest methods take.
WRONG = (('(i)', (-1,)), ('(ss)', ('', '')), ('(v)', (GLib.Variant('v', GLib.Variant('s', 'x')),)), ('(as)', (['x'] * 100,)),
         ('(a{ss})', ({'': ''},)), ('(a{sv})', ({'x': GLib.Variant('ay', b'x' * 100)},)), ('((((s))))', (((('x',),),),)),
         ('(aaaai)', ([[[[1]]]],)), ('(yybnqiuxtdsogas)', (1, 1, True, 1, 1, 1, 1, 1, 1, 1.0, '', '/', '', [])),
         ('(' + 's' * 200 + ')', ('',) * 200), ('(a{tv})', ({1: GLib.Variant('s', '')},)), ('(g)', ('a{sv}',)))


def nest(kind, depth):
    """A value so deep: a dictionary in a dictionary, a variant in a variant, or a list of variants in such a list."""
    value = GLib.Variant('s', 'x')
    for _ in range(depth):
        value = {'a{sv}': lambda: GLib.Variant('a{sv}', {'x': value}), 'v': lambda: GLib.Variant('v', value),
                 'av': lambda: GLib.Variant('av', [value])}[kind]()  # pylint: disable=cell-var-from-loop
    return value


class MessagesTest(HostileTest):
    def setUp(self):
        super().setUp()
        self.vm, self.peer = self.fake({'x': {}})
        self.vm.execute('x')

    def assert_answered(self, calls):
        """With an error each. Their names."""
        names = set()
        for finish in calls:
            with self.assertRaises(CallError) as caught:
                finish()
            self.assertTrue(caught.exception.name.startswith((ERRORS, f'{NAME}.Error.')), caught.exception)
            self.assertLess(len(caught.exception.message), 70000)
            names.add(caught.exception.name)
        return names


class Arguments(MessagesTest):
    def list_methods(self, path):
        text, = self.caller.call(NAME, path, INTROSPECTABLE, 'Introspect')
        for interface in xml.etree.ElementTree.fromstring(text):
            for method in interface.findall('method'):
                taken = [argument.get('type') for argument in method.findall('arg') if argument.get('direction') != 'out']
                yield interface.get('name'), method.get('name'), '(' + ''.join(taken) + ')'

    def test_every_method(self):
        """Arguments of other types are refused: by the agent, or by a QEMU that has no such command, where they can be read as what the
        method takes (any integer for an integer)."""
        with self.watched():
            for path in (ROOT, self.vm.path):
                calls = []
                for interface, method, taken in self.list_methods(path):
                    wrong = [(signature, values) for signature, values in WRONG
                             if not taken.startswith(signature[:-1]) and not (signature.startswith('(a{') and interface == f'{NAME}.QMP')]
                    calls += [self.caller.start(NAME, path, interface, method, signature, *values) for signature, values in wrong]
                self.assertGreater(len(calls), 80)
                self.assertIn('status', self.calm.qmp('QueryStatus'))
                self.assertLessEqual(self.assert_answered(calls), {
                    INVALID_ARGS, f'{NAME}.Error.CommandNotFound', f'{ERRORS}UnknownInterface', UNKNOWN_OBJECT, UNKNOWN_METHOD})

    def test_targets(self):
        """Interfaces, paths and members that there are not, and that are long; and no interface at all."""
        long = 'x' * 200
        path = self.vm.path
        targets = [('/' + '/'.join([long] * 400), f'{NAME}.VM', 'Execute'), (f'{path}/job/{long * 100}', f'{NAME}.Job', 'Cancel'),
                   ('/', f'{NAME}.VM', 'Execute'), (path, f'{long}.{long[:40]}', long),
                   (path, f'{NAME}.VM', long), (path, None, 'Executes'),
                   (ROOT, None, 'Execute'), (path, f'{NAME}.Manager', 'ListVMs'), (ROOT, f'{NAME}.QMP', 'Quit'),
                   (path, PROPERTIES, 'Execute'), (f'{path}/job', None, 'Dismiss'), (f'{ROOT}/vm', f'{NAME}.VM', 'Execute')]
        sender = self.connect()
        with self.watched():
            for target in targets:
                with self.subTest(str(target)[:80]):
                    message = Gio.DBusMessage.new_method_call(NAME, *target)
                    reply, _ = sender.gdbus.send_message_with_reply_sync(message, 0, 20000, None)
                    self.assertEqual(reply.get_message_type(), Gio.DBusMessageType.ERROR)
                    self.assertTrue(reply.get_error_name().startswith(f'{ERRORS}Unknown'), reply.get_error_name())
            # Without an interface a method is found by its name.
            message = Gio.DBusMessage.new_method_call(NAME, path, None, 'ListMonitors')
            reply, _ = sender.gdbus.send_message_with_reply_sync(message, 0, 20000, None)
            self.assertEqual(reply.get_message_type(), Gio.DBusMessageType.METHOD_RETURN)

    def test_depth(self):
        with self.watched():
            for kind in ('a{sv}', 'v', 'av'):
                for depth in (1, 10, 15):
                    finish = self.vm.start('VM', 'Execute', '(sa{sv})', 'x', {'deep': nest(kind, depth)})
                    try:
                        finish()
                    except CallError as error:
                        self.assertIn(error.name, (INVALID_ARGS, LIMITS_EXCEEDED, f'{NAME}.Error.Unrepresentable'))
                        self.assertIn('deep', error.message)

    def test_size(self):
        """Of a call: 1 MiB, refused before it is read; and all of it in many small values, or a few large ones."""
        values = {'one text': GLib.Variant('s', 'x' * (2 * MIB)), 'bytes': GLib.Variant('ay', b'x' * (2 * MIB)),
                  'numbers': GLib.Variant('ai', range(MIB // 2)), 'texts': GLib.Variant('as', [''] * (MIB // 4)),
                  'just below': GLib.Variant('as', ['x' * 100] * 8000), 'few and many': GLib.Variant('ai', range(200000))}
        with self.watched():
            for kind, value in values.items():
                with self.subTest(kind):
                    name, = self.assert_answered([self.vm.start('VM', 'Execute', '(sa{sv})', 'x', {'v': value})])
                    self.assertIn(name, (INVALID_ARGS, LIMITS_EXCEEDED))
            self.assert_fails(LIMITS_EXCEEDED, '1048576 bytes', self.vm.start('VM', 'ExecuteJSON', '(ss)', 'x', ' ' * MIB))
            self.assert_fails(LIMITS_EXCEEDED, '1048576 bytes', self.manager, 'GetVM', '(s)', 'x' * MIB)
            keys = {str(number): GLib.Variant('b', True) for number in range(20000)}
            self.assert_answered([self.vm.start('VM', 'Execute', '(sa{sv})', 'x', keys), self.vm.start('VM', 'OpenMonitor', '(a{sv})', keys),
                                  self.vm.start('VM', 'Subscribe', '(as)', ['NOSUCH'] * 100000)])


class Forgers(MessagesTest):
    """Who is whom is the bus's to say, and who may what is polkit's."""

    def send(self, kind, body=None, **headers):
        message = Gio.DBusMessage.new()
        message.set_message_type(kind)
        message.set_destination(NAME)
        for name, value in headers.items():
            getattr(message, f'set_{name}')(value)
        if body is not None:
            message.set_body(body)
        self.forger.send_message(message)

    def setUp(self):
        super().setUp()
        self.forger = self.adopt(DeafConnection(self.bus.address))

    def forge_replies(self, first, last):
        """To whatever the agent asks next, as somebody whom it asks would answer."""
        credentials = GLib.Variant('(a{sv})', ({'UnixUserID': GLib.Variant('u', 33), 'ProcessID': GLib.Variant('u', 1)},))
        for serial in range(first, last):
            self.send(Gio.DBusMessageType.METHOD_RETURN, credentials, reply_serial=serial)
            self.send(Gio.DBusMessageType.ERROR, GLib.Variant('(s)', ('No',)), reply_serial=serial,
                      error_name=f'{ERRORS}NameHasNoOwner')

    def test_replies(self):
        """Whoever comes meanwhile is known for whom they are."""
        peer = self.start(Peer, ANSWERS)
        with self.watched():
            for number in range(8):
                self.forge_replies(number * 25 + 1, number * 25 + 50)
                newcomer = VM(self.connect(), self.calm.path)
                self.forge_replies(number * 25 + 1, number * 25 + 50)
                self.assertIn('status', newcomer.qmp('QueryStatus'))
                newcomer.caller.call(NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ss)', f'n{number}', f'unix:{peer.path}')
                newcomer.caller.call(NAME, ROOT, f'{NAME}.Manager', 'RemoveVM', '(o)', f'{ROOT}/vm/n{number}')
        self.assertNotIn('the bus does not tell whose it is', self.agent.output)
        self.assertNotIn('CALLER_UID=33', self.agent.output)

    def test_signals(self):
        """Nobody leaves, joins, or loses the agent's name because somebody says so."""
        self.calm.start('VM', 'Subscribe', '(as)', [])()
        driver = {'path': '/org/freedesktop/DBus', 'interface': 'org.freedesktop.DBus'}
        signal = Gio.DBusMessageType.SIGNAL
        with self.watched():
            for name in (self.calm.caller.name, NAME, self.caller.owner(NAME), self.forger.name, ':9.9', ''):
                for body in (GLib.Variant('(sss)', (name, name, '')), GLib.Variant('(sss)', (name, '', name)), GLib.Variant('(s)', (name,)), None):
                    for member in ('NameOwnerChanged', 'NameLost', 'NameAcquired'):
                        self.send(signal, body, member=member, **driver)
            self.send(signal, path='/org/freedesktop/PolicyKit1/Authority', interface='org.freedesktop.PolicyKit1.Authority', member='Changed')
            self.send(signal, GLib.Variant('(sa{sv}t)', ('STOP', {}, 1)), path=self.calm.path, interface=f'{NAME}.VM', member='Event')
        monitors = self.other_calm().start('VM', 'ListMonitors')()[0]
        self.assertIn(self.calm.caller.name, [monitor['caller'] for monitor in monitors])

    def test_a_local_message(self):
        """libdbus's own word for the end of the connection, which the bus lets nobody send."""
        def rename(data):
            return data.replace(b'org.freedesktop.DBus.Local2', b'org.freedesktop.DBus.Local\0').replace(b'\x1b\0\0\0org', b'\x1a\0\0\0org')
        message = Gio.DBusMessage.new_signal('/a', 'org.freedesktop.DBus.Local2', 'Disconnected')
        message.set_destination(NAME)
        self.forger.send_message(message, edit=rename)
        self.assertIn('status', self.calm.qmp('QueryStatus'))
        self.assertIsNone(re.search('went away', self.agent.output))


if __name__ == '__main__':
    main()
