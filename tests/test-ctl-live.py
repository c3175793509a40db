# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verbs of qemu-monitorctl that go on: what they draw in a terminal, what they print into a pipe, and what ends them."""
import json
import os
import signal
import socket
import stat
import subprocess
import unittest

from command import CTL, DENIED, FAILED, NO_SERVICE, NO_VM, OK, USAGE, CtlTest
from harness import CallError, Polkitd, Process, Qemu, main, wait_until
from monitor import MODULE, NAME, ROOT
from slow import SlowTest, event
from system_bus import OWNER, SOMEBODY, SystemBusTest, requests

INTERRUPTED = 128 + signal.SIGINT
CAPABILITIES = '{"execute": "qmp_capabilities"}\n'

# A far machine that is this one: what ssh does with its words, without ssh. tests/test-boot-remote.py has the real one.
SSH = '''#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift 2
exec sh -c "$*"
'''


class LiveTest(SlowTest, CtlTest):
    def setUp(self):
        super().setUp()
        self.environment.update(XDG_STATE_HOME=f'{self.directory}/state', XDG_RUNTIME_DIR=self.directory)

    def start_backup(self, vm, job):
        """A backup that takes hours."""
        vm.execute('blockdev-backup', **self.backup(job))

    def backup_words(self, job):
        return ['blockdev-backup', f'job-id={job}', 'device=a', 'target=b', 'sync=full', 'speed=512K']

    def run_piped(self, text, *arguments, status=OK):
        result = subprocess.run([CTL, '--user', *arguments], input=text, capture_output=True, text=True, timeout=60, check=False,
                                env=self.environment)
        self.assertEqual(result.returncode, status, (arguments, result.stdout, result.stderr))
        return result.stdout, result.stderr

    def make_far_machine(self):
        self.write_program('ssh', SSH)
        self.write_program('qemu-monitorctl', f'#!/bin/sh\nexec {CTL} "$@"\n')

    def write_program(self, name, text):
        os.makedirs(f'{self.directory}/bin', exist_ok=True)
        path = self.write(f'bin/{name}', text)
        os.chmod(path, 0o755)
        self.environment['PATH'] = f'{self.directory}/bin:/usr/bin:/bin'


