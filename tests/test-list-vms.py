# SPDX-License-Identifier: LGPL-2.1-or-later
"""Why is a VM not there? What ListVMs tells of every VM that the agent knows, and to whom."""
import os
import signal
import socket
import time
import unittest

from harness import SILENCE, CallError, Peer, Qemu, Raw, main, wait_until
from monitor import ANSWERS, NAME, ROOT, TIMED_OUT, MonitorTest
from system_bus import OWNER, SOMEBODY, SystemBusTest

STUCK_AFTER = 60  # seconds of silence


def now():
    return time.time_ns() // 1000


def list_vms(caller):
    return caller.call(NAME, ROOT, f'{NAME}.Manager', 'ListVMs')[0]


class States(MonitorTest):
    def vm(self, name):
        """The one entry of that name; None: there is none yet."""
        found = [vm for vm in list_vms(self.caller) if vm['name'] == name]
        self.assertLessEqual(len(found), 1, found)
        return found[0] if found else None

    def wait_state(self, name, state, text=''):
        """The entry once it is in that state, which has begun since this was called or before."""
        vm = wait_until(lambda: (found := self.vm(name)) and found['state'] == state and text in found['error'] and found,
                        lambda: f'{name} to be {state} because of {text!r}: {list_vms(self.caller)}')
        self.assertLessEqual(vm['since'], now())
        return vm

    def test_nothing_is_known(self):
        self.start_agent()
        self.assertEqual(list_vms(self.caller), [])

    def test_origins_of_connected_ones(self):
        peers = [self.start(Peer, ANSWERS) for _ in range(2)]
        before = now()
        self.start_agent(key_file=f'[vm file]\naddress=unix:{peers[0].path}\n')
        self.add('call', f'unix:{peers[1].path}')
        qemu = self.start(Qemu, '7.2', '-qmp', f'unix:{self.run_directory}/found.sock,server=on,wait=off')
        self.wait_state('found', 'connected')
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(qemu.path)
            self.add_fd('given', connection.fileno())
        vms = list_vms(self.caller)
        for vm in vms:
            self.assertTrue(before <= vm.pop('since') <= now())
        self.assertEqual(vms, [
            {'name': name, 'object': f'{ROOT}/vm/{name}', 'address': address, 'origin': origin, 'state': 'connected', 'error': ''}
            for name, address, origin in (('file', f'unix:{peers[0].path}', 'key-file'), ('call', f'unix:{peers[1].path}', 'call'),
                                          ('found', f'unix:{self.run_directory}/found.sock', 'directory'),
                                          ('given', 'fd', 'descriptor'))])

    def test_a_call_that_waits(self):
        """Connecting; then it has failed, and nothing is known of it."""
        self.start_agent()
        silent = self.start(Peer, greeting=SILENCE)
        before = now()
        reply = self.start_add('web', f'unix:{silent.path}', timeout=('t', 2_000_000))
        vm = self.wait_state('web', 'connecting')
        self.assertTrue(before <= vm['since'])
        self.assertEqual((vm['error'], 'object' in vm), ('', False))
        self.assert_fails(TIMED_OUT, '', reply)
        self.assertEqual(list_vms(self.caller), [])

    def test_a_qemu_that_comes_and_goes(self):
        """`since` is when each state has begun, and attempts that fail do not move it."""
        path = f'{self.directory}/web.sock'
        self.start_agent(key_file=f'[vm web]\naddress=unix:{path}\n')
        waiting = self.wait_state('web', 'waiting', 'No such file')
        self.assertNotIn('object', waiting)
        # Somebody who is no QEMU: another error of the same state.
        stranger = self.start(Peer, greeting=Raw(b'SSH-2.0-OpenSSH_9.2p1\r\n'))
        os.rename(stranger.path, path)
        self.assertEqual(self.wait_state('web', 'waiting', 'SSH')['since'], waiting['since'])
        stranger.stop()
        os.unlink(path)
        before = now()
        qemu = self.start(Qemu, '11.1', '-qmp', f'unix:{path},server=on,wait=off')
        connected = self.wait_state('web', 'connected')
        self.assertTrue(before <= connected['since'])
        self.assertEqual((connected['error'], connected['object']), ('', f'{ROOT}/vm/web'))
        before = now()
        qemu.kill()
        gone = self.wait_state('web', 'waiting')
        self.assertTrue(before <= gone['since'])
        self.assertNotEqual(gone['error'], '')

    def test_one_that_is_listened_for(self):
        path = f'{self.directory}/agent-listens'
        before = now()
        self.start_agent(key_file=f'[vm web]\naddress=unix:{path},server=on\n')
        waiting = self.wait_state('web', 'waiting')
        self.assertTrue(before <= waiting['since'])
        self.assertEqual((waiting['error'], waiting['address']), ('', f'unix:{path},server=on'))
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(path)
        self.start(Qemu, '7.2', '-qmp', f'unix:{path},server=off')
        self.wait_state('web', 'connected')

    def test_refused_ones_say_by_what(self):
        peer = self.start(Peer, ANSWERS)
        self.start_agent(key_file=f'[vm web]\naddress=unix:{peer.path}\n')
        directory = self.run_directory
        wrong = '11234567-89ab-4def-8123-456789abcdef'
        before = now()
        for file in ('web.sock', f'{wrong}.sock', 'we\u202eb.sock'):
            found = self.start(Peer, ANSWERS)
            os.rename(found.path, f'{directory}/{file}')
        os.symlink(peer.path, f'{directory}/link.sock')
        vms = wait_until(lambda: len(found := [vm for vm in list_vms(self.caller) if vm['state'] == 'refused']) == 4 and found,
                         lambda: f'four that are refused: {list_vms(self.caller)}')
        self.assertEqual({vm['address']: (vm['name'], vm['error'], 'object' in vm) for vm in vms}, {
            f'unix:{directory}/web.sock': ('web', 'The name "web" is taken by the VM of that name in the key file', False),
            f'unix:{directory}/{wrong}.sock':
                (wrong, f'The VM name "{wrong}" is written like a UUID, and is not this VM\'s own', False),
            f'unix:{directory}/link.sock': ('link', f'unix:{directory}/link.sock is VM "web" already', False),
            f'unix:{directory}/we\\342\\200\\256b.sock':
                ('', 'The VM name "we\\342\\200\\256b" has a bidirectional formatting character', False)})
        for vm in vms:
            self.assertTrue(before <= vm['since'] <= now())
        # What is not there any more is not known.
        for file in os.listdir(directory):
            if not os.path.isdir(f'{directory}/{file}'):
                os.unlink(f'{directory}/{file}')
        wait_until(lambda: [vm['name'] for vm in list_vms(self.caller)] == ['web'])

    def test_one_that_is_stuck(self):
        """Stopped, for a minute; and it goes on."""
        qemu = self.start(Qemu, '11.1')
        self.start_agent()
        vm = self.add('web', f'unix:{qemu.path}')
        qemu.kill(signal.SIGSTOP)
        self.addCleanup(lambda: qemu.popen.poll() is None and qemu.kill(signal.SIGCONT))
        asked = now()
        reply = vm.start('QMP', 'QueryStatus', timeout=4 * STUCK_AFTER)
        with self.assertRaises(CallError) as caught:
            reply()
        self.assertEqual(caught.exception.name, TIMED_OUT)
        stuck = self.wait_state('web', 'stuck', 'has not answered')
        self.assertGreaterEqual(stuck['since'], asked + STUCK_AFTER * 1_000_000)
        self.assertEqual(stuck['object'], vm.path)
        resumed = now()
        qemu.kill(signal.SIGCONT)
        connected = self.wait_state('web', 'connected')
        self.assertTrue(resumed <= connected['since'])
        self.assertEqual(connected['error'], '')


