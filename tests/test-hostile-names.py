# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers who take names: the agent's own in QEMU, its name on the bus, another VM's object, another user's."""
import json
import os
import subprocess

from harness import Agent, Bus, CallError, Peer, QmpClient, QmpError, main, wait_until
from hostile import HostileTest
from monitor import ANSWERS, MODULE, NAME, VERSIONS, VM
from monitors import DENIED, PREFIX, list_monitors
from native import open_fd
from system_bus import OWNER, SOMEBODY, SystemBusTest

MINE = f'{PREFIX}mine'
ESCAPED = MINE.replace('M', '\\u004d')
MEMORY = {'type': 'ringbuf', 'data': {'size': 4096}}

# Commands in which `@` is a name of the caller's choice, at each kind of place.
COMMANDS = (
    ('object-add', {'qom-type': 'iothread', 'id': '@'}), ('object-del', {'id': '@'}),
    ('chardev-add', {'id': '@', 'backend': MEMORY}), ('chardev-remove', {'id': '@'}),
    ('chardev-change', {'id': '@', 'backend': {'type': 'null', 'data': {}}}), ('chardev-send-break', {'id': '@'}),
    ('ringbuf-read', {'device': '@', 'size': 10}), ('blockdev-add', {'driver': 'null-co', 'node-name': '@'}),
    ('blockdev-add', {'driver': 'raw', 'file': {'driver': 'raw', 'file': {'driver': 'null-co', 'node-name': '@'}}}),
    ('blockdev-del', {'node-name': '@'}), ('device_add', {'driver': 'virtio-rng-pci', 'id': '@'}),
    ('device_add', {'driver': 'virtio-rng-pci', 'x': {'y': [['@']]}}), ('device_del', {'id': '@'}),
    ('device_del', {'id': '/machine/peripheral/@'}), ('netdev_add', {'type': 'user', 'id': '@'}), ('netdev_del', {'id': '@'}),
    ('add-fd', {'opaque': '@'}), ('getfd', {'fdname': '@'}), ('closefd', {'fdname': '@'}),
    ('qom-get', {'path': '/objects/@', 'property': 'type'}), ('qom-set', {'path': '@', 'property': 'close-action', 'value': 'none'}),
    ('qom-list', {'path': 'objects//@/'}), ('qom-list-get', {'paths': ['/objects', '/objects/@']}),
    ('block-export-add', {'type': 'nbd', 'id': '@', 'node-name': 'x'}), ('job-cancel', {'id': '@'}),
    ('transaction', {'actions': [{'type': 'blockdev-snapshot-sync', 'data': {
        'node-name': 'x', 'snapshot-file': '/x', 'snapshot-node-name': '@'}}]}),
    ('transaction', {'actions': [{'type': 'abort', 'data': {}}, {'type': 'block-dirty-bitmap-add', 'data': {'node': 'x', 'name': '@'}}]}),
    ('blockdev-change-medium', {'id': 'x', 'filename': 'json:{"driver":"null-co","node-name":"@"}'}),
    ('blockdev-change-medium', {'id': 'x', 'filename': "json:{'driver':'null-co','node-name':'@'}"}),
    ('human-monitor-command', {'command-line': 'object_del @'}), ('human-monitor-command', {'command-line': 'chardev-remove "@"'}),
    ('human-monitor-command', {'command-line': 'object_add iothread,id=@'}),
    ('human-monitor-command', {'command-line': 'qom-list /objects/@'}),
)
# Other names than the agent's to QEMU, however they look.
LOOKALIKES = ('ORG.QEMU.MONITOR1-mine', 'org.qemu.monitor1-mine', 'org.qemu.Monitor1_mine', 'org.qemu.Monitor1', 'xorg.qemu.Monitor1.mine',
              'org.qemu.Monit\u043er1-mine', 'org\u2024qemu\u2024Monitor1-mine', '\uff4frg.qemu.Monitor1-mine', 'org.qemu.Monitor1\u2010mine')


