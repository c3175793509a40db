# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tables of types against every QEMU that is supported. A device, object, block driver or back end that was forgotten
would take `host`, which is safe and a nuisance; the same for a member that could name a file. A misspelt row would
protect nothing. What fails here names the newcomer: read what it does before it gets a row."""
import glob
import os
import re
import subprocess

from harness import Qemu, Test, main
from harness.qemu import find_qemu
from monitor import VERSIONS

TYPE_CLASSES = os.environ['TYPE_CLASSES']
HOST = 'org.qemu.monitor1.host'

# Of another build, or for another machine.
ELSEWHERE = {'netdev': {'af-xdp'}}
NO_DEVICES = {'vfio-ap', 'vfio-ccw'}

# The class has a name that object-add does not know.
NO_OBJECTS = {'authz-list-file', 'dbus-display'}

# What a property of a device may be without naming anything, and the wiring inside of QEMU.
PLAIN = re.compile(r'bool|u?int\d*|size|child<.*|link<(irq|memory-region)>')

# Properties that QEMU only shows; to set one is an error.
SHOWN = {'crash-information', 'feature-words', 'filtered-features', 'guest-stats', 'unavailable-features'}

# Device types that nobody can list without the end of QEMU 7.2: their modules lack what they need.
BROKEN = {'virtio-gpu-gl-pci', 'virtio-vga-gl'}


def read_tables(devices=()):
    """{kind: {name: (actions, members)}}"""
    output = subprocess.run([TYPE_CLASSES, *devices], capture_output=True, text=True, check=True).stdout
    tables = {}
    for line in output.splitlines():
        kind, name, actions, *members = line.split()
        tables.setdefault(kind, {}).setdefault(name, (actions, []))[1].extend(members)
    return tables


class Schema:
    def __init__(self, entities):
        self.entities = {entity['name']: entity for entity in entities}

    def find(self, command, *path):
        """The type of a command's arguments, or of what is at a path in them; of an array, that of its elements."""
        found = self.entities[self.entities[command]['arg-type']]
        for name in path:
            found = self.entities[next(member['type'] for member in found['members'] if member['name'] == name)]
            if found['meta-type'] == 'array':
                found = self.entities[found['element-type']]
        return found

    def can_name(self, member):
        entity = self.entities[member['type']]
        return entity.get('json-type', entity['meta-type']) not in ('int', 'boolean', 'number')

    def names(self, entity):
        """The members of an object that can be text, a list or an object; those of its variants too."""
        found = {member['name'] for member in entity['members'] if self.can_name(member)}
        return found.union(*(self.names(self.entities[case['type']]) for case in entity.get('variants', ())))

    def cases(self, union, below=None):
        """The cases of a union, and what can name something in each; `below`: in that member of each."""
        cases = {case['case']: self.entities[case['type']] for case in union['variants']}
        if below:
            cases = {name: self.entities[next(member['type'] for member in case['members'] if member['name'] == below)]
                     for name, case in cases.items()}
        return {name: self.names(case) for name, case in cases.items()}


class TypesTest(Test):
    def start_qemu(self, version):
        """Without the modules of the machine's own QEMU, which end one of another version that looks for all."""
        directories = glob.glob('/usr/lib/*-linux-gnu/qemu') if '/' in (find_qemu(version) or '') else []
        wrapper = ['unshare', '--map-root-user', '--mount', 'sh', '-c', 'mount -t tmpfs none "$0" && exec "$@"']
        return self.start(Qemu, version, wrapper=[*wrapper, directories[0]] if directories else [])