class Waiting(LiveTest):
    def test_in_a_terminal(self):
        vm = self.start_vm()
        self.add_disks(vm, 'a', 'b')
        terminal = self.start_ctl('wait', 'vm', *self.backup_words('copy-1'))
        # The bar moves.
        first = terminal.wait('[#')
        self.assertRegex(first, r'^copy-1  backup  running  \[#+-+\] +\d+\.\d %')
        wait_until(lambda: terminal.lines()[-1].count('#') > first.count('#'), 'the bar to move')
        self.assertRegex(terminal.wait('left'), r'  [\d.]+ [KM]iB/s  0:00:\d\d left$')
        self.assertEqual(len(terminal.lines()), 1)
        # Ctrl-C asks; Enter goes on.
        terminal.type('\x03')
        terminal.wait('Cancel the job copy-1 (c), only stop waiting for it (s), or go on (Enter)?')
        terminal.type('\r')
        wait_until(lambda: terminal.lines()[-1].startswith('copy-1  backup'), 'the bar')
        terminal.type('\x03')
        wait_until(lambda: str(terminal.lines()).count('Cancel the job') == 2, 'the second question')
        terminal.type('c\r')
        terminal.wait('peration canceled')
        self.assertEqual(terminal.end(), FAILED)
        wait_until(lambda: self.jobs() == {}, 'the end of the job')

    def test_waiting_is_stopped(self):
        vm = self.start_vm('7.2')
        self.add_disks(vm, 'a', 'b')
        for number, answer in enumerate(('s\r', '\x03')):
            with self.subTest(answer):
                terminal = self.start_ctl('wait', 'vm', *self.backup_words(f'c{number}'))
                terminal.wait('backup')
                terminal.type('\x03')
                terminal.wait('Cancel the job')
                terminal.type(answer)
                terminal.wait('what was begun goes on')
                self.assertEqual(terminal.end(), INTERRUPTED)
                self.assertEqual(list(self.jobs()), [f'c{number}'])
                self.run_ctl('job', 'vm', f'c{number}', 'cancel')
                wait_until(lambda: self.jobs() == {}, 'the end of the job')

    def test_in_a_script(self):
        vm = self.start_vm()
        self.add_disks(vm, 'a', 'b')
        out, err = self.run_ctl('wait', 'vm', *self.backup_words('copy')[:-1], 'speed=32M')
        self.assertEqual(out, '')
        self.assertRegex(err, r'^copy  backup  running +\d+\.\d %')
        self.assertEqual(self.run_ctl('wait', 'vm', 'stop'), ('', ''))
        self.assertEqual(vm.get('Status'), 'paused')
        self.assertEqual(json.loads(self.run_ctl('wait', 'vm', 'query-status')[0])['status'], 'paused')
        self.refuse('has not been found', 'wait', 'vm', 'frob')
        self.refuse("'node-name', expected: string", 'wait', 'vm', 'blockdev-add', 'driver=null-co', 'node-name:=null')
        self.run_ctl('wait', 'vm', 'blockdev-add', '{"driver": "raw", "node-name": "n", "file": {"driver": "null-co", "size": 1048576}}')
        self.run_ctl('wait', 'vm', 'blockdev-del', 'node-name=n')
        self.refuse('is no time', 'wait', 'vm', 'stop', '--timeout=soon', status=USAGE)
        # What ends the waiting ends nothing else.
        self.refuse('system_powerdown', 'wait', 'vm', 'system_powerdown', '--timeout=1s')
        process = self.adopt(Process([CTL, '--user', 'wait', 'vm', *self.backup_words('long')], env=self.environment))
        wait_until(lambda: 'long  backup' in process.output, lambda: process.output)
        process.kill(signal.SIGTERM)
        self.assertEqual(process.wait(), 128 + signal.SIGTERM)
        self.assertIn('what was begun goes on', process.output)
        self.assertEqual(list(self.jobs()), ['long'])

class Jobs(LiveTest):
    def test_jobs(self):
        vm = self.start_vm()
        self.add_disks(vm, 'a', 'b')
        self.assertEqual(self.run_ctl('jobs', 'vm'), ('', ''))
        self.start_backup(vm, 'copy-1')
        self.assertRegex(self.run_ctl('jobs', 'vm')[0], r'^copy-1  backup  running  +\d+\.\d %')
        job = self.get_json('jobs', 'vm')
        self.assertEqual(list(job), ['id', 'type', 'status', 'current', 'total', 'progress', 'error'])
        self.assertEqual((job['id'], job['type'], job['total']), ('copy-1', 'backup', 16 << 20))
        self.assertEqual(self.run_ctl('complete', 'jobs', 'vm')[0], 'copy-1\n')
        self.assertIn('Jobs: copy-1 backup', self.run_ctl('status', 'vm')[0])
        terminal = self.start_ctl('jobs', 'vm', '--watch')
        terminal.wait('copy-1  backup  running')
        self.run_ctl('job', 'vm', 'copy-1', 'pause')
        terminal.wait('copy-1  backup  paused')
        self.run_ctl('job', 'vm', 'copy-1', 'resume')
        terminal.wait('copy-1  backup  running')
        self.run_ctl('job', 'vm', 'copy-1', 'set-speed', '10M')
        self.assertEqual(self.raw.execute('query-block-jobs')[0]['speed'], 10 << 20)
        wait_until(lambda: not terminal.lines(), lambda: f'no job to be seen: {terminal.lines()}')
        terminal.type('\x03')
        self.assertEqual(terminal.end(), INTERRUPTED)
        for words, status, text in ((('x', 'frob'), USAGE, 'no action "frob"'), (('x', 'set-speed'), USAGE, 'bytes a second'),
                                    (('x', 'set-speed', '1X'), USAGE, 'bytes a second'), (('x', 'pause', '1'), USAGE, 'nothing more'),
                                    (('x', 'pause'), FAILED, 'has no job "x"')):
            self.refuse(text, 'job', 'vm', *words, status=status)

    def test_a_job_that_is_called_as_the_migration(self):
        vm = self.start_vm()
        vm.execute('blockdev-create', **self.create('migration', '/nonexistent/x'))
        wait_until(lambda: self.get('_6digration')['Status'] == 'concluded')
        self.assertIn('/nonexistent/x', self.run_ctl('jobs', 'vm')[0])
        self.run_ctl('job', 'vm', 'migration', 'dismiss')
        self.assertEqual(self.jobs(), {})


