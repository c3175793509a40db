# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent may open no more descriptors, with 0, 1, 2, … of them left, at every stage of a VM's and a caller's life. Each call is answered, by
what it asked for or by an error that says so; other VMs and callers go on; nothing turns in a circle; and as soon as there are
descriptors again, the same call succeeds and none has been lost."""
import contextlib
import itertools
import os
import resource
import select
import signal
import socket
import time

from failures import find_fd_end, list_fds
from harness import Agent, CallError, Peer, Qemu, main, wait_until
from harness.process import Process, is_listening
from monitor import ANSWERS, MODULE, NAME, ROOT, VM, variants
from monitors import MonitorsTest
from native import open_fd

# What an error that has to do with it says.
SAID = ('no descriptors left', 'Too many open files')

# The agent keeps the last of its descriptors for the bus: so many, or that share of all.
RESERVE, SHARE = 288, 4

# No stage needs more at once.
MOST = 16


# With so many the agent is ready.
MOST_TO_START = 16


class GivingUp(Agent):
    """GLib's own complaint is one way to end."""

    def stop(self):
        Process.stop(self)
        self.socket.close()


class DescriptorsTest(MonitorsTest):
    version = '11.1'

    def start_agent(self, *arguments, **options):
        super().start_agent(*arguments, **options)
        _, self.hard = resource.prlimit(self.agent.pid, resource.RLIMIT_NOFILE)

    def start_vms(self):
        self.start_agent()
        self.qemu = self.start(Qemu, self.version, '-vnc', 'none', '-vga', 'std', monitors=4)
        self.other_qemu = self.start(Qemu, self.version)
        self.bystander = self.add('other', f'unix:{self.other_qemu.path}')
        self.bystander.qmp('QueryStatus')

    def remove_vm(self):
        """If it is there."""
        with contextlib.suppress(CallError):
            self.manager('RemoveVM', '(o)', f'{ROOT}/vm/vm')

    def use_other(self):
        """Another VM goes on."""
        self.bystander.qmp('QueryStatus')

    def list_fds(self):
        return list_fds(self.agent.pid)

    def leave(self, number, with_reserve=True):
        """The agent may open that many more, besides those that it keeps for the bus."""
        def try_to_leave():
            end = find_fd_end(self.agent.pid, number)
            limit = end
            while with_reserve and limit - min(limit // SHARE, RESERVE) < end:
                limit += 1
            self.limit(limit)
            # A file that it had open for a moment is not counted.
            self.paths()
            return find_fd_end(self.agent.pid, number) == end
        wait_until(try_to_leave, f'{number} descriptors to be left')

    def limit(self, limit):
        resource.prlimit(self.agent.pid, resource.RLIMIT_NOFILE, (limit, self.hard))

    def try_once(self, number, go):
        """Whether it succeeded with so many left."""
        self.leave(number)
        try:
            go()
            return True
        except CallError as error:
            self.assertFalse(error.name.startswith('local.'), f'{number} left: {error}')
            self.assertTrue(any(text in error.message for text in SAID), f'{number} left: {error}')
            return False
        finally:
            self.use_other()
            self.limit(self.hard)

    def try_all(self, go, clean):
        """`go` with ever more descriptors, until it needs no more; what `clean` ends is as it was before."""
        before = self.count_agent_fds()

        def succeed():
            go()
            clean()
            wait_until(lambda: len(self.list_fds()) == before, lambda: f'{before} descriptors, not {self.list_fds()}')

        succeed()
        number = 0
        while not self.try_once(number, go):
            self.assertLess(number, MOST)
            clean()
            succeed()
            number += 1
        clean()
        self.assertGreater(number, 0)


class Descriptors(DescriptorsTest):
    def setUp(self):
        super().setUp()
        self.start_vms()
        self.raw = self.adopt(self.qemu.raw())

    def add_vm(self):
        self.vm = self.add('vm', f'unix:{self.qemu.path}')

    def test_add(self):
        self.try_all(self.add_vm, self.remove_vm)

    def test_add_fd(self):
        peer = self.start(Peer, ANSWERS)

        def go():
            with peer.offer() as connection:
                self.add_fd('vm', connection.fileno())
        self.try_all(go, self.remove_vm)

    def test_listen(self):
        peer = self.start(Peer, ANSWERS)
        paths = (f'{self.directory}/listening-{number}' for number in itertools.count())

        def go():
            path = next(paths)
            answer = self.start_add('vm', f'unix:{path},server=on')
            wait_until(lambda: is_listening(path) or f'{path},server=on: cannot' in self.agent.output, 'the socket')
            with contextlib.suppress(OSError):
                peer.dial(path)
            answer()
        self.try_all(go, self.remove_vm)

    def another(self):
        self.callers.append(self.connect())
        return VM(self.callers[-1], f'{ROOT}/vm/vm')

    def use_callers(self, function):
        """The VM is there; `function` is what a new caller does."""
        self.add_vm()
        self.callers = []
        self.fds = []

        def clean():
            while self.callers:
                self.callers.pop().stop()
            while self.fds:
                os.close(self.fds.pop())
            wait_until(lambda: self.ours() == [], lambda: f'none of {self.ours()}')
        self.try_all(lambda: function(self.another()), clean)

    def test_plug(self):
        self.use_callers(lambda vm: vm.qmp('QueryStatus'))

    def test_given(self):
        """A descriptor on its way from a caller to QEMU."""
        self.use_callers(lambda vm: self.fds_call(vm, 'Getfd', '(hs)', 0, 'name'))

    def fds_call(self, vm, method, signature, *arguments):
        vm.caller.call(NAME, vm.path, f'{NAME}.QMP', method, signature, *arguments, fds=[self.null])

    def test_native(self):
        self.use_callers(lambda vm: self.fds.append(open_fd(vm)))

    def test_screenshot(self):
        """The VM goes each time, and with it the file that the agent keeps for the next picture."""
        def go():
            self.add_vm()
            os.close(self.vm.start('VM', 'Screenshot', '(a{sv})', {})()[1][0])

        self.try_all(go, self.remove_vm)

    def test_display(self):
        def go(vm):
            self.fds += vm.start('VM', 'OpenDisplay', '(sa{sv})', 'vnc', {})()[1]
        self.use_callers(go)


class First(DescriptorsTest):
    """What all VMs share is made for the first one."""

    def use_other(self):
        self.paths()

    def test_add(self):
        peer = self.start(Peer, ANSWERS)
        self.start_agent()
        self.try_all(lambda: self.add('vm', f'unix:{peer.path}'), self.remove_vm)


class Bystanders(DescriptorsTest):
    """Whoever waits for a descriptor costs the others nothing."""

    def assert_calm(self):
        """Half a second of the agent's life takes nearly none of the processor."""
        before = self.get_cpu_time()
        time.sleep(.5)
        self.assertLess(self.get_cpu_time() - before, .05)

    def get_cpu_time(self):
        with open(f'/proc/{self.agent.pid}/stat', encoding='ascii') as file:
            fields = file.read().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def test_listening(self):
        """QEMU's connection is accepted as soon as it can be."""
        peer = self.start(Peer, ANSWERS)
        self.start_agent(key_file=f'[vm late]\naddress=unix:{self.directory}/late,server=on\n')
        wait_until(lambda: is_listening(f'{self.directory}/late'), 'the socket')
        self.leave(0)
        peer.dial(f'{self.directory}/late')
        self.agent.wait_output('cannot accept a connection: Too many open files')
        self.assert_calm()
        self.limit(self.hard)
        wait_until(VM(self.caller, f'{ROOT}/vm/late').is_there, lambda: self.agent.output)

    def test_client_of_a_path(self):
        self.start_agent()
        vm = self.add('vm', f'unix:{self.start(Qemu, self.version).path}')
        os.close(open_fd(vm, path=('s', 'web'), keep=('b', True)))
        vm.get('Status')  # the reply has gone, with the descriptor in it
        self.leave(0)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f'{self.run_directory}/native/web')
            self.assert_calm()
            self.assertEqual(select.select([client], [], [], 0)[0], [])
            self.limit(self.hard)
            client.settimeout(20)
            self.assertIn(b'QMP', client.recv(65536))

    def test_files(self):
        """Without any, not even those for the bus: what is read and written comes later, or stays as it was."""
        peer = self.start(Peer, ANSWERS)
        self.start_agent(key_file='')
        self.add('vm', f'unix:{peer.path}')
        self.leave(0, with_reserve=False)
        self.agent.kill(signal.SIGHUP)
        self.agent.wait_output('keeps its old configuration')
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/vm')
        self.agent.wait_output('will be lost at a restart')
        self.limit(self.hard)
        self.agent.wait_output('nothing will be lost')
        self.restart()
        self.assertEqual(self.paths(), [])

    def restart(self):
        self.agent.kill()
        self.agent.wait()
        self.caller.stop()
        self.start_agent()


