# SPDX-License-Identifier: LGPL-2.1-or-later
"""One caller's secrets are not read out to another, by no way that QEMU has, and not to a newcomer who takes the VM over from
them; and a secret that no caller has given is read out to nobody."""
import re

from harness import Connection, QmpClient, main, wait_until
from harness.qemu import QmpError
from monitor import NAME, ROOT, VERSIONS, VM
from monitors import DENIED, GENERIC, MonitorsTest
from native import open_fd

DATA = 'hush-hush'
WHY = 'The data of a secret is read out only to the caller who has added it'
PATHS = '/objects/mine', 'mine', 'objects/mine', '//objects///mine//', 'objects//mine/'
# Strings of object-add whose names sound like it, in 7.2 to 11.1. All but the first are names of other objects, or public.
TELLING = re.compile('data|secret|passw|key|token|cookie|credential')
MEMBERS = {('secret', 'data'), ('secret', 'keyid'), ('secret_keyring', 'keyid'), ('tls-creds-x509', 'passwordid'),
           ('sev-snp-guest', 'host-data')}


def add_secret(vm, name, data=DATA):
    vm.execute('object-add', **{'qom-type': ('s', 'secret'), 'id': ('s', name), 'data': ('s', data)})


def read_data(vm, path='/objects/mine'):
    return vm.qmp('QomGet', '(ss)', path, 'data')


class HostileSecrets(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def start_secret(self, version):
        """A caller with a secret, in a QEMU that was started with another, and a stranger."""
        vm = self.start_vm(version, arguments=('-object', f'secret,id=started,data={DATA}'))
        add_secret(vm, 'mine')
        return vm, self.other(vm)

    def stop_vm(self, vm):
        self.caller.call(NAME, ROOT, f'{NAME}.Manager', 'RemoveVM', '(o)', vm.path)
        self.qemu.stop()

    def start_session(self, vm):
        return self.adopt(QmpClient(fd=open_fd(vm)))

    def assert_kept(self, function, *arguments, **options):
        self.assert_fails(DENIED, WHY, function, *arguments, **options)

    def assert_kept_in_session(self, session):
        with self.assertRaises(QmpError) as caught:
            session.execute('qom-get', {'path': 'mine', 'property': 'data'})
        self.assertIn(WHY, str(caught.exception))

    def test_every_version(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm, stranger = self.start_secret(version)
                self.read_every_way(vm, stranger)
                self.replace(vm, stranger)
                self.look_at_other_types()
                self.stop_vm(vm)

    def read_every_way(self, vm, stranger):
        for path in PATHS:
            self.assertEqual(read_data(vm, path), DATA)
            self.assert_kept(read_data, stranger, path)
        self.assertEqual(vm.execute_json('qom-get', '{"path":"mine","property":"data"}'), f'"{DATA}"')
        self.assert_kept(stranger.execute, 'qom-get', path=('s', 'mine'), property=('s', 'data'))
        self.assert_kept(stranger.execute_json, 'qom-get', '{"path":"mine","property":"d\\u0061ta"}')
        self.assert_kept(stranger.wait, 'qom-get', path=('s', 'mine'), property=('s', 'data'))
        for who in (vm, stranger):
            self.assert_kept(read_data, who, '/objects/started')
            self.assert_kept_in_session(self.start_session(who))
            for line in ('qom-get /objects/mine data', 'qom-get/objects/mine data', ' qom-get mine "data"'):
                self.assert_kept(who.qmp, 'HumanMonitorCommand', '(s)', line)
        self.assertEqual(stranger.qmp('QomGet', '(ss)', 'mine', 'format'), 'raw')
        # It is there, for whoever may use it.
        self.assertEqual(self.raw.execute('qom-get', {'path': 'mine', 'property': 'data'}), DATA)
        self.assertIn('mine', [entry['name'] for entry in stranger.qmp('QomList', '(s)', '/objects')])
        wait_until(lambda: WHY in self.agent.output, lambda: 'a record of it')
        self.assertNotIn(DATA, self.agent.output)

    def replace(self, vm, stranger):
        """The name becomes another caller's, and then another program's of which the agent knows nothing."""
        stranger.qmp('ObjectDel', '(s)', 'mine')
        add_secret(stranger, 'mine', 'other')
        self.assert_kept(read_data, vm)
        self.assertEqual(read_data(stranger), 'other')
        self.raw.execute('object-del', {'id': 'mine'})
        self.raw.execute('object-add', {'qom-type': 'secret', 'id': 'mine', 'data': 'third'})
        for who in (vm, stranger):
            self.assert_kept(read_data, who)

    def look_at_other_types(self):
        """A member that a newer QEMU adds is to be looked at here."""
        entities = {entity['name']: entity for entity in self.raw.execute('query-qmp-schema')}
        options = entities[entities['object-add']['arg-type']]
        found = {(variant['case'], member['name']) for variant in options['variants']
                 for member in entities[variant['type']]['members']
                 if entities[member['type']].get('json-type') == 'string' and TELLING.search(member['name'])}
        self.assertLessEqual(found, MEMBERS)

    def test_who_is_who(self):
        vm, stranger = self.start_secret(VERSIONS[-1])
        self.guess(vm, stranger)
        self.list_all_values(vm, stranger)
        self.read_in_sessions(vm, stranger)
        self.leave(vm, stranger)
        # Another agent does not know who has given what.
        self.end_agent(self.agent)
        self.start_agent()
        wait_until(lambda: self.paths() == [vm.path], lambda: f'the VM among {self.paths()}')
        for who in (vm, stranger, self.other(vm)):
            self.assert_kept(read_data, who)

    def guess(self, vm, stranger):
        add_secret(stranger, 'guess')
        self.assert_fails(GENERIC, 'duplicate', add_secret, stranger, 'mine')
        self.assert_kept(read_data, stranger)
        self.assertEqual(read_data(vm), DATA)

    def list_all_values(self, vm, stranger):
        for who in (vm, stranger):
            reply = who.execute('qom-list-get', paths=('as', ['/objects/mine', '/objects/started', '/objects']))
            self.assertNotIn(DATA, str(reply))
            self.assertEqual(reply[0]['properties'][-1], {'name': 'data', 'type': 'string'})
        self.assertNotIn(DATA, str(self.start_session(vm).execute('qom-list-get', {'paths': ['mine']})))

    def read_in_sessions(self, vm, stranger):
        """A session is a caller of its own."""
        session = self.start_session(stranger)
        session.execute('object-add', {'qom-type': 'secret', 'id': 'native', 'data': DATA})
        self.assertEqual(session.execute('qom-get', {'path': 'native', 'property': 'data'}), DATA)
        for who in (vm, stranger):
            self.assert_kept(read_data, who, '/objects/native')

    def leave(self, vm, stranger):
        leaver = Connection(self.bus.address)
        add_secret(VM(leaver, vm.path), 'left')
        leaver.stop()
        for who in (stranger, self.other(vm)):
            self.assert_kept(read_data, who, '/objects/left')
        stranger.qmp('ObjectDel', '(s)', 'left')


if __name__ == '__main__':
    main()
