# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what, and hear what, on a system bus that has no polkit."""
import os
import socket

from harness import CallError, Message, Qemu, busctl, main, wait_until
from harness.process import is_listening
from monitor import INVALID_ARGS, NAME, OBJECT_MANAGER, ROOT, VM, requests
from system_bus import DENIED, OWNER, SOMEBODY, SystemBusTest

RESET = Message({'timestamp': {'seconds': 1, 'microseconds': 5}, 'event': 'RESET', 'data': {'guest': True}})
STOP = Message({'timestamp': {'seconds': 1, 'microseconds': 5}, 'event': 'STOP'})
NOBODY = 65534


class WithoutPolkit(SystemBusTest):
    def setUp(self):
        super().setUp()
        self.start_system_agent()
        # Root may add VMs without polkit, and remove what it added.
        self.vm, self.peer = self.add_peer()
        self.owner = self.as_user(self.vm, OWNER)
        self.somebody = self.as_user(self.vm, SOMEBODY)

    def test_the_owner_needs_no_leave(self):
        self.assertEqual(self.vm.get('OwnerUID'), OWNER)
        self.assertEqual(self.owner.qmp('QueryStatus')['status'], 'running')

    def test_others_are_refused(self):
        asked = len(requests(self.peer))
        for path, interface, method, signature, *arguments in (
                (self.vm.path, 'VM', 'Execute', '(sa{sv})', 'query-status', {}),
                (self.vm.path, 'VM', 'ExecuteJSON', '(ss)', 'quit', ''),
                (self.vm.path, 'VM', 'ExecuteAndWait', '(sa{sv}a{sv})', 'quit', {}, {}),
                (self.vm.path, 'VM', 'OpenMonitor', '(a{sv})', {}),
                (self.vm.path, 'VM', 'Subscribe', '(as)', []),
                (self.vm.path, 'VM', 'ListMonitors', '()'),
                (self.vm.path, 'QMP', 'QueryStatus', '()'),
                (self.vm.path, 'QMP', 'Quit', '()'),
                (ROOT, 'Manager', 'AddVM', '(ssa{sv})', 'x', f'unix:{self.peer.path}', {}),
                (ROOT, 'Manager', 'RemoveVM', '(o)', self.vm.path)):
            with self.subTest(method):
                self.assert_fails(DENIED, f'User {SOMEBODY} may not call', self.somebody.caller.call, NAME, path,
                                  f'{NAME}.{interface}', method, signature, *arguments)
        self.assertEqual(len(requests(self.peer)), asked)
        self.assertEqual(self.paths(), [self.vm.path])

    def test_root_is_refused_what_is_not_its_own(self):
        self.assert_fails(DENIED, 'User 0 may not call', self.vm.qmp, 'QueryStatus')
        self.manager('RemoveVM', '(o)', self.vm.path)

    def test_an_administrator_reads_who_may_not_do_what(self):
        """busctl has two words of its own for D-Bus's AccessDenied."""
        with self.assertRaisesRegex(CallError, 'User 0 may not call query-status on the VM "web": '):
            busctl(self.bus.address, 'call', NAME, self.vm.path, f'{NAME}.QMP', 'QueryStatus')

    def give(self, uid, peer_uid, name):
        """A user gives a descriptor of a QEMU that runs as a user."""
        peer = self.start_peer(peer_uid)
        with socket.socket(socket.AF_UNIX) as ours:
            ours.connect(peer.path)
            return self.user(uid).start(NAME, ROOT, f'{NAME}.Manager', 'AddVMFromFD', '(sha{sv})', name, 0, {},
                                        fds=[ours.fileno()])

    def test_who_gives_their_own_needs_no_leave(self):
        self.give(SOMEBODY, SOMEBODY, 'mine')()
        self.assertIn(f'{ROOT}/vm/mine', self.paths())
        self.assert_fails(DENIED, f'User {SOMEBODY} may not call AddVMFromFD', self.give(SOMEBODY, OWNER, 'other'))
        self.assert_fails(DENIED, f'User {NOBODY} may not call AddVMFromFD', self.give(NOBODY, NOBODY, 'lost'))

    def test_what_may_be_given_without_leave_is_a_share(self):
        outcomes = []
        for i in range(65):
            try:
                self.give(SOMEBODY, SOMEBODY, f'mine{i}')()
                outcomes.append(True)
            except CallError as error:
                self.assertEqual(error.name, DENIED)
                outcomes.append(False)
        self.assertEqual(outcomes, [True] * 64 + [False])

    def test_nobody_owns_what_runs_as_nobody(self):
        """That uid stands for all whom the kernel has no number for."""
        vm, _ = self.add_peer('lost', NOBODY)
        self.assert_fails(DENIED, f'User {NOBODY} may not call', self.as_user(vm, NOBODY).qmp, 'QueryStatus')

    def test_another_users_qemu_may_connect_to_the_agent(self):
        directory = f'{self.directory}/{OWNER}'  # made with the peer of setUp
        wrapper = ['setpriv', f'--reuid={OWNER}', f'--regid={OWNER}', '--clear-groups']
        for number, user in enumerate((('s', 'lp'), ('s', str(OWNER)), ('u', OWNER), ('t', OWNER))):
            with self.subTest(user):
                path = f'{self.directory}/listens-{number}'
                reply = self.start_add(f'mine{number}', f'unix:{path},server=on', user=user)
                wait_until(lambda: is_listening(path))
                status = os.stat(path)
                self.assertEqual((status.st_uid, status.st_mode & 0o777), (OWNER, 0o600))
                with socket.socket(socket.AF_UNIX) as roots:
                    roots.connect(path)
                    self.assertEqual(roots.recv(1), b'')
                qemu = self.adopt(Qemu(directory, '7.2', '-qmp', f'unix:{path},server=off', wrapper=wrapper))
                vm = self.as_user(VM(self.caller, reply()[0]), OWNER)
                self.assertEqual(vm.get('OwnerUID'), OWNER)
                vm.qmp('Quit')
                qemu.wait()

    def test_whose_qemu_may_connect_is_told_for_a_socket_that_the_agent_makes(self):
        path = f'{self.directory}/listens'
        for address, user, words in (
                (f'unix:{path}', ('s', 'lp'), 'options.user: `user` says whose QEMU'),
                ('tcp:localhost:1,server=on', ('s', 'lp'), 'options.user: `user` says whose QEMU'),
                (f'unix:{path},server=on', ('s', 'nobody-of-that-name'), 'options.user: "nobody-of-that-name" is no user'),
                (f'unix:{path},server=on', ('s', ''), 'options.user: it is empty'),
                (f'unix:{path},server=on', ('i', -1), 'options.user: -1 is negative'),
                (f'unix:{path},server=on', ('u', 2**32 - 1), 'options.user: "4294967295" is no user'),
                (f'unix:{path},server=on', ('t', 2**32), 'options.user: "4294967296" is no user'),
                (f'unix:{path},server=on', ('b', True), 'options.user: a name (s) or a uid')):
            with self.subTest(user):
                self.assert_fails(INVALID_ARGS, words, self.start_add('x', address, user=user))
        self.assertFalse(os.path.exists(path))

    def test_what_is_public(self):
        caller = self.somebody.caller
        self.assertEqual(self.somebody.get('Status'), 'running')
        self.assertEqual(caller.call(NAME, ROOT, f'{NAME}.Manager', 'GetVM', '(s)', 'web'), (self.vm.path,))
        self.assertIn(self.vm.path, caller.call(NAME, ROOT, OBJECT_MANAGER, 'GetManagedObjects')[0])

    def test_wrong_arguments_are_named_before_anybody_is_refused(self):
        self.assert_fails(INVALID_ARGS, 'name of a QMP command', self.somebody.execute, 'query status')

    def test_events_go_to_those_who_asked(self):
        listeners = [self.as_user(self.vm, OWNER) for _ in range(3)]
        heard = [vm.caller.record(interface=f'{NAME}.Events') for vm in listeners]
        for vm, names in ((listeners[1], []), (listeners[2], ['STOP'])):
            vm.start('VM', 'Subscribe', '(as)', names)()
        self.peer.emit(RESET)
        self.peer.emit(STOP)
        wait_until(lambda: len(heard[1]) == 2 and len(heard[2]) == 1)
        listeners[1].start('VM', 'Unsubscribe')()
        self.peer.emit(STOP)
        wait_until(lambda: len(heard[2]) == 2)
        # What was sent to the others would have come first: a round trip through agent and bus is behind it.
        for vm in listeners[:2]:
            vm.get('Name')
        self.assertEqual([len(signals) for signals in heard], [0, 2, 2])
        self.assertEqual(heard[1][0][2:], ('Reset', ({'guest': True}, 1000005)))

    def test_a_subscriber_may_leave(self):
        leaver, stayer = (self.as_user(self.vm, OWNER) for _ in range(2))
        heard = stayer.caller.record(interface=f'{NAME}.Events')
        for vm in (leaver, stayer):
            vm.start('VM', 'Subscribe', '(as)', [])()
        leaver.caller.stop()
        self.peer.emit(RESET)
        wait_until(lambda: len(heard) == 1)


class ReadOnly(SystemBusTest):
    def test_a_socket_where_the_service_may_not_make_one_is_refused_with_the_reason(self):
        self.start_system_agent(prepare='mkdir /run/read-only && mount -t tmpfs -o ro tmpfs /run/read-only')
        self.assert_fails(f'{NAME}.Error.Disconnected', 'unless its unit says more (ReadWritePaths=)',
                          self.start_add('x', 'unix:/run/read-only/x,server=on'))


if __name__ == '__main__':
    # Being other users, and having a /run of one's own, takes root.
    if os.getuid() == 0:
        main()
    print('1..0')
