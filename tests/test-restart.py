# SPDX-License-Identifier: LGPL-2.1-or-later
"""An agent that ends, in good order or not, and the next one in its place: no VM is lost, and nothing is left in any QEMU."""
import fcntl
import os
import re
import shutil
import signal
import socket

from harness import DIE, SILENCE, Bus, CallError, Connection, FdStore, Peer, Qemu, main, wait_until
from harness.process import is_listening
from monitor import ANSWERS, DISCONNECTED, ROOT, MODULE, MonitorTest, VM
from screens import ScreenQemu, start_shot, take_picture

from harness import Agent

OWN = 'org.qemu.Monitor1-'


class RestartTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.store = None
        self.state = f'{self.run_directory}/state/vms'

    def start_agent(self, key_file=None, ready=True, environment=None):
        if key_file is not None:
            self.write('qemu-monitor.conf', key_file)
        self.agent = self.start(Agent, self.bus.address, [MODULE], f'--config-dir={self.directory}', ready=ready,
                                environment={'XDG_RUNTIME_DIR': self.directory, **(environment or {})}, store=self.store)
        self.addCleanup(self.end_agent, self.agent)
        if not hasattr(self, 'caller'):
            self.caller = self.connect()
        return self.agent

    def end(self, number):
        self.agent.kill(number)
        self.agent.wait()
        self.agent.read_notifications()

    def restart(self, number=signal.SIGTERM, **options):
        self.end(number)
        return self.start_agent(**options)

    def names(self):
        return [path.rsplit('/', 1)[1] for path in self.paths()]

    def read_state(self):
        if not os.path.exists(self.state):
            return ''
        with open(self.state, encoding='utf-8') as file:
            return file.read()

    def wait_kept(self, count):
        wait_until(lambda: self.agent.read_notifications() and len(self.store.kept) == count, f'{count} descriptors in the store')

    def assert_nothing_left(self, qemu):
        """A monitor that was being plugged when the agent was killed goes when the next one attaches."""
        raw = qemu.raw()
        wait_until(lambda: not [label for label in raw.list_chardevs() if OWN in label],
                   lambda: f'no monitor of the agent: {raw.list_chardevs()}')


