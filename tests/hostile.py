# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of hostile peers and callers have in common: an agent whose turns are measured, and somebody else who is to be
served meanwhile, on a VM of their own."""
import contextlib
import os
from unittest import mock

from harness import Peer, Qemu
from harness.turns import Turns
from monitor import ANSWERS, ROOT, VM
from monitors import MonitorsTest

# Seconds of the processor's that a turn of the agent's main loop may take: 20 ms are promised. Caches that others share, and the
# first touch of memory, make it longer on a machine that has much to do; a sanitizer makes all of it slower.
LONGEST_TURN = 0.1 if os.environ.get('AGENT_SANITIZED') else 0.04


class HostileTest(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()
        self.calm_qemu = self.start(Qemu, '7.2', machine='none')
        self.add('calm', f'unix:{self.calm_qemu.path}')
        self.calm = self.other_calm()
        self.assertTrue(self.calm.qmp('QueryStatus'))

    def start_agent(self, *arguments, **options):
        self.turns = Turns(self.directory, os.environ['TURNS'])
        with mock.patch.dict(os.environ, self.turns.environment):
            return super().start_agent(*arguments, **options)

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

    def count_fds(self):
        """Of the agent's."""
        return len(os.listdir(f'/proc/{self.agent.pid}/fd'))