class Watching(LiveTest):
    def start_watch(self, *arguments):
        process = self.adopt(Process([CTL, '--user', 'watch', *arguments], env=self.environment))
        # The state that is printed first was had after the bus was told what is listened to.
        wait_until(lambda: 'running' in process.output or process.popen.poll() is not None, lambda: process.output)
        return process

    def test_what_happens(self):
        vm = self.start_vm()
        people, program = self.start_watch(), self.start_watch('--json', 'vm', 'STOP', 'RESUME')
        vm.execute('stop')
        vm.execute('cont')
        vm.execute('blockdev-create', **self.create('c', '/nonexistent/x'))
        for process in (people, program):
            wait_until(lambda: process.output.count('is running') + process.output.count('"running"') >= 2, lambda: process.output)
        wait_until(lambda: 'concluded' in people.output, lambda: people.output)
        self.assertRegex(people.output, r'^[A-Z][a-z]+ \d\d \d\d:\d\d:\d\d\.\d{3} vm is running\n.* vm STOP\n.* vm is paused\n.* vm RESUME\n.* vm is running\n')
        self.assertRegex(people.output, r'vm JOB_STATUS_CHANGE (?=.*id=c).*status=created')
        lines = [json.loads(line) for line in program.output.splitlines()]
        for line in lines:
            self.assertGreater(line.pop('timestamp'), 1e15)
        self.assertEqual(lines[:5], [{'vm': 'vm', 'state': 'running'}, {'vm': 'vm', 'event': 'STOP', 'data': {}}, {'vm': 'vm', 'state': 'paused'},
                                     {'vm': 'vm', 'event': 'RESUME', 'data': {}}, {'vm': 'vm', 'state': 'running'}])
        # A VM that goes and comes back, and an agent.
        self.manager('RemoveVM', '(o)', vm.path)
        wait_until(lambda: 'vm has disappeared' in people.output)
        vm = self.add('vm', f'unix:{self.qemu.path}')
        for process in (people, program):
            wait_until(lambda: 'running' in process.output.splitlines()[-1], lambda: process.output)
        self.end_agent(self.agent)
        wait_until(lambda: f'{NAME} has disappeared' in people.output, lambda: people.output)
        self.start_agent()
        wait_until(lambda: f'{NAME} has appeared' in people.output, lambda: people.output)
        for process, number in ((people, signal.SIGINT), (program, signal.SIGTERM)):
            process.kill(number)
            self.assertEqual(process.wait(), 128 + number, process.output)

    def test_nobody_reads(self):
        self.start_vm()
        with subprocess.Popen([CTL, '--user', 'watch'], stdout=subprocess.PIPE, env=self.environment) as process:
            process.stdout.close()
            self.assertEqual(process.wait(20), 128 + signal.SIGPIPE)

    def test_nothing_can_be_written(self):
        """Verbs that go on end where nobody would have anything of them."""
        vm = self.start_vm()
        self.add_disks(vm, 'a', 'b')
        self.start_backup(vm, 'copy')
        for where, why in ('>/dev/full', 'No space left on device'), ('>&-', 'Bad file descriptor'):
            for words in 'watch vm', 'jobs vm --watch', 'open vm':
                result = subprocess.run(['sh', '-c', f'exec "$0" --user {words} {where}', CTL], env=self.environment, check=False,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
                self.assertEqual(result.returncode, FAILED, (words, where, result.stderr))
                self.assertIn('Cannot write the output: ', result.stderr)
                self.assertIn(why, result.stderr)

    def test_names_that_are_none(self):
        self.start_vm()
        self.refuse('"nobody"', 'watch', 'nobody', status=NO_VM)
        self.assertIn('FROB', self.run_ctl('watch', 'vm', 'FROB', status=FAILED)[1])


class Away(CtlTest):
    def test_a_vm_that_is_not_there_yet(self):
        self.start_agent(key_file=f'[vm not-yet]\naddress=unix:{self.directory}/later\n')
        process = self.adopt(Process([CTL, '--user', 'watch', 'not-yet'], env=self.environment))
        os.symlink(self.start(Qemu, '7.2').path, f'{self.directory}/later')
        wait_until(lambda: 'not-yet is running' in process.output, lambda: process.output)
        self.refuse('"nobody"', 'watch', 'nobody', status=NO_VM)


class Shell(LiveTest):
    def interrupt(self, terminal):
        """Ctrl-C, until the prompt is empty: what is typed at once could be read before the signal."""
        terminal.type('\x03')
        wait_until(lambda: terminal.lines()[-1] == 'vm>', lambda: terminal.lines())

    def test_at_a_prompt(self):
        vm = self.start_vm()
        terminal = self.start_ctl('shell', 'vm')
        terminal.wait('vm>')
        # Completion of a command, a member and a value.
        terminal.type('query-stat\t\t')
        terminal.wait('query-stats-schemas')
        terminal.type('us\r')
        terminal.wait('"status": "running"')
        terminal.type('set_li\tna\t')
        terminal.wait('vm> set_link name=')
        # An event is printed above the line that is typed, which stays.
        vm.execute('stop')
        terminal.wait('STOP')
        wait_until(lambda: terminal.lines()[-1] == 'vm> set_link name=', lambda: terminal.lines())
        self.assertEqual(str(terminal.lines()).count('set_link'), 1)
        terminal.type('x up=o\t')
        terminal.wait('vm> set_link name=x up=o')
        terminal.type('n\r')
        terminal.wait("Error: Device 'x' not found")
        terminal.type('garbage')
        terminal.wait('vm> garbage')
        self.interrupt(terminal)
        terminal.type('help device_del\r')
        wait_until(lambda: 'id' in terminal.lines(), lambda: terminal.lines())
        terminal.type('{"execute": "query-name", "id": 7}\r')
        terminal.wait('"id": 7')
        wait_until(lambda: '  "return": {},' in terminal.lines(), lambda: terminal.lines())
        terminal.type(' {"execute":\r')
        terminal.wait('qemu-monitorctl: ')
        terminal.type(' secret-line\r')
        terminal.wait('has not been found')
        # A QEMU that does not answer: Ctrl-C brings the prompt back, and the reply comes above it later.
        self.qemu.kill(signal.SIGSTOP)
        terminal.type('query-uuid\r')
        wait_until(lambda: terminal.lines()[-1].endswith('query-uuid'), lambda: terminal.lines())
        self.interrupt(terminal)
        terminal.type('typed')
        terminal.wait('vm> typed')
        self.qemu.kill(signal.SIGCONT)
        terminal.wait('"UUID"')
        wait_until(lambda: terminal.lines()[-1] == 'vm> typed', lambda: terminal.lines())
        self.interrupt(terminal)
        terminal.type('\x04')
        self.assertEqual(terminal.end(), OK)
        with open(f'{self.directory}/state/qemu-monitorctl/history', encoding='utf-8') as file:
            self.assertEqual(file.read().splitlines(), ['query-status', 'set_link name=x up=on', 'help device_del',
                                                        '{"execute": "query-name", "id": 7}', 'query-uuid'])
            self.assertEqual(stat.S_IMODE(os.fstat(file.fileno()).st_mode), 0o600)
        # The next one has it, and ends with the VM.
        terminal = self.start_ctl('shell', 'vm')
        terminal.wait('vm>')
        terminal.type('\x1b[A\x1b[A')
        terminal.wait('vm> {"execute": "query-name", "id": 7}')
        self.manager('RemoveVM', '(o)', vm.path)
        terminal.wait('the session has ended')
        self.assertEqual(terminal.end(), NO_VM)

    def test_human_monitor_and_time(self):
        self.start_vm('7.2')
        # What ends it from outside leaves the terminal as it was.
        terminal = self.start_ctl('shell', 'vm')
        terminal.wait('vm>')
        terminal.popen.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.end(), 128 + signal.SIGTERM)
        terminal = self.start_ctl('shell', 'vm', '--hmp')
        terminal.wait('(vm)')
        terminal.type('info status\rexit\r')
        terminal.wait('VM status: running')
        self.assertEqual(terminal.end(), OK)
        self.assertEqual(self.start_ctl('shell', 'vm', '--for=1s').end(), OK)

    def test_in_a_script(self):
        self.start_vm()
        out, err = self.run_piped('stop\n\nblockdev-add driver=null-co node-name=n size=1M\nquery-status\n', 'shell', 'vm')
        self.assertEqual((json.loads(out[out.index('{'):])['status'], err), ('paused', ''))
        out, err = self.run_piped('blockdev-del node-name=none\ncont\n', 'shell', 'vm', status=FAILED)
        self.assertIn('Failed to find node', err)
        self.assertEqual(self.raw.execute('query-status')['status'], 'paused')
        out, err = self.run_piped('set_link name=x up=maybe\n', 'shell', 'vm', status=USAGE)
        out, err = self.run_piped('query-status\n', 'shell', 'vm', '--json')
        self.assertEqual(json.loads(out)['return']['status'], 'paused')
        self.assertEqual(self.run_piped('info status\n', 'shell', 'vm', '--hmp')[0], 'VM status: paused\n')
        self.run_piped('quit\n', 'shell', 'vm')


