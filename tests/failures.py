# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of failures share: a relay between the agent and a QEMU, by which a test chooses the moment of a failure, and a
look at all that somebody may have left in the QEMU.

ROUNDS (environment) is how often each stage fails; the moments are taken in turn."""
import contextlib
import json
import os
import selectors
import signal
import socket
import threading

from harness import CallError, Qemu, wait_until
from monitor import NAME, ROOT, VM
from monitors import MonitorsTest
from native import NEGOTIATE, open_fd

ROUNDS = int(os.environ.get('ROUNDS', '5'))

# The name by which the agent gives QEMU one end of a caller's monitor.
PLUG_NAME = '+'
TAKE_FDS = ('getfd', 'add-fd')

# SCM_MAX_FD: no message has more. QEMU takes 16 of them.
MAX_FDS = 253


def list_fds(pid):
    return {int(fd) for fd in os.listdir(f'/proc/{pid}/fd')}


def find_fd_end(pid, number):
    """The number below which so many descriptors are free."""
    used, end = list_fds(pid), 0
    while end in used or number > 0:
        number -= end not in used
        end += 1
    return end


class Link:
    """One connection through the relay: to the agent, to QEMU, and what of the agent's text is no whole command yet."""

    def __init__(self, name, agent, qemu):
        self.name = name
        self.agent = agent
        self.qemu = qemu
        self.text = ''
        self.fds = []


class Relay:
    """Stands at `path` for the QEMU whose path is `target`: also in a monitor that the agent plugs, for the descriptor is
    replaced on its way. Each command and each line of QEMU's is a moment: arm(5, act) has `act` called when the fifth has
    come and before it goes on. Their names are in `moments`. Runs in a thread of its own."""

    def __init__(self, directory):
        self.path = f'{directory}/relay-{id(self):x}'
        self.target = None
        self.selector = selectors.DefaultSelector()
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(16)
        self.selector.register(self.server, selectors.EVENT_READ)
        self.waker, waiting = socket.socketpair()
        self.selector.register(waiting, selectors.EVENT_READ)
        self.waiting = waiting
        self.links = []
        self.plugged = 0
        self.lock = threading.Lock()
        self.arm(0, None)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def arm(self, number, act):
        """The moments are counted from here on."""
        with self.lock:
            self.moments = []
            self.at, self.act = number, act

    def disarm(self):
        """Whether it has come so far; if not, it does not any more."""
        with self.lock:
            has_come = 0 < self.at <= len(self.moments)
            self.at = 0
            return has_come

    def note(self, moment):
        with self.lock:
            self.moments.append(moment)
            if len(self.moments) == self.at:
                self.act()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.waiting:
                    return
                if key.fileobj is self.server:
                    self.accept()
                elif key.data in self.links:
                    self.pass_on(key.data, key.fileobj)

    def add(self, name, agent, qemu):
        link = Link(name, agent, qemu)
        self.links.append(link)
        for end in (agent, qemu):
            self.selector.register(end, selectors.EVENT_READ, link)

    def accept(self):
        agent, _ = self.server.accept()
        qemu = socket.socket(socket.AF_UNIX)
        try:
            qemu.connect(self.target)
        except OSError:
            agent.close()
            return
        self.add('control', agent, qemu)

    def pass_on(self, link, end):
        try:
            data, fds, *_ = socket.recv_fds(end, 1 << 16, MAX_FDS)
            if data and end is link.agent:
                self.pass_to_qemu(link, data, fds)
            elif data:
                self.pass_to_agent(link, data)
            else:
                self.drop(link)
        except OSError:
            self.drop(link)

    def drop(self, link):
        """As the kernel does when one of two ends is closed. The selector's other key is skipped, for the link is gone."""
        self.links.remove(link)
        for end in (link.agent, link.qemu):
            self.selector.unregister(end)
            end.close()
        for fd in link.fds:
            os.close(fd)

    def pass_to_agent(self, link, data):
        for line in data.splitlines(keepends=True):
            if line.endswith(b'\n'):
                self.note(f'{link.name}: {"event" if b"event" in line[:80] else "reply"}')
            link.agent.sendall(line)

    def pass_to_qemu(self, link, data, fds):
        if not link.text and not data.strip():
            self.send(link, data, fds)
            return
        link.fds += fds
        link.text += data.decode()
        while link.text:
            try:
                command, end = json.JSONDecoder().raw_decode(link.text)
            except ValueError:
                return
            self.pass_command(link, command, link.text[:end])
            link.text = link.text[end:].lstrip()

    def pass_command(self, link, command, text):
        name = command.get('execute') or command.get('exec-oob')
        fds = [link.fds.pop(0)] if name in TAKE_FDS and link.fds else []
        if fds and command.get('arguments', {}).get('fdname') == PLUG_NAME:
            mine, theirs = socket.socketpair()
            self.plugged += 1
            self.add(f'monitor {self.plugged}', socket.socket(fileno=fds[0]), mine)
            fds = [theirs.detach()]
        self.note(f'{link.name}: {name}')
        self.send(link, text.encode(), fds)

    @staticmethod
    def send(link, data, fds):
        try:
            if fds:
                socket.send_fds(link.qemu, [data], fds)
            else:
                link.qemu.sendall(data)
        finally:
            for fd in fds:
                os.close(fd)

    def stop(self):
        self.waker.close()
        self.thread.join()
        for link in list(self.links):
            self.drop(link)
        for thing in (self.server, self.waiting, self.selector):
            thing.close()
        os.unlink(self.path)


