# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers who flood, vanish in mid-call, do not read their replies and take all that there is, while another caller is served.

  kind                                         here, and elsewhere
  -------------------------------------------  -----------------------------------------------------------------------
  floods of each kind of call                  Floods; test-policy-fake, test-jobs
  opens sessions by the hundred                Floods.test_sessions; test-budget, test-open-monitor
  vanishes in the midst of each kind of call   Vanishers; test-orders.c
  does not read                                Readers; test-budget, test-bus-budget.c
  opens every prompt                           Prompts; test-policy-fake, test-policy-queue.c
  exhausts connections and pending replies     Prompts.test_connections; test-bus-peer.c
  sends descriptors of every kind              test-hostile-descriptors
  sends what is no call, or nonsense           test-hostile-messages
  takes names that are ours or another's       test-hostile-names
  reads another's secrets                      test-hostile-secrets
"""
import os

from gi.repository import Gio, GLib

from harness import SILENCE, DeafConnection, FakeAuthority, main, wait_until
from hostile import HostileTest
from monitor import LIMITS, NAME, OBJECT_MANAGER, PROPERTIES, ROOT, VM
from monitors import LIMITS_EXCEEDED
from system_bus import OWNER, SOMEBODY, SystemBusTest

# Calls of each kind at once, and how many sessions one after the other.
MANY = int(os.environ.get('HOSTILE_CALLS', '100'))
SESSIONS = int(os.environ.get('HOSTILE_SESSIONS', '20'))
MIB = 1 << 20

DRIVER = ('org.freedesktop.DBus', '/org/freedesktop/DBus')
STATS = 'org.freedesktop.DBus.Debug.Stats'
KEEP = {'keep': GLib.Variant('b', True)}


def list_calls(path):
    """Of each kind of call: (path, interface, method, the arguments)."""
    def of_vm(interface, method, signature='()', *values):
        return path, f'{NAME}.{interface}', method, GLib.Variant(signature, values)
    return {
        'a command': of_vm('QMP', 'QueryStatus'),
        'a command as text': of_vm('VM', 'ExecuteJSON', '(s)', 'query-block'),
        'a command with a large reply': of_vm('QMP', 'QueryQmpSchema'),
        'a command that there is not': of_vm('VM', 'Execute', '(s)', 'nonsense'),
        'a command that makes something': of_vm('QMP', 'ObjectAdd', '(a{sv})', {
            'qom-type': GLib.Variant('s', 'iothread'), 'id': GLib.Variant('s', 'mine')}),
        'a wait': of_vm('VM', 'ExecuteAndWait', '(sa{sv})', 'system_powerdown', {}),
        'a session': of_vm('VM', 'OpenMonitor'),
        'a session by a path': of_vm('VM', 'OpenMonitor', '(a{sv})', {'path': GLib.Variant('s', 'mine')}),
        'a picture': of_vm('VM', 'Screenshot'),
        'a display': of_vm('VM', 'OpenDisplay', '(s)', 'vnc'),
        'a subscription': of_vm('VM', 'Subscribe', '(as)', []),
        'the monitors': of_vm('VM', 'ListMonitors'),
        'introspection': (path, 'org.freedesktop.DBus.Introspectable', 'Introspect', None),
        'the tree': (ROOT, OBJECT_MANAGER, 'GetManagedObjects', None),
        'the list': (ROOT, f'{NAME}.Manager', 'ListVMs', None),
        'properties': (path, PROPERTIES, 'GetAll', GLib.Variant('(s)', (f'{NAME}.VM',))),
        'no property': (path, PROPERTIES, 'Set', GLib.Variant('(ssv)', (f'{NAME}.VM', 'Name', GLib.Variant('s', 'x')))),
        'a VM that is there': (ROOT, f'{NAME}.Manager', 'AddVM', GLib.Variant('(ss)', ('vm', 'unix:/nowhere'))),
        'no VM': (ROOT, f'{NAME}.Manager', 'AddVM', GLib.Variant('(ssa{sv})', (
            'none', 'unix:/nowhere', {'timeout': GLib.Variant('t', 50000)}))),
        'no object': (f'{ROOT}/vm/nobody', f'{NAME}.VM', 'Execute', GLib.Variant('(s)', ('stop',))),
        'no method': of_vm('VM', 'Exekute', '(s)', 'stop'),
        'wrong arguments': of_vm('QMP', 'Balloon', '(as)', ['x'] * 1000),
    }


class CallersTest(HostileTest):
    def setUp(self):
        super().setUp()
        self.fds_before = self.count_fds()
        self.attach('11.1')

    def attach(self, version):
        # The picture and the display are a VGA's.
        self.vm = self.start_vm(version, arguments=('-device', 'VGA', '-vnc', 'none'))
        self.qemu_before = self.look_into_qemu()

    def look_into_qemu(self):
        """Its objects, character devices and the descriptors in its fdsets; the sets themselves it keeps (screenshot.c)."""
        return (sorted(entry['name'] for entry in self.raw.execute('qom-list', {'path': '/objects'})),
                sorted(self.raw.list_chardevs()),
                [fd for fdset in self.raw.execute('query-fdsets') for fd in fdset['fds']])

    def remove_object(self):
        """What a command of theirs has made, if QEMU got it."""
        if 'mine' in self.look_into_qemu()[0]:
            self.raw.execute('object-del', {'id': 'mine'})

    def assert_nothing_stays(self):
        """The agent keeps a file for the next picture, and nothing when the VM is no longer its own."""
        wait_until(lambda: self.look_into_qemu()[:2] == self.qemu_before[:2], self.look_into_qemu)
        self.assertEqual(self.vm.start('VM', 'ListMonitors')()[0], [])
        self.manager('RemoveVM', '(o)', self.vm.path)
        wait_until(lambda: self.look_into_qemu() == self.qemu_before, self.look_into_qemu)
        wait_until(lambda: self.count_fds() <= self.fds_before, lambda: f'{self.fds_before} of {self.list_fds()}')


class Flooder:
    """A caller whose replies are counted, and whose descriptors are kept until close()."""

    def __init__(self, connection):
        self.connection = connection
        self.fds = []
        self.errors = {}
        self.pending = 0

    def flood(self, call, times, flags=Gio.DBusCallFlags.NONE):
        path, interface, method, body = call
        for _ in range(times):
            self.pending += 1
            self.connection.gdbus.call_with_unix_fd_list(NAME, path, interface, method, body, None, flags, GLib.MAXINT32, None,
                                                         None, self.on_reply)

    def on_reply(self, gdbus, result):
        self.pending -= 1
        try:
            _, fds = gdbus.call_with_unix_fd_list_finish(result)
        except GLib.Error as error:
            name = error.message.split(':')[1] if error.message.startswith('GDBus.Error:') else error.message
            self.errors[name] = self.errors.get(name, 0) + 1
            return
        if fds is not None:
            self.fds += fds.steal_fds()

    def close(self):
        while self.fds:
            os.close(self.fds.pop())

    def leave(self):
        self.connection.stop()
        self.close()


class Floods(CallersTest):
    def start_flooder(self):
        return Flooder(self.connect())

    def test_each_kind(self):
        """Each call is answered, if with a refusal; and somebody else's calls in between."""
        for kind, call in list_calls(self.vm.path).items():
            flooder = self.start_flooder()
            # Such a reply takes this program as long to read as a hundred others.
            times = MANY // 10 if kind == 'a command with a large reply' else MANY
            with self.subTest(kind), self.watched():
                flooder.flood(call, times)
                self.serve_others_until(lambda: flooder.pending == (MANY if kind == 'a wait' else 0))
            flooder.leave()
        self.remove_object()
        self.assert_nothing_stays()

    def flood_all_kinds(self):
        """From several connections."""
        flooders = [self.start_flooder() for _ in range(5)]
        calls = list_calls(self.vm.path)
        del calls['a wait']
        with self.watched():
            for flooder in flooders:
                for call in calls.values():
                    flooder.flood(call, MANY // 25)
            self.serve_others_until(lambda: all(flooder.pending == 0 for flooder in flooders))
        for flooder in flooders:
            flooder.leave()
        self.remove_object()
        self.assert_nothing_stays()

    def test_all_kinds_at_once(self):
        """With monitors of their own, and with one that all share."""
        self.flood_all_kinds()
        self.attach('7.2')
        self.flood_all_kinds()

    def test_sessions(self):
        """A thousand at once, of which a few are given; and one after the other."""
        flooder = self.start_flooder()
        calls = list_calls(self.vm.path)
        with self.watched():
            flooder.flood(calls['a session'], 1000)
            self.serve_others_until(lambda: flooder.pending == 0)
            self.assertEqual((len(flooder.fds), flooder.errors), (16, {LIMITS_EXCEEDED: 984}))
            flooder.close()
            for _ in range(SESSIONS):
                flooder.flood(calls['a session'], 1)
                self.serve_others_until(lambda: flooder.pending == 0)
                flooder.close()
        flooder.leave()
        self.assert_nothing_stays()


class Vanishers(CallersTest):
    def vanish(self, call, times, has_come=lambda: True):
        """Their connection ends behind the last byte of their calls, whatever has become of the first; or once that has come."""
        path, interface, method, body = call
        vanisher = DeafConnection(self.bus.address)
        vanisher.send(NAME, path, interface, method, body, times=times)
        wait_until(has_come)
        vanisher.stop()

    def test_each_kind(self):
        for kind, call in list_calls(self.vm.path).items():
            with self.subTest(kind), self.watched():
                for times in (1, 2, 20):
                    self.vanish(call, times)
                    self.assertIn('status', self.calm.qmp('QueryStatus'))
                wait_until(lambda: not self.vm.start('VM', 'ListMonitors')()[0])
        self.remove_object()
        self.assert_nothing_stays()

    def test_a_qemu_that_does_not_answer(self):
        """While QEMU has their command."""
        # Each takes one of the seven places of commands under way, until QEMU answers.
        answers = {name: SILENCE for name in ('query-block', 'system_powerdown')}
        vm, peer = self.fake(answers)
        self.fds_before = self.count_fds()
        with self.watched():
            for kind, call in list_calls(vm.path).items():
                before = len(peer.commands)
                is_sent = kind in ('a command as text', 'a wait')
                self.vanish(call, 1, lambda: not is_sent or len(peer.commands) > before)  # pylint: disable=cell-var-from-loop
            self.assertIn('status', self.other(vm).qmp('QueryStatus'))
        wait_until(lambda: len(vm.start('VM', 'ListMonitors')()[0]) <= 1)


class Readers(CallersTest):
    def count_kept(self):
        """Bytes that the bus keeps for its connections."""
        names = [name for name in self.caller.call(*DRIVER, 'org.freedesktop.DBus', 'ListNames')[0] if name[0] == ':']
        return sum(self.caller.call(*DRIVER, STATS, 'GetConnectionStats', '(s)', name)[0]['OutgoingBytes'] for name in names)

    def test_each_kind(self):
        """None is read, of any."""
        deaf = self.adopt(DeafConnection(self.bus.address))
        with self.watched():
            for path, interface, method, body in list_calls(self.vm.path).values():
                deaf.send(NAME, path, interface, method, body, times=MANY)
                self.assertIn('status', self.calm.qmp('QueryStatus'))
            self.serve_others_until(lambda: self.agent_is_done(deaf))
            self.assertLess(self.count_kept(), 34 * MIB)
        deaf.stop()
        wait_until(lambda: not self.vm.start('VM', 'ListMonitors')()[0])
        self.remove_object()
        self.assert_nothing_stays()

    def agent_is_done(self, deaf):
        """It has read all that was sent."""
        return self.caller.call(*DRIVER, STATS, 'GetConnectionStats', '(s)', deaf.name)[0]['IncomingBytes'] == 0


class SystemCallers(SystemBusTest):
    """Of a user who is nobody's friend, while the owner of a VM is served. Nobody answers a dialog."""

    def setUp(self):
        super().setUp()
        self.polkit = self.start(FakeAuthority, self.bus.address, lambda *question: None)
        self.start_system_agent()
        self.vm, self.peer = self.add_peer(uid=OWNER)
        self.owner = self.as_user(self.vm, OWNER)
        self.serve_owner()
        self.fds_before = self.count_fds()

    def count_fds(self):
        return len(os.listdir(f'/proc/{self.agent.pid}/fd'))

    def serve_owner(self):
        self.assertIn('status', self.owner.qmp('QueryStatus'))
        self.assertEqual(self.owner.get('Name'), 'web')


class Prompts(SystemCallers):
    limits = LIMITS

    def test_every_prompt(self):
        """Each of the calls would open a dialog, and nobody answers one."""
        callers = [Flooder(self.user(SOMEBODY)) for _ in range(5)]
        commands = ('stop', 'quit', 'system_reset', 'device_del', 'migrate', 'netdev_del', 'human-monitor-command', 'nonsense')
        for caller in callers:
            for number in range(25):
                for command in commands:
                    caller.flood((self.vm.path, f'{NAME}.VM', 'ExecuteJSON',
                                  GLib.Variant('(ss)', (command, '{"id":"d%d"}' % number))), 1,
                                 Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION)
            caller.connection.gdbus.flush_sync(None)
            self.serve_owner()
        wait_until(lambda: self.polkit.waiting)
        self.serve_owner()
        self.assertLessEqual(len(self.polkit.waiting), 128)
        for caller in callers:
            self.assertLessEqual(set(caller.errors), {LIMITS_EXCEEDED, 'org.freedesktop.DBus.Error.InvalidArgs'})
            caller.leave()
        wait_until(lambda: len(self.polkit.cancelled) >= len([check for check in self.polkit.checks if check[3]]))
        self.serve_owner()
        wait_until(lambda: self.count_fds() <= self.fds_before)


class Connections(SystemCallers):
    """All connections that a system bus lets one user have, and all pending replies of each."""

    def test_exhaustion(self):
        connections = []
        calls = [call for kind, call in list_calls(self.vm.path).items() if kind in (
            'a command', 'a wait', 'a session', 'the tree', 'a picture', 'no VM')]
        while len(connections) < 256:
            try:
                connections.append(DeafConnection(self.bus.address, SOMEBODY))
            except (AssertionError, OSError):
                break
            for path, interface, method, body in calls:
                connections[-1].send(NAME, path, interface, method, body, times=25,
                                     flags=Gio.DBusMessageFlags.ALLOW_INTERACTIVE_AUTHORIZATION)
            if len(connections) % 50 == 0:
                self.serve_owner()
        self.assertGreater(len(connections), 200)
        self.serve_owner()
        for connection in connections:
            connection.stop()
        self.serve_owner()
        wait_until(lambda: len(self.polkit.cancelled) >= len([check for check in self.polkit.checks if check[3]]))
        wait_until(lambda: self.count_fds() <= self.fds_before)


if __name__ == '__main__':
    main()
