# SPDX-License-Identifier: LGPL-2.1-or-later
"""org.qemu.Monitor1.xml against the schema of every QEMU that is supported: what the contract promises of QMP and
Events is there, with the signature that the mapping gives it. Programs that generate their bindings from the file
depend on it."""
import os
import subprocess
import xml.etree.ElementTree as ElementTree

from harness import Qemu, Test, main
from monitor import NAME, VERSIONS

CONTRACT = os.environ['CONTRACT']
BUILTIN = {'int': 'x', 'number': 'd', 'boolean': 'b', 'string': 's', 'null': 'g', 'value': 'v'}


def get_type(schema, name):
    entity = schema[name]
    match entity['meta-type']:
        case 'builtin':
            return BUILTIN[entity['json-type']]
        case 'enum':
            return 's'
        case 'object':
            return 'a{sv}'
        case 'array':
            return 'a' + get_type(schema, entity['element-type'])
    return 'v'


def get_in(schema, command):
    members = schema[command['arg-type']].get('members', [])
    required = [get_type(schema, member['type']) for member in members if 'default' not in member]
    return ''.join(required) + ('a{sv}' if len(required) < len(members) else '')


def get_out(schema, command):
    entity = schema[command['ret-type']]
    if entity['meta-type'] == 'object' and not entity['members'] and 'variants' not in entity:
        return ''
    return get_type(schema, command['ret-type'])


def get_signature(method, direction):
    return ''.join(arg.get('type') for arg in method.findall('arg') if arg.get('direction') == direction)


class Contract(Test):
    def setUp(self):
        super().setUp()
        root = ElementTree.parse(CONTRACT).getroot()
        self.interfaces = {interface.get('name'): interface for interface in root}

    def members(self, interface, kind):
        for member in self.interfaces[f'{NAME}.{interface}'].findall(kind):
            yield member.find('annotation').get('value'), member

    def test_methods_and_signals(self):
        for version in VERSIONS:
            reply = self.start(Qemu, version).raw().execute('query-qmp-schema')
            schema = {entity['name']: entity for entity in reply}
            for name, method in self.members('QMP', 'method'):
                with self.subTest(f'{version} {name}'):
                    # QEMU 11 gave it an optional member; everybody takes a{sv}.
                    if name != 'query-block':
                        self.assertEqual(get_signature(method, 'in'), get_in(schema, schema[name]))
                    self.assertEqual(get_signature(method, 'out'), get_out(schema, schema[name]))
            for name, _ in self.members('Events', 'signal'):
                self.assertEqual(schema[name]['meta-type'], 'event', name)

    def test_names_follow_the_rule(self):
        for interface, kind in (('QMP', 'method'), ('Events', 'signal')):
            for name, member in self.members(interface, kind):
                words = name.replace('_', '-').split('-')
                self.assertEqual(member.get('name'), ''.join(word.capitalize() for word in words))

    def test_everything_is_documented(self):
        generated = f'{self.directory}/doc'
        subprocess.run(['gdbus-codegen', '--generate-docbook', generated, CONTRACT], check=True, cwd=self.directory)
        for file in os.listdir(self.directory):
            with open(f'{self.directory}/{file}', encoding='utf-8') as text:
                self.assertNotIn('FIXME', text.read())


if __name__ == '__main__':
    main()