def by_text(things):
    return sorted(things, key=str)


class FailuresTest(MonitorsTest):
    """A QEMU behind a relay; a round has the agent do something there, and something fail at a moment of it."""
    version = '11.1'

    def setUp(self):
        super().setUp()
        self.start_agent()
        self.calls = []
        self.callers = []

    def start_qemu(self):
        self.relay = self.start(Relay)
        self.start_another_qemu()

    def start_another_qemu(self):
        """In the place of one that has gone."""
        self.qemu = self.start(Qemu, self.version, monitors=2)
        self.relay.target = self.qemu.path
        self.raw = self.adopt(self.qemu.raw())
        self.before = self.look()

    def look(self):
        """All that anybody can have left in QEMU, and how many descriptors it has."""
        jobs = [job['id'] for job in self.raw.execute('query-jobs')]
        objects = self.raw.execute('qom-list', {'path': '/objects'})
        return (sorted(self.raw.list_chardevs()), by_text(objects), self.raw.execute('query-fdsets'), jobs,
                self.count_fds())

    def count_fds(self):
        return len(list_fds(self.qemu.pid))

    def wait_as_before(self):
        wait_until(lambda: self.look() == self.before, lambda: f'{self.look()} to be {self.before}')

    def wait_gone(self):
        """QEMU keeps nothing of an agent that was killed, and has the control monitor free for the next."""
        wait_until(lambda: (self.ours(), self.relay.links) == ([], []), lambda: f'nothing of {self.look()}')

    def another(self):
        """The VM, as a new caller sees it."""
        self.callers.append(self.connect())
        return VM(self.callers[-1], f'{ROOT}/vm/vm')

    def ask(self, vm, interface, method, *arguments, fds=()):
        """A call that may fail or not: it is answered once, in finish_calls()."""
        self.calls.append(vm.caller.start(NAME, vm.path, f'{NAME}.{interface}', method, *arguments, fds=fds))
        with contextlib.suppress(Exception):
            vm.caller.gdbus.flush_sync(None)

    def finish_calls(self):
        """How many have succeeded. A call that nobody answers is a failure."""
        n = 0
        while self.calls:
            try:
                self.calls.pop(0)()
                n += 1
            except CallError as error:
                self.assertFalse(error.name.startswith('local.'), error)
        return n

    def attach(self):
        """The VM, which the agent may have from the one before."""
        vm = VM(self.caller, f'{ROOT}/vm/vm')
        with contextlib.suppress(CallError):
            self.add('vm', f'unix:{self.relay.path}')
        wait_until(vm.is_there, lambda: self.agent.output)
        return vm

    def detach(self):
        with contextlib.suppress(CallError):
            self.manager('RemoveVM', '(o)', f'{ROOT}/vm/vm')
        while self.callers:
            self.callers.pop().stop()

    def kill_agent(self):
        os.kill(self.agent.pid, signal.SIGKILL)
        # All that it had open is closed when it can be waited for.
        os.waitid(os.P_PID, self.agent.pid, os.WEXITED | os.WNOWAIT)

    def next_agent(self):
        self.agent.wait()
        self.caller.stop()
        self.agent.stop()
        self.start_agent()


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
        """No query-chardev: 11.1 may end by it when the agent's death closes monitors."""
        for method in ('QueryStatus', 'QueryNamedBlockNodes', 'Stop', 'QueryMemdev', 'Cont'):
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
                session.sendall(NEGOTIATE + b'{"execute":"query-status"}{"execute":"query-memdev"}')
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
        # A guest that was stopped in this round, and stays so, has QEMU keep descriptors that were removed.
        self.raw.execute('cont')
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
