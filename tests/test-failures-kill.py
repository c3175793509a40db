# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent or a QEMU is killed, or stopped for a while, at every command and every reply of a VM's life: attaching, plugging
monitors, calls, descriptors, a native session, a job, the farewell. An agent that is killed leaves nothing that the next one does not remove, and
the next one finds the VM; a QEMU that is killed costs its callers one answer each."""
import os
import signal
import socket
import time

from harness import CallError, main, wait_until
from failures import ROUNDS, FailuresTest
from monitor import NAME, ROOT, VM, variants
from native import NEGOTIATE, open_fd

STOPPED_FOR = .02


class Stages(FailuresTest):
    """Each stage is two functions: what comes before it, and what goes on while something fails."""
    native_error = None

    def stages(self):
        return {
            'attach': (lambda: None, self.ask_add),
            'plug': (self.attach, self.ask_of_three),
            'call': (self.plug, self.ask_much),
            'descriptors': (self.plug, self.ask_descriptors),
            'native': (self.attach, self.use_native),
            'job': (self.prepare_job, self.use_job),
            'farewell': (self.prepare_farewell, self.ask_remove),
        }

    def ask_add(self):
        self.calls.append(self.start_add('vm', f'unix:{self.relay.path}'))

    def ask_of_three(self):
        for _ in range(3):
            self.ask(self.another(), 'QMP', 'QueryStatus')

    def plug(self):
        self.attach()
        self.vm = self.another()
        self.vm.qmp('QueryStatus')

    def ask_much(self):
        for method in ('QueryStatus', 'QueryNamedBlockNodes', 'Stop', 'QueryChardev', 'Cont'):
            self.ask(self.vm, 'QMP', method)

    def ask_descriptors(self):
        for _ in range(2):
            self.ask(self.vm, 'QMP', 'AddFd', '(h)', 0, fds=[self.null])
            self.ask(self.another(), 'QMP', 'AddFd', '(h)', 0, fds=[self.null])

    def use_native(self):
        vm = self.another()
        try:
            with socket.socket(fileno=open_fd(vm)) as session:
                session.settimeout(10)
                session.sendall(NEGOTIATE + b'{"execute":"query-status"}{"execute":"query-chardev"}')
                text = b''
                while text.count(b'\n') < 4 and (data := session.recv(65536)):
                    text += data
        except (CallError, OSError) as error:
            # Too long a silence is a failure; the end of the session is none.
            self.native_error = error if isinstance(error, TimeoutError) else None

    def prepare_job(self):
        self.plug()
        for node in ('from', 'to'):
            self.vm.execute_json('blockdev-add', '{"driver":"null-co","node-name":"%s","size":67108864,"read-zeroes":true}' % node)

    def use_job(self):
        self.ask(self.vm, 'VM', 'ExecuteJSON', '(ss)', 'blockdev-backup',
                 '{"job-id":"job","device":"from","target":"to","sync":"full","speed":65536}')
        self.ask(self.vm, 'VM', 'ExecuteJSON', '(ss)', 'query-jobs', '')
        self.ask(self.vm, 'VM', 'ExecuteJSON', '(ss)', 'job-cancel', '{"id":"job"}')

    def prepare_farewell(self):
        self.plug()
        self.another().qmp('QueryStatus')
        self.vm.caller.call(NAME, self.vm.path, f'{NAME}.QMP', 'AddFd', '(h)', 0, fds=[self.null])

    def ask_remove(self):
        """The farewell begins when the caller is answered, and ends with the connection."""
        self.calls.append(self.caller.start(NAME, ROOT, f'{NAME}.Manager', 'RemoveVM', '(o)', f'{ROOT}/vm/vm'))
        wait_until(lambda: not self.relay.links, 'the end of the connection')

    def clean_blocks(self):
        """Jobs and nodes are the callers', and stay whoever goes."""
        for job in self.raw.execute('query-jobs'):
            self.raw.execute('job-cancel', {'id': job['id']})
        wait_until(lambda: self.raw.execute('query-jobs') == [])
        for node in self.raw.execute('query-named-block-nodes'):
            self.raw.execute('blockdev-del', {'node-name': node['node-name']})

    def count_moments(self, prepare, go):
        """A round in which nothing fails."""
        prepare()
        self.relay.arm(0, None)
        go()
        self.finish_calls()
        count = len(self.relay.moments)
        self.end_round()
        return count

    def end_round(self):
        self.detach()
        self.clean_blocks()
        self.wait_as_before()

    def run_stages(self, fail, check):
        """`fail` is called at a moment, in the relay's thread; `check` after a round in which that moment has come."""
        for name, (prepare, go) in self.stages().items():
            count = self.count_moments(prepare, go)
            for number in range(ROUNDS):
                # A few rounds are spread over the whole stage.
                moment = number * max(count // ROUNDS, 1) % count + 1
                prepare()
                self.relay.arm(moment, fail)
                go()
                self.n_calls = len(self.calls)
                try:
                    succeeded = self.finish_calls()
                    if self.relay.disarm():
                        check(succeeded)
                    self.end_round()
                except AssertionError as error:
                    raise AssertionError(f'{name}, at {self.relay.moments[:moment]}: {error}\n{self.agent.output}') from error


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
            wait_until(lambda: (self.ours(), self.relay.links) == ([], []), lambda: f'nothing of {self.look()}')
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

    def count_agents_fds(self):
        return len(os.listdir(f'/proc/{self.agent.pid}/fd'))

    def test_killed(self):
        self.start_qemu()
        self.detach()
        self.agents_fds = self.count_agents_fds()
        self.run_stages(lambda: self.qemu.kill(), self.check_gone)

    def check_gone(self, succeeded):
        self.assertIsNone(self.native_error)
        self.raw.stop()
        self.qemu.wait()
        wait_until(lambda: self.paths() == [], 'the VM to go')
        self.detach()
        wait_until(lambda: self.count_agents_fds() == self.agents_fds, lambda: f'{self.agents_fds} descriptors: {self.count_agents_fds()}')
        self.start_another_qemu()


if __name__ == '__main__':
    main()
