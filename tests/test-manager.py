# SPDX-License-Identifier: LGPL-2.1-or-later
"""How VMs come and go: by call, by descriptor, with the agent listening, by themselves in the run directory, from the
key file. And what somebody is told whose VM cannot be had, of which nothing may be left."""
import os
import shutil
import signal
import socket

from harness import SILENCE, Agent, CallError, Peer, Qemu, Raw, main, wait_until
from harness.process import is_listening
from monitor import (ANSWERS, DISCONNECTED, INVALID_ARGS, MODULE, NAME, NOT_SUPPORTED, OBJECT_MANAGER, ROOT, TIMED_OUT,
                     UNKNOWN_OBJECT, VERSIONS, VM, MonitorTest, variants)



def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def is_port_open(port):
    """Whether somebody listens on a TCP port of this machine, told without connecting."""
    lines = [line.split() for name in ('tcp', 'tcp6') for line in open(f'/proc/net/{name}', encoding='ascii')]
    return any(fields[1].endswith(f':{port:04X}') and fields[3] == '0A' for fields in lines)


class Adding(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def peer(self, **options):
        return self.start(Peer, ANSWERS, **options)

    def test_manager_tells_its_version(self):
        version = self.caller.call(NAME, ROOT, 'org.freedesktop.DBus.Properties', 'Get', '(ss)', f'{NAME}.Manager',
                                   'Version')[0]
        self.assertRegex(version, r'^\d+\.\d+\.\d+$')

    def test_name_given_by_the_caller(self):
        vm = self.add('web/1', f'unix:{self.peer().path}')
        self.assertEqual(vm.path, f'{ROOT}/vm/web_2f1')
        self.assertEqual(vm.get('Name'), 'web/1')

    def test_name_from_the_uuid_where_qemu_has_no_name(self):
        peer = self.start(Peer, {**ANSWERS, 'query-name': {}})
        self.assertEqual(self.add('', f'unix:{peer.path}').get('Name'), '01234567-89ab-4def-8123-456789abcdef')

    def test_interfaces_added_and_removed(self):
        signals = self.caller.record(interface=OBJECT_MANAGER)
        peer = self.peer()
        vm = self.add('', f'unix:{peer.path}')
        wait_until(lambda: len(signals) == 1)
        path, _, member, (added, interfaces) = signals[0]
        self.assertEqual((path, member, added), (ROOT, 'InterfacesAdded', vm.path))
        self.assertEqual(interfaces[f'{NAME}.VM']['Status'], 'running')
        self.assertEqual({f'{NAME}.VM', f'{NAME}.QMP', f'{NAME}.Events'} - set(interfaces), set())
        peer.stop()
        wait_until(lambda: len(signals) == 2)
        self.assertEqual(signals[1][2:], ('InterfacesRemoved', (vm.path, signals[1][3][1])))
        self.assertFalse(vm.is_there())

    def test_get_by_name_and_uuid(self):
        vm = self.add('web', f'unix:{self.peer().path}')
        for text in ('web', '01234567-89ab-4def-8123-456789abcdef', '01234567-89AB-4DEF-8123-456789ABCDEF'):
            self.assertEqual(self.manager('GetVM', '(s)', text), vm.path)
        self.assert_fails(UNKNOWN_OBJECT, '"WEB"', self.manager, 'GetVM', '(s)', 'WEB')

    def test_remove_leaves_qemu_alone(self):
        for version in VERSIONS:
            with self.subTest(version):
                qemu = self.start(Qemu, version)
                vm = self.add('web', f'unix:{qemu.path}')
                self.manager('RemoveVM', '(o)', vm.path)
                self.assertFalse(vm.is_there())
                self.assertEqual(qemu.raw().execute('query-status')['status'], 'running')
                self.assert_fails(UNKNOWN_OBJECT, vm.path, self.manager, 'RemoveVM', '(o)', vm.path)

    def test_a_uuid_of_several_or_of_none_names_nobody(self):
        self.add('a', f'unix:{self.peer().path}')
        self.add('b', f'unix:{self.peer().path}')
        self.assert_fails(UNKNOWN_OBJECT, '01234567', self.manager, 'GetVM', '(s)',
                          '01234567-89ab-4def-8123-456789abcdef')
        nil = '00000000-0000-0000-0000-000000000000'
        self.add('c', f"unix:{self.start(Peer, {**ANSWERS, 'query-uuid': {'UUID': nil}}).path}")
        self.assert_fails(UNKNOWN_OBJECT, nil, self.manager, 'GetVM', '(s)', nil)

    def test_a_name_written_like_a_uuid_is_the_vms_own(self):
        own, other = '01234567-89ab-4def-8123-456789abcdef', '11234567-89ab-4def-8123-456789abcdef'
        nil = '00000000-0000-0000-0000-000000000000'
        nobody = self.start(Peer, {**ANSWERS, 'query-name': {}, 'query-uuid': {'UUID': nil}})
        called = self.start(Peer, {**ANSWERS, 'query-name': {'name': other}})
        named = f'"{other}" is written like a UUID'
        self.assert_fails(INVALID_ARGS, named, self.add, other, f'unix:{self.peer().path}')
        self.assert_fails(INVALID_ARGS, named, self.add, '', f'unix:{called.path}')
        self.assert_fails(INVALID_ARGS, 'what the VM is to be called', self.add, '', f'unix:{nobody.path}')
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(called.path)
            self.assert_fails(INVALID_ARGS, named, self.add_fd, '', connection.fileno())
        self.assertEqual(self.paths(), [])
        vm = self.add(own, f'unix:{self.peer().path}')
        self.assertEqual(self.manager('GetVM', '(s)', own.upper()), vm.path)

    def test_a_name_does_not_look_like_another(self):
        for c in '\u200e\u200f\u061c\u202a\u202e\u2066\u2069':
            self.assert_fails(INVALID_ARGS, 'bidirectional', self.add, f'web{c}1', f'unix:{self.peer().path}')
        bad = self.start(Peer, {**ANSWERS, 'query-name': {'name': 'we\u202eb'}})
        self.assert_fails(INVALID_ARGS, 'bidirectional', self.add, '', f'unix:{bad.path}')

    def test_bad_names(self):
        address = f'unix:{self.peer().path}'
        self.assert_fails(INVALID_ARGS, 'control character', self.add, 'a\nb', address)
        self.assert_fails(INVALID_ARGS, 'longer than 255 bytes', self.add, 'n' * 256, address)
        self.add('taken', address)
        self.assert_fails(INVALID_ARGS, '"taken" is taken', self.add, 'taken', address)
        self.assertEqual(self.paths(), [f'{ROOT}/vm/taken'])

    def test_a_name_that_qemu_gives_itself_can_be_bad_too(self):
        self.add('', f'unix:{self.peer().path}')
        self.assert_fails(INVALID_ARGS, '"fake" is taken', self.add, '', f'unix:{self.peer().path}')
        bad = self.start(Peer, {**ANSWERS, 'query-name': {'name': 'a\tb'}})
        self.assert_fails(INVALID_ARGS, 'control character', self.add, '', f'unix:{bad.path}')
        self.assertEqual(len(self.paths()), 1)

    def test_two_callers_want_one_name_at_once(self):
        silent = self.start(Peer, greeting=SILENCE)
        first = self.start_add('web', f'unix:{silent.path}', timeout=('t', 60_000_000))
        self.assert_fails(INVALID_ARGS, '"web" is taken', self.add, 'web', f'unix:{self.peer().path}')
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/web')
        self.assert_fails(DISCONNECTED, 'removed', first)
        self.add('web', f'unix:{self.peer().path}')

    def test_bad_addresses(self):
        for address, text in (('', 'unix:'), ('unix:', 'path'), ('unix:relative', 'absolute'),
                              ('unix:/' + 'p' * 4100, '4095'), ('tcp:localhost', 'port'),
                              ('tcp:localhost:99999', '99999'), ('unix:/x,wait=off', 'wait'),
                              ('udp:localhost:1', 'udp')):
            with self.subTest(address):
                self.assert_fails(INVALID_ARGS, text, self.add, 'x', address)

    def test_bad_options(self):
        address = f'unix:{self.peer().path}'
        self.assert_fails(INVALID_ARGS, 'options.timeot', self.add, 'x', address, timeot=('t', 1))
        self.assert_fails(INVALID_ARGS, 'options.timeout', self.add, 'x', address, timeout=('s', '10s'))
        self.assert_fails(INVALID_ARGS, 'options.timeout', self.add, 'x', address, timeout=('t', 0))

    def test_nobody_there(self):
        self.assert_fails(DISCONNECTED, 'No such file', self.add, 'x', f'unix:{self.directory}/nothing',
                          timeout=('t', 300_000))
        self.assert_fails(DISCONNECTED, 'refused', self.add, 'x', f'tcp:127.0.0.1:{free_port()}',
                          timeout=('t', 300_000))
        for path in (self.write('plain', ''), self.directory):
            self.assert_fails(DISCONNECTED, f'unix:{path}: cannot connect: it is not a socket', self.add, 'x', f'unix:{path}')
        self.assertEqual(self.paths(), [])
        self.add('x', f'unix:{self.peer().path}')

    def test_a_socket_that_comes_late(self):
        """Who starts QEMU and calls AddVM at once need not wait for the socket: the call does."""
        port = free_port()
        for address in (f'unix:{self.directory}/late', f'tcp:localhost:{port}', f'unix:{self.directory}/late-2,abstract=on'):
            with self.subTest(address):
                reply = self.start_add('late', address, timeout=('t', 60_000_000))
                qemu = self.start(Qemu, '11.1', '-qmp', f'{address},server=on,wait=off')
                self.assertEqual(VM(self.caller, reply()[0]).get('Status'), 'running')
                self.manager('RemoveVM', '(o)', f'{ROOT}/vm/late')
                qemu.kill()

    def test_a_path_that_nobody_listens_on(self):
        """A left-over does not use up the timeout; but QEMU may be between bind() and listen()."""
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f'{self.directory}/bound')
            self.assert_fails(DISCONNECTED, 'refused', self.add, 'x', f'unix:{self.directory}/bound')

    def test_a_socket_far_down(self):
        deep = f'{self.directory}/' + 'd' * 120
        os.mkdir(deep)
        qemu = self.start(Qemu, '11.1')
        os.rename(qemu.path, f'{deep}/qmp')
        vm = self.add('deep', f'unix:{deep}/qmp')
        self.assertEqual((vm.get('Address'), vm.qmp('QueryStatus')['status']), (f'unix:{deep}/qmp', 'running'))

    def test_abstract_names(self):
        for version in VERSIONS:
            for tight in ('on', 'off'):
                with self.subTest(version=version, tight=tight):
                    name = f'{os.path.basename(self.directory)}-{version}-{tight}'
                    address = f'unix:{name},abstract=on,tight={tight}'
                    qemu = self.start(Qemu, version, '-chardev',
                                      f'socket,id=qmp,path={name},abstract=on,tight={tight},server=on,wait=off',
                                      '-mon', 'qmp,mode=control')
                    vm = self.add('web', address)
                    self.assertEqual((vm.get('Address'), vm.get('OwnerUID')), (address, os.getuid()))
                    self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
                    qemu.kill()
                    wait_until(lambda: self.paths() == [])

    def test_a_failure_is_in_the_log(self):
        """Leave was given, so the record of the decision says `allowed`."""
        for name in ('web', ''):
            self.assert_fails(DISCONNECTED, 'nowhere', self.start_add(name, f'unix:{self.directory}/nowhere', timeout=('t', 1)))
        lines = wait_until(lambda: [line for line in self.agent.output.splitlines() if 'has failed' in line][1:] and
                           [line for line in self.agent.output.splitlines() if 'has failed' in line], 'the records')
        self.assertRegex(lines[0], rf'notice: .*AddVM by user {os.getuid()}.* on the VM "web" has failed: .*nowhere')
        self.assertIn(' VM=web COMMAND=AddVM ', lines[0])
        self.assertRegex(lines[1], rf'AddVM by user {os.getuid()}.* has failed: .*nowhere')

    def test_no_qmp_there(self):
        for text, named in ((b'SSH-2.0-OpenSSH_9.2p1\r\n', 'SSH'),
                            (b'QEMU 7.2.22 monitor - type \'help\'\r\n(qemu) ', 'human'),
                            (b'{"jsonrpc": "2.0"}\r\n', 'QMP'), (b'HTTP/1.1 400 Bad Request\r\n\r\n', 'web server'),
                            (b'\x00\x01\x02', 'QMP')):
            with self.subTest(text):
                peer = self.start(Peer, greeting=Raw(text))
                self.assert_fails(NOT_SUPPORTED, named, self.add, 'x', f'unix:{peer.path}', timeout=('t', 5_000_000))
        self.assertEqual(self.paths(), [])

    def test_somebody_who_accepts_and_says_nothing(self):
        peer = self.start(Peer, greeting=SILENCE)
        self.assert_fails(TIMED_OUT, 'greet', self.add, 'x', f'unix:{peer.path}', timeout=('t', 100_000))
        # Long enough for the peer to get there on any machine.
        peer = self.start(Peer, {'qmp_capabilities': SILENCE})
        self.assert_fails(TIMED_OUT, 'qmp_capabilities', self.add, 'x', f'unix:{peer.path}', timeout=('t', 3_000_000))
        peer = self.start(Peer, {**ANSWERS, 'query-status': SILENCE})
        self.assert_fails(TIMED_OUT, 'query-', self.add, 'x', f'unix:{peer.path}', timeout=('t', 3_000_000))
        self.assertEqual(self.paths(), [])

    def test_a_peer_that_breaks_off_while_it_is_asked_its_name(self):
        for garbage in (b']', b'x', b'{"return": {}, "id": 77}'):
            with self.subTest(garbage):
                peer = self.start(Peer, {**ANSWERS, 'query-name': Raw(garbage)})
                signals = self.caller.record(interface=OBJECT_MANAGER)
                self.assert_fails(NOT_SUPPORTED, '', self.add, 'x', f'unix:{peer.path}')
                self.assertEqual(signals, [])

    def test_nothing_is_left_of_failures(self):
        fds = f'/proc/{self.agent.pid}/fd'
        self.assert_fails(DISCONNECTED, '', self.add, 'x', f'unix:{self.directory}/nothing', timeout=('t', 1))
        before = len(os.listdir(fds))
        self.test_no_qmp_there()
        self.test_nobody_there()
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/x')
        wait_until(lambda: len(os.listdir(fds)) == before)

    def test_by_descriptor(self):
        qemu = self.start(Qemu, '7.2', name='handed')
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(qemu.path)
            vm = self.add_fd('', connection.fileno())
        self.assertEqual((vm.get('Name'), vm.get('Address'), vm.get('OwnerUID')), ('handed', 'fd', os.getuid()))
        self.assertEqual(vm.get('PID'), qemu.pid)
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
        qemu.kill()
        wait_until(lambda: self.paths() == [])

    def test_whose_pair_of_sockets_it_is_nobody_tells(self):
        """The kernel names who made the pair: a launcher, not its QEMU."""
        with self.peer().offer() as connection:
            vm = self.add_fd('paired', connection.fileno())
        self.assertEqual((vm.get('PID'), vm.get('OwnerUID')), (0, os.getuid()))

    def test_by_a_descriptor_that_is_no_socket(self):
        with open('/dev/null', 'rb') as null, socket.socket(socket.AF_UNIX) as unconnected:
            self.assert_fails(INVALID_ARGS, 'stream socket', self.add_fd, 'x', null.fileno())
            self.assert_fails(INVALID_ARGS, 'stream socket', self.add_fd, 'x', unconnected.fileno())

    def test_owner_of_a_tcp_vm_is_who_added_it(self):
        port = free_port()
        self.start(Qemu, '7.2', '-qmp', f'tcp:localhost:{port},server=on,wait=off')
        wait_until(lambda: is_port_open(port))
        vm = self.add('tcp', f'tcp:localhost:{port}')
        self.assertEqual((vm.get('OwnerUID'), vm.get('PID'), vm.get('Address')), (os.getuid(), 0, f'tcp:localhost:{port}'))
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')


