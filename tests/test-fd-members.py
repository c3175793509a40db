# SPDX-License-Identifier: LGPL-2.1-or-later
"""Descriptors that callers have named, in every argument that takes one: a caller's own reaches QEMU, another's does not.
On real QEMUs."""
import json
import re
import socket

from harness import CallError, main, wait_until
from monitor import NAME, ROOT, VERSIONS
from monitors import DENIED, MonitorsTest

# QEMU's word for a name that it does not have.
MISSING = 'has not been found'

# Members of type string, at any depth of any command's arguments, that take a name: how it stands in them.
MEMBERS = {'fd': '@', 'fdname': '@', 'fds': '@', 'vhostfd': '@', 'vhostfds': '@', 'sock-fds': '@', 'str': '@',
           'uri': 'fd:@', 'protocol': 'fd:@'}
# Those which are called alike, and take none.
OTHERS = {('add_client', 'protocol'), ('client_migrate_info', 'protocol')}
LOOKS_LIKE_ONE = re.compile(r'fds?$|^fd|^str$|protocol|uri|sockfd|descriptor')

FD = {'type': 'fd', 'str': '@'}
OLD_FD = {'type': 'fd', 'data': {'str': '@'}}

# Where `@` is the name. QEMU may have no use for the descriptor, but not for want of its name.
COMMANDS = (
    ('dump-guest-memory', {'paging': False, 'protocol': 'fd:@'}),
    ('chardev-add', {'id': 'new', 'backend': {'type': 'socket', 'data': {'addr': OLD_FD, 'server': False}}}),
    ('chardev-change', {'id': 'serial0', 'backend': {'type': 'socket', 'data': {'addr': OLD_FD, 'server': False}}}),
    ('nbd-server-start', {'addr': OLD_FD}),
    ('blockdev-add', {'driver': 'nbd', 'node-name': 'd', 'server': FD}),
    ('block-export-add', {'type': 'vhost-user-blk', 'id': 'e', 'node-name': 'n', 'addr': FD}),
    ('netdev_add', {'type': 'tap', 'id': 'n', 'fd': '@'}),
    ('netdev_add', {'type': 'tap', 'id': 'n', 'fds': '@'}),
    ('netdev_add', {'type': 'socket', 'id': 'n', 'fd': '@'}),
    ('netdev_add', {'type': 'dgram', 'id': 'g', 'local': FD}),
    ('add_client', {'protocol': 'vnc', 'fdname': '@'}),
    ('display-update', {'type': 'vnc', 'addresses': [FD]}),
    ('device_add', {'driver': 'vhost-vsock-pci', 'guest-cid': 3, 'vhostfd': '@'}),
    ('device_add', {'driver': 'vhost-scsi-pci', 'wwpn': 'naa.5001405bc6a0d6a1', 'vhostfd': '@'}),
    # A virtio-net device with `rss=on` takes `ebpf-rss-fds` where its netdev is a tap: tests/test-fd-names.c.
    # A netdev of type `stream` connects later, where QEMU does not know any more whose names to look in.
)
CHANNELS = {'channels': [{'channel-type': 'main', 'addr': {'transport': 'socket', **FD}}]}
COMMANDS_SINCE_10_0 = (
    ('object-add', {'qom-type': 'iommufd', 'id': 'o', 'fd': '@'}),
)


def put(name, value):
    """The arguments with that name in them."""
    return json.dumps(value).replace('@', name)


def get_names(schema, name, seen, member=''):
    """The names of all members of type string below a type."""
    entity = schema[name]
    if entity['meta-type'] == 'builtin':
        return {member} if entity['json-type'] in ('string', 'value') else set()
    if name in seen:
        return set()
    seen.add(name)
    if entity['meta-type'] == 'array':
        seen.discard(name)
        return get_names(schema, entity['element-type'], seen, member)
    if entity['meta-type'] == 'alternate':
        seen.discard(name)
        return set().union(*(get_names(schema, one['type'], seen, member) for one in entity['members']))
    if entity['meta-type'] != 'object':
        return set()
    return set().union(*(get_names(schema, one['type'], seen, one['name']) for one in entity['members']),
                       *(get_names(schema, one['type'], seen) for one in entity.get('variants', ())))


