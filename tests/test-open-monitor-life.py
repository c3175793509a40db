# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenMonitor(): how long a native session lives, who may connect to one by a path, and what policy lets through."""
import os
import socket
import stat

from harness import AuthenticationAgent, Polkitd, Qemu, QmpClient, QmpError, main, wait_until
from harness.bus import acting_as
from monitor import INVALID_ARGS, ROOT, VM
from monitors import LIMITS_EXCEEDED
from native import NEGOTIATE, NEGOTIATE_OOB, OpenMonitorTest, Wire, open_fd
from system_bus import INTERACTION, OPERATOR, OWNER, SOMEBODY, SystemBusTest, commands


def look(path):
    """All of lstat(2) but when it was read last: to look at a link changes that."""
    status = os.lstat(path)
    return status[:7], status.st_mtime_ns, status.st_ctime_ns


class Life(OpenMonitorTest):
    def test_it_has_a_monitor_of_its_own(self):
        vm = self.start_vm()
        native = self.open(vm)
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
        monitor, = self.natives(vm)
        self.assertEqual((monitor['caller'], monitor['uid'], monitor['mode']), (vm.caller.name, os.getuid(), 'hotplug'))
        wait_until(lambda: len(self.ours()) == 4)
        self.assertIn(monitor['id'], self.ours())
        native.stop()
        wait_until(lambda: len(self.ours()) == 2)
        wait_until(lambda: self.natives(vm) == [])

    def test_other_modes(self):
        """Where there is none to be had it has a share, and nobody notices."""
        vm = self.start_vm('7.2')
        self.assertEqual(self.client(vm).execute('query-status')['running'], True)
        self.assertEqual(self.natives(vm)[0]['mode'], 'shared')
        self.manager('RemoveVM', '(o)', vm.path)
        qemu = self.start(Qemu, '7.2', monitors=3)
        vm = self.add('spare', f'unix:{qemu.path}', spares=('as', [f'unix:{path}' for path in qemu.paths[1:]]))
        native = self.client(vm)
        self.assertEqual(native.execute('query-status')['running'], True)
        self.assertEqual(self.natives(vm)[0]['id'], f'unix:{qemu.paths[1]}')
        native.stop()
        wait_until(lambda: self.natives(vm) == [])

    def test_it_ends_with_its_opener(self):
        vm = self.start_vm()
        opener = self.other(vm)
        native = self.open(opener)
        native.line()
        opener.caller.stop()
        self.assertEqual(native.until_end(), b'')
        self.wait_clean()

    def test_unless_it_is_kept(self):
        vm = self.start_vm()
        opener = self.other(vm)
        native = self.client(opener, keep=('b', True))
        native.execute('query-status')
        opener.caller.stop()
        wait_until(lambda: opener.caller.name not in vm.caller.call(
            'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'ListNames')[0])
        self.assertEqual(native.execute('query-status')['status'], 'running')
        self.assertEqual(self.natives(vm)[0]['caller'], opener.caller.name)
        vm.qmp('Stop')
        native.wait_event('STOP')
        native.stop()
        wait_until(lambda: self.natives(vm) == [])

    def test_it_ends_with_the_vm(self):
        vm = self.start_vm()
        native = self.open(vm, keep=('b', True))
        native.line()
        self.manager('RemoveVM', '(o)', vm.path)
        self.assertEqual(native.until_end(), b'')

    def test_who_closes_their_half_is_answered(self):
        vm = self.start_vm()
        native = self.open(vm)
        native.line()
        native.send(NEGOTIATE + b'{"execute":"query-name","id":1}{"execute":"query-name","id":2}{"half')
        native.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(native.until_end().count(b'"return"'), 3)

    def test_how_many(self):
        vm = self.start_vm()
        for _ in range(16):
            self.open(vm)
        self.assert_fails(LIMITS_EXCEEDED, '16', self.open, vm)
        self.assertEqual(self.client(self.other(vm)).execute('query-status')['status'], 'running')

    def test_options(self):
        vm = self.start_vm('7.2')
        for options, text in (({'kept': ('b', True)}, 'options.kept: no such option; there are `keep`, `path` and `pretty`'),
                              ({'keep': ('s', 'yes')}, 'options.keep: `b`'), ({'path': ('b', True)}, 'options.path: `s`'),
                              ({'pretty': ('i', 1)}, 'options.pretty: `b`'), ({'path': ('s', '')}, 'options.path'),
                              ({'path': ('s', '../x')}, 'options.path'), ({'path': ('s', '..')}, 'options.path'),
                              ({'path': ('s', 'x' * 200)}, 'options.path')):
            self.assert_fails(INVALID_ARGS, text, open_fd, vm, **options)


class Path(OpenMonitorTest):
    def setUp(self):
        super().setUp()
        self.natives_directory = f'{self.run_directory}/native'

    def connect_to(self, name):
        return super().connect_to(f'{self.natives_directory}/{name}')

    def test_one_client(self):
        vm = self.start_vm()
        lifeline = self.open(vm, path=('s', 'native'))
        status = os.lstat(f'{self.natives_directory}/native')
        self.assertTrue(stat.S_ISSOCK(status.st_mode))
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid), (0o600, os.getuid()))
        native = self.connect_to('native')
        self.assertIn(b'"QMP"', native.line())
        self.assertEqual(os.listdir(self.natives_directory), [])
        native.send(NEGOTIATE)
        self.assertIn(b'"running": true', native.exchange(b'{"execute":"query-status"}')[1])
        # It was never taken for a VM.
        self.assertEqual(self.paths(), [vm.path])
        native.stop()
        self.assertEqual(lifeline.until_end(), b'')
        wait_until(lambda: self.natives(vm) == [])

    def test_nobody_came(self):
        """The name goes with whatever ends the session."""
        vm = self.start_vm()
        opener = self.other(vm)
        for end in (lambda lifeline: lifeline.stop(), lambda lifeline: opener.caller.stop()):
            lifeline = self.open(opener, path=('s', 'native'))
            self.assertEqual(os.listdir(self.natives_directory), ['native'])
            end(lifeline)
            wait_until(lambda: os.listdir(self.natives_directory) == [])
        self.open(vm, path=('s', 'kept'), keep=('b', True)).stop()
        self.assertEqual(os.listdir(self.natives_directory), ['kept'])
        self.manager('RemoveVM', '(o)', vm.path)
        self.assertEqual(os.listdir(self.natives_directory), [])

    def test_the_lifeline_ends_it(self):
        vm = self.start_vm()
        lifeline = self.open(vm, path=('s', 'native'))
        native = self.connect_to('native')
        native.line()
        lifeline.stop()
        self.assertEqual(native.until_end(), b'')

    def test_kept(self):
        vm = self.start_vm()
        opener = self.other(vm)
        self.open(opener, path=('s', 'native'), keep=('b', True)).stop()
        opener.caller.stop()
        native = self.connect_to('native')
        native.send(NEGOTIATE)
        self.assertIn(b'"running": true', native.exchange(b'{"execute":"query-status"}')[2])

    def test_a_name_that_is_taken(self):
        vm = self.start_vm()
        self.open(vm, path=('s', 'native'))
        self.write('qemu-monitor/native/file', 'not ours')
        for name in ('native', 'file'):
            self.assert_fails(INVALID_ARGS, 'already', open_fd, vm, path=('s', name))
        # A session that was refused is listed until its monitor, which was being plugged, has gone.
        wait_until(lambda: len(self.natives(vm)) == 1)
        # What somebody else has put in its place stays.
        os.unlink(f'{self.natives_directory}/native')
        self.write('qemu-monitor/native/native', 'not ours')
        self.manager('RemoveVM', '(o)', vm.path)
        self.assertEqual(sorted(os.listdir(self.natives_directory)), ['file', 'native'])

    def test_an_agent_was_killed(self):
        """Its path is in nobody's way."""
        vm = self.start_vm()
        self.open(vm, path=('s', 'native'))
        self.agent.popen.kill()
        self.agent.wait()
        self.start_agent()
        vm = VM(self.caller, vm.path)
        wait_until(vm.is_there)
        self.open(vm, path=('s', 'native'))
        self.assertIn(b'"QMP"', self.connect_to('native').line())

    def test_no_vm_is_hidden(self):
        """Neither while there is a native socket of its name, nor after whoever asked for that has left."""
        vm = self.start_vm()
        opener = self.other(vm)
        self.open(opener, path=('s', 'web.sock'))
        self.start(Qemu, '7.2', '-qmp', f'unix:{self.run_directory}/web.sock,server=on,wait=off', name='web')
        web = VM(self.caller, f'{ROOT}/vm/web')
        wait_until(web.is_there)
        opener.caller.stop()
        wait_until(lambda: os.listdir(self.natives_directory) == [])
        self.assertTrue(web.is_there())
        # Nor is the other one's way barred.
        self.open(vm, path=('s', 'web.sock'))
        self.assertIn(b'"QMP"', self.connect_to('web.sock').line())

    def test_a_live_one_is_no_left_over(self):
        """To find that out is not to come as its client."""
        vm = self.start_vm()
        self.open(vm, path=('s', 'native'))
        for _ in range(3):
            self.assert_fails(INVALID_ARGS, 'already', open_fd, vm, path=('s', 'native'))
        self.assertIn(b'"QMP"', self.connect_to('native').line())

    def test_what_is_in_the_way(self):
        """Whatever somebody else has put where the agent's directory is to be: an error, and nothing is touched."""
        vm = self.start_vm()
        for obstacle in (lambda path: os.symlink(self.directory, path), lambda path: os.close(os.open(path, os.O_CREAT))):
            obstacle(self.natives_directory)
            before = look(self.natives_directory)
            self.assert_fails('org.freedesktop.DBus.Error.Failed', self.natives_directory, open_fd, vm, path=('s', 'x'))
            self.assertEqual(look(self.natives_directory), before)
            os.unlink(self.natives_directory)
        self.open(vm, path=('s', 'x'))
        self.assertEqual(stat.S_IMODE(os.lstat(self.natives_directory).st_mode), 0o700)