class Held(MonitorTest):
    """A monitor that is a VM's already: who adds it again is told so at once, not that QEMU does not greet."""

    def assert_held(self, name, *arguments, **options):
        self.assert_fails(INVALID_ARGS, f'is VM "{name}" already', *arguments, **options)

    def test_in_every_spelling(self):
        self.start_agent()
        for version in VERSIONS:
            with self.subTest(version):
                qemu = self.start(Qemu, version)
                vm = self.add('web', f'unix:{qemu.path}')
                os.symlink(qemu.path, f'{qemu.path}-link')
                os.symlink(self.directory, f'{self.directory}/{version}')
                file = os.path.basename(qemu.path)
                for path in (qemu.path, f'/.{qemu.path}', f'{self.directory}//{file}', f'{qemu.path}-link',
                             f'{self.directory}/{version}/{file}', f'{self.directory}/{version}/../{os.path.basename(self.directory)}/{file}'):
                    self.assert_held('web', self.add, 'db', f'unix:{path}')
                    self.assert_held('web', self.add, '', f'unix:{path}')
                    self.assert_held('web', self.add, 'db', f'unix:{path},server=on')
                os.rename(qemu.path, f'{qemu.path}-moved')
                self.assert_held('web', self.add, 'db', f'unix:{qemu.path}-moved')
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(f'{qemu.path}-moved')
                    self.assert_held('web', self.add_fd, 'db', connection.fileno())
                self.manager('RemoveVM', '(o)', vm.path)
                vm = self.add('db', f'unix:{qemu.path}-moved')
                self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
                self.manager('RemoveVM', '(o)', vm.path)
                os.unlink(f'{self.directory}/{version}')

    def test_abstract_names_and_ports(self):
        self.start_agent()
        port, name = free_port(), f'{os.path.basename(self.directory)}-held'
        for chardev, held, others in (
                (f'unix:{name},abstract=on', f'unix:{name},abstract=on,tight=on', [f'unix:{name},abstract']),
                (f'tcp:localhost:{port}', f'tcp:localhost:{port}',
                 [f'tcp:LOCALHOST:{port}', f'tcp:127.0.0.1:{port}', f'tcp::{port}', f'tcp:[::ffff:127.0.0.1]:{port}'])):
            with self.subTest(chardev):
                qemu = self.start(Qemu, '11.1', '-qmp', f'{chardev},server=on,wait=off')
                self.add('web', held)
                for address in [held, *others]:
                    self.assert_held('web', self.add, 'db', address)
                qemu.kill()
                wait_until(lambda: not self.paths())

    def test_by_descriptor(self):
        self.start_agent()
        qemu = self.start(Qemu, '11.1')
        with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
            first.connect(qemu.path)
            self.add_fd('web', first.fileno())
            second.connect(qemu.path)
            self.assert_held('web', self.add_fd, 'db', second.fileno())
            self.assert_held('web', self.add, 'db', f'unix:{qemu.path}')

    def test_two_monitors_of_one_qemu_are_two(self):
        self.start_agent()
        qemu = self.start(Qemu, '11.1', monitors=2)
        for name, path in zip(('web', 'web-2'), qemu.paths):
            self.add(name, f'unix:{path}')
        self.assertEqual(len(self.paths()), 2)

    def test_another_qemu_at_its_path_is_another(self):
        self.start_agent()
        first = self.start(Qemu, '11.1')
        self.add('web', f'unix:{first.path}')
        os.unlink(first.path)
        self.start(Qemu, '7.2', '-qmp', f'unix:{first.path},server=on,wait=off')
        self.add('db', f'unix:{first.path}')
        self.assertEqual(len(self.paths()), 2)

    def test_while_it_is_being_added(self):
        self.start_agent()
        silent = self.start(Peer, greeting=SILENCE)
        first = self.start_add('', f'unix:{silent.path}', timeout=('t', 60_000_000))
        wait_until(lambda: silent.connections)
        self.assert_fails(INVALID_ARGS, 'is being added already', self.add, 'web', f'unix:{silent.path}')
        silent.stop()
        self.assert_fails(DISCONNECTED, '', first)

    def test_where_the_agent_listens(self):
        path = f'{self.directory}/listens'
        self.start_agent(key_file=f'[vm web]\naddress=unix:{path},server=on\n')
        self.assert_held('web', self.add, 'db', f'unix:{path}')
        self.assert_held('web', self.add, 'db', f'unix:{self.directory}//listens,server=on')

    def test_what_is_tried_again(self):
        path = f'{self.directory}/web'
        self.start_agent(key_file=f'[vm web]\naddress=unix:{path}\n')
        self.assert_held('web', self.add, 'db', f'unix:{path}')

    def test_one_of_the_run_directory_that_is_not_up_gives_way(self):
        self.start_agent()
        path = f'{self.run_directory}/web.sock'
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as other:
            busy.bind(f'{self.directory}/busy')
            busy.listen(0)
            other.connect(f'{self.directory}/busy')
            os.rename(f'{self.directory}/busy', path)
            self.agent.wait_output('is busy with another client')
            busy.accept()
            reply = self.start_add('db', f'unix:{path}', timeout=('t', 60_000_000))
            peer = self.start(Peer, ANSWERS)
            peer.attach(busy.accept()[0])
            self.assertEqual(reply()[0], f'{ROOT}/vm/db')

    def test_the_log_names_an_address_once(self):
        path = f'{self.directory}/nowhere'
        self.start_agent(key_file=f'[vm web]\naddress=unix:{path}\n')
        self.agent.wait_output('No such file')
        lines = [line for line in self.agent.output.splitlines() if 'No such file' in line]
        self.assertEqual([line.count(path) for line in lines], [1] * len(lines))