class InQemu(HostileTest):
    def put(self, name, value):
        return json.dumps(value).replace('@', name.replace('"', '\\"'))

    def test_every_place(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                vm.qmp('QueryStatus')
                ours = self.ours()
                session = QmpClient(fd=open_fd(vm))
                with self.watched():
                    self.try_every_place(vm, session)
                self.assertLessEqual(set(ours), set(self.ours()))
                self.assertIn('status', vm.qmp('QueryStatus'))
                session.stop()
                self.manager('RemoveVM', '(o)', vm.path)
                self.wait_clean()

    def try_every_place(self, vm, session):
        for command, arguments in COMMANDS:
            for name in {MINE, *self.ours()[:1]}:
                with self.subTest(command, arguments=self.put(name, arguments)):
                    self.assert_fails(DENIED, PREFIX, vm.execute_json, command, self.put(name, arguments))
                    with self.assertRaises(QmpError) as caught:
                        session.execute(command, json.loads(self.put(name, arguments)))
                    self.assertIn(PREFIX, str(caught.exception))
            if 'json:' not in str(arguments):
                self.assert_fails(DENIED, PREFIX, vm.execute_json, command, self.put(ESCAPED, arguments))

    def test_lookalikes(self):
        """They are QEMU's to take, and no right to what is the agent's."""
        vm = self.start_vm('11.1')
        vm.qmp('QueryStatus')
        for name in LOOKALIKES:
            with self.subTest(name):
                for command, arguments in (('object-add', {'qom-type': 'iothread', 'id': '@'}), ('chardev-add', {'id': '@', 'backend': MEMORY})):
                    try:
                        vm.execute_json(command, self.put(name, arguments))
                    except CallError as error:
                        self.assertEqual(error.name, f'{NAME}.Error.GenericError')
        shown = [chardev['label'] for chardev in self.other(vm).qmp('QueryChardev')]
        self.assertIn(LOOKALIKES[0], shown)
        self.assertEqual([name for name in shown if name.startswith(PREFIX)], [])
        self.assertIn(vm.caller.name, list_monitors(vm))
        self.manager('RemoveVM', '(o)', vm.path)
        wait_until(lambda: self.ours() == [])
        # What a caller has made is the VM's.
        self.assertIn(LOOKALIKES[0], self.raw.list_chardevs())


class OnTheBus(HostileTest):
    # Each escapes to what another is called.
    NAMES = ('a-b', 'a_2db', 'a_5f2db', 'a_b', 'a b', 'a_20b', 'A-b', 'a', '_61', 'ä', '_c3_a4', 'ä', 'a/b', '../a', '.', '%s', 'vm', 'job')

    def test_paths(self):
        """Each name has a path of its own, by which its own VM is called."""
        peers = {}
        for name in self.NAMES:
            peer = self.start(Peer, {**ANSWERS, 'who': {'name': name}})
            try:
                peers[self.add(name, f'unix:{peer.path}').path] = name
            except CallError as error:
                self.assertEqual((name, error.name), (name, 'org.freedesktop.DBus.Error.InvalidArgs'))
        self.assertGreaterEqual(len(peers), len(set(self.NAMES)) - 3)
        for path, name in peers.items():
            self.assertEqual(VM(self.caller, path).execute('who'), {'name': name})
            self.assertEqual(VM(self.caller, path).get('Name'), name)
            self.assertEqual(self.manager('GetVM', '(s)', name), path)

    def test_jobs(self):
        """Likewise, of a QEMU that calls its jobs so."""
        jobs = [{'id': name, 'type': 'stream', 'status': 'running', 'current-progress': 0, 'total-progress': 1} for name in self.NAMES]
        vm, _ = self.fake({'query-jobs': [*jobs, *jobs[:3], {**jobs[0], 'id': f'{PREFIX}job'}]})
        paths = wait_until(lambda: [path for path in self.paths() if path.startswith(f'{vm.path}/job/')])
        self.assertEqual(len(paths), len(set(paths)))
        self.assertLessEqual(len(paths), len(self.NAMES) + 1)

    def test_the_agents_name(self):
        """Nobody takes it, however they ask, nor waits for it in front of another agent."""
        driver = 'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus'
        owner = self.caller.owner(NAME)
        for flags in range(8):
            self.assertIn(self.caller.call(*driver, 'RequestName', '(su)', NAME, flags)[0], (2, 3))
            self.assertEqual(self.caller.owner(NAME), owner)
        self.caller.call(*driver, 'ReleaseName', '(s)', NAME)
        self.assertEqual(self.caller.owner(NAME), owner)
        self.assertIn('status', self.calm.qmp('QueryStatus'))


# The user of a process in a namespace that has root alone.
IN_NAMESPACE = ['unshare', '--user', '--map-root-user']


class OfUsers(SystemBusTest):
    """A user namespace makes nobody another user than they are."""

    def call(self, vm, wrapper):
        """query-status, by a program that leaves it to the bus who it is."""
        return subprocess.run([*wrapper, 'busctl', f'--address={self.bus.address}', 'call', NAME, vm.path, f'{NAME}.VM', 'ExecuteJSON', 's',
                               'query-status'], capture_output=True, text=True, check=False)

    def assert_refused(self, vm, wrapper):
        result = self.call(vm, wrapper)
        self.assertEqual(result.stdout, '')
        self.assertIn('may not call', result.stderr)

    def test_root_of_a_namespace(self):
        self.start_system_agent()
        vm, _ = self.add_peer(uid=OWNER)
        for space in ([], ['--mount'], ['--pid', '--fork'], ['--mount', '--pid', '--fork', '--net', '--ipc', '--uts']):
            with self.subTest(space):
                self.assert_refused(vm, [*become(SOMEBODY), *IN_NAMESPACE, *space])
                self.assertIn('running', self.call(vm, [*become(OWNER), *IN_NAMESPACE, *space]).stdout)

    def test_users_without_a_number(self):
        """The bus and the agent are in a namespace that has root alone: all others are 65534 there, and nobody's friends."""
        self.bus = self.start(Bus, name='inner', wrapper=IN_NAMESPACE)
        self.agent = self.start(Agent, self.bus.address, [MODULE], f'--config-dir={self.directory}', wrapper=IN_NAMESPACE,
                                environment={'XDG_RUNTIME_DIR': self.directory})
        self.addCleanup(self.end_agent, self.agent)
        self.caller = self.connect()
        peer = self.start_peer()
        os.chmod(peer.path, 0o777)
        vm = self.add('web', f'unix:{peer.path}')
        self.assertEqual(vm.get('OwnerUID'), 65534)
        for uid in (OWNER, SOMEBODY):
            self.assert_refused(vm, become(uid))
        self.assertEqual(vm.get('Status'), 'running')


def become(uid):
    return ['setpriv', f'--reuid={uid}', '--clear-groups']


if __name__ == '__main__':
    main()