# Being other users, and having a /run of one's own, takes root.
@unittest.skipUnless(os.getuid() == 0, 'takes root')
class WhoSeesWhat(SystemBusTest):
    def test_paths_of_others(self):
        """The list is public. What is not on the bus otherwise (addresses of VMs that are not there, errors) is for those whom it
        concerns."""
        run = f'{self.directory}/run'
        os.makedirs(f'{run}/qemu-monitor')
        os.chmod(f'{run}/qemu-monitor', 0o1777)
        nowhere = f'{self.directory}/secret/nowhere'
        self.start_system_agent(f'[vm web]\naddress=unix:{nowhere}\n', prepare=f'mount --bind {run} /run')
        there, _ = self.add_peer('there')
        os.rename(self.start_peer(SOMEBODY).path, f'{run}/qemu-monitor/web.sock')
        wait_until(lambda: sorted(vm['state'] for vm in list_vms(self.caller)) == ['connected', 'refused', 'waiting'])
        everything = list_vms(self.caller)
        self.assertTrue(all('address' in vm and 'error' in vm for vm in everything))

        def see(uid):
            return {(vm['origin'], vm['state']): (vm.get('address'), vm.get('error')) for vm in list_vms(self.user(uid))}
        taken = 'The name "web" is taken by the VM of that name in the key file'
        address = there.get('Address')
        self.assertEqual(see(OWNER), {('key-file', 'waiting'): (None, None), ('directory', 'refused'): (None, None),
                                      ('call', 'connected'): (address, '')})
        self.assertEqual(see(SOMEBODY), {('key-file', 'waiting'): (None, None),
                                         ('directory', 'refused'): ('unix:/run/qemu-monitor/web.sock', taken),
                                         ('call', 'connected'): (address, None)})
        self.assertIn('secret/nowhere', str(everything))
        self.assertNotIn('secret', str(list_vms(self.user(SOMEBODY))))


if __name__ == '__main__':
    main()