class Listening(MonitorTest):
    """`server=on`: no race at the start of a VM."""

    def setUp(self):
        super().setUp()
        self.start_agent()

    def listens(self, path):
        wait_until(lambda: is_listening(path))

    def test_qemu_comes_and_goes(self):
        path = f'{self.directory}/agent-listens'
        since = 0
        for index, version in enumerate(VERSIONS):
            with self.subTest(version):
                if index == 0:
                    reply = self.start_add('web', f'unix:{path},server=on', timeout=('t', 60_000_000))
                    self.listens(path)
                qemu = self.start(Qemu, version, '-S', '-qmp', f'unix:{path},server=off')
                if index == 0:
                    vm = VM(self.caller, reply()[0])
                wait_until(vm.is_there)
                self.assertTrue(vm.get('QEMUVersion').startswith(version))
                self.assertEqual((vm.get('Status'), vm.get('PID')), ('prelaunch', qemu.pid))
                self.assertNotEqual(vm.get('Since'), since)
                since = vm.get('Since')
                vm.qmp('Quit')
                qemu.wait()
                wait_until(lambda: not vm.is_there())
        self.manager('RemoveVM', '(o)', vm.path)
        self.assertFalse(os.path.exists(path))

    def test_tcp_as_in_the_readme_of_2010(self):
        for version in VERSIONS:
            with self.subTest(version):
                port = free_port()
                reply = self.start_add('', f'tcp:localhost:{port},server=on', timeout=('t', 60_000_000))
                wait_until(lambda: is_port_open(port))
                self.start(Qemu, version, '-qmp', f'tcp:localhost:{port},server=off', name=f'vm-{version}')
                vm = VM(self.caller, reply()[0])
                self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')

    def test_strangers_do_not_end_the_wait(self):
        path = f'{self.directory}/agent-listens'
        reply = self.start_add('', f'unix:{path},server=on', timeout=('t', 60_000_000))
        self.listens(path)
        for words in (b'', b'GET / HTTP/1.0\r\n\r\n'):
            with socket.socket(socket.AF_UNIX) as stranger:
                stranger.connect(path)
                stranger.sendall(words)
        self.start(Qemu, '7.2', '-qmp', f'unix:{path},server=off', name='late')
        self.assertEqual(reply()[0], f'{ROOT}/vm/late')

    def test_a_silent_stranger_does_not_keep_qemu_out(self):
        path = f'{self.directory}/agent-listens'
        reply = self.start_add('', f'unix:{path},server=on', timeout=('t', 60_000_000))
        self.listens(path)
        strangers = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for stranger in strangers:
            self.addCleanup(stranger.close)
            stranger.connect(path)
        self.start(Qemu, '7.2', '-qmp', f'unix:{path},server=off', name='late')
        self.assertEqual(reply()[0], f'{ROOT}/vm/late')
        # Who was accepted and is no QEMU is hung up on, so that they see it.
        self.assertEqual(strangers[0].recv(1), b'')

    def test_an_add_that_nobody_waits_for_is_given_up(self):
        path = f'{self.directory}/agent-listens'
        leaver = self.connect()
        leaver.start(NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', '', f'unix:{path},server=on',
                     variants({'timeout': ('t', 2**64 - 1)}))
        self.listens(path)
        leaver.stop()
        wait_until(lambda: not os.path.exists(path))

    def test_nobody_comes(self):
        path = f'{self.directory}/agent-listens'
        self.assert_fails(TIMED_OUT, 'No QEMU connected', self.add, 'x', f'unix:{path},server=on',
                          timeout=('t', 50_000))
        self.assertFalse(os.path.exists(path))

    def test_a_path_that_is_in_use(self):
        peer = self.start(Peer, ANSWERS)
        self.assert_fails(DISCONNECTED, 'in use', self.add, 'x', f'unix:{peer.path},server=on')
        plain = self.write('plain', '')
        self.assert_fails(DISCONNECTED, plain, self.add, 'x', f'unix:{plain},server=on')
        self.assertTrue(os.path.exists(plain) and os.path.exists(peer.path))

    def test_a_path_left_over_is_taken_over(self):
        path = f'{self.directory}/left-over'
        with socket.socket(socket.AF_UNIX) as old:
            old.bind(path)
        reply = self.start_add('', f'unix:{path},server=on', timeout=('t', 60_000_000))
        wait_until(lambda: socket.socket(socket.AF_UNIX).connect_ex(path) == 0)
        self.start(Qemu, '7.2', '-qmp', f'unix:{path},server=off', name='late')
        self.assertEqual(reply()[0], f'{ROOT}/vm/late')


