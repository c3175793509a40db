# SPDX-License-Identifier: LGPL-2.1-or-later
"""org.qemu.Monitor1.xml against the schema of every QEMU that is supported: what the contract promises of QMP and
Events is there, with the signature that the mapping gives it. Programs that generate their bindings from the file
depend on it."""
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

from harness import Qemu, Test, main
from mapping import ANY_FORM, get_annotation, get_arguments, get_in, get_member, get_out, get_qmp_name
from monitor import NAME, VERSIONS

CONTRACT = os.environ['CONTRACT']
DEPRECATED = 'org.freedesktop.DBus.Deprecated'

# Their arguments are not the same in all versions, so that the contract has the one form that each version takes.
VARYING = {'migrate', 'migrate-incoming', 'query-block', 'query-dirty-rate', 'query-machines', 'trace-event-get-state'}


class Contract(Test):
    def setUp(self):
        super().setUp()
        root = ElementTree.parse(CONTRACT).getroot()
        self.interfaces = {interface.get('name'): interface for interface in root}
        self.methods = dict(self.members('QMP', 'method'))
        self.signals = dict(self.members('Events', 'signal'))

    def members(self, interface, kind):
        for member in self.interfaces[f'{NAME}.{interface}'].findall(kind):
            yield get_qmp_name(member), member

    def start_schemas(self):
        """The schema of each version."""
        for version in VERSIONS:
            reply = self.start(Qemu, version).raw().execute('query-qmp-schema')
            yield version, {entity['name']: entity for entity in reply}

    def test_every_qemu_has_the_methods_and_signals(self):
        for version, schema in self.start_schemas():
            for name, method in self.methods.items():
                with self.subTest(f'{version} {name}'):
                    command = schema[name]
                    self.assertEqual(command['meta-type'], 'command')
                    self.assertNotIn('unstable', command.get('features', []))
                    self.assertEqual(get_arguments(method, 'in'),
                                     ANY_FORM if name in VARYING else get_in(schema, command))
                    self.assertEqual(get_arguments(method, 'out'), get_out(schema, command))
            for name, signal in self.signals.items():
                with self.subTest(f'{version} {name}'):
                    self.assertEqual(schema[name]['meta-type'], 'event')
                    self.assertEqual(get_arguments(signal), [('a{sv}', 'data'), ('t', 'timestamp')])

    def test_the_excuses_are_needed(self):
        """VARYING are all that differ, and deprecated is what all versions call so."""
        schemas = [schema for _, schema in self.start_schemas()]
        forms = {name: [get_in(schema, schema[name]) for schema in schemas] for name in self.methods}
        self.assertEqual({name for name, form in forms.items() if any(one != form[0] for one in form)}, VARYING)
        for name, method in self.methods.items():
            with self.subTest(name):
                deprecated = all('deprecated' in schema[name].get('features', []) for schema in schemas)
                self.assertEqual(get_annotation(method, DEPRECATED), 'true' if deprecated else None)

    def test_actions_are_those_of_the_policy(self):
        """An administrator who writes a rule for a method finds the action's name here."""
        output = subprocess.run([os.environ['COMMAND_CLASSES']], capture_output=True, text=True, check=True).stdout
        actions = dict(line.split() for line in output.splitlines())
        for name, member in (self.methods | self.signals).items():
            with self.subTest(name):
                expected = actions[name] if name in self.methods else 'org.qemu.monitor1.observe'
                self.assertEqual(get_annotation(member, f'{NAME}.Action'), expected)

    def test_enough_for_everyday_management(self):
        self.assertGreaterEqual(len(self.methods), 120)
        self.assertGreaterEqual(len(self.signals), 40)

    def test_names_follow_the_rule(self):
        for name, member in (self.methods | self.signals).items():
            self.assertEqual(member.get('name'), get_member(name))
            for arg in member.findall('arg'):
                name = get_qmp_name(arg) or arg.get('name')
                self.assertEqual(arg.get('name'), re.sub('[^A-Za-z0-9_]', '_', name))

    def test_everything_is_documented(self):
        generated = f'{self.directory}/doc'
        subprocess.run(['gdbus-codegen', '--generate-docbook', generated, CONTRACT], check=True, cwd=self.directory)
        for file in os.listdir(self.directory):
            with open(f'{self.directory}/{file}', encoding='utf-8') as text:
                self.assertNotIn('FIXME', text.read())

    def test_gdbus_codegen_makes_c_of_it(self):
        """In which a method must not be named as another one's blocking call is: NAME_sync."""
        generated = f'{self.directory}/contract.h'
        subprocess.run(['gdbus-codegen', '--header', f'--output={generated}', CONTRACT], check=True,
                       cwd=self.directory)
        with open(generated, encoding='utf-8') as text:
            names = re.findall(r'^\w[\w *]*\b(\w+_call_\w+) \($', text.read(), re.MULTILINE)
        self.assertGreater(len(names), len(self.methods))
        self.assertEqual(len(names), len(set(names)))


if __name__ == '__main__':
    main()
