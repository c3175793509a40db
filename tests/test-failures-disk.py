# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file system that the run directory is on is full, or may be read only: at the start, at AddVM and RemoveVM, when the state file is
written anew. VMs go on; the log says once that changes will be lost, and once that they will not; what had been written
before is never lost, nor is half a record believed.

The program runs itself again in a mount namespace of its own."""
import itertools
import os
import signal
import subprocess
import sys

from harness import Agent, Peer, Qemu, main, wait_until
from command import CTL
from monitor import ANSWERS, MODULE, ROOT, VM, MonitorTest
from native import open_fd

LOST = 'What was added or removed by call will be lost at a restart'
FULL, READ_ONLY = 'No space left on device', 'Read-only file system'

# Two records of names as long as these are longer than what tmpfs gives at a time.
LONG = 'x' * 240
PAGES, INODES = 16, 32
PAGE = 4096


def mount(*arguments):
    subprocess.run(['mount', *arguments], check=True)


class DiskTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.disk = f'{self.directory}/disk'
        os.mkdir(self.disk)
        mount('-t', 'tmpfs', '-o', f'size={PAGES * PAGE},nr_inodes={INODES},mode=0700', 'tmpfs', self.disk)
        self.addCleanup(subprocess.run, ['umount', '--lazy', self.disk], check=True)
        self.run_directory = f'{self.disk}/qemu-monitor'
        self.peers = 0

    def start_agent(self, **options):
        self.agent = self.start(Agent, self.bus.address, [MODULE], f'--config-dir={self.directory}',
                                environment={'XDG_RUNTIME_DIR': self.disk}, **options)
        self.addCleanup(self.end_agent, self.agent)
        if not hasattr(self, 'caller'):
            self.caller = self.connect()

    def restart(self):
        """As after a crash."""
        self.agent.kill()
        self.agent.wait()
        self.start_agent()

    def add_peer(self, name):
        """A VM of a QEMU of its own."""
        return self.add(name, f'unix:{self.start(Peer, ANSWERS).path}')

    def remove(self, name):
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/{name}')

    def names(self):
        return [path.rsplit('/', 1)[1] for path in self.paths()]

    def fill(self):
        with open(f'{self.disk}/filler', 'ab', buffering=0) as file:
            try:
                while True:
                    file.write(bytes(PAGE))
            except OSError:
                pass

    def fill_names(self):
        """Files may be written, and none be made."""
        os.mkdir(f'{self.disk}/files')
        for number in itertools.count():
            try:
                os.mknod(f'{self.disk}/files/{number}')
            except OSError:
                break

    def empty(self):
        subprocess.run(['rm', '-r', '-f', f'{self.disk}/filler', f'{self.disk}/files'], check=True)

    def set_mode(self, mode):
        mount('-o', f'remount,{mode}', self.disk)

    def assert_written_again(self):
        self.agent.wait_output('nothing will be lost')
        self.assertEqual(self.agent.output.count(LOST), self.agent.output.count('nothing will be lost'))


class Full(DiskTest):
    def test_every_change(self):
        self.start_agent()
        self.add_peer('first')
        self.fill()
        # As far as there is room in what the file has already.
        kept = ['first']
        while LOST not in self.agent.output:
            kept.append(f'{LONG}{len(kept)}')
            vm = self.add_peer(kept[-1])
            self.assertEqual(vm.get('Status'), 'running')
        lost = kept.pop()
        self.assertIn(f'{LOST}: ', self.agent.output)
        self.assertIn(FULL, self.agent.output)
        # The record that had no room is there in part.
        for _ in range(2):
            self.restart()
            self.assertEqual(self.names(), sorted(kept))
            self.assertEqual(self.agent.output.count(LOST), 1)
        self.add_peer(lost)
        self.remove('first')
        self.assertEqual(self.agent.output.count(LOST), 1)
        self.empty()
        self.assert_written_again()
        self.restart()
        self.assertEqual(self.names(), sorted([*kept[1:], lost]))
        self.assertNotIn(LOST, self.agent.output)

    def test_many_changes_of_one(self):
        """Records that nobody needs stand in the file for longer."""
        self.start_agent()
        self.add_peer('stays')
        peer = self.start(Peer, ANSWERS)
        self.fill()
        for _ in range(40):
            self.add('comes', f'unix:{peer.path}')
            self.remove('comes')
        self.restart()
        self.assertIn('stays', self.names())
        self.empty()
        self.assert_written_again()
        with open(f'{self.run_directory}/state/vms', encoding='utf-8') as file:
            self.assertEqual(file.read().count('\n[vm]\n'), len(self.names()))

    def test_from_the_start(self):
        """There is not even room for the directory; then there is, and all is as it would have been."""
        self.fill_names()
        self.start_agent()
        self.agent.wait_output('is not watched for VMs')
        self.add_peer('web')
        self.empty()
        wait_until(lambda: os.path.exists(f'{self.run_directory}/state/vms'), lambda: self.agent.output)
        peer = self.start(Peer, ANSWERS)
        os.symlink(peer.path, f'{self.run_directory}/found.sock')
        wait_until(lambda: self.names() == ['found', 'web'], lambda: self.agent.output)
        self.restart()
        wait_until(lambda: self.names() == ['found', 'web'], lambda: self.agent.output)

    def test_a_socket_that_a_caller_asks_for(self):
        self.start_agent()
        vm = self.add_peer('web')
        self.fill_names()
        self.assert_fails('org.freedesktop.DBus.Error.Failed', FULL, open_fd, vm, path=('s', 'web'))
        address = f'unix:{self.disk}/x,server=on'
        self.assert_fails('org.qemu.Monitor1.Error.Disconnected', f'{address}: cannot listen: {FULL}', self.add, 'x', address)

    def test_a_picture(self):
        """What is saved of it is not taken for one."""
        self.start_agent()
        self.add('vm', f'unix:{self.start(Qemu, "11.1", "-vga", "std").path}')
        self.fill()
        path = f'{self.disk}/screen.png'
        result = subprocess.run([CTL, '--user', 'screenshot', 'vm', path], capture_output=True, text=True, check=False,
                                env={**os.environ, 'DBUS_SESSION_BUS_ADDRESS': self.bus.address})
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(FULL, result.stderr)
        self.assertFalse(os.path.exists(path))


class ReadOnly(DiskTest):
    def test_every_change(self):
        self.start_agent()
        self.add_peer('first')
        self.set_mode('ro')
        self.assertEqual(self.add_peer('second').get('Status'), 'running')
        self.agent.wait_output(LOST)
        self.assertIn(READ_ONLY, self.agent.output)
        self.remove('first')
        self.restart()
        self.assertEqual(self.names(), ['first'])
        self.agent.wait_output(LOST)
        self.add_peer('third')
        self.set_mode('rw')
        self.assert_written_again()
        self.restart()
        self.assertEqual(self.names(), ['first', 'third'])

    def test_from_the_start(self):
        self.set_mode('ro')
        self.start_agent()
        self.agent.wait_output(f'it is not there, and cannot be made: {READ_ONLY}')
        self.add_peer('web')
        self.set_mode('rw')
        wait_until(lambda: os.path.exists(f'{self.run_directory}/state/vms'), lambda: self.agent.output)
        self.restart()
        self.assertEqual(self.names(), ['web'])

    def test_the_last_one_is_removed(self):
        self.start_agent()
        self.add_peer('only')
        self.set_mode('ro')
        self.remove('only')
        self.agent.wait_output(LOST)
        self.set_mode('rw')
        self.assert_written_again()
        self.restart()
        self.assertEqual(self.names(), [])

    def test_the_directory_is_removed(self):
        """By somebody who clears up: it is made anew."""
        self.start_agent()
        self.add_peer('web')
        subprocess.run(['rm', '-r', self.run_directory], check=True)
        self.add_peer('second')
        wait_until(lambda: os.path.exists(f'{self.run_directory}/state/vms'), lambda: self.agent.output)
        self.restart()
        self.assertEqual(self.names(), ['second', 'web'])


class Untrusted(DiskTest):
    """An agent that comes when a directory is open to others believes nothing of what is there, and loses nothing of it either."""

    def come_back(self, path, complaint):
        os.chmod(path, 0o777)
        self.restart()
        self.agent.wait_output(complaint)
        self.add_peer('second')
        self.assertEqual(self.names(), ['second'])
        os.chmod(path, 0o700)
        wait_until(lambda: self.names() == ['first', 'second'], lambda: self.agent.output)
        for _ in range(2):
            self.restart()
            self.assertEqual(self.names(), ['first', 'second'])

    def test_run_directory(self):
        self.start_agent()
        self.add_peer('first')
        self.come_back(self.run_directory, 'that others cannot write to')

    def test_state_directory(self):
        self.start_agent()
        self.add_peer('first')
        self.come_back(f'{self.run_directory}/state', LOST)

    def test_one_of_now_counts(self):
        """A name that an earlier agent has given as well."""
        self.start_agent()
        self.add_peer('web')
        os.chmod(self.run_directory, 0o777)
        self.restart()
        vm = self.add_peer('web')
        address = vm.get('Address')
        os.chmod(self.run_directory, 0o700)
        self.agent.wait_output('is watched for VMs now')
        self.assertEqual((self.names(), vm.get('Address')), (['web'], address))
        self.restart()
        self.assertEqual((self.names(), vm.get('Address')), (['web'], address))

    def test_the_agent_ends_meanwhile(self):
        self.start_agent()
        self.add_peer('first')
        os.chmod(f'{self.run_directory}/state', 0o755)
        self.restart()
        self.agent.wait_output(LOST)
        self.add_peer('second')
        os.chmod(f'{self.run_directory}/state', 0o700)
        self.agent.kill(signal.SIGTERM)
        self.agent.wait()
        self.start_agent()
        self.assertEqual(self.names(), ['first', 'second'])


class Configuration(DiskTest):
    """It is there, and cannot be read."""

    def test_at_the_start(self):
        os.mkdir(f'{self.directory}/qemu-monitor.conf')
        agent = self.start(Agent, self.bus.address, [MODULE], f'--config-dir={self.directory}', ready=False,
                           environment={'XDG_RUNTIME_DIR': self.disk})
        self.assertEqual(agent.wait(), 1)
        self.assertRegex(agent.output, 'error: .*qemu-monitor.conf.*Is a directory')

    def test_at_a_reload(self):
        peer = self.start(Peer, ANSWERS)
        self.write('qemu-monitor.conf', f'[vm web]\naddress=unix:{peer.path}\n')
        self.start_agent()
        os.unlink(f'{self.directory}/qemu-monitor.conf')
        os.mkdir(f'{self.directory}/qemu-monitor.conf')
        self.agent.kill(signal.SIGHUP)
        self.agent.wait_output('keeps its old configuration')
        self.assertIn('Is a directory', self.agent.output)
        self.assertTrue(VM(self.caller, f'{ROOT}/vm/web').is_there())


if __name__ == '__main__':
    if 'IN_NAMESPACE' not in os.environ:
        map_root = ['--map-root-user'] if os.geteuid() != 0 else []
        os.execvpe('unshare', ['unshare', '--mount', *map_root, sys.executable, *sys.argv], {**os.environ, 'IN_NAMESPACE': '1'})
    main()