class RunDirectory(MonitorTest):
    def qemu(self, version, file, *arguments, **options):
        return self.start(Qemu, version, '-qmp', 'unix:' + f'{self.run_directory}/{file}'.replace(',', ',,') +
                          ',server=on,wait=off', *arguments, **options)

    @staticmethod
    def get_guest_name(vm):
        """None: the VM is not there, perhaps because it goes at this very moment."""
        try:
            return vm.get('GuestName')
        except CallError:
            return None

    def test_a_link_to_a_socket_elsewhere(self):
        qemu = self.start(Qemu, '11.1', name='linked')
        self.start_agent()
        os.symlink(qemu.path, f'{self.run_directory}/linked.sock')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/linked'])
        os.symlink('/nonexistent', f'{self.run_directory}/dangling.sock')
        os.symlink('/etc/passwd', f'{self.run_directory}/file.sock')
        if os.getuid() == 0:
            stranger = f'{self.run_directory}/stranger.sock'
            other = self.start(Qemu, '11.1', name='other')
            os.symlink(other.path, f'{self.directory}/link')
            os.lchown(f'{self.directory}/link', 65534, 65534)
            os.rename(f'{self.directory}/link', stranger)
        last = self.start(Qemu, '11.1', name='last')
        os.symlink(last.path, f'{self.run_directory}/last.sock')
        wait_until(lambda: f'{ROOT}/vm/last' in self.paths())
        self.assertEqual(sorted(self.paths()), [f'{ROOT}/vm/last', f'{ROOT}/vm/linked'])

    def test_sockets_that_are_there_and_that_appear(self):
        os.mkdir(self.run_directory, 0o700)
        early = self.qemu('7.2', 'early.sock', name='a')
        self.start_agent()
        # What was there before is there when the name is.
        self.assertEqual(self.paths(), [f'{ROOT}/vm/early'])
        late = self.qemu('11.1', 'late.sock', name='a')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/early', f'{ROOT}/vm/late'])
        for qemu in (early, late):
            qemu.kill(15)
            qemu.wait()
        wait_until(lambda: self.paths() == [])

    def test_it_is_called_by_its_file(self):
        """Which the directory keeps for its maker: what QEMU calls itself is for anybody to say."""
        self.start_agent()
        self.qemu('7.2', 'web.sock')
        self.qemu('10.0', 'db, old.sock', name='web')
        self.qemu('11.1', 'qmp-1.2', name='web')
        paths = [f'{ROOT}/vm/{name}' for name in ('db_2c_20old', 'qmp_2d1_2e2', 'web')]
        wait_until(lambda: self.paths() == paths)
        vms = [VM(self.caller, path) for path in paths]
        self.assertEqual([(vm.get('Name'), vm.get('GuestName')) for vm in vms],
                         [('db, old', 'web'), ('qmp-1.2', 'web'), ('web', '')])

    def test_a_file_whose_name_is_none(self):
        self.start_agent()
        self.qemu('11.1', 'we\u202eb.sock', name='web')
        self.agent.wait_output('bidirectional')
        self.qemu('11.1', '01234567-89ab-4def-8123-456789abcdef.sock', name='web')
        self.agent.wait_output('is written like a UUID')
        self.qemu('11.1', '.sock')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/_2esock'])
        # Nor is any of them tried without end in the log.
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/_2esock')
        self.qemu('11.1', 'last.sock')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/last'])
        self.assertEqual(self.agent.output.count('bidirectional'), 1)

    def test_two_files_of_one_name(self):
        self.start_agent()
        first = self.qemu('11.1', 'web.sock', name='first')
        web = VM(self.caller, f'{ROOT}/vm/web')
        wait_until(web.is_there)
        second = self.qemu('11.1', 'web', name='second')
        self.agent.wait_output(f'{self.run_directory}/web is not taken up now: The name "web" is taken by the VM found at '
                               f'{self.run_directory}/web.sock')
        self.assertEqual(web.get('GuestName'), 'first')
        os.unlink(f'{self.run_directory}/web.sock')
        first.kill()
        wait_until(lambda: self.get_guest_name(web) == 'second')
        second.kill()

    def test_names_that_somebody_gives_go_before(self):
        """From when their VM is up: an AddVM that fails takes nothing from anybody."""
        self.start_agent()
        found = self.qemu('11.1', 'web.sock', name='found')
        web = VM(self.caller, f'{ROOT}/vm/web')
        wait_until(web.is_there)
        self.assert_fails(DISCONNECTED, 'No such file', self.add, 'web', f'unix:{self.directory}/none', timeout=('t', 1))
        silent = self.start(Peer, greeting=SILENCE)
        self.assert_fails(TIMED_OUT, '', self.add, 'web', f'unix:{silent.path}', timeout=('t', 50_000))
        changes = self.caller.record(interface=OBJECT_MANAGER)
        self.assertEqual(web.get('GuestName'), 'found')
        added = self.start(Qemu, '11.1', name='added')
        self.assertEqual(self.add('web', f'unix:{added.path}').get('GuestName'), 'added')
        self.assertEqual([member for _, _, member, _ in changes], ['InterfacesRemoved', 'InterfacesAdded'])
        self.assertIn(f'unix:{self.run_directory}/web.sock is not taken up now: The name "web" is taken by the VM that user '
                      f'{os.getuid()} has added by AddVM', self.agent.output)
        # It is found again when the name is free, as often as that is.
        for end in (added.kill, lambda: self.manager('RemoveVM', '(o)', web.path)):
            end()
            wait_until(lambda: self.get_guest_name(web) == 'found')
            other = self.start(Qemu, '11.1', name='other')
            self.add('web', f'unix:{other.path}')
        self.assertEqual(found.popen.poll(), None)

    def test_names_that_nobody_gives_do_not(self):
        """QEMU's own `-name` takes no name from another, nor does who gives a descriptor, which may need no leave."""
        self.start_agent()
        self.qemu('11.1', 'web.sock')
        wait_until(self.paths)
        named = self.start(Qemu, '11.1', name='web')
        taken = f'"web" is taken by the VM found at {self.run_directory}/web.sock'
        self.assert_fails(INVALID_ARGS, taken, self.add, '', f'unix:{named.path}')
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(named.path)
            self.assert_fails(INVALID_ARGS, taken, self.add_fd, 'web', connection.fileno())

    def test_by_what_a_name_is_taken(self):
        peers = [self.start(Peer, ANSWERS) for _ in range(4)]
        self.start_agent(key_file=f'[vm a]\naddress=unix:{peers[0].path}\n')
        self.add('b', f'unix:{peers[1].path}')
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(peers[2].path)
            self.add_fd('c', connection.fileno())
            for name, what in (('a', 'the VM of that name in the key file'),
                               ('b', f'the VM that user {os.getuid()} has added by AddVM'),
                               ('c', f'the VM that user {os.getuid()} has added by AddVMFromFD')):
                self.assert_fails(INVALID_ARGS, f'The name "{name}" is taken by {what}', self.add, name,
                                  f'unix:{peers[3].path}')
                self.qemu('11.1', f'{name}.sock')
                self.agent.wait_output(f'{self.run_directory}/{name}.sock is not taken up now: The name "{name}" is '
                                       f'taken by {what}')

    def test_a_link_to_a_monitor_that_is_held(self):
        """It is not tried, and taken up when the other one goes by itself; not when it is removed."""
        self.start_agent()
        peer = self.start(Peer, ANSWERS)
        vm = self.add('web', f'unix:{peer.path}')
        os.symlink(peer.path, f'{self.run_directory}/link.sock')
        self.agent.wait_output('link.sock is VM "web" already')
        peer.hang_up(peer.connections[0])
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/link'])
        os.unlink(f'{self.run_directory}/link.sock')
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/link')
        vm = self.add('web', f'unix:{peer.path}')
        os.symlink(peer.path, f'{self.run_directory}/again.sock')
        self.agent.wait_output('again.sock is VM "web" already')
        self.manager('RemoveVM', '(o)', vm.path)
        self.qemu('11.1', 'last.sock')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/last'])

    def test_a_socket_made_anew_is_taken_up_again(self):
        self.start_agent()
        for version in VERSIONS:
            qemu = self.qemu(version, 'web.sock', name='web')
            vm = VM(self.caller, f'{ROOT}/vm/web')
            wait_until(vm.is_there)
            # Killed, it leaves the socket behind.
            qemu.kill()
            qemu.wait()
            wait_until(lambda: not vm.is_there())

    def test_between_bind_and_listen_is_no_alarm(self):
        self.start_agent()
        with socket.socket(socket.AF_UNIX) as late, socket.socket(socket.AF_UNIX) as left_over:
            left_over.bind(f'{self.run_directory}/left-over.sock')
            self.agent.wait_output('left-over.sock: cannot connect')
            late.bind(f'{self.run_directory}/late.sock')
            # The agent looks at them in the order of their coming: when it has met the second, the first has refused.
            stranger = self.start(Peer, greeting=Raw(b'SSH-2.0-OpenSSH_9.2p1\r\n'))
            os.rename(stranger.path, f'{self.run_directory}/stranger.sock')
            self.agent.wait_output('stranger.sock: ')
            late.listen(1)
            late.accept()[0].close()
            self.agent.wait_output('late.sock: ')
            alarms = [line for line in self.agent.output.splitlines() if '/late.sock' in line and 'refused' in line]
        self.assertEqual(alarms, [])

    def test_a_busy_socket_is_taken_up_when_it_is_free(self):
        self.start_agent()
        path = f'{self.run_directory}/web.sock'
        peer = self.start(Peer, ANSWERS)
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as other:
            busy.bind(f'{self.directory}/busy')
            busy.listen(0)
            other.connect(f'{self.directory}/busy')
            os.rename(f'{self.directory}/busy', path)
            self.agent.wait_output('is busy with another client')
            # Not by a change that the agent sees in the directory: by the connections that wait.
            peer.attach(busy.accept()[0])
            served = []
            while not self.paths():
                busy.settimeout(30)
                served.append(busy.accept()[0])
                peer.attach(served[-1])
                wait_until(lambda: self.paths() or served[-1].fileno() < 0)
        self.assertEqual(len(self.paths()), 1)

    def test_what_is_no_socket_is_left_alone(self):
        self.start_agent()
        with open(f'{self.run_directory}/plain', 'w', encoding='ascii'):
            pass
        self.qemu('7.2', 'web.sock', name='web')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])
        self.assertTrue(os.path.exists(f'{self.run_directory}/plain'))

    def test_removed_by_call_it_stays_away(self):
        self.start_agent()
        self.qemu('7.2', 'web.sock', name='web')
        wait_until(self.paths)
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/web')
        self.qemu('10.0', 'db.sock', name='db')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/db'])

    def test_the_directory_may_be_removed(self):
        self.start_agent()
        shutil.rmtree(self.run_directory)
        wait_until(lambda: os.path.isdir(self.run_directory))
        self.qemu('7.2', 'web.sock', name='web')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])

    def test_the_directory_may_be_moved_away(self):
        """The agent watches what has the name, not what had it."""
        self.start_agent()
        os.rename(self.run_directory, f'{self.directory}/old')
        wait_until(lambda: os.path.isdir(self.run_directory))
        self.qemu('7.2', 'web.sock', name='web')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])

    def test_where_it_cannot_be_watched_it_is_looked_at(self):
        os.mkdir(self.run_directory)
        os.chmod(self.run_directory, 0o777)
        self.qemu('7.2', 'web.sock', name='web')
        no_inotify = ['unshare', '--map-root-user', 'sh', '-c', 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"', 'sh']
        agent = self.start(Agent, self.bus.address, [MODULE], environment={'XDG_RUNTIME_DIR': self.directory}, wrapper=no_inotify)
        self.addCleanup(self.end_agent, agent)
        self.caller = self.connect()
        agent.wait_output(f'{self.run_directory} is not watched for VMs: it is no directory of user')
        os.chmod(self.run_directory, 0o700)
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])
        agent.wait_output('the user has no inotify instance left')

    def test_a_restarted_agent_finds_its_vms_again(self):
        agent = self.start_agent()
        self.qemu('11.1', 'web.sock', name='web')
        wait_until(self.paths)
        agent.kill(9)
        agent.wait()
        self.start_agent()
        self.assertEqual(self.paths(), [f'{ROOT}/vm/web'])


