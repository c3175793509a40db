# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent's bus is killed at every command and every reply of a VM's life, and another comes in its place; or it is stopped for a
while, as a machine under load may do. An agent without a bus ends with a line, and a service manager starts the next: nothing
is left in any QEMU, also without a next agent, and the next one finds the VMs."""
import contextlib
import functools
import itertools
import signal

from gi.repository import GLib

from harness import Bus, CallError, main, wait_until
from failures import Stages
from monitor import LIMITS


class Gone(Stages):
    def stages(self):
        """Callers that come too late find no bus, and do nothing."""
        def without_callers(go):
            with contextlib.suppress(GLib.Error):
                go()
        return {name: (prepare, functools.partial(without_callers, go)) for name, (prepare, go) in super().stages().items()}

    def finish_calls(self):
        """Where the bus has gone, a caller's own library answers."""
        n = 0
        while self.calls:
            with contextlib.suppress(CallError):
                self.calls.pop(0)()
                n += 1
        return n

    def check_next(self, succeeded):
        self.assertEqual(self.agent.wait(), 1, self.agent.output)
        self.assertIn('The message bus went away', self.agent.output)
        self.clean_blocks()
        self.wait_as_before()
        self.bus.wait()
        self.bus = self.start(Bus, extra=LIMITS)
        self.next_agent()
        self.attach()
        self.assertIn(self.another().qmp('QueryStatus')['status'], ('running', 'paused'))

    def test_killed_or_ended(self):
        self.start_qemu()
        signals = itertools.cycle((signal.SIGKILL, signal.SIGTERM))
        self.run_stages(lambda: self.bus.kill(next(signals)), self.check_next)


class Stopped(Stages):
    def pause(self):
        self.bus.kill(signal.SIGSTOP)
        self.bus.kill(signal.SIGCONT)

    def check_all(self, succeeded):
        self.assertEqual(succeeded, self.n_calls)

    def test_for_a_while(self):
        self.start_qemu()
        self.run_stages(self.pause, self.check_all)


if __name__ == '__main__':
    main()
