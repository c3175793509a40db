# SPDX-License-Identifier: LGPL-2.1-or-later
"""org.qemu.Monitor1.QMP and .Events on real QEMUs: every command a method and every event a signal, with the types that
QEMU's own schema gives them, for whoever writes or generates a client."""
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

from gi.repository import Gio, GLib

from harness import CallError, Qemu, main, wait_until
from mapping import get_annotation, get_arguments, get_member, get_qmp_name, get_shown
from monitor import INVALID_ARGS, NAME, VERSIONS, MonitorTest, variants

COUNTS = {'7.2': (216, 52), '10.0': (233, 55), '11.1': (242, 57)}
DEPRECATED = 'org.freedesktop.DBus.Deprecated'
PROXY_CLIENT = os.environ['PROXY_CLIENT']

# Not called here: what ends or changes the VM, waits for something, or looks beyond the tree it was extracted to.
UNSAFE = re.compile('^(quit|stop|cont|system_.*|inject-nmi|x-exit-preconfig|qmp_capabilities|rtc-reset-reinjection|'
                    'xen-.*|x-colo-lost-heartbeat|migrate.*|nbd-server-stop|replay-.*|qom-list-types|announce-self|'
                    'query-sev-launch-measure|display-.*|request-ebpf)$')


class QmpTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def start_vm(self, version, *arguments, **options):
        qemu = self.start(Qemu, version, *arguments, monitors=2, **options)
        return self.add('', f'unix:{qemu.path}') if 'name' in options else self.add(version, f'unix:{qemu.path}'), qemu

    def introspect(self, vm):
        return self.caller.call(NAME, vm.path, 'org.freedesktop.DBus.Introspectable', 'Introspect')[0]

    def describe(self, vm):
        """The methods of QMP and the signals of Events, by their QMP names."""
        interfaces = {interface.get('name'): interface for interface in ElementTree.fromstring(self.introspect(vm))}
        return ({get_qmp_name(method): method for method in interfaces[f'{NAME}.QMP'].findall('method')},
                {get_qmp_name(signal): signal for signal in interfaces[f'{NAME}.Events'].findall('signal')})