class KeyFile(MonitorTest):
    def test_vms_from_the_key_file(self):
        path = f'{self.directory}/web.sock'
        self.start_agent(key_file=f'[vm web 1]\naddress=unix:{path}\n')
        self.assertEqual(self.paths(), [])
        vm = VM(self.caller, f'{ROOT}/vm/web_201')
        for version in VERSIONS:
            qemu = self.start(Qemu, version, '-qmp', f'unix:{path},server=on,wait=off', name='called otherwise')
            wait_until(vm.is_there)
            self.assertEqual(vm.get('Name'), 'web 1')
            qemu.kill()
            qemu.wait()
            wait_until(lambda: not vm.is_there())

    def test_agent_listens_by_key_file(self):
        path = f'{self.directory}/web.sock'
        self.start_agent(key_file=f'[vm web]\naddress=unix:{path},server=on\n')
        self.assertTrue(os.path.exists(path))
        self.start(Qemu, '7.2', '-qmp', f'unix:{path},server=off')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])

    def test_vms_that_are_there_are_there_with_the_name(self):
        peer = self.start(Peer, ANSWERS)
        self.start_agent(key_file=f'[vm web]\naddress=unix:{peer.path}\n')
        self.assertEqual(self.paths(), [f'{ROOT}/vm/web'])

    def test_a_silent_one_does_not_keep_the_others_waiting(self):
        silent = self.start(Peer, greeting=SILENCE)
        peer = self.start(Peer, ANSWERS)
        self.start_agent(key_file=f'[vm a]\naddress=unix:{silent.path}\n[vm b]\naddress=unix:{peer.path}\n')
        self.assertEqual(self.paths(), [f'{ROOT}/vm/b'])

    def test_a_mistake_costs_its_own_vm(self):
        peer = self.start(Peer, ANSWERS)
        for text, line, level, named in (
                ('[vm db]\nadress=unix:/x\n', 2, 'warning', '[vm db] adress: there is no such key; there are address, '),
                ('[vm db]\nadress=unix:/x\n', 1, 'error', '[vm db]: its `address` is missing; the keys are address, '),
                ('[vm one]\naddress=unix:/x\n\n[vm db]\naddress=unix:x\n', 5, 'error', '[vm db] address: '),
                ('# main\n[qemu-monitor]\n max-reply = 1\n', 3, 'error', '[qemu-monitor] max-reply: '),
                ('\n[db]\naddress=unix:/x\n', 2, 'warning', '[db]: there is no such group')):
            with self.subTest(text):
                agent = self.start_agent(key_file=f'{text}[vm web]\naddress=unix:{peer.path}\n')
                self.assertEqual(self.paths(), [f'{ROOT}/vm/web'])
                self.assertIn(f'{level}: qemu-monitor: {self.directory}/qemu-monitor.conf:{line}: {named}', agent.output)
                agent.kill(signal.SIGTERM)
                agent.wait()

    def test_what_protects_is_as_it_was_meant_or_nothing_starts(self):
        for text, line, named in (
                ('[qemu-monitor]\nowner=nobody\n', 2, '[qemu-monitor] owner: `allow` or `polkit` is expected'),
                ('[vm web]\naddress=unix:/x\nisolation=yes\n', 3, '[vm web] isolation: `preferred` or `required`')):
            with self.subTest(text):
                agent = self.start_agent(key_file=text, ready=False)
                self.assertEqual(agent.wait(), 1)
                self.assertIn(f'{self.directory}/qemu-monitor.conf:{line}: {named}', agent.output)

    def test_a_second_agent_is_refused_the_name(self):
        self.start_agent()
        second = self.start_agent(ready=False)
        self.assertEqual(second.wait(), 1)
        self.assertIn(NAME, second.output)

    def test_without_a_bus(self):
        agent = self.start(Agent, f'unix:path={self.directory}/no-bus', [MODULE], ready=False)
        self.assertEqual(agent.wait(), 1)
        self.assertIn('no-bus', agent.output)


if __name__ == '__main__':
    main()