class StateFile(RestartTest):
    def test_vms_that_were_added_come_again(self):
        peers = [self.start(Peer, ANSWERS) for _ in range(3)]
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.start_agent()
            for name, peer in zip(('a b', 'ä]\n'[:2], 'c'), peers):
                self.add(name, f'unix:{peer.path}', timeout=('t', 7000000))
            before = self.paths()
            self.assertEqual(len(before), 3)
            self.restart(number)
            # They are there with the bus name.
            self.assertEqual(self.paths(), before)
            for path in before:
                self.manager('RemoveVM', '(o)', path)
            self.restart(number)
            self.assertEqual(self.paths(), [])
            self.end(signal.SIGTERM)

    def test_options_and_who_added_it_stay(self):
        qemu = self.start(Qemu, '7.2', monitors=3)
        self.start_agent()
        self.add('web', f'unix:{qemu.paths[0]}', isolation=('s', 'required'), timeout=('t', 5000000),
                 spares=('as', [f'unix:{qemu.paths[1]}']))
        vm = VM(self.caller, f'{ROOT}/vm/web')
        mode, text = vm.get('MonitorMode'), self.read_state()
        self.assertIn(f'added-by={os.getuid()}\n', text)
        self.restart()
        self.assertEqual(vm.get('MonitorMode'), mode)
        self.assertEqual(mode, 'spare')
        # A record that has come in the place of another does so a moment later.
        wait_until(lambda: re.sub('descriptor=.*', '', self.read_state()) == re.sub('descriptor=.*', '', text),
                   lambda: f'the same record alone: {self.read_state()}')

    def test_nobody_else_reads_or_writes_it(self):
        peer = self.start(Peer, ANSWERS)
        self.start_agent()
        self.add('web', f'unix:{peer.path}')
        self.assertEqual(os.stat(self.state).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(os.path.dirname(self.state)).st_mode & 0o777, 0o700)

    def test_what_could_not_be_written_is_written_later(self):
        """A directory in the file's place stands for a file system without room."""
        peer = self.start(Peer, ANSWERS)
        self.start_agent()
        os.makedirs(f'{self.state}/taken', mode=0o700)
        os.chmod(os.path.dirname(self.state), 0o700)
        self.add('web', f'unix:{peer.path}')
        wait_until(lambda: 'will be lost at a restart' in self.agent.output, lambda: self.agent.output)
        shutil.rmtree(self.state)
        wait_until(lambda: os.path.exists(self.state) and 'name=web' in self.read_state(), 'the record to be written')
        self.restart(signal.SIGKILL)
        self.assertEqual(self.names(), ['web'])

    def test_one_whose_qemu_is_not_there_yet_is_tried_again(self):
        peer = self.start(Peer, ANSWERS)
        self.start_agent()
        self.add('web', f'unix:{peer.path}')
        self.end(signal.SIGKILL)
        peer.stop()
        self.start_agent()
        self.assertEqual(self.paths(), [])
        self.assertIn('name=web\n', self.read_state())
        self.restart(signal.SIGKILL)
        qemu = self.start(Qemu, '11.1', '-qmp', f'unix:{peer.path},server=on,wait=off')
        wait_until(lambda: self.names() == ['web'])
        # From then on it is as any that was added.
        qemu.kill()
        qemu.wait()
        wait_until(lambda: 'name=web' not in self.read_state(), 'the VM to be forgotten')

    def test_one_that_is_not_there_can_be_removed(self):
        peer = self.start(Peer, ANSWERS)
        self.start_agent()
        self.add('web', f'unix:{peer.path}')
        self.end(signal.SIGKILL)
        peer.stop()
        self.start_agent()
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/web')
        wait_until(lambda: 'web' not in self.read_state(), 'the file without the VM')

    def test_a_broken_record_costs_its_own_vm(self):
        peers = [self.start(Peer, ANSWERS) for _ in range(3)]
        self.start_agent()
        for name, peer in zip('abc', peers):
            self.add(name, f'unix:{peer.path}')
        whole = self.read_state()
        for broken, left, count in ((whole.replace('name=b\n', 'name\n'), ['a', 'c'], 1),
                                    (whole.replace('name=b\n', 'name=\x01\n'), ['a', 'c'], 1),
                                    (whole[:whole.rindex('timeout=')] + '\n', ['a', 'b'], 1),
                                    ('\0\xff' + whole, ['a', 'b', 'c'], 0),
                                    (re.sub('address=.*', 'address=no', whole), [], 3), ('[vm]\n\n' * 3, [], 3), ('', [], 0)):
            with self.subTest(broken):
                self.end(signal.SIGKILL)
                with open(self.state, 'w', encoding='latin-1') as file:
                    file.write(broken)
                self.start_agent()
                self.assertEqual(self.names(), left)
                self.assertEqual(self.agent.output.count('is broken, and its VM is lost'), count, self.agent.output)

    def test_a_record_that_was_not_written_to_its_end_does_not_count(self):
        """Killed in the midst of adding one: the others are as they were, and no number is a part of one."""
        peers = [self.start(Peer, ANSWERS) for _ in range(2)]
        self.start_agent()
        for name, peer in zip('ab', peers):
            self.add(name, f'unix:{peer.path}')
        self.end(signal.SIGKILL)
        comment, *records = self.read_state().replace('added-by=0', 'added-by=1234').split('[vm]\n')
        one, other = (f'[vm]\n{record}' for record in records)
        in_number = other.index('added-by=1234') + len('added-by=12')
        for length in (1, 2, 3, 4, 5, 7, other.index('origin='), other.index('origin=') + 9, in_number, len(other) - 1):
            with self.subTest(other[:length]):
                with open(self.state, 'w', encoding='ascii') as file:
                    file.write(comment + one + other[:length])
                self.start_agent()
                self.assertEqual(self.names(), ['a'])
                self.assertEqual(self.agent.output.count('the last record was not written to its end'), 1)
                self.assertNotIn('lost', self.agent.output)
                self.end(signal.SIGKILL)
                self.assertNotIn('name=b', self.read_state())

    def test_a_directory_that_is_removed_or_moved_is_made_anew(self):
        """At once: nothing may be added or removed before the agent is killed."""
        peer = self.start(Peer, ANSWERS)
        self.start_agent()
        self.add('web', f'unix:{peer.path}')
        for number, path in enumerate((os.path.dirname(self.state), self.run_directory)):
            for take_away in (shutil.rmtree, lambda path, number=number: os.rename(path, f'{self.directory}/elsewhere-{number}')):
                with self.subTest(path=path, take_away=take_away):
                    # Nothing is about to be written.
                    wait_until(lambda: self.read_state().count('\n[vm]\n') == 1, self.read_state)
                    take_away(path)
                    wait_until(lambda: 'name=web' in self.read_state(), lambda: self.agent.output)
                    self.restart(signal.SIGKILL)
                    wait_until(lambda: self.names() == ['web'], lambda: self.agent.output)

    def replace_state(self, text):
        """By a directory that another agent has left."""
        directory = os.path.dirname(self.state)
        os.mkdir(f'{directory}.new', 0o700)
        with open(os.open(f'{directory}.new/vms', os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
            file.write(text)
        other = os.open(f'{directory}.new', os.O_RDONLY)
        fcntl.flock(other, fcntl.LOCK_EX)
        os.rename(directory, f'{directory}.old')
        os.rename(f'{directory}.new', directory)
        return other

    def test_a_directory_that_another_agent_has_meanwhile(self):
        """Nothing is written there while that one runs, and nothing of what it leaves is lost, also if it has ended before this one looks."""
        for has_ended in (False, True):
            with self.subTest(has_ended=has_ended):
                peers = [self.start(Peer, ANSWERS) for _ in range(3)]
                self.start_agent()
                self.add('first', f'unix:{peers[0].path}')
                text = self.read_state().replace('name=first', 'name=other').replace(peers[0].path, peers[1].path)
                other = self.replace_state(text)
                if has_ended:
                    os.close(other)
                self.add('second', f'unix:{peers[2].path}')
                if not has_ended:
                    self.assertEqual(self.read_state(), text)
                    os.close(other)
                names = ['first', 'other', 'second']
                wait_until(lambda: self.names() == names, lambda: self.agent.output)
                self.restart(signal.SIGKILL)
                wait_until(lambda: self.names() == names, lambda: self.agent.output)
                self.end(signal.SIGKILL)
                shutil.rmtree(self.run_directory)

    def test_a_record_of_a_vm_that_gives_way_to_another_one(self):
        """A socket that is found here, and does not answer, is a VM of another name and origin in a file that another agent has left."""
        peer, silent = self.start(Peer, ANSWERS), self.start(Peer, ANSWERS, greeting=SILENCE)
        self.start_agent()
        path = f'{self.run_directory}/found.sock'
        os.symlink(silent.path, path)
        self.add('first', f'unix:{peer.path}')
        wait_until(lambda: silent.connections, lambda: self.agent.output)
        record = self.read_state()[self.read_state().index('[vm]'):].replace(peer.path, path)
        os.close(self.replace_state(record.replace('name=first', 'name=called') +
                                    record.replace('name=first', 'name=found')
                                    .replace('origin=call', f'origin=directory\nmade-by={os.getuid()}') +
                                    record.replace('name=first', 'name=last').replace(path, f'{self.directory}/none')))
        wait_until(lambda: 'name=last' in self.read_state() and 'name=first' in self.read_state(), lambda: self.agent.output)
        wait_until(lambda: 'name=found' not in self.read_state(), lambda: self.agent.output)
        self.assertIn('name=called', self.read_state())
        self.assertNotIn('is broken', self.agent.output)
        self.assertEqual(self.names(), ['first'])

    def test_a_file_of_somebody_else_is_not_believed(self):
        peer = self.start(Peer, ANSWERS)
        self.start_agent()
        self.add('web', f'unix:{peer.path}')
        self.end(signal.SIGKILL)
        directory = os.path.dirname(self.state)

        def forge_link():
            os.rename(self.state, f'{self.directory}/elsewhere')
            os.symlink(f'{self.directory}/elsewhere', self.state)

        def forge_directory():
            os.rename(directory, f'{directory}-elsewhere')
            os.symlink(f'{directory}-elsewhere', directory)
        for forge in (lambda: os.chmod(self.state, 0o620), lambda: (os.chmod(self.state, 0o600), os.chmod(directory, 0o770)),
                      lambda: (os.chmod(directory, 0o700), forge_link()), forge_directory):
            forge()
            self.start_agent()
            self.assertEqual(self.paths(), [])
            self.assertRegex(self.agent.output, 'error: qemu-monitor: .* lost')
            if os.path.isfile(self.state) and not os.path.islink(self.state):
                os.unlink(self.state)
            self.end(signal.SIGTERM)
            if os.path.islink(directory):
                continue
            # The next forgery finds a file that would do.
            with open(self.state, 'w', encoding='ascii') as file:
                file.write('[vm]\nname=web\norigin=call\n' f'address=unix:{peer.path}\nuser=0\ntimeout=1000000\nadded-by=0\n')
            os.chmod(self.state, 0o600)

    def asides(self):
        """What was kept of files that could not be read, in their order."""
        directory = os.path.dirname(self.state)
        names = sorted(name for name in os.listdir(directory) if name != 'vms')
        self.assertEqual(names, [f'vms.unread-{number}' for number in range(1, len(names) + 1)])
        return [f'{directory}/{name}' for name in names]

    def test_what_cannot_be_read_is_not_overwritten(self):
        """The VMs in it may be had by hand, or what kept it from being read goes by."""
        peer, other = self.start(Peer, ANSWERS), self.start(Peer, ANSWERS)
        self.start_agent()
        self.add('old', f'unix:{peer.path}')
        self.end(signal.SIGKILL)
        whole = self.read_state()

        def put(text, mode=0o600):
            if os.path.exists(self.state):
                os.unlink(self.state)
            with open(self.state, 'w', encoding='latin-1') as file:
                file.write(text)
            os.chmod(self.state, mode)
            return text

        def put_directory():
            os.unlink(self.state)
            os.mkdir(self.state)
            return None

        def put_large():
            put(whole)
            os.truncate(self.state, 64 * 1024 * 1024 + 1)
            return None
        faults = [lambda: put(whole, 0o620), put_directory, put_large, lambda: put('\0\xff\n' * 1000),
                  lambda: put(whole.replace('address=', 'adress=')), lambda: put(whole + '[vm]\nname=half\n\n'),
                  lambda: put('[vm]\n' * 20000)]
        for number, put_fault in enumerate(faults, 1):
            with self.subTest(number):
                text = put_fault()
                self.start_agent()
                self.assertEqual(len(self.asides()), number)
                self.assertIn(f'{self.state} was not read whole: it is kept as {self.asides()[-1]}', self.agent.output)
                self.assertLess(len(self.agent.output.splitlines()), 20)
                if text is not None:
                    with open(self.asides()[-1], encoding='latin-1') as file:
                        self.assertEqual(file.read(), text)
                self.add('new', f'unix:{other.path}')
                self.assertIn('name=new\n', self.read_state())
                self.end(signal.SIGKILL)
        self.assertTrue(os.path.isdir(self.asides()[1]))
        self.no_room_aside(put, whole, other)

    def no_room_aside(self, put, whole, other):
        """There is an end to it, and nothing is overwritten then either."""
        put('first')
        self.start_agent()
        self.end(signal.SIGTERM)
        text = put(whole.replace('address=', 'adress='))
        self.start_agent()
        self.add('new', f'unix:{other.path}')
        self.assertRegex(self.agent.output, f'will be lost at a restart: {self.state} cannot be read, and 8 like it are kept already')
        self.assertEqual(self.read_state(), text)
        # Somebody has looked at one of them.
        os.unlink(self.asides()[-1])
        self.agent.wait_output('nothing will be lost')
        self.assertIn('name=new', self.read_state())

    def test_without_a_state_all_else_works(self):
        peer = self.start(Peer, ANSWERS)
        os.makedirs(self.run_directory, 0o700)
        self.write('qemu-monitor/state', 'a file')
        self.start_agent()
        self.add('web', f'unix:{peer.path}')
        self.assertEqual(self.names(), ['web'])
        self.assertIn('will be lost at a restart', self.agent.output)

    def test_what_failed_is_not_kept(self):
        self.start_agent()
        with self.assertRaises(CallError):
            self.add('web', f'unix:{self.directory}/nothing', timeout=('t', 100000))
        self.restart()
        self.assertNotIn('web', self.read_state())


class Store(RestartTest):
    def setUp(self):
        super().setUp()
        self.store = self.adopt(FdStore())

    def give(self, name, qemu):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(qemu.path)
        with connection:
            return self.add_fd(name, connection.fileno())

    def test_a_connection_that_was_given_survives(self):
        for version in ('7.2', '10.0', '11.1'):
            for number in (signal.SIGTERM, signal.SIGKILL):
                with self.subTest(version=version, number=number):
                    qemu = self.start(Qemu, version, monitors=2)
                    self.start_agent()
                    vm = self.give('web', qemu)
                    vm.qmp('QueryStatus')
                    version_before = vm.get('QEMUVersion')
                    self.wait_kept(1)
                    self.restart(number)
                    wait_until(vm.is_there)
                    self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
                    self.assertEqual(vm.get('QEMUVersion'), version_before)
                    events = vm.record_events()
                    vm.qmp('Stop')
                    events.wait('Stop')
                    self.wait_kept(1)
                    self.manager('RemoveVM', '(o)', vm.path)
                    self.wait_kept(0)
                    self.assert_nothing_left(qemu)
                    # The monitor is free for the next.
                    wait_until(lambda: self.is_free(qemu.path), 'the monitor to greet somebody else')
                    self.end(signal.SIGTERM)
                    qemu.kill()
                    qemu.wait()

    def test_a_monitor_whose_messages_have_lines(self):
        for version in ('7.2', '10.0', '11.1'):
            with self.subTest(version=version):
                path = f'{self.directory}/pretty-{version}'
                qemu = self.start(Qemu, version, '-chardev', f'socket,id=p,path={path},server=on,wait=off', '-mon',
                                  'chardev=p,mode=control,pretty=on', machine='none')
                wait_until(lambda: is_listening(path))
                self.start_agent()
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(path)
                    vm = self.add_fd('web', connection.fileno())
                for number in (signal.SIGTERM, signal.SIGKILL):
                    for _ in range(3):
                        vm.start('QMP', 'QueryQmpSchema')
                    self.wait_kept(1)
                    self.restart(number)
                    wait_until(vm.is_there, lambda: self.agent.output)
                    self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
                self.manager('RemoveVM', '(o)', vm.path)
                self.end(signal.SIGTERM)
                qemu.kill()
                qemu.wait()

    def is_free(self, path):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(0.2)
            try:
                connection.connect(path)
                return b'QMP' in connection.recv(4096)
            except OSError:
                return False

    def test_a_directory_that_is_a_copy(self):
        """Of what this agent has written: its own descriptors stay where they are, and a VM that is removed then stays away."""
        qemu, peer, other = self.start(Qemu, '11.1', monitors=2), self.start(Peer, ANSWERS), self.start(Peer, ANSWERS)
        self.start_agent()
        vm = self.give('web', qemu)
        self.add('removed', f'unix:{other.path}')
        self.wait_kept(2)
        directory = os.path.dirname(self.state)
        shutil.copytree(directory, f'{directory}.new')
        os.rename(directory, f'{directory}.old')
        os.rename(f'{directory}.new', directory)
        self.manager('RemoveVM', '(o)', f'{ROOT}/vm/removed')
        self.add('second', f'unix:{peer.path}')
        self.wait_kept(2)
        self.restart(signal.SIGKILL)
        wait_until(lambda: self.names() == ['second', 'web'], lambda: self.agent.output)
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')

    def test_killed_in_the_midst_of_commands(self):
        qemu = self.start(Qemu, '11.1', monitors=2)
        self.start_agent()
        vm = self.give('web', qemu)
        for _ in range(5):
            callers = [VM(self.connect(), vm.path) for _ in range(4)]
            for caller in callers:
                for _ in range(2):
                    caller.start('QMP', 'QueryQmpSchema')
            callers[0].qmp('QueryStatus')
            self.wait_kept(1)
            self.restart(signal.SIGKILL)
            wait_until(vm.is_there, lambda: self.agent.output)
            self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
        self.assert_one_monitor(qemu)

    def assert_one_monitor(self, qemu):
        raw = qemu.raw()
        wait_until(lambda: len([label for label in raw.list_chardevs() if OWN in label]) <= 1,
                   'the monitors of callers who have left to go')

    def test_a_connection_that_ends_before_it_is_used(self):
        """Of a QEMU that goes while the agent starts: that VM is lost, and the agent and all others are there."""
        qemu, peer = self.start(Qemu, '11.1', monitors=2), self.start(Peer, ANSWERS)
        self.start_agent()
        self.give('a', qemu)
        self.give('b', peer)
        self.wait_kept(2)
        self.end(signal.SIGKILL)
        peer.answers.update({name: DIE for name in (*ANSWERS, 'qmp_capabilities', 'query-qmp-schema', 'query-commands', 'query-version')})
        self.start_agent()
        wait_until(lambda: self.names() == ['a'], lambda: self.agent.output)
        self.assertIn('the other side closed the connection VM=b', self.agent.output)

    def test_pictures_and_displays(self):
        """A viewer goes on viewing; what was under way is over, and no screenshot's file is left in QEMU when the next agent has the VM."""
        for version in ('7.2', '11.1'):
            qemu = self.start(ScreenQemu, version, '-vnc', 'none', monitors=2)
            self.start_agent()
            vm = self.give('web', qemu) if version == '7.2' else self.add('web', f'unix:{qemu.path}')
            raw = qemu.raw()
            for number in (signal.SIGTERM, signal.SIGKILL):
                with self.subTest(version=version, number=number):
                    take_picture(vm)
                    display = socket.socket(fileno=vm.start('VM', 'OpenDisplay', '(sa{sv})', 'vnc', {})()[1][0])
                    self.assertEqual(display.recv(12), b'RFB 003.008\n')
                    under_way = [VM(self.connect(), vm.path) for _ in range(4)]
                    under_way = [(start_shot(caller), caller.start('VM', 'OpenDisplay', '(sa{sv})', 'vnc', {})) for caller in under_way]
                    self.wait_kept(1)
                    self.restart(number)
                    wait_until(vm.is_there)
                    wait_until(lambda: not [fd for fdset in raw.execute('query-fdsets') for fd in fdset['fds']],
                               lambda: f'no file: {raw.execute("query-fdsets")}')
                    wait_until(lambda: not [label for label in raw.list_chardevs() if OWN in label])
                    with display:
                        display.sendall(b'RFB 003.008\n')
                        self.assertEqual(display.recv(2), b'\x01\x01')
                    take_picture(vm)
                    self.assertEqual(len([fd for fdset in raw.execute('query-fdsets') for fd in fdset['fds']]), 1)
            self.manager('RemoveVM', '(o)', vm.path)
            self.end(signal.SIGTERM)

    def test_qemu_that_connected_by_itself_stays(self):
        path = f'{self.directory}/listening'
        for key_file in ('', f'[vm web]\naddress=unix:{path},server=on\n'):
            self.start_agent(key_file=key_file)
            finish = None if key_file else self.start_add('web', f'unix:{path},server=on')
            wait_until(lambda: os.path.exists(path))
            qemu = self.start(Qemu, '11.1', '-qmp', f'unix:{path},server=off')
            vm = VM(self.caller, finish()[0] if finish else f'{ROOT}/vm/web')
            wait_until(vm.is_there)
            for number in (signal.SIGTERM, signal.SIGKILL):
                self.restart(number)
                wait_until(vm.is_there)
                self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
            qemu.kill()
            qemu.wait()
            wait_until(lambda: not self.paths())
            self.wait_kept(0)
            self.end(signal.SIGTERM)
            if os.path.exists(self.state):
                os.unlink(self.state)

    def test_a_socket_that_has_lost_its_name(self):
        self.start_agent()
        path = f'{self.run_directory}/web.sock'
        self.start(Qemu, '11.1', '-qmp', f'unix:{path},server=on,wait=off', name='web')
        wait_until(lambda: self.names() == ['web'])
        os.unlink(path)
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.restart(number)
            wait_until(lambda: self.names() == ['web'])

    def test_a_second_agent_leaves_the_first_ones_vms_alone(self):
        """Somebody starts one by hand: on the same bus it ends at once, on another it has no VMs over a restart."""
        qemu, peer, other = self.start(Qemu, '11.1', monitors=2), self.start(Peer, ANSWERS), self.start(Peer, ANSWERS)
        self.start_agent()
        self.add('called', f'unix:{peer.path}')
        self.give('given', qemu)
        self.wait_kept(2)
        before, first, caller = self.read_state(), self.agent, self.caller
        buses = self.bus, self.start(Bus, name='other-bus')
        for bus in buses:
            second = self.start(Agent, bus.address, [MODULE], f'--config-dir={self.directory}', ready=False,
                                environment={'XDG_RUNTIME_DIR': self.directory})
            if bus is self.bus:
                second.wait()
                self.assertIn('is owned by somebody else', second.output)
                continue
            second.wait_output('/state: another agent keeps its VMs there')
            wait_until(second.is_ready)
            self.caller = self.adopt(Connection(bus.address))
            self.add('new', f'unix:{other.path}')
            self.assertEqual(self.names(), ['new'])
            self.assertEqual(self.read_state(), before)
            self.caller = caller
            # The first one may end before the second.
            self.agent = first
            self.restart(signal.SIGKILL)
            wait_until(lambda: self.names() == ['called', 'given'], lambda: self.agent.output)
            self.assertNotIn('another agent', self.agent.output)

    def test_an_agent_that_begins_while_another_one_ends(self):
        """Where systemd does not keep them apart: as the bus starts one for a call. It takes up what that one leaves before anybody can call
        it, and before the sockets that it finds."""
        first, second = self.start(Peer, ANSWERS), self.start(Peer, ANSWERS)
        self.start_agent()
        self.add('first', f'unix:{first.path}')
        self.wait_kept(1)
        self.end(signal.SIGKILL)
        os.symlink(first.path, f'{self.run_directory}/found.sock')
        ending = os.open(os.path.dirname(self.state), os.O_RDONLY)
        fcntl.flock(ending, fcntl.LOCK_EX)
        self.start_agent(f'[vm second]\naddress=unix:{second.path}\n', ready=False)
        wait_until(lambda: 'VM "second" is there' in self.agent.output, lambda: self.agent.output)
        os.close(ending)
        for _ in range(2):
            wait_until(self.agent.is_ready)
            self.assertEqual(self.names(), ['first', 'second'])
            self.restart(signal.SIGKILL)
        self.assertNotIn('another agent', self.agent.output)

    def test_a_manager_without_a_store(self):
        qemu = self.start(Qemu, '11.1')
        self.start_agent()
        self.give('web', qemu)
        self.wait_kept(1)
        self.store.stop()
        self.restart(signal.SIGKILL)
        self.assertEqual(self.paths(), [])
        self.assertIn('notice: qemu-monitor: VM "web" was given as a descriptor, which nobody has kept', self.agent.output)
        self.assertNotIn('web', self.read_state())

    def test_a_manager_that_does_not_say_whether_it_keeps_any(self):
        """systemd before 254: what nobody else leads to is worth a try."""
        given, added = self.start(Qemu, '11.1'), self.start(Qemu, '11.1')
        self.start_agent(environment={'FDSTORE': None})
        self.give('given', given)
        self.add('added', f'unix:{added.path}')
        self.wait_kept(1)
        self.restart(environment={'FDSTORE': None})
        wait_until(lambda: self.names() == ['added', 'given'])
        self.restart(environment={'FDSTORE': '0'})
        wait_until(lambda: self.names() == ['added', 'given'])
        self.assertEqual(self.agent.read_notifications() and self.store.names(), [])

    def test_what_is_nobody_s_is_dropped(self):
        qemu = self.start(Qemu, '11.1')
        self.start_agent()
        self.give('web', qemu)
        self.end(signal.SIGKILL)
        os.unlink(self.state)
        self.start_agent()
        self.wait_kept(0)
        wait_until(lambda: self.is_free(qemu.path), 'the monitor to greet somebody else')


class Fifty(RestartTest):
    """VMs of all origins, calls and native sessions open."""

    def setUp(self):
        super().setUp()
        self.store = self.adopt(FdStore())

    def start_vms(self):
        os.makedirs(self.run_directory, 0o700)
        qemus, groups = [], ''
        peers = [self.start(Peer, ANSWERS) for _ in range(40)]
        for number in range(4):
            qemus.append(self.start(Qemu, '11.1', *(['-qmp', f'unix:{self.run_directory}/found{number}.sock,server=on,wait=off']
                                                    if number == 0 else []), monitors=2, name=f'found{number}'))
        groups = ''.join(f'[vm key{number}]\naddress=unix:{peer.path}\n' for number, peer in enumerate(peers[:15]))
        self.start_agent(key_file=f'{groups}[vm key]\naddress=unix:{qemus[1].path}\n')
        finishes = [self.start_add(f'call{number}', f'unix:{peer.path}') for number, peer in enumerate(peers[15:])]
        for finish in finishes:
            finish()
        self.add('call', f'unix:{qemus[2].path}')
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(qemus[3].path)
            self.add_fd('given', connection.fileno())
        wait_until(lambda: len(self.paths()) == 44)
        return qemus

    def test_restart_and_crash(self):
        qemus = self.start_vms()
        before = self.paths()
        for number in (signal.SIGTERM, signal.SIGKILL):
            waiting, sessions = [], []
            for name in ('found0', 'key', 'call', 'given'):
                vm = VM(self.caller, f'{ROOT}/vm/{name}')
                sessions.append(vm.start('VM', 'OpenMonitor', '(a{sv})', {})()[1][0])
                vm.qmp('QueryStatus')
                waiting.append(vm.start_wait('system_powerdown'))
            for name in ('key3', 'call7'):
                VM(self.caller, f'{ROOT}/vm/{name}').execute_json('query-status')
            self.wait_kept(44)
            self.restart(number)
            # The VMs are there with the name on the bus, or within its second.
            wait_until(lambda: self.paths() == before, lambda: f'the same VMs: {set(before) ^ set(self.paths())}')
            for finish in waiting:
                with self.assertRaises(CallError) as caught:
                    finish()
                self.assertIn(caught.exception.name, (DISCONNECTED, 'org.freedesktop.DBus.Error.NoReply'))
                if number == signal.SIGTERM:
                    self.assertEqual(caught.exception.name, DISCONNECTED)
            for fd in sessions:
                with socket.socket(fileno=fd) as session:
                    while session.recv(65536):
                        pass
            for qemu in qemus:
                self.assert_nothing_left(qemu)
            for name in ('found0', 'key', 'call', 'given'):
                self.assertEqual(VM(self.caller, f'{ROOT}/vm/{name}').qmp('QueryStatus')['running'], True)
        self.agent.read_notifications()
        wait_until(lambda: self.agent.read_notifications()['STATUS'] == 'qemu-monitor: 44 VMs, 44 connected', 'the status')


if __name__ == '__main__':
    main()
