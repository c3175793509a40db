# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers that do not read: what the bus keeps for them is bounded, for dbus-daemon stops reading from the agent when it
keeps 127 MiB, and then nobody is served."""
from gi.repository import Gio, GLib

from harness import DeafConnection, main, wait_until
from monitor import LIMITS, NAME, ROOT
from system_bus import OWNER, SOMEBODY, SystemBusTest

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


class SilentBus(Readers):
    """One that does not tell what its clients have read: nobody is refused then."""
    limits = LIMITS + f'<policy context="mandatory"><deny send_interface="{STATS}"/></policy>'


if __name__ == '__main__':
    main()