class Descriptors(LiveTest):
    def setUp(self):
        super().setUp()
        self.vm = self.start_vm('11.1', '-device', 'VGA', '-vnc', f'unix:{self.directory}/vnc')

    def test_a_session(self):
        """A program's, twice; standard input and output; and over ssh."""
        out, _ = self.run_piped(f'{CAPABILITIES}{{"execute": "query-status", "id": 1}}\n', 'open', 'vm')
        greeting, _, reply = map(json.loads, out.splitlines())
        self.assertIn('QMP', greeting)
        self.assertEqual((reply['id'], reply['return']['status']), (1, 'running'))
        self.make_far_machine()
        client = self.write('client.py', '''
import json, os, socket, stat, sys
assert sys.argv[1] == 'at=' + os.environ['QMP_SOCKET']
directory = os.stat(os.path.dirname(os.environ['QMP_SOCKET']))
assert stat.S_IMODE(directory.st_mode) == 0o700
for _ in range(2):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.environ['QMP_SOCKET'])
    lines = connection.makefile('rw')
    print(sorted(json.loads(lines.readline())))
    lines.write('{"execute": "qmp_capabilities"}')
    lines.flush()
    print(json.loads(lines.readline()))
sys.exit(7)
''')
        for options in (['--user'], ['--user', '-H', 'far']):
            with self.subTest(options):
                out, err = self.run_ctl('open', 'vm', '--', 'python3', client, 'at={}', options=options, status=7)
                self.assertEqual(out, "['QMP']\n{'return': {}}\n" * 2)
                self.assertEqual([name for name in os.listdir(self.directory) if name.startswith('qemu-monitorctl-')], [])
        self.refuse('nonexistent', 'open', 'vm', '--', '/nonexistent/program')

    def test_a_name_like_an_option(self):
        """`--` before the VM ends the options, and the next one is the program's; also where the other machine reads the name."""
        qemu = self.start(Qemu, '7.2', '-device', 'VGA', '-vnc', 'none')
        self.add('-x', f'unix:{qemu.path}')
        self.make_far_machine()
        for options in (['--user'], ['--user', '-H', 'far']):
            with self.subTest(options):
                out, _ = self.run_ctl('open', '--', '-x', '--', 'sh', '-c', 'test -S "$QMP_SOCKET" && echo "$@"', 'sh', '--', '-y',
                                      options=options)
                self.assertEqual(out, '-- -y\n')
                self.run_ctl('screenshot', '--', '-x', f'{self.directory}/x.png', options=options)
                self.run_ctl('display', '--', '-x', 'vnc', '--', 'test', '-S', '{}', options=options)
        self.run_ctl('open', '-H', 'far', '--', '-x', '--', 'true')
        self.run_ctl('display', '--stdio', '-H', 'far', '--', '-x', 'vnc')

    def test_a_refusal(self):
        """Whoever has no connection has no program that runs without one, and the status tells why, whichever machine it is."""
        self.make_far_machine()
        marker = f'{self.directory}/marker'
        for options in (['--user'], ['--user', '-H', 'far']):
            for verb in (('open', 'nobody'), ('display', 'nobody', 'vnc')):
                self.refuse('"nobody"', *verb, '--', 'touch', marker, options=options, status=NO_VM)
            self.refuse('"nobody"', 'screenshot', 'nobody', marker, options=options, status=NO_VM)
            self.assertFalse(os.path.exists(marker))
        self.write_program('ssh', '#!/bin/sh\nexit 0\n')
        self.refuse('far has closed the connection', 'open', 'vm', '--', 'touch', marker, options=['-H', 'far'], status=NO_SERVICE)
        self.assertFalse(os.path.exists(marker))

    def refuse_without_viewer(self, package, vm):
        """Whatever is installed on this machine."""
        path = self.environment['PATH']
        self.environment['PATH'] = '/nonexistent'
        self.refuse(package, 'display', vm, status=USAGE)
        self.environment['PATH'] = path

    def test_a_viewer(self):
        """A program for which the descriptor is a socket, and a viewer that is installed."""
        viewer = '''#!/usr/bin/python3
import socket, sys
for _ in range(2):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    print(connection.recv(12, socket.MSG_WAITALL).decode(), end='')
'''
        self.make_far_machine()
        self.refuse_without_viewer('tigervnc-viewer', 'vm')
        self.refuse('spice', 'display', 'vm', 'spice', '--', 'true')
        self.refuse('"frob"', 'display', 'vm', 'frob', '--', 'true')
        self.write_program('xtigervncviewer', viewer)
        for arguments in ((), ('vnc',), ('vnc', '--', f'{self.directory}/bin/xtigervncviewer', '{}')):
            with self.subTest(arguments):
                self.assertEqual(self.run_ctl('display', 'vm', *arguments)[0], 'RFB 003.008\n' * 2)
        self.assertEqual(self.run_ctl('display', 'vm', 'vnc', options=('--user', '-H', 'far'))[0], 'RFB 003.008\n' * 2)
        self.refuse('must be named', 'display', 'vm', options=('--user', '-H', 'far'), status=USAGE)
        for text, status, verb in (('nobody', NO_VM, ('open', 'nobody')), ('nobody', NO_VM, ('display', 'nobody', 'vnc', '--stdio')),
                                   ('spice', FAILED, ('display', 'vm', 'spice', '--stdio'))):
            self.refuse(text, *verb, options=('--user', '-H', 'far'), status=status)

    def test_spice_goes_first(self):
        self.qemu = self.start(Qemu, '7.2', '-spice', 'port=0,disable-ticketing=on', '-vnc', 'none')
        self.add('both', f'unix:{self.qemu.path}')
        self.refuse_without_viewer('virt-viewer', 'both')
        self.write_program('remote-viewer', '#!/bin/sh\necho "$@"\ntest spice+unix://"$DISPLAY_SOCKET" = "$1"\n')
        self.assertRegex(self.run_ctl('display', 'both')[0], '^spice.unix:///')

    def test_pictures(self):
        self.run_ctl('screenshot', 'vm', 'a.png', cwd=self.directory)
        self.run_ctl('screenshot', 'vm', f'{self.directory}/a.ppm')
        name = self.run_ctl('screenshot', 'vm', '--format=ppm', cwd=self.directory)[0].strip()
        self.assertRegex(name, r'^vm-\d{4}-\d\d-\d\dT\d{6}\.ppm$')
        for file, magic in (('a.png', b'\x89PNG'), ('a.ppm', b'P6'), (name, b'P6')):
            with open(f'{self.directory}/{file}', 'rb') as picture:
                self.assertEqual(picture.read(len(magic)), magic)
                self.assertEqual(os.fstat(picture.fileno()).st_mode & 0o777, 0o600)
        self.make_far_machine()
        for options in (['--user'], ['--user', '-H', 'far']):
            result = subprocess.run([CTL, *options, 'screenshot', 'vm', '-'], stdout=subprocess.PIPE, env=self.environment, check=True)
            self.assertEqual(result.stdout[:4], b'\x89PNG')
        self.refuse('none', 'screenshot', 'vm', '--device=none', f'{self.directory}/x')
        self.assertFalse(os.path.exists(f'{self.directory}/x'))
        self.refuse('/nonexistent', 'screenshot', 'vm', '/nonexistent/x.png')
        terminal = self.start_ctl('screenshot', 'vm', '-')
        terminal.wait('not written to a terminal')
        self.assertEqual(terminal.end(), USAGE)