class Introspection(QmpTest):
    def test_every_command_and_event(self):
        for version in VERSIONS:
            vm, qemu = self.start_vm(version)
            schema = {entity['name']: entity for entity in qemu.raw().execute('query-qmp-schema')}
            methods, signals = self.describe(vm)
            self.assertEqual((len(methods), len(signals)), COUNTS[version])
            for name, method in methods.items():
                with self.subTest(f'{version} {name}'):
                    self.assertEqual(method.get('name'), get_member(name))
                    for direction in ('in', 'out'):
                        self.assertEqual(get_arguments(method, direction), get_shown(schema, schema[name], direction))
                    features = schema[name].get('features', [])
                    self.assertEqual(get_annotation(method, DEPRECATED) == 'true', 'deprecated' in features)
                    self.assertEqual(get_annotation(method, f'{NAME}.Unstable') == 'true', 'unstable' in features)
                    action = get_annotation(method, f'{NAME}.Action')
                    self.assertRegex(action, '^org.qemu.monitor1.[a-z-]+$')
                    self.assertTrue(action.endswith('.host') or 'unstable' not in features, action)
            for name, signal in signals.items():
                with self.subTest(f'{version} {name}'):
                    self.assertEqual(schema[name]['meta-type'], 'event')
                    self.assertEqual(signal.get('name'), get_member(name))
                    self.assertEqual(get_arguments(signal), [('a{sv}', 'data'), ('t', 'timestamp')])

    def test_tools_read_it(self):
        for version in VERSIONS:
            vm, _ = self.start_vm(version)
            node = Gio.DBusNodeInfo.new_for_xml(self.introspect(vm))
            methods = node.lookup_interface(f'{NAME}.QMP').methods
            self.assertEqual(len(methods), COUNTS[version][0])
            for method in methods:
                names = [arg.name for arg in method.in_args]
                self.assertEqual(len(names), len(set(names)), method.name)
            listed = subprocess.run(['busctl', f'--address={self.bus.address}', 'introspect', NAME, vm.path,
                                     f'{NAME}.QMP'], capture_output=True, text=True, check=True).stdout
            self.assertEqual(len(re.findall(r'^\.\w+ +method ', listed, re.MULTILINE)), COUNTS[version][0])

    def test_c_is_generated_from_it(self):
        vm, _ = self.start_vm('11.1')
        xml = self.write('vm.xml', self.introspect(vm))
        for kind in ('header', 'body'):
            subprocess.run(['gdbus-codegen', f'--{kind}', f'--output={self.directory}/vm.{kind[0]}', xml], check=True)
        os.rename(f'{self.directory}/vm.b', f'{self.directory}/vm.c')
        flags = subprocess.run(['pkg-config', '--cflags', 'gio-unix-2.0'], capture_output=True, text=True, check=True)
        subprocess.run(['cc', '-fsyntax-only', '-Wall', '-Werror', '-Wno-deprecated-declarations',
                        *flags.stdout.split(), f'{self.directory}/vm.c'], check=True, cwd=self.directory)

    def test_a_client_generated_from_the_contract(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm, _ = self.start_vm(version)
                result = subprocess.run([PROXY_CLIENT, self.bus.address, vm.path], capture_output=True, text=True,
                                        check=False, timeout=60)
                self.assertEqual((result.returncode, result.stderr), (0, ''))
                self.assertEqual(result.stdout.split(), ['running', 'STOP', 'paused', 'InvalidArgs', 'n0'])


class Calls(QmpTest):
    def test_every_command_that_is_safe(self):
        """The reply has the type that Introspect promises, or QEMU says why not."""
        for version in VERSIONS:
            vm, _ = self.start_vm(version, '-device', 'virtio-scsi-pci', '-device', 'scsi-cd,id=cd0', '-device',
                                  'virtio-balloon-pci', '-vnc', 'none')
            called = 0
            for name, method in self.describe(vm)[0].items():
                inputs = get_arguments(method, 'in')
                if UNSAFE.match(name) or (inputs and inputs != [('a{sv}', 'options')]):
                    continue
                with self.subTest(f'{version} {name}'):
                    self.call_for_type(vm, method)
                    called += 1
            self.assertGreater(called, 60, version)

    def call_for_type(self, vm, method):
        try:
            reply = self.caller.call(NAME, vm.path, f'{NAME}.QMP', method.get('name'), unpack=False)
        except CallError as error:
            self.assertRegex(error.name, f'^{NAME}.Error.(GenericError|DeviceNotActive|KVMMissingCap)$', error.message)
        else:
            promised = ''.join(kind for kind, _ in get_arguments(method, 'out'))
            self.assertEqual(reply.get_type_string(), f'({promised})')

    def test_results_have_the_schemas_types(self):
        vm, _ = self.start_vm('11.1')
        node = {'driver': ('s', 'null-co'), 'node-name': ('s', 'n0'), 'size': ('t', 1 << 20)}
        self.assertIsNone(vm.qmp('BlockdevAdd', '(a{sv})', variants(node)))
        reply = vm.start('QMP', 'QueryNamedBlockNodes', unpack=False)()
        # Nothing is in this array, and it is still known what would be.
        children = reply.get_child_value(0).get_child_value(0).lookup_value('children', None)
        self.assertEqual(children.get_type_string(), 'aa{sv}')

    def test_forms(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm, _ = self.start_vm(version)
                keys = [variants({'type': ('s', 'qcode'), 'data': ('s', 'ret')})]
                for signature, arguments in (('(aa{sv}a{sv})', (keys, variants({'hold-time': ('u', 1)}))),
                                             ('(aa{sv})', (keys,)),
                                             ('(av)', ([GLib.Variant('a{sv}', keys[0])],)),
                                             ('(a{sv})', (variants({'keys': ('aa{sv}', keys)}),))):
                    self.assertIsNone(vm.qmp('SendKey', signature, *arguments))
                self.assertEqual(vm.qmp('QueryMachines')[0].keys() & {'name'}, {'name'})
                self.assertEqual(vm.qmp('QueryMachines', '(a{sv})', {})[0].keys() & {'name'}, {'name'})
                self.assertEqual(vm.qmp('HumanMonitorCommand', '(s)', 'info name'), '')

    def test_mistakes_are_named(self):
        key = {'type': ('s', 'qcode'), 'data': ('s', 'ret')}
        for version in VERSIONS:
            vm, _ = self.start_vm(version)

            def keys(**changes):
                return [variants(key), variants({**key, **changes})]
            for text, method, signature, *arguments in (
                    ('keys[1].data: "no" is none of: ', 'SendKey', '(aa{sv})', keys(data=('s', 'no'))),
                    ('keys[1].data: a string is expected, an integer', 'SendKey', '(aa{sv})', keys(data=('i', 1))),
                    ('keys[1].type: "key" is none of: number, qcode', 'SendKey', '(aa{sv})', keys(type=('s', 'key'))),
                    ('keys[1].more: no such member; there are: type, data', 'SendKey', '(aa{sv})',
                     keys(more=('b', True))),
                    ('keys: an array is expected, an object', 'SendKey', '(a{sv})', variants({'keys': ('a{sv}', {})})),
                    ('keys: is missing', 'SendKey', '(a{sv})', {}),
                    ('hold_time: no such member; there are: keys, hold-time; did you mean hold-time?', 'SendKey', '(aa{sv}a{sv})', keys(),
                     variants({'hold_time': ('i', 1)})),
                    ('up: a boolean is expected, an integer', 'SetLink', '(si)', 'net0', 1),
                    ('name is there twice', 'SetLink', '(sba{sv})', 'net0', True, variants({'name': ('s', 'net0')})),
                    ('SetLink takes `sb` or `a{sv}`, the call has `s`', 'SetLink', '(s)', 'net0'),
                    ('argument 1', 'QueryStatus', '(d)', float('nan')),
                    ('value: an integer is expected, a number with a fraction', 'Balloon', '(d)', 1.0),
                    ('driver: is missing', 'BlockdevAdd', '(a{sv})', variants({'size': ('x', 1)})),
                    ('backing: no such member', 'BlockdevAdd', '(a{sv})',
                     variants({'driver': ('s', 'raw'), 'backing': ('s', 'x')})),
                    ('file.filename: is missing', 'BlockdevAdd', '(a{sv})', variants(
                        {'driver': ('s', 'raw'), 'file': ('a{sv}', variants({'driver': ('s', 'file')}))})),
                    ('file: an object or a string is expected, a boolean', 'BlockdevAdd', '(a{sv})',
                     variants({'driver': ('s', 'raw'), 'file': ('b', True)})),
                    ('driver: a string is expected', 'DeviceAdd', '(ia{sv})', 1, {}),
                    ('takes a file descriptor first', 'Getfd', '(s)', 'name')):
                with self.subTest(f'{version} {text}'):
                    self.assert_fails(INVALID_ARGS, text, vm.start('QMP', method, signature, *arguments))
            self.assert_fails('org.freedesktop.DBus.Error.UnknownMethod', 'Execute', vm.start('QMP', 'NoSuchCommand'))

    def test_device_add_takes_the_properties_of_the_device(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm, qemu = self.start_vm(version, '-device', 'pcie-root-port,id=slot0,chassis=1')
                self.assertIsNone(vm.qmp('DeviceAdd', '(sa{sv})', 'virtio-rng-pci', variants(
                    {'id': ('s', 'rng'), 'bus': ('s', 'slot0'), 'max-bytes': ('u', 1234)})))
                self.assertEqual(qemu.raw().execute('qom-get', {'path': '/machine/peripheral/rng', 'property': 'max-bytes'}), 1234)
                self.assert_fails(f'{NAME}.Error.GenericError', 'no-such', vm.start(
                    'QMP', 'DeviceAdd', '(sa{sv})', 'virtio-rng-pci', variants(
                        {'bus': ('s', 'slot0'), 'no-such': ('i', 1)})))

    def test_events_have_the_schemas_types(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm, _ = self.start_vm(version, '-device', 'virtio-scsi-pci', '-device', 'scsi-cd,id=cd0')
                events = vm.record_events()
                vm.execute('blockdev-open-tray', id=('s', 'cd0'))
                self.assertEqual(events.wait('DeviceTrayMoved')[0], {'device': '', 'id': 'cd0', 'tray-open': True})


class Descriptors(QmpTest):
    def setUp(self):
        super().setUp()
        self.files = {}
        for number in range(20):
            path = self.write(f'file-{number}', '')
            fd = os.open(path, os.O_RDWR)
            self.addCleanup(os.close, fd)
            self.files[path] = fd

    def test_each_arrives_with_its_own_command(self):
        """All at once, from two callers, and what is labelled for one file holds that file."""
        for version in VERSIONS:
            with self.subTest(version):
                vm, qemu = self.start_vm(version)
                other = self.connect()
                replies = []
                for number, (path, fd) in enumerate(self.files.items()):
                    caller = other if number % 2 else self.caller
                    replies.append(caller.start(NAME, vm.path, f'{NAME}.QMP', 'AddFd', '(ha{sv})', 0,
                                                variants({'opaque': ('s', path)}), fds=[fd]))
                    vm.start('QMP', 'QueryStatus')
                added = [reply()[0] for reply in replies]
                self.assertEqual(len({reply['fdset-id'] for reply in added}), len(self.files))
                for fdset in vm.qmp('QueryFdsets'):
                    fd, = fdset['fds']
                    self.assertEqual(os.readlink(f'/proc/{qemu.pid}/fd/{fd["fd"]}'), fd['opaque'])

    def test_getfd(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm, _ = self.start_vm(version)
                fd = next(iter(self.files.values()))
                for arguments in (('(hs)', 0, 'mine'), ('(ha{sv})', 0, variants({'fdname': ('s', 'mine')}))):
                    self.caller.call(NAME, vm.path, f'{NAME}.QMP', 'Getfd', *arguments, fds=[fd])
                    self.assertIsNone(vm.qmp('Closefd', '(s)', 'mine'))

    def test_none_is_left_open(self):
        vm, _ = self.start_vm('11.1')
        fd = next(iter(self.files.values()))
        vm.qmp('QueryStatus')
        before = self.count_agent_fds()
        for arguments in (('QueryStatus', '(h)', 0), ('Getfd', '(hi)', 0, 1), ('Getfd', '(hs)', 0, '0digit'),
                          ('SetLink', '(hsb)', 0, 'a', True), ('Getfd', '(sh)', 'a', 0), ('Getfd', '(hh)', 0, 0),
                          ('NoSuch', '(h)', 0), ('Getfd', '(hs)', 0, 'good')):
            try:
                self.caller.call(NAME, vm.path, f'{NAME}.QMP', *arguments, fds=[fd])
            except CallError:
                pass
        wait_until(lambda: self.count_agent_fds() == before)


if __name__ == '__main__':
    main()