OBSERVE = '''polkit.addRule(function (action, subject) {
    if (action.id == "org.qemu.monitor1.observe")
        return polkit.Result.YES;
});'''


class Policy(SystemBusTest):
    """Of somebody who may observe, and is asked for a password otherwise."""

    def setUp(self):
        if os.getuid() != 0:
            self.skipTest('callers of several users take root')
        super().setUp()
        self.polkitd = self.start(Polkitd, self.bus.address, os.environ['POLKIT_ACTIONS'], [OBSERVE])
        self.start_system_agent('[qemu-monitor]\naudit=all\n')
        self.vm, self.peer = self.add_peer()
        self.somebody = self.as_user(self.vm, SOMEBODY)

    def open(self, vm, interactive=False, negotiate=NEGOTIATE, **options):
        wire = self.adopt(Wire(socket.socket(fileno=open_fd(vm, interactive, **options))))
        wire.line()
        wire.send(negotiate)
        wire.line()
        return wire

    def decisions(self, command):
        return [line for line in self.lines() if f'COMMAND={command} ' in line]

    def test_who_may_only_observe(self):
        native = self.adopt(QmpClient(fd=open_fd(self.somebody)))
        self.assertEqual(native.execute('query-status')['status'], 'running')
        for command in ('quit', 'stop', 'human-monitor-command'):
            with self.assertRaisesRegex(QmpError, f'^User {SOMEBODY} may not call {command} on the VM "web": ') as caught:
                native.execute(command)
            self.assertEqual(caught.exception.qmp_class, 'GenericError')
        self.assertEqual(commands(self.peer), [])
        self.wait_lines('COMMAND=human-monitor-command')
        for command, decision in (('OpenMonitor', 'allowed'), ('query-status', 'allowed'), ('quit', 'refused')):
            line, = self.decisions(command)
            self.assertIn(f'CALLER={self.somebody.caller.name} CALLER_UID={SOMEBODY} ', line)
            self.assertIn(f'DECISION={decision} ', line)

    def test_who_may_not_observe(self):
        self.polkitd.set_rules('')
        self.assert_fails(INTERACTION, 'may not call OpenMonitor', open_fd, self.somebody)

    def test_the_owner(self):
        native = self.adopt(QmpClient(fd=open_fd(self.as_user(self.vm, OWNER))))
        native.execute('stop')
        self.assertEqual(commands(self.peer), ['stop'])
        line, = self.wait_lines('COMMAND=stop ')
        self.assertIn('REASON=owner', line)

    def test_a_dialog_holds_up_what_is_behind_it_in_this_session_alone(self):
        person = self.start(AuthenticationAgent, self.bus.address)
        native = self.open(self.somebody, interactive=True, negotiate=NEGOTIATE_OOB)
        other = self.open(self.somebody)
        native.send(b'{"execute":"stop","id":1}{"execute":"query-name","id":2}{"exec-oob":"query-name","id":3}')
        wait_until(lambda: person.dialogs, 'a dialog')
        self.assertIn(b'"id": 3', native.line())
        self.assertIn(b'"mark 1"', other.exchange(b'')[0])
        self.assertNotIn('stop', str(self.peer.commands))
        person.answer()
        self.assertEqual(native.line(), b'{"return": {}, "id": 1}\r\n')
        self.assertIn(b'"id": 2', native.line())

    def test_a_client_that_leaves_takes_its_dialog_along(self):
        person = self.start(AuthenticationAgent, self.bus.address)
        native = self.open(self.somebody, interactive=True)
        native.send(b'{"execute":"quit"}')
        wait_until(lambda: person.dialogs, 'a dialog')
        native.stop()
        wait_until(lambda: person.cancelled, 'the dialog to be taken back')
        self.assertEqual(commands(self.peer), [])

    def test_for_one_who_has_left_nobody_is_asked(self):
        """A kept session of a caller whom polkit cannot know any more has no leave."""
        native = self.open(self.somebody, keep=('b', True))
        self.somebody.caller.stop()
        wait_until(lambda: self.vm.caller.owner(self.somebody.caller.name) is None)
        refusal = native.exchange(b'{"execute":"query-status"}')[0].decode()
        for words in ('may not call query-status', f'{self.somebody.caller.name}, who opened this session, has left the bus',
                      'open a session from a connection that stays'):
            self.assertIn(words, refusal)
        self.assertNotIn('NameHasNoOwner', refusal)

    def test_nor_about_what_was_asked_while_they_left(self):
        person = self.start(AuthenticationAgent, self.bus.address)
        native = self.open(self.somebody, interactive=True, keep=('b', True))
        native.send(b'{"execute":"stop","id":1}')
        wait_until(lambda: person.dialogs, 'a dialog')
        self.somebody.caller.stop()
        self.assertIn(b'who opened this session, has left the bus', native.line())
        wait_until(lambda: person.cancelled, 'the dialog to be taken back')
        self.assertEqual(commands(self.peer), [])

    def test_the_owner_needs_nobody(self):
        owner = self.as_user(self.vm, OWNER)
        native = self.open(owner, keep=('b', True))
        owner.caller.stop()
        wait_until(lambda: self.vm.caller.owner(owner.caller.name) is None)
        self.assertIn(b'"return"', native.exchange(b'{"execute":"query-status"}')[0])

    def test_the_path_is_its_openers(self):
        lifeline = self.adopt(Wire(socket.socket(fileno=open_fd(self.somebody, path=('s', 'native')))))
        directory = os.open(f'/proc/{self.agent.popen.pid}/root/run/qemu-monitor', os.O_PATH)
        self.addCleanup(os.close, directory)
        path = f'/proc/self/fd/{directory}/native/native'
        status = os.lstat(path)
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid), (0o600, SOMEBODY))
        connection = socket.socket(socket.AF_UNIX)
        with acting_as(OWNER), self.assertRaises(PermissionError):
            connection.connect(path)
        with acting_as(SOMEBODY):
            connection.connect(path)
        native = self.adopt(Wire(connection))
        self.assertIn(b'"QMP"', native.line())
        self.assertFalse(os.path.lexists(path))
        native.stop()
        self.assertEqual(lifeline.until_end(), b'')