class FdMembers(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def test_every_member_is_known(self):
        """One that a QEMU has and this test does not shows here: is it translated, and has it a case below?"""
        for version in VERSIONS:
            self.start_vm(version)
            schema = {entity['name']: entity for entity in self.raw.execute('query-qmp-schema')}
            for command in (entity for entity in schema.values() if entity['meta-type'] == 'command'):
                names = get_names(schema, command['arg-type'], set())
                unknown = {(command['name'], name) for name in names if LOOKS_LIKE_ONE.search(name) and name not in MEMBERS}
                self.assertEqual(unknown - OTHERS, set(), version)
            self.manager('RemoveVM', '(o)', f'{ROOT}/vm/vm')

    def getfd(self, vm, name, command=''):
        """QEMU waits for whoever is at the other end of a migration; anything else finds /dev/null."""
        fd = self.null
        if command.startswith('migrate'):
            theirs, ours = map(self.adopt_socket, socket.socketpair())
            fd = theirs.fileno()
        vm.caller.call(NAME, vm.path, f'{NAME}.QMP', 'Getfd', '(hs)', 0, name, fds=[fd])

    def adopt_socket(self, one):
        self.addCleanup(one.close)
        return one

    def try_command(self, vm, command, arguments):
        """What QEMU has to complain of."""
        try:
            vm.execute_json(command, arguments)
        except CallError as error:
            return error.message
        return ''

    def check(self, vm, other, command, arguments):
        self.getfd(vm, 'mine', command)
        self.assertIn(MISSING, self.try_command(other, command, put('mine', arguments)))
        self.assertNotIn(MISSING, self.try_command(vm, command, put('mine', arguments)))
        self.try_command(vm, 'closefd', '{"fdname":"mine"}')
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')

    def test_ones_own_works_and_anothers_does_not(self):
        for version in VERSIONS:
            vm = self.start_vm(version, machine='pc', arguments=[
                '-serial', 'null', '-vnc', 'none', '-blockdev', 'null-co,node-name=n'])
            other = self.other(vm)
            self.getfd(other, 'another')
            for command, arguments in COMMANDS + (COMMANDS_SINCE_10_0 if version != '7.2' else ()):
                with self.subTest(version, command=command, arguments=put('@', arguments)):
                    self.check(vm, other, command, arguments)
            self.manager('RemoveVM', '(o)', vm.path)

    def test_a_dump_arrives(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                path = f'{self.directory}/dump-{version}'
                with open(path, 'wb') as file:
                    vm.caller.call(NAME, vm.path, f'{NAME}.QMP', 'Getfd', '(hs)', 0, 'dump', fds=[file.fileno()])
                vm.execute_json('dump-guest-memory', '{"paging":false,"protocol":"fd:dump"}')
                with open(path, 'rb') as file:
                    self.assertEqual(file.read(4), b'\x7fELF')
                self.manager('RemoveVM', '(o)', vm.path)

    def check_migration(self, version, command, arguments):
        # After an attempt QEMU makes no other.
        for is_own in (False, True):
            incoming = ['-incoming', 'defer'] if command == 'migrate-incoming' else []
            vm = self.start_vm(version, arguments=incoming)
            self.getfd(vm, 'mine', command)
            complaint = self.try_command(vm if is_own else self.other(vm), command, put('mine', arguments))
            if is_own:
                self.assertEqual(complaint, '')
            else:
                self.assertIn(MISSING, complaint)
            self.manager('RemoveVM', '(o)', vm.path)

    def test_migrations(self):
        for version in VERSIONS:
            for command in ('migrate', 'migrate-incoming'):
                for arguments in ({'uri': 'fd:@'}, CHANNELS)[:1 if version == '7.2' else 2]:
                    with self.subTest(version, command=command, arguments=put('@', arguments)):
                        self.check_migration(version, command, arguments)

    def test_a_name_that_another_has_seen(self):
        """QEMU lists what a descriptor is called there when the other end of a character device has gone."""
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                other = self.other(vm)
                theirs, ours = socket.socketpair()
                vm.caller.call(NAME, vm.path, f'{NAME}.QMP', 'Getfd', '(hs)', 0, 'mine', fds=[theirs.fileno()])
                theirs.close()
                backend = {'type': 'socket', 'data': {'addr': OLD_FD, 'server': False}}
                vm.execute_json('chardev-add', put('mine', {'id': 'new', 'backend': backend}))
                ours.close()
                self.getfd(vm, 'mine')
                wait_until(lambda: 'mine' in other.execute_json('query-chardev'))
                seen = re.search(r'c[0-9a-f]{16}\.mine', other.execute_json('query-chardev'))[0]
                for command, arguments in COMMANDS:
                    self.assert_fails(DENIED, 'descriptor', other.execute_json, command, put(seen, arguments))
                self.manager('RemoveVM', '(o)', vm.path)


if __name__ == '__main__':
    main()
