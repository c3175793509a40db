# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whose is a name? Two users' QEMUs in the run directory of the system bus, which both may write to, and which is sticky. Where
this breaks, a call that is meant for one user's VM reaches another user's."""
import os
import signal
import socket
import stat
import time

from harness import CallError, Qemu, main, wait_until
from harness.bus import acting_as
from monitor import ROOT, VM
from system_bus import OWNER, SOMEBODY, SystemBusTest

RESTARTS = 5
SHARE = 2000
CROWD = 20000
CLOCK_REALTIME_COARSE = 5  # of linux/time.h


class TwoUsers(SystemBusTest):
    def setUp(self):
        super().setUp()
        self.run = f'{self.directory}/run'
        self.found = f'{self.run}/qemu-monitor'
        os.makedirs(self.found)
        os.chmod(self.found, 0o1777)

    def start_there(self, key_file=''):
        """An agent whose /run is the test's."""
        self.start_system_agent(key_file, prepare=f'mount --bind {self.run} /run')

    def restart(self, key_file='', number=signal.SIGKILL):
        self.agent.kill(number)
        self.agent.wait()
        self.start_there(key_file)

    def make(self, uid, file):
        """A scripted QEMU of a user's, whose socket is there at once."""
        peer = self.start_peer(uid)
        os.rename(peer.path, f'{self.found}/{file}')
        return peer

    def own(self, name):
        """Whose VM has the name; None: nobody's."""
        try:
            return VM(self.caller, f'{ROOT}/vm/{name}').get('OwnerUID')
        except CallError:
            return None

    def wait_own(self, name, uid):
        wait_until(lambda: self.own(name) == uid, lambda: f'{name} is {self.own(name)}\'s, not {uid}\'s')

    def assert_owners(self, **owners):
        """The VMs are there or come, and are nobody else's in between."""
        for name, uid in owners.items():
            wait_until(lambda: self.own(name) is not None, lambda: f'{name} in {self.agent.output}')
            self.assertEqual(self.own(name), uid)

    def start_qemu(self, uid, file, name):
        """A real one."""
        user = ('setpriv', f'--reuid={uid}', f'--regid={uid}', '--clear-groups', '--pdeathsig=KILL')
        directory = f'{self.directory}/{uid}'
        os.makedirs(directory, exist_ok=True)
        os.chown(directory, uid, uid)
        return self.adopt(Qemu(directory, '7.2', '-qmp', f'unix:{self.found}/{file},server=on,wait=off', name=name,
                               wrapper=user))

    def test_what_a_qemu_calls_itself_gives_it_no_name(self):
        """Both call themselves prod. The file of that name is the first user's, whoever comes first and whatever is restarted."""
        for order in ((OWNER, SOMEBODY), (SOMEBODY, OWNER)):
            with self.subTest(order):
                self.start_there()
                qemus = [self.start_qemu(uid, {OWNER: 'prod.sock', SOMEBODY: 'other.sock'}[uid], 'prod') for uid in order]
                self.wait_own('prod', OWNER)
                self.wait_own('other', SOMEBODY)
                for _ in range(RESTARTS):
                    self.restart()
                    self.wait_own('prod', OWNER)
                    self.assert_owners(prod=OWNER, other=SOMEBODY)
                for name in ('prod', 'other'):
                    self.assertEqual(VM(self.caller, f'{ROOT}/vm/{name}').get('GuestName'), 'prod')
                for qemu in qemus:
                    qemu.kill(signal.SIGTERM)
                    qemu.wait()
                self.agent.kill(signal.SIGTERM)
                self.agent.wait()

    def test_two_files_of_one_name(self):
        """`web` and `web.sock` are two users'. The older file keeps the name, whatever order the directory is read in."""
        for files in (('web', 'web.sock'), ('web.sock', 'web')):
            with self.subTest(files):
                self.start_there()
                first = self.make(OWNER, files[0])
                # What the kernel calls one moment, and marks files with, is some milliseconds.
                made = os.lstat(f'{self.found}/{files[0]}').st_ctime_ns
                wait_until(lambda: time.clock_gettime_ns(CLOCK_REALTIME_COARSE) > made)
                second = self.make(SOMEBODY, files[1])
                self.agent.wait_output(f'/run/qemu-monitor/{files[1]} is not taken up now: The name "web" is taken by the VM '
                                       f'found at /run/qemu-monitor/{files[0]}')
                for number in (signal.SIGKILL, signal.SIGTERM) * 3:
                    self.wait_own('web', OWNER)
                    self.restart(number=number)
                # It is kept for its maker while the QEMU is restarted, as long as the file is there.
                first.hang_up(first.connections[-1])
                self.wait_own('web', OWNER)
                os.unlink(f'{self.found}/{files[0]}')
                first.stop()
                self.wait_own('web', SOMEBODY)
                second.stop()
                os.unlink(f'{self.found}/{files[1]}')
                self.agent.kill(signal.SIGTERM)
                self.agent.wait()

    def test_the_key_file_goes_before_what_is_found(self):
        """Also while its VM is not there: nobody else's is taken for it."""
        named = f'{self.directory}/{OWNER}/named'
        key_file = f'[vm web]\naddress=unix:{named}\n'
        found = self.make(SOMEBODY, 'web.sock')
        self.start_there(key_file)
        taken = 'web.sock is not taken up now: The name "web" is taken by the VM of that name in the key file'
        self.agent.wait_output(taken)
        self.assertEqual(self.paths(), [])
        peer = self.start_peer(OWNER)
        os.rename(peer.path, named)
        self.wait_own('web', OWNER)
        for _ in range(RESTARTS):
            self.restart(key_file)
            self.assert_owners(web=OWNER)
        peer.stop()
        os.unlink(named)
        self.wait_own('web', None)
        self.restart('')
        self.assert_owners(web=SOMEBODY)
        found.stop()

    def test_a_call_goes_before_what_is_found(self):
        """In either order; and what it took is given back."""
        peer = self.start_peer(OWNER)
        self.start_there()
        for found_first in (True, False):
            with self.subTest(found_first):
                if found_first:
                    found = self.make(SOMEBODY, 'web.sock')
                    self.wait_own('web', SOMEBODY)
                vm = self.add('web', f'unix:{peer.path}')
                if not found_first:
                    found = self.make(SOMEBODY, 'web.sock')
                    self.agent.wait_output('web.sock is not taken up now')
                self.assert_owners(web=OWNER)
                self.manager('RemoveVM', '(o)', vm.path)
                self.wait_own('web', SOMEBODY)
                found.stop()
                os.unlink(f'{self.found}/web.sock')
                self.wait_own('web', None)

    def test_a_name_that_is_none(self):
        """It stays away, with one line in the log, and its maker can give it another."""
        self.start_there()
        for file, fault in (('we\u202eb.sock', 'has a bidirectional formatting character'),
                            ('w\ne\x1bb.sock', 'has a control character')):
            with self.subTest(file):
                peer = self.make(SOMEBODY, file)
                self.agent.wait_output(f'is not taken up: The VM name')
                self.agent.wait_output(fault)
                self.assertEqual(self.paths(), [])
                os.rename(f'{self.found}/{file}', f'{self.found}/plain.sock')
                self.wait_own('plain', SOMEBODY)
                self.assertEqual(self.agent.output.count(fault), 1)
                peer.stop()
                os.unlink(f'{self.found}/plain.sock')
                self.wait_own('plain', None)

    def test_a_link_that_is_replaced(self):
        """A link to a socket of one's own is followed; the link to another user's that takes its place is not."""
        victim = self.start_peer(OWNER)
        own = self.start_peer(SOMEBODY)
        link = f'{self.found}/web.sock'
        self.start_there()
        with acting_as(SOMEBODY):
            os.symlink(victim.path, f'{self.found}/strange.sock')
            os.symlink(own.path, link)
            self.wait_own('web', SOMEBODY)
            self.assertEqual([vm['name'] for vm in self.manager('ListVMs')], ['web'])
            os.symlink(victim.path, f'{self.found}/new')
            os.rename(f'{self.found}/new', link)
            own.hang_up(own.connections[-1])
        self.agent.wait_output('web.sock: cannot connect: the link leads to another user\'s socket')
        self.assertEqual(victim.connections, [])
        self.assertEqual(self.paths(), [])
        with acting_as(SOMEBODY):
            os.symlink(own.path, f'{self.found}/new')
            os.rename(f'{self.found}/new', link)
        self.wait_own('web', SOMEBODY)

    def test_a_share_for_each_user(self):
        """Whoever fills the directory fills their own share: others' sockets are taken up, and so is what AddVM names."""
        self.start_there()
        with acting_as(SOMEBODY):
            for number in range(SHARE + 1):
                with socket.socket(socket.AF_UNIX) as left_over:
                    left_over.bind(f'{self.found}/{number}.sock')
        self.agent.wait_output(f'{SHARE}.sock is not taken up: There are {SHARE} VMs of user {SOMEBODY} in the run directory '
                               'already')
        self.make(OWNER, 'web.sock')
        self.wait_own('web', OWNER)
        self.add('added', f'unix:{self.start_peer(OWNER).path}')

    def test_a_crowd_at_the_start(self):
        """Twenty thousand sockets of one user's are passed over: the agent is ready, and has the other's VM."""
        with acting_as(SOMEBODY):
            for number in range(CROWD):
                os.mknod(f'{self.found}/{number}.sock', stat.S_IFSOCK | 0o600)
        self.make(OWNER, 'web.sock')
        self.start_there()
        self.wait_own('web', OWNER)
        self.assertNotIn('is not taken up', self.agent.output)  # for none of them was looked at by itself

    def test_a_name_like_a_uuid_is_the_vms_own(self):
        self.start_there()
        own, other = '01234567-89ab-4def-8123-456789abcdef', '11234567-89ab-4def-8123-456789abcdef'
        self.make(SOMEBODY, f'{other}.sock')
        self.agent.wait_output(f'"{other}" is written like a UUID, and is not this VM\'s own')
        self.make(OWNER, f'{own}.sock')
        self.wait_own(own.replace('-', '_2d'), OWNER)
        self.assertEqual(self.manager('GetVM', '(s)', own), f'{ROOT}/vm/{own.replace("-", "_2d")}')
        self.assertEqual(len(self.paths()), 1)


if __name__ == '__main__':
    # Being other users, and having a /run of one's own, takes root.
    if os.getuid() == 0:
        main()
    print('1..0')