class Few(DescriptorsTest):
    """From the beginning."""

    def start_with(self, number):
        agent = GivingUp(self.directory, self.bus.address, [MODULE], f'--config-dir={self.directory}', ready=False,
                         environment={'XDG_RUNTIME_DIR': self.directory}, wrapper=['prlimit', f'--nofile={number}'])
        self.addCleanup(agent.stop)
        wait_until(lambda: agent.popen.poll() is not None or agent.is_ready(), lambda: agent.output)
        return agent

    def test_start(self):
        """An agent that may have few descriptors becomes ready, or ends with a line that says so."""
        for number in range(4, MOST_TO_START):
            agent = self.start_with(number)
            is_there = agent.popen.poll() is None
            if not is_there:
                self.assertIn('Too many open files', agent.output)
            agent.stop()
        self.assertTrue(is_there)

    def test_discovery(self):
        """A run directory that cannot be watched is watched when it can be."""
        self.write('qemu-monitor', 'a file in its place')
        self.start_agent()
        self.agent.wait_output('is not watched for VMs: it is no directory')
        self.leave(0)
        os.unlink(self.run_directory)
        self.agent.wait_output('is not watched for VMs: Too many open files')
        os.symlink(self.start(Peer, ANSWERS).path, f'{self.run_directory}/found.sock')
        self.limit(self.hard)
        wait_until(VM(self.caller, f'{ROOT}/vm/found').is_there, lambda: self.agent.output)


if __name__ == '__main__':
    main()
