# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers that do not read: what the bus keeps for them is bounded, for dbus-daemon stops reading from the agent when it
keeps 127 MiB, and then nobody is served."""
import os

from gi.repository import Gio, GLib

from harness import SILENCE, CallError, DeafConnection, FakeAuthority, Qemu, main, wait_until
from harness.polkit import result
from monitor import LIMITS, NAME, ROOT, VM
from system_bus import LIMITS_EXCEEDED, OWNER, SOMEBODY, SystemBusTest

INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable'
OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager'
DRIVER = ('org.freedesktop.DBus', '/org/freedesktop/DBus')
STATS = 'org.freedesktop.DBus.Debug.Stats'
MIB = 1 << 20


class BudgetTest(SystemBusTest):
    limits = LIMITS

    def setUp(self):
        super().setUp()
        self.start_system_agent()
        self.vm, self.peer = self.add_peer()

    def deaf(self, uid):
        return self.adopt(DeafConnection(self.bus.address, uid))

    def kept(self):
        """Bytes that the bus keeps for all its connections that are not the agent's or the test's own."""
        names = [name for name in self.caller.call(*DRIVER, 'org.freedesktop.DBus', 'ListNames')[0] if name[0] == ':']
        return [self.caller.call(*DRIVER, STATS, 'GetConnectionStats', '(s)', name)[0]['OutgoingBytes']
                for name in names]

    def wait_taken(self, deaf):
        """Until the agent has dealt with everything that was sent so far: what it refuses without an answer is logged."""
        before = len(self.lines())
        deaf.send(NAME, ROOT, f'{NAME}.Manager', 'AddVM',
                  GLib.Variant('(ssa{sv})', ('last', 'unix:/nowhere', {})), flags=Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
        wait_until(lambda: len(self.lines()) > before, 'the record of AddVM')


class Deaf(BudgetTest):
    def test_introspect(self):
        deaf = self.deaf(SOMEBODY)
        deaf.send(NAME, self.vm.path, INTROSPECTABLE, 'Introspect', times=2000)
        self.wait_taken(deaf)
        self.assertLess(sum(self.kept()), 17 * MIB)
        self.assertEqual(self.vm.get('Name'), 'web')

    def test_many_connections(self):
        """Of one user: others are served, and so is that user's own other program as far as it asks for little."""
        for _ in range(20):
            deaf = self.deaf(SOMEBODY)
            deaf.send(NAME, self.vm.path, INTROSPECTABLE, 'Introspect', times=100)
            deaf.send(NAME, ROOT, OBJECT_MANAGER, 'GetManagedObjects', times=100)
            self.wait_taken(deaf)
        self.assertLess(sum(self.kept()), 34 * MIB)
        self.assertEqual(self.vm.get('Name'), 'web')

    def test_subscriber(self):
        """Misses events; another gets them all."""
        deaf, reader = self.deaf(OWNER), self.user(OWNER)
        deaf.send(NAME, self.vm.path, f'{NAME}.VM', 'Subscribe', GLib.Variant('(as)', ([],)))
        reader.call(NAME, self.vm.path, f'{NAME}.VM', 'Subscribe', '(as)', [])
        signals = reader.record(interface=f'{NAME}.Events', path=self.vm.path)
        self.wait_taken(deaf)
        for number in range(600):
            self.peer.emit({'event': 'POWERDOWN', 'data': {'number': number, 'text': 'x' * 65536},
                            'timestamp': {'seconds': 1, 'microseconds': number}})
            # As fast as the reader reads: it is not to be behind itself.
            if number % 50 == 49:
                wait_until(lambda: len(signals) > number, f'{number} events')  # pylint: disable=cell-var-from-loop
        self.assertLess(sum(self.kept()), 18 * MIB)
        self.assertEqual([values[0]['number'] for _, _, _, values in signals], list(range(600)))
        self.assertEqual(len([line for line in self.agent.output.splitlines() if 'misses events' in line]), 1)


