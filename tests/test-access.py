# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what, and hear what: callers of two users on a system bus. The agent's /run is its own, so that no VM of
this machine is touched."""
import os
import shutil
import subprocess

from harness import Agent, Bus, CallError, Message, Peer, main, wait_until
from harness.loop import PATIENCE
from monitor import ANSWERS, MODULE, NAME, PROPERTIES, ROOT, MonitorTest, requests

DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
NOBODY = 65534
RESET = Message({'timestamp': {'seconds': 1, 'microseconds': 5}, 'event': 'RESET', 'data': {'guest': True}})
STOP = Message({'timestamp': {'seconds': 1, 'microseconds': 5}, 'event': 'STOP'})


class SystemBus(MonitorTest):
    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.bus = self.start(Bus, name='system-bus', type='system')
        isolate = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh']
        self.agent = self.start(Agent, self.bus.address, [MODULE], f'--config-dir={self.directory}', '--system',
                                wrapper=isolate)
        self.addCleanup(self.end_agent, self.agent)
        self.caller = self.connect()
        self.peer = self.start(Peer, ANSWERS)

    def nobody(self, path, interface, method, *arguments):
        """A call by another user: its output, or CallError."""
        command = [shutil.which('gdbus'), 'call', f'--address={self.bus.address}', f'--dest={NAME}',
                   f'--object-path={path}', f'--method={interface}.{method}', *arguments]
        result = subprocess.run(command, capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[],
                                timeout=PATIENCE, check=False)
        if result.returncode != 0:
            raise CallError(*result.stderr.strip().removeprefix('Error: GDBus.Error:').split(': ', 1))
        return result.stdout

    def test_the_owner_needs_no_leave(self):
        vm = self.add('web', f'unix:{self.peer.path}')
        self.assertEqual(vm.get('OwnerUID'), os.getuid())
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')

    def test_others_are_refused(self):
        vm = self.add('web', f'unix:{self.peer.path}')
        asked = len(requests(self.peer))
        for path, interface, method, *arguments in (
                (vm.path, f'{NAME}.VM', 'Execute', 'query-status', '{}'),
                (vm.path, f'{NAME}.VM', 'ExecuteJSON', 'quit', ''),
                (vm.path, f'{NAME}.VM', 'Subscribe', '[]'),
                (vm.path, f'{NAME}.QMP', 'QueryStatus'),
                (vm.path, f'{NAME}.QMP', 'Quit'),
                (ROOT, f'{NAME}.Manager', 'AddVM', 'x', f'unix:{self.peer.path}', '{}'),
                (ROOT, f'{NAME}.Manager', 'RemoveVM', vm.path)):
            with self.subTest(method):
                self.assert_fails(DENIED, f'User {NOBODY} may not call', self.nobody, path, interface, method,
                                  *arguments)
        self.assertEqual(len(requests(self.peer)), asked)
        self.assertEqual(self.paths(), [vm.path])

    def test_what_is_public(self):
        vm = self.add('web', f'unix:{self.peer.path}')
        self.assertIn("'running'", self.nobody(vm.path, PROPERTIES, 'Get', f'{NAME}.VM', 'Status'))
        self.assertIn(vm.path, self.nobody(ROOT, f'{NAME}.Manager', 'GetVM', 'web'))
        self.assertIn(vm.path, self.nobody(ROOT, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects'))

    def test_wrong_arguments_are_named_before_anybody_is_refused(self):
        vm = self.add('web', f'unix:{self.peer.path}')
        self.assert_fails('org.freedesktop.DBus.Error.InvalidArgs', 'name of a QMP command', self.nobody, vm.path,
                          f'{NAME}.VM', 'Execute', 'query status', '{}')

    def test_events_go_to_those_who_asked(self):
        vm = self.add('web', f'unix:{self.peer.path}')
        deaf, all_ears, picky = self.connect(), self.connect(), self.connect()
        heard = [caller.record(interface=f'{NAME}.Events') for caller in (deaf, all_ears, picky)]
        for caller, names in ((all_ears, []), (picky, ['STOP'])):
            caller.call(NAME, vm.path, f'{NAME}.VM', 'Subscribe', '(as)', names)
        self.peer.emit(RESET)
        self.peer.emit(STOP)
        wait_until(lambda: len(heard[1]) == 2 and len(heard[2]) == 1)
        all_ears.call(NAME, vm.path, f'{NAME}.VM', 'Unsubscribe')
        self.peer.emit(STOP)
        wait_until(lambda: len(heard[2]) == 2)
        # What was sent to the others would have come first: a round trip through agent and bus is behind it.
        for caller in (deaf, all_ears):
            caller.call(NAME, vm.path, PROPERTIES, 'Get', '(ss)', f'{NAME}.VM', 'Name')
        self.assertEqual([len(signals) for signals in heard], [0, 2, 2])
        self.assertEqual(heard[1][0][2:], ('Reset', ({'guest': True}, 1000005)))

    def test_a_subscriber_may_leave(self):
        vm = self.add('web', f'unix:{self.peer.path}')
        leaver, stayer = self.connect(), self.connect()
        heard = stayer.record(interface=f'{NAME}.Events')
        for caller in (leaver, stayer):
            caller.call(NAME, vm.path, f'{NAME}.VM', 'Subscribe', '(as)', [])
        leaver.stop()
        self.peer.emit(RESET)
        wait_until(lambda: len(heard) == 1)


if __name__ == '__main__':
    # Being another user, and having a /run of one's own, takes root.
    if os.getuid() == 0:
        main()
    print('1..0')
