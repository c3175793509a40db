# SPDX-License-Identifier: LGPL-2.1-or-later
"""org.qemu.Monitor1.xml against the schema of every QEMU that is supported: what the contract promises of QMP and
Events is there, with the signature that the mapping gives it. Programs that generate their bindings from the file
depend on it."""
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

from gi.repository import Gio, GLib

from harness import CallError, Peer, Qemu, main
from mapping import ANY_FORM, get_annotation, get_arguments, get_in, get_member, get_out, get_qmp_name, get_type
from monitor import ANSWERS, INVALID_ARGS, NAME, VERSIONS, MonitorTest

CONTRACT = os.environ['CONTRACT']
DEPRECATED = 'org.freedesktop.DBus.Deprecated'

# Their arguments are not the same in all versions by the rule, so that the contract has one form for all of them.
VARYING = {'migrate', 'migrate-incoming', 'query-block', 'query-dirty-rate', 'query-machines', 'trace-event-get-state'}


def make_value(schema, name):
    """Some value of that type, with nothing in it that is not required."""
    entity = schema[name]
    match entity['meta-type']:
        case 'builtin':
            return {'int': GLib.Variant('x', 1), 'number': GLib.Variant('d', 1), 'boolean': GLib.Variant('b', True),
                    'null': GLib.Variant('g', '')}.get(entity['json-type'], GLib.Variant('s', 'word'))
        case 'enum':
            return GLib.Variant('s', entity['values'][0])
        case 'array':
            return GLib.Variant(get_type(schema, name), [])
        case 'alternate':
            return make_value(schema, max((branch['type'] for branch in entity['members']),
                                          key=lambda branch: schema[branch]['meta-type'] == 'builtin'))
    members = {member['name']: make_value(schema, member['type']) for member in entity['members']
               if 'default' not in member}
    if 'tag' in entity:
        word = members[entity['tag']].unpack()
        variant = next((variant['type'] for variant in entity['variants'] if variant['case'] == word), None)
        branch = make_value(schema, variant) if variant else GLib.Variant('a{sv}', {})
        members |= {key: branch.lookup_value(key, None) for key in branch.keys()}
    return GLib.Variant('a{sv}', members)


class Contract(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()
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

    def test_every_vm_shows_the_promised_signature_and_takes_it(self):
        """Libraries check a call against the introspection of the VM: a program is written once for all QEMUs, by the
        contract. A scripted peer says what the real one does, so that nothing comes of the calls."""
        for version, schema in self.start_schemas():
            peer = self.start(Peer, {**ANSWERS, 'query-qmp-schema': list(schema.values())})
            vm = self.add(version, f'unix:{peer.path}')
            shown = Gio.DBusNodeInfo.new_for_xml(self.caller.call(
                NAME, vm.path, 'org.freedesktop.DBus.Introspectable', 'Introspect')[0]).lookup_interface(f'{NAME}.QMP')
            for name, method in self.methods.items():
                with self.subTest(f'{version} {name}'):
                    own = shown.lookup_method(method.get('name'))
                    for direction, args in (('in', own.in_args), ('out', own.out_args)):
                        self.assertEqual([(arg.get('name'), arg.get('type')) for arg in method.findall('arg')
                                          if arg.get('direction') == direction],
                                         [(arg.name, arg.signature) for arg in args])
                    self.call(vm, schema, schema[name], method)

    def call(self, vm, schema, command, method):
        """In the promised form, with values that the schema allows: neither the form nor the values are refused."""
        members = {member['name']: member['type'] for member in schema[command['arg-type']]['members']}
        values = []
        for kind, name in get_arguments(method, 'in'):
            if name in members:
                values.append(make_value(schema, members[name]))
            elif kind == 'h':
                values.append(GLib.Variant('h', 0))
            else:
                values.append(make_value(schema, command['arg-type']) if name == 'arguments' else GLib.Variant('a{sv}', {}))
        signature = ''.join(value.get_type_string() for value in values)
        with open('/dev/null', 'rb') as null:
            try:
                self.caller.call(NAME, vm.path, f'{NAME}.QMP', method.get('name'), f'({signature})',
                                 *[value.unpack() if value.get_type_string() != 'a{sv}' else {
                                     key: value.lookup_value(key, None) for key in value.keys()} for value in values],
                                 fds=[null.fileno()] if 'h' in signature else [])
            except CallError as error:
                self.assertNotIn(error.name, (INVALID_ARGS, 'org.freedesktop.DBus.Error.UnknownMethod'), error.message)

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
        directory = f'{self.directory}/generated'
        os.mkdir(directory)
        subprocess.run(['gdbus-codegen', '--generate-docbook', f'{directory}/doc', CONTRACT], check=True, cwd=directory)
        for file in os.listdir(directory):
            with open(f'{directory}/{file}', encoding='utf-8') as text:
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
