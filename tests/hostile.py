# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of hostile peers and callers have in common: an agent whose turns are measured, somebody else who is to be served
meanwhile, on a VM of their own, and a look at what is left in the agent when the hostile ones have gone."""
import contextlib
import os
from unittest import mock

from harness import Peer, Qemu, wait_until
from harness.turns import Turns
from monitor import ANSWERS, MODULE, ROOT, VM
from monitors import MonitorsTest
from soak.figures import EXACT_HEAP, HeapMeter, count_fds

# Seconds of the processor's that a turn of the agent's main loop may take: 20 ms are promised. Caches that others share, and the
# first touch of memory, make it longer on a machine that has much to do; a sanitizer makes all of it slower.
LONGEST_TURN = 0.1 if os.environ.get('AGENT_SANITIZED') else 0.04

# Bytes of the heap that an attack may leave in use: tables that have grown, messages that libdbus keeps to use again, what is known
# of VMs that may come back. The attacks are of many MB or of thousands of calls. The flood of all kinds leaves the most, 330 to
# 370 kB beside the schema, and as much after one round as after six.
MOST_LEFT = 512 << 10
# What libdbus keeps of the longest queue of signals that there was, in pools that only grow: 1.6 MB when the bus reads more slowly than a
# QEMU tells events (4 MiB may wait, objects/events.c), and as much after three floods as after one.
SIGNALS = 2 << 20
# The schema of a QEMU, which the agent keeps for the next one of that version (schema-cache.c).
SCHEMA = 900 << 10


class HostileTest(MonitorsTest):
    # Who came after the calm ones.
    guests = ()
    most_left = MOST_LEFT

    def setUp(self):
        super().setUp()
        self.heap = self.start(HeapMeter)
        self.start_agent(modules=(MODULE, os.environ['HEAP_MODULE']), environment=EXACT_HEAP)
        self.calm_qemu = self.start(Qemu, '7.2', machine='none')
        self.add('calm', f'unix:{self.calm_qemu.path}')
        self.calm = self.other_calm()
        self.assertTrue(self.calm.qmp('QueryStatus'))
        self.guests = ()
        self.at_first = self.measure()

    def tearDown(self):
        if self._outcome.success and self.agent.popen.poll() is None and self.bus.popen.poll() is None:
            self.assert_nothing_is_left()
        super().tearDown()

    def adopt(self, thing):
        self.guests = (*self.guests, thing)
        return super().adopt(thing)

    def start_agent(self, *arguments, **options):
        self.turns = Turns(self.directory, os.environ['TURNS'])
        with mock.patch.dict(os.environ, self.turns.environment):
            return super().start_agent(*arguments, **options)

    def measure(self):
        """Of the agent: the bytes of its heap that are in use; its descriptors, but for the files that it keeps pictures in."""
        return self.heap.read(), count_fds(self.agent.pid)

    def is_as_at_first(self):
        heap, fds = self.measure()
        versions = {guest.version for guest in self.guests if isinstance(guest, Qemu)} - {self.calm_qemu.version}
        return heap <= self.at_first[0] + self.most_left + SCHEMA * len(versions) and fds <= self.at_first[1]

    def assert_nothing_is_left(self):
        """All who came after the calm ones leave, and the agent is as it was before they came. It may take the time for which the
        agent keeps what it may have to tell again."""
        for vm in self.manager('ListVMs'):
            if vm['name'] != 'calm' and 'object' in vm:
                self.manager('RemoveVM', '(o)', vm['object'])
        for guest in reversed(self.guests):
            guest.stop()
        wait_until(self.is_as_at_first, lambda: f'{self.at_first} bytes and descriptors, not {self.measure()}: {self.list_fds()}')
        self.assertIn('status', self.calm.qmp('QueryStatus'))
        print(f'# {self.id()}: {self.measure()[0] - self.at_first[0]} bytes of the heap more than at first', flush=True)

    def other_calm(self):
        """The calm VM, as one more caller sees it."""
        return VM(self.connect(), f'{ROOT}/vm/calm')

    def fake(self, answers=None, name='fake', **options):
        """A VM whose QEMU is a script of the test's."""
        peer = self.start(Peer, {**ANSWERS, **(answers or {})}, **options)
        return self.add(name, f'unix:{peer.path}'), peer

    def serve_others_until(self, condition):
        """Somebody else calls their own VM again and again meanwhile, and reads a property; the number of calls. Each is answered."""
        answered = 0
        while not condition():
            self.assertIn('status', self.calm.qmp('QueryStatus'))
            self.assertEqual(self.calm.get('Name'), 'calm')
            answered += 1
        return answered

    @contextlib.contextmanager
    def watched(self, longest=LONGEST_TURN):
        """No turn of the agent's meanwhile is a long one, and others are served at the end of it."""
        self.turns.reset()
        yield
        self.assertIn('status', self.calm.qmp('QueryStatus'))
        taken, count = self.turns.read()
        print(f'# {self.id()}: {count} turns, the longest of {taken * 1000:.1f} ms', flush=True)
        self.assertGreater(count, 0)
        self.assertLess(taken, longest)
        self.assertIsNone(self.agent.popen.poll(), self.agent.output)

    def list_fds(self):
        """What the agent's descriptors are open to."""
        paths = []
        for fd in os.listdir(f'/proc/{self.agent.pid}/fd'):
            with contextlib.suppress(FileNotFoundError):
                paths.append(os.readlink(f'/proc/{self.agent.pid}/fd/{fd}'))
        return paths

    def count_fds(self):
        """Of the agent's."""
        return len(self.list_fds())