class Unions(TypesTest):
    """The types that are cases of a union in the schema."""

    def schemas(self):
        for version in VERSIONS:
            yield version, Schema(self.start_qemu(version).raw().execute('query-qmp-schema'))

    def check_union(self, kind, *path, below=None, complete=True):
        """Every case has a row and every member of it a place; every row is a case somewhere."""
        table = read_tables()[kind]
        common = table.pop('*')[1]
        seen = set(ELSEWHERE.get(kind, ()))
        for version, schema in self.schemas():
            cases = schema.cases(schema.find(*path), below)
            seen |= cases.keys()
            with self.subTest(version):
                self.assertEqual(cases.keys() - table.keys(), set(), 'types without a row')
                unknown = {name: names.difference(common, table[name][1]) for name, names in cases.items()
                           if table[name][0] != HOST}
                self.assertEqual({name: names for name, names in unknown.items() if names}, {}, 'members in no row')
        if complete:
            self.assertEqual(table.keys() - seen, set(), 'rows of nothing')

    def test_objects(self):
        self.check_union('object', 'object-add')

    def test_block_drivers(self):
        self.check_union('block', 'blockdev-add')

    def test_block_drivers_that_create(self):
        self.check_union('block', 'blockdev-create', 'options', complete=False)

    def test_displays(self):
        self.check_union('display', 'display-reload')

    def test_exports(self):
        self.check_union('export', 'block-export-add')

    def test_network_devices(self):
        self.check_union('netdev', 'netdev_add')

    def test_character_devices(self):
        self.check_union('chardev', 'chardev-add', 'backend', below='data')

    def test_objects_that_no_schema_lists(self):
        """What can be made by its name on the command line and not by object-add yet, and its properties."""
        table = read_tables()['object']
        for version in VERSIONS:
            qmp = self.start_qemu(version).raw()
            known = {entry['name'] for entry in qmp.execute('qom-list-types', {'implements': 'user-creatable'})}
            with self.subTest(version):
                self.assertEqual(known - table.keys() - NO_OBJECTS, set())


class Devices(TypesTest):
    def pluggable(self, qmp):
        """Types and aliases. No command of QMP tells which of its types QEMU would plug."""
        text = qmp.execute('human-monitor-command', {'command-line': 'info qdm'})
        lines = [line for line in text.splitlines() if line.startswith('name ') and 'no-user' not in line]
        return {name for line in lines for name in re.findall(r'(?:name|alias) "([^"]+)"', line)}

    def properties(self, qmp, names):
        """{type: those of its properties that may name something}"""
        return {name: {entry['name'] for entry in qmp.execute('device-list-properties', {'typename': name})
                       if not PLAIN.fullmatch(entry['type'])} for name in names}

    def test_types(self):
        known = set()
        for version in VERSIONS:
            names = self.pluggable(self.start_qemu(version).raw())
            known |= names
            with self.subTest(version):
                self.assertEqual(names - read_tables(sorted(names))['device'].keys(), set())
        rows = set(read_tables()['group']['-'][1])
        bases = {re.sub('(-device)?(-pci)?(-non-transitional|-transitional)?$', '', name) for name in known} | known
        self.assertEqual(rows - bases - NO_DEVICES, set(), 'rows of nothing')

    def test_every_type_that_is_listed_and_has_no_row_is_not_to_be_plugged(self):
        for version in VERSIONS:
            qmp = self.start_qemu(version).raw()
            listed = {entry['name'] for entry in
                      qmp.execute('qom-list-types', {'implements': 'device', 'abstract': False})}
            named = read_tables(sorted(listed))['device'].keys()
            with self.subTest(version):
                self.assertTrue(named)
                self.assertEqual((listed - named) & self.pluggable(qmp), set())

    def test_properties(self):
        named = set(read_tables()['device']['*'][1])
        for version in VERSIONS:
            qmp = self.start_qemu(version).raw()
            names = self.pluggable(qmp) & {entry['name'] for entry in qmp.execute('qom-list-types')}
            rows = read_tables(sorted(names))['device']
            found = self.properties(qmp, [name for name in sorted(names - BROKEN) if rows[name][0] != HOST])
            unknown = {name: {one for one in properties - named - SHOWN if not one.startswith('x-')}
                       for name, properties in found.items()}
            with self.subTest(version):
                self.assertEqual({name: properties for name, properties in unknown.items() if properties}, {})


if __name__ == '__main__':
    main()