class SharedDirectory(SystemBusTest):
    """A run directory that others may write to."""

    def setUp(self):
        if os.getuid() != 0:
            self.skipTest('callers of several users take root')
        super().setUp()
        self.start(Polkitd, self.bus.address, os.environ['POLKIT_ACTIONS'], [OBSERVE])

    def start_with_directory(self, mode):
        self.start_system_agent(prepare=f'mkdir -m {mode:o} /run/qemu-monitor && chgrp {OPERATOR} /run/qemu-monitor')
        self.run_directory = f'/proc/{self.agent.popen.pid}/root/run/qemu-monitor'
        vm, _ = self.add_peer()
        return self.as_user(vm, SOMEBODY)

    def test_sticky(self):
        somebody = self.start_with_directory(0o3775)
        self.adopt(Wire(socket.socket(fileno=open_fd(somebody, path=('s', 'web')))))
        status = os.lstat(f'{self.run_directory}/native')
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid), (0o711, os.getuid()))
        status = os.lstat(f'{self.run_directory}/native/web')
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid), (0o600, SOMEBODY))

    def test_somebody_was_there_first(self):
        somebody = self.start_with_directory(0o3777)
        directory = os.open(self.run_directory, os.O_PATH)
        self.addCleanup(os.close, directory)
        with acting_as(OPERATOR):
            os.mkdir('native', dir_fd=directory)
        self.assert_fails('org.freedesktop.DBus.Error.Failed', 'native', open_fd, somebody, path=('s', 'web'))
        self.assertEqual(os.listdir(f'{self.run_directory}/native'), [])

    def test_not_sticky(self):
        """Anybody could put a directory of theirs in the place of the agent's, or a socket in that of another's VM."""
        somebody = self.start_with_directory(0o777)
        self.assertIn('/run/qemu-monitor is not watched for VMs: it is no directory of root or user 0 that is sticky',
                      self.agent.output)
        self.assert_fails('org.freedesktop.DBus.Error.Failed', 'run directory', open_fd, somebody, path=('s', 'web'))


if __name__ == '__main__':
    main()
