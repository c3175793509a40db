# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent or a QEMU is killed, or stopped for a while, at every command and every reply of a VM's life: attaching, plugging
monitors, calls, descriptors, a native session, a job, the farewell. An agent that is killed leaves nothing that the next one does not remove, and
the next one finds the VM; a QEMU that is killed costs its callers one answer each."""
import resource
import signal
import time

from harness import main, wait_until
from failures import ROUNDS, Stages, find_fd_end
from monitors import list_monitors

STOPPED_FOR = .02

# getfd, chardev-add, object-add.
PLUG = 3

# Commands that the agent has under way at one monitor at most.
WINDOW = 7


class Agent(Stages):
    def check_next(self, succeeded):
        self.next_agent()
        self.attach()
        self.assertIn(self.another().qmp('QueryStatus')['status'], ('running', 'paused'))

    def test_killed(self):
        self.start_qemu()
        self.run_stages(self.kill_agent, self.check_next)


class AgentOfOldQemu(Agent):
    version = '7.2'


class AgentOfMiddleQemu(Agent):
    version = '10.0'


class Plugging(Stages):
    def test_agent_is_killed(self):
        """Not even until the next agent: QEMU goes on to the end, and closes what is left by itself."""
        self.start_qemu()
        for number in range(max(ROUNDS, 8)):
            self.plug()
            self.relay.arm(0, None)
            self.another().qmp('QueryStatus')
            # From the first of the three commands to the greeting, after which QEMU may be at a command of that monitor.
            until = [moment.startswith('monitor') for moment in self.relay.moments].index(True) + 1
            self.relay.arm(number % until + 1, self.kill_agent)
            self.ask(self.another(), 'QMP', 'QueryStatus')
            self.finish_calls()
            self.assertTrue(self.relay.disarm())
            self.wait_gone()
            self.next_agent()
            self.end_round()

    def leave_fds(self, number):
        """QEMU may open so many more descriptors."""
        end = find_fd_end(self.qemu.pid, number)
        resource.prlimit(self.qemu.pid, resource.RLIMIT_NOFILE, (end, self.limits[1]))

    def test_qemu_refuses(self):
        """Without room for the descriptor, or for those in its guard; the agent is killed before it hears of that, and the next one
        is let in all the same."""
        self.start_qemu()
        self.limits = resource.prlimit(self.qemu.pid, resource.RLIMIT_NOFILE)
        for number in range(5):
            self.plug()
            self.leave_fds(number)
            self.relay.arm(PLUG + 1, self.kill_agent)
            self.ask(self.another(), 'QMP', 'QueryStatus')
            self.finish_calls()
            self.assertTrue(self.relay.disarm())
            self.wait_gone()
            resource.prlimit(self.qemu.pid, resource.RLIMIT_NOFILE, self.limits)
            self.next_agent()
            self.attach()
            self.assertTrue(self.another().qmp('QueryStatus')['status'])
            self.end_round()


class PluggingAtAStoppedQemu(Stages):
    def start_agent(self, **options):
        """A caller's monitor is unplugged before the caller leaves: what waits then is for the descriptors alone."""
        return super().start_agent(key_file='[qemu-monitor]\nidle-timeout=0.05\n', **options)

    def fill_control(self, n):
        """QEMU stops, and @n commands wait for it at the control monitor: the descriptors of a caller who leaves are removed."""
        vm = self.another()
        for _ in range(n):
            self.fds(vm, 'AddFd', '(h)', 0)
        self.wait_clean()
        self.qemu.kill(signal.SIGSTOP)
        self.relay.arm(0, None)
        self.callers.pop().stop()
        wait_until(lambda: self.relay.moments.count('control: remove-fd') == n, lambda: self.relay.moments)

    def ask_of_two(self):
        """They are to have a monitor each."""
        vms = [self.another(), self.another()]
        for vm in vms:
            self.ask(vm, 'QMP', 'QueryStatus')
        wait_until(lambda: len(list_monitors(vms[0])) == len(vms))

    def test_agent_is_killed(self):
        """The control monitor takes one, two or three more commands, and a plug is three: it is sent whole or not at all. Of half
        a plug QEMU would keep the character device and, for nobody, the control monitor."""
        self.start_qemu()
        for n_places in (1, 2, 3):
            self.attach()
            self.fill_control(WINDOW - n_places)
            self.ask_of_two()
            self.kill_agent()
            self.qemu.kill(signal.SIGCONT)
            self.finish_calls()
            self.wait_gone()
            self.next_agent()
            self.end_round()


class Stopped(Stages):
    """For a while, in which a QEMU or an agent counts as slow, not as gone: everything succeeds."""

    def pause(self, process):
        process.kill(signal.SIGSTOP)
        time.sleep(STOPPED_FOR)
        process.kill(signal.SIGCONT)

    def check_all(self, succeeded):
        self.assertEqual(succeeded, self.n_calls)

    def test_agent(self):
        self.start_qemu()
        self.run_stages(lambda: self.pause(self.agent), self.check_all)

    def test_qemu(self):
        self.start_qemu()
        self.run_stages(lambda: self.pause(self.qemu), self.check_all)


class QemuGone(Stages):
    """Every call is answered, once; the agent keeps nothing of that QEMU, and takes up the next at the same place."""

    def test_killed(self):
        self.start_qemu()
        self.detach()
        self.agents_fds = self.count_agent_fds()
        self.run_stages(lambda: self.qemu.kill(), self.check_gone)

    def check_gone(self, succeeded):
        self.assertIsNone(self.native_error)
        self.raw.stop()
        self.qemu.wait()
        wait_until(lambda: self.paths() == [], 'the VM to go')
        self.detach()
        wait_until(lambda: self.count_agent_fds() == self.agents_fds, lambda: f'{self.agents_fds} descriptors: {self.count_agent_fds()}')
        self.start_another_qemu()


if __name__ == '__main__':
    main()