class Readers(BudgetTest):
    def test_ordinary(self):
        """Has far more answers under way than it may leave unread, and gets them."""
        for _ in range(10):
            finishers = [self.caller.start(NAME, self.vm.path, INTROSPECTABLE, 'Introspect') for _ in range(50)]
            for finish in finishers:
                finish()


class Shares(BudgetTest):
    """Of what there is only so much for everybody: one user with many connections takes a part of it, and another is served."""

    def setUp(self):
        super().setUp()
        self.allowed = set()
        self.start(FakeAuthority, self.bus.address, self.decide)

    def decide(self, subject, action, details, flags):
        """Nobody answers the dialogs of somebody."""
        is_allowed = subject[1]['name'] == self.caller.name or details['command'] in self.allowed
        return result(True) if is_allowed else None

    def begin(self, uid, connections, start):
        """What start(caller) began for many callers of one user at once, until it is refused."""
        calls = []
        for _ in range(connections):
            caller = self.user(uid)
            calls += start(caller)
            caller.gdbus.flush_sync(None)
        return calls

    def count_refused(self, calls):
        refused = 0
        for finish in calls:
            try:
                _, fds = finish()
                self.fds += fds
            except CallError as error:
                self.assertEqual(error.name, LIMITS_EXCEEDED, error)
                refused += 1
        return refused

    def test_native_sessions(self):
        """Of all VMs together."""
        self.fds = []
        self.addCleanup(lambda: [os.close(fd) for fd in self.fds])
        vms = [self.vm, self.add_peer('two')[0], self.add_peer('three')[0]]
        calls = self.begin(OWNER, 3, lambda caller: [
            VM(caller, vm.path).start('VM', 'OpenMonitor', '(a{sv})', {}) for vm in vms for _ in range(16)])
        self.assertEqual(self.count_refused(calls), len(calls) - 64)
        self.count_refused([VM(self.caller, self.vm.path).start('VM', 'OpenMonitor', '(a{sv})', {})])
        self.assertEqual(len(self.fds), 65)

    def test_monitors_that_may_not_be_shared(self):
        self.fds = []
        self.addCleanup(lambda: [os.close(fd) for fd in self.fds])
        qemu = self.start(Qemu, '11.1')
        vm = self.add('alone', f'unix:{qemu.path}', isolation=('s', 'required'))
        self.allowed = {'OpenMonitor'}
        calls = self.begin(SOMEBODY, 1, lambda caller: [
            VM(caller, vm.path).start('VM', 'OpenMonitor', '(a{sv})', {}) for _ in range(16)])
        self.assertEqual(self.count_refused(calls), 8)
        self.count_refused([vm.start('VM', 'OpenMonitor', '(a{sv})', {})])
        self.assertEqual(len(self.fds), 9)

    def test_calls_with_descriptors(self):
        peer = self.start_peer()
        peer.answers['getfd'] = SILENCE
        slow = self.add('slow', f'unix:{peer.path}')
        self.peer.answers['getfd'] = {}
        getfd = NAME, slow.path, f'{NAME}.QMP', 'Getfd', '(hs)', 0, 'x'
        with open('/dev/null', encoding='ascii') as null:
            calls = self.begin(OWNER, 17, lambda caller: [caller.start(*getfd, fds=[null.fileno()]) for _ in range(15)])
            self.assert_fails(LIMITS_EXCEEDED, 'yours', calls[-1])
            getfd = NAME, self.vm.path, *getfd[2:]
            self.caller.call(*getfd, fds=[null.fileno()])

    def test_waits(self):
        calls = self.begin(SOMEBODY, 5, lambda caller: [
            VM(caller, self.vm.path).start_wait('stop') for _ in range(120)])
        self.assert_fails(LIMITS_EXCEEDED, 'in all', calls[-1])
        self.assertEqual(self.vm.wait('query-name'), {'name': 'fake'})


class SilentBus(Readers):
    """One that does not tell what its clients have read: nobody is refused then."""
    limits = LIMITS + f'<policy context="mandatory"><deny send_interface="{STATS}"/></policy>'


if __name__ == '__main__':
    main()