@unittest.skipUnless(os.geteuid() == 0, 'other users take root')
class Refused(SystemBusTest):
    def test_each(self):
        """Somebody to whom polkit says no, at every verb."""
        self.start(Polkitd, self.bus.address, os.environ['POLKIT_ACTIONS'], rules=[
            'polkit.addRule(function(action, subject) { if (subject.user == "www-data") return polkit.Result.NO; });'])
        self.start_system_agent()
        _, peer = self.add_peer('web', OWNER)
        environment = {**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': self.bus.address, 'LC_ALL': 'C.UTF-8', 'XDG_RUNTIME_DIR': ''}
        for arguments in (('wait', 'web', 'stop'), ('watch', 'web'), ('open', 'web'), ('open', 'web', '--', 'true'), ('shell', 'web'),
                          ('screenshot', 'web', '/nonexistent/x.png')):
            with self.subTest(arguments):
                result = subprocess.run([CTL, *arguments], capture_output=True, text=True, timeout=60, check=False, user=SOMEBODY,
                                        group=SOMEBODY, stdin=subprocess.DEVNULL, env=environment)
                self.assertEqual(result.returncode, DENIED, result.stderr)
                self.assertIn('may not', result.stderr)
                self.assertNotIn('stop', [command['execute'] for command in requests(peer)])

    def test_events_of_the_system_bus(self):
        """They come to those alone who have subscribed; here one that the schema does not know."""
        self.start(Polkitd, self.bus.address, os.environ['POLKIT_ACTIONS'])
        self.start_system_agent()
        _, peer = self.add_peer('web', OWNER)
        process = self.adopt(Process([CTL, 'watch', 'web'], user=OWNER, env={
            **os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': self.bus.address}))

        def is_told():
            peer.emit(event('VENDOR_THING', x=1))
            return 'web VENDOR_THING x=1' in process.output
        wait_until(is_told, lambda: process.output)


if __name__ == '__main__':
    main()
