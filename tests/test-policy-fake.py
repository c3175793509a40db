# SPDX-License-Identifier: LGPL-2.1-or-later
"""What polkit is asked, and what becomes of answers that no polkit should give."""
import os
import pwd
import socket
import subprocess
import threading

from gi.repository import GLib

from harness import SILENCE, Agent, Bus, CallError, FakeAuthority, Qemu, main, wait_until
from harness.polkit import result
from monitor import INVALID_ARGS, LIMITS, MODULE, NAME, ROOT, UNKNOWN_OBJECT, VERSIONS, VM, variants
from system_bus import DENIED, LIMITS_EXCEEDED, OPERATOR, OWNER, SOMEBODY, SystemBusTest, commands, execute

COMMAND_CLASSES = os.environ['COMMAND_CLASSES']
YES, NO, CHALLENGE = result(True), result(False), result(False, True)
UUID = '01234567-89ab-4def-8123-456789abcdef'


class FakeTest(SystemBusTest):
    limits = LIMITS

    def setUp(self):
        super().setUp()
        self.answers = lambda subject, action, details, flags: YES
        self.polkit = self.start(FakeAuthority, self.bus.address, lambda *question: self.answers(*question))
        self.start_system_agent()
        self.vm, self.peer = self.add_peer()
        self.somebody = self.as_user(self.vm, SOMEBODY)
        self.polkit.checks.clear()

    def only(self, answer):
        self.answers = lambda *question: answer


class Questions(FakeTest):
    def test_who_is_asked_for_what(self):
        execute(self.somebody, 'device_del', id=('s', 'disk0'))()
        self.assertEqual(self.polkit.checks, [(
            ('system-bus-name', {'name': self.somebody.caller.name}), 'org.qemu.monitor1.destroy',
            {'command': 'device_del', 'bus': 'system', 'vm': 'web', 'uuid': UUID, 'id': 'disk0',
             'owner': pwd.getpwuid(OWNER).pw_name}, 0)])

    def test_a_person_is_shown_names_alone(self):
        """What ends a line, or turns what is behind it, makes the dialog and the log say something else."""
        for name in ('disk0\n', 'disk\u202e0', 'disk\u2028', 'x' * 1025):
            self.polkit.checks.clear()
            execute(self.somebody, 'device_del', id=('s', name))()
            (_, _, details, _), = self.polkit.checks
            self.assertNotIn('id', details)
            self.assertNotIn('OBJECT', self.wait_lines('device_del')[0])
        self.only(NO)
        self.polkit.checks.clear()
        self.assert_fails(DENIED, f'User {SOMEBODY} may not call AddVM: ', self.somebody.caller.start(
            NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', '', 'unix:/x\u202ey', {}))
        self.assertNotIn('vm', self.polkit.checks[0][2])

    def test_leave_for_a_job_is_not_for_the_next_of_its_name(self):
        """Somebody takes their time over the password; meanwhile the job ends, and another caller begins one of the same name."""
        def change(status):
            self.peer.emit({'event': 'JOB_STATUS_CHANGE', 'data': {'id': 'j', 'status': status}, 'timestamp': {'seconds': 1, 'microseconds': 0}})
        job = f'{self.vm.path}/job/j'
        self.peer.answers.update({'query-jobs': [{'id': 'j', 'type': 'backup', 'status': 'running', 'current-progress': 0, 'total-progress': 1}],
                                  'job-cancel': {}})
        change('running')
        wait_until(lambda: job in self.paths())
        self.answers = lambda subject, action, details, flags: None if flags else CHALLENGE
        waiting = self.somebody.caller.start(NAME, job, f'{NAME}.Job', 'Cancel', interactive=True)
        wait_until(lambda: self.polkit.waiting)
        added = self.caller.record(member='InterfacesAdded')
        change('null')
        change('created')
        self.assert_fails(UNKNOWN_OBJECT, 'has gone', waiting)
        wait_until(lambda: added)
        wait_until(lambda: self.polkit.cancelled)
        self.polkit.reply(self.polkit.waiting.pop(), YES)
        self.only(YES)
        execute(self.vm, 'stop')()
        self.assertNotIn('job-cancel', commands(self.peer))
        # The new job is as good as the old one was.
        self.somebody.caller.call(NAME, job, f'{NAME}.Job', 'Cancel')
        self.assertEqual(commands(self.peer).count('job-cancel'), 1)

    def change_status(self, status):
        """As at a migration's end, by its event. The answers of the agent's own questions are set before."""
        self.peer.answers['query-status'] = {'running': False, 'status': status}
        self.peer.emit({'event': 'MIGRATION', 'data': {'status': 'completed'}, 'timestamp': {'seconds': 1, 'microseconds': 0}})
        wait_until(lambda: self.vm.get('Status') == status)

    def test_going_on_where_the_guest_may_be_elsewhere(self):
        """Two QEMUs that run one guest write to one disk. Leave for `cont` is no leave for that."""
        asked = []
        for status in ('paused', 'inmigrate', 'finish-migrate', 'postmigrate', 'colo', 'prelaunch'):
            self.change_status(status)
            for command in ('cont', 'system_reset'):
                self.polkit.checks.clear()
                execute(self.somebody, command)()
                asked.append((status, {action.split('.')[-1] for _, action, _, _ in self.polkit.checks}))
        self.assertEqual(asked, [
            (status, {own} if status in ('paused', 'prelaunch') else {own, 'migrate'})
            for status in ('paused', 'inmigrate', 'finish-migrate', 'postmigrate', 'colo', 'prelaunch') for own in ('control', 'destroy')])

    def test_a_descriptor_of_no_use(self):
        """QEMU 11.1 ends the connection that one with O_PATH comes by. Nobody is asked for a password first."""
        qemu = self.start(Qemu, '7.2')
        vm = self.as_user(self.add('real', f'unix:{qemu.path}'), SOMEBODY)
        file = open('/dev/null', opener=lambda path, flags: os.open(path, os.O_PATH))
        self.addCleanup(file.close)
        vm.qmp('QueryStatus')
        self.polkit.checks.clear()
        for member, signature, arguments in (('Getfd', '(hs)', (0, 'one')), ('AddFd', '(h)', (0,))):
            self.assert_fails(INVALID_ARGS, 'O_PATH', vm.start('QMP', member, signature, *arguments, fds=[file.fileno()]))
        self.assertEqual(self.polkit.checks, [])

    def wait_for_leave(self, start):
        """A person has the dialog before them; the answer comes by `give_leave`."""
        self.answers = lambda subject, action, details, flags: None if flags else CHALLENGE
        finish = start()
        wait_until(lambda: self.polkit.waiting)
        return finish

    def give_leave(self):
        self.polkit.reply(self.polkit.waiting.pop(), YES)

    def test_leave_for_an_object_is_not_for_its_successor(self):
        """One that decides who may come in takes the name of another meanwhile."""
        peer = self.start_peer()
        peer.answers.update({'qom-list': [], 'object-add': {}, 'object-del': {}})
        vm = self.add('list', f'unix:{peer.path}')
        remove = self.wait_for_leave(lambda: execute(self.as_user(vm, SOMEBODY), 'object-del', interactive=True, id=('s', 'x')))
        self.assertEqual(self.polkit.checks[-1][1], 'org.qemu.monitor1.destroy')
        self.only(YES)
        execute(vm, 'object-add', **{'qom-type': ('s', 'authz-simple'), 'id': ('s', 'x'), 'identity': ('s', 'me')})()
        self.give_leave()
        self.assert_fails(DENIED, 'The VM has changed while leave was asked for', remove)
        self.assertNotIn('object-del', commands(peer))

    def test_no_user_is_looked_up_for_strangers(self):
        """The directory of users may be another machine, which takes its time. And no caller learns by AddVM who is a user."""
        add = {'server': f'unix:{self.directory}/qmp,server=on'}
        def start(user):
            return self.somebody.caller.start(NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', 'new', add['server'],
                                              variants({'user': ('s', user)}))
        self.only(NO)
        for user in ('root', 'no-such-user'):
            self.assert_fails(DENIED, 'may not call AddVM', start(user))
        self.only(YES)
        self.assert_fails(INVALID_ARGS, 'options.user: "no-such-user" is no user, and no uid either', start('no-such-user'))
        # What needs no look-up is refused before anybody is asked.
        self.polkit.checks.clear()
        add['server'] = f'unix:{self.directory}/qmp'
        self.assert_fails(INVALID_ARGS, 'options.user: `user` says whose QEMU may connect', start('no-such-user'))
        self.assert_fails(INVALID_ARGS, 'options.user: ', start(''))
        self.assertEqual(self.polkit.checks, [])

    def test_leave_is_for_what_was_asked(self):
        """The VM's state is another when the password has been typed: the same words would do more than the dialog said."""
        changed = 'The VM has changed while leave was asked for'
        self.change_status('paused')
        go_on = self.wait_for_leave(lambda: execute(self.somebody, 'cont', interactive=True))
        self.change_status('postmigrate')
        self.give_leave()
        self.assert_fails(DENIED, changed, go_on)
        self.assertNotIn('cont', commands(self.peer))
        # The state is as it was asked for, or less than that.
        go_on = self.wait_for_leave(lambda: execute(self.somebody, 'cont', interactive=True))
        self.give_leave()
        wait_until(lambda: self.polkit.waiting)  # the second of the two classes
        self.change_status('paused')
        self.give_leave()
        go_on()

    def test_leave_is_for_the_state_in_which_a_command_is_sent(self):
        """The caller's own commands keep QEMU busy for as long as the migration takes: `query-qmp-schema` takes 30 ms each."""
        control, *spares = (self.start_peer() for _ in range(3))
        busy = [SILENCE] * 7
        for peer in spares:
            peer.answers['inject-nmi'] = lambda command: busy.pop() if busy else {}
        self.vm = self.add('spare', f'unix:{control.path}', spares=('as', [f'unix:{peer.path}' for peer in spares]))
        self.peer = control
        self.change_status('paused')
        somebody, owner = self.as_user(self.vm, SOMEBODY), self.as_user(self.vm, OWNER)
        calls = [execute(somebody, 'inject-nmi') for _ in range(7)]
        waiting = {command: execute(somebody, command) for command in ('cont', 'stop', 'system_reset')}
        wait_until(lambda: all(f'{command} is allowed' in self.agent.output for command in waiting))
        wait_until(lambda: not busy)
        used, = (peer for peer in spares if 'inject-nmi' in commands(peer))
        self.change_status('postmigrate')
        for command in ('cont', 'system_reset'):
            self.assert_fails(DENIED, f'{command} on the VM "spare": The VM has changed while the command waited', waiting[command])
        self.wait_lines('system_reset')
        # Whoever may do everything may do this too.
        execute(owner, 'cont')()
        for command in [command for command in used.commands if command['execute'] == 'inject-nmi']:
            used.send(used.connections[-1], {}, command)
        for call in (*calls, waiting['stop']):
            call()
        self.assertEqual(commands(used), ['inject-nmi'] * 7 + ['stop'])

    def test_a_dialog_only_where_it_is_needed_and_allowed(self):
        self.answers = lambda subject, action, details, flags: YES if flags else CHALLENGE
        execute(self.somebody, 'quit', interactive=True)()
        self.assertEqual([check[3] for check in self.polkit.checks], [0, 1])

    def test_nobody_is_asked_about_wrong_arguments(self):
        for method, signature, values in (('Quit', '(s)', ('x',)), ('DeviceDel', '()', ())):
            self.assert_fails(INVALID_ARGS, '', self.somebody.start('QMP', method, signature, *values))
        self.assert_fails(INVALID_ARGS, '', self.somebody.start('VM', 'ExecuteJSON', '(ss)', 'quit', '{'))
        for address, options in (('tcp:', {}), ('unix:/x', {'timeout': ('s', 'long')})):
            self.assert_fails(INVALID_ARGS, '', self.somebody.caller.start(
                NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', 'x', address, variants(options)))
        self.assertEqual(self.polkit.checks, [])

    def test_log(self):
        execute(self.somebody, 'device_del', id=('s', 'a" DECISION=allowed'))()
        self.only(NO)
        self.assertRaises(CallError, execute(self.somebody, 'human-monitor-command',
                                             **{'command-line': ('s', 'secret')}))
        self.assertRaises(CallError, execute(self.somebody, 'human-monitor-command',
                                             **{'command-line': ('s', 'set_password vnc secret')}))
        lines = self.wait_lines('device_del', 'HMP_COMMAND=? ', 'HMP_COMMAND=set_password')
        self.assertNotIn('secret', self.agent.output)
        caller = f'CALLER={self.somebody.caller.name} CALLER_UID={SOMEBODY} CALLER_PID={os.getpid()} '
        with open('/proc/self/loginuid', encoding='ascii') as file:
            login_uid = int(file.read())
        who = f'user {SOMEBODY}'
        if login_uid not in (0xffffffff, SOMEBODY):
            who += f' (logged in as {login_uid})'
            caller += f'CALLER_LOGINUID={login_uid} '
        self.assertEqual([line.split(': ', 3)[-1] for line in lines], [
            f'device_del is allowed to {who} on the VM "web": polkit {caller}'
            f'VM=web VM_UUID={UUID} COMMAND=device_del ACTION=org.qemu.monitor1.destroy '
            r'OBJECT="a\x22 DECISION=allowed" DECISION=allowed REASON=polkit'] + [
            f'human-monitor-command ({word}) is refused to {who} on the VM "web": not authorized {caller}'
            f'VM=web VM_UUID={UUID} COMMAND=human-monitor-command HMP_COMMAND={word} '
            'ACTION=org.qemu.monitor1.host DECISION=refused REASON="not authorized"' for word in ('?', 'set_password')])

    def test_a_flood_in_the_log(self):
        """A record for each reason, and one with the count of its repeats; another caller's stands beside them."""
        self.only(NO)
        other = self.as_user(self.vm, OPERATOR)
        for finish in [execute(self.somebody, 'quit') for _ in range(500)]:
            self.assertRaises(CallError, finish)
        self.assertRaises(CallError, execute(other, 'quit'))

        def refused():
            return [line for line in self.lines() if 'COMMAND=quit' in line]

        def total():
            return sum(int(line.split(' COUNT=')[1].split()[0]) if ' COUNT=' in line else 1 for line in refused())
        wait_until(lambda: total() == 501, lambda: str(refused()))
        self.assertLess(len(refused()), 10)
        self.assertEqual(len([line for line in refused() if f'CALLER_UID={OPERATOR} ' in line]), 1)

    def test_what_only_observes_is_not_in_the_log(self):
        """Unless it is refused."""
        execute(self.somebody, 'query-status')()
        self.only(NO)
        self.assertRaises(CallError, execute(self.somebody, 'query-name'))
        self.wait_lines('COMMAND=query-name')
        self.assertFalse([line for line in self.lines() if 'COMMAND=query-status' in line])

    def test_every_command_of_every_qemu_is_asked_for(self):
        """As what the table says, by its method and by Execute; there is no way in beside the gate."""
        table = dict(line.split() for line in subprocess.run(
            [COMMAND_CLASSES], capture_output=True, text=True, check=True).stdout.splitlines())
        qemu = self.start(Qemu, VERSIONS[-1])
        vm = self.as_user(self.add('real', f'unix:{qemu.path}'), SOMEBODY)
        names = [command['name'] for command in vm.execute('query-commands')]
        self.only(NO)
        self.polkit.checks.clear()
        for i in range(0, len(names), 100):
            for finish in [execute(vm, name) for name in names[i:i + 100]]:
                self.assert_fails(DENIED, 'may not call', finish)
        actions = {details['command']: action for _, action, details, _ in self.polkit.checks}
        # Without its arguments it is not known what these would do.
        for name in ('block-export-add', 'blockdev-add', 'chardev-add', 'chardev-change', 'device_add', 'display-reload',
                     'netdev_add', 'object-add'):
            actions[name] = table[name]
        self.assertEqual(actions, {name: table.get(name, 'org.qemu.monitor1.host') for name in names})


class Answers(FakeTest):
    def test_garbage_lets_nobody_through(self):
        for answer in (GLib.Variant('(bba{ss})', (True, True, {})), GLib.Variant('(b)', (True,)),
                       GLib.Variant('((bb))', ((True, False),)), GLib.Variant('((iba{ss}))', ((1, False, {}),)),
                       GLib.Variant('((bba{sv}))', ((True, False, {}),)), GLib.Variant('(s)', ('yes',)),
                       GLib.Variant('()', ()), ('org.freedesktop.PolicyKit1.Error.Failed', 'yes'),
                       result(False, False, {'polkit.retains_authorization_after_challenge': '1'})):
            self.only(answer)
            with self.subTest(answer):
                self.assert_fails(DENIED, 'may not call', execute(self.somebody, 'stop'))
        self.assertEqual(commands(self.peer), [])

    def test_challenge_with_a_dialog_means_that_nobody_is_there(self):
        self.only(CHALLENGE)
        self.assert_fails('org.freedesktop.DBus.Error.InteractiveAuthorizationRequired', 'nobody is there',
                          execute(self.somebody, 'stop', interactive=True))

    def test_answer_for_one_who_has_left(self):
        self.only(None)
        execute(self.somebody, 'stop')
        wait_until(lambda: self.polkit.waiting)
        self.somebody.caller.stop()
        self.only(YES)
        other = self.as_user(self.vm, SOMEBODY)
        wait_until(lambda: self.vm.caller.owner(self.somebody.caller.name) is None)
        self.polkit.reply(self.polkit.waiting.pop(), YES)
        execute(other, 'cont')()
        self.assertEqual(commands(self.peer), ['cont'])

    def test_leave_that_is_taken_back_during_a_dialog(self):
        """Of a command of two classes: the dialog for the second can stand there for hours."""
        def begin():
            self.polkit.checks.clear()
            finish = self.somebody.start('VM', 'Execute', '(sa{sv})', 'migrate', variants({'uri': ('s', 'file:/x')}),
                                         interactive=True)
            dialog = wait_until(lambda: self.polkit.waiting and self.polkit.waiting.pop(), 'the dialog')
            return finish, dialog

        def answers(read_guest):
            return lambda subject, action, details, flags: (
                read_guest if action.endswith('.read-guest') else None if flags else CHALLENGE)
        for later, is_allowed in ((YES, True), (NO, False)):
            self.answers = answers(YES)
            finish, dialog = begin()
            self.answers = answers(later)
            self.polkit.reply(dialog, YES)
            if is_allowed:
                finish()
            else:
                self.assert_fails(DENIED, 'may not call migrate', finish)
            self.assertEqual([(check[1].rsplit('.')[-1], check[3]) for check in self.polkit.checks],
                             [('read-guest', 0), ('migrate', 0), ('migrate', 1), ('read-guest', 0)])
        self.assertEqual(commands(self.peer), ['migrate'])

    def test_the_dialog_of_one_who_has_left_goes(self):
        self.answers = lambda subject, action, details, flags: None if flags else CHALLENGE
        execute(self.somebody, 'stop', interactive=True)
        wait_until(lambda: self.polkit.waiting)
        self.somebody.caller.stop()
        wait_until(lambda: self.polkit.cancelled, 'the question to be taken back')

    def test_too_many_questions(self):
        self.only(None)
        calls = [execute(self.somebody, 'stop') for _ in range(140)]
        for finish in calls[128:]:
            self.assert_fails(LIMITS_EXCEEDED, 'too much waits', finish)
        # Another caller is asked for meanwhile, and one at a time of each.
        other = execute(self.as_user(self.vm, SOMEBODY), 'cont')
        wait_until(lambda: len(self.polkit.checks) == 2)
        self.only(YES)
        for _ in range(2):
            self.polkit.reply(self.polkit.waiting.pop(), YES)
        other()
        for finish in calls[:128]:
            finish()
        self.assertEqual(commands(self.peer).count('stop'), 128)

    def test_descriptors_that_nothing_takes(self):
        """Held with calls that wait, they would make libdbus stop reading, polkit's answers with the rest."""
        self.only(None)
        with open('/dev/null', 'rb') as null:
            for method, signature, values in (('ListMonitors', '()', ()), ('Subscribe', '(as)', ([],)),
                                              ('Execute', '(sa{sv})', ('stop', {}))):
                self.assert_fails(INVALID_ARGS, 'none of its arguments', self.somebody.start(
                    'VM', method, signature, *values, fds=[null.fileno()] * 3))
        self.assertEqual(self.polkit.checks, [])

    def test_who_may_add_a_vm_owns_none(self):
        """Where the kernel does not tell whose QEMU it is."""
        self.answers = lambda subject, action, details, flags: YES if action.endswith('manage') else NO
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)
        finish = self.somebody.caller.start(NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', 'far',
                                            f'tcp:127.0.0.1:{listener.getsockname()[1]}', {})
        connections = []

        def accept():
            connections.append(listener.accept()[0])
            self.peer.attach(connections[0])
        threading.Thread(target=accept, daemon=True).start()
        vm = VM(self.somebody.caller, finish()[0])
        self.assert_fails(DENIED, 'may not call', execute(vm, 'stop'))
        self.somebody.caller.call(NAME, ROOT, f'{NAME}.Manager', 'RemoveVM', '(o)', vm.path)

    def test_too_many_vms_to_be_added(self):
        self.only(None)

        def add(uid):
            return self.user(uid).start(NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', 'x',
                                        f'unix:{self.peer.path}', {})
        calls = [add(SOMEBODY) for _ in range(17)]
        self.assert_fails(LIMITS_EXCEEDED, 'wait already', calls[16])
        add(OWNER)
        wait_until(lambda: len(self.polkit.checks) == 17)

    def test_too_many_dialogs_of_one_user(self):
        self.answers = lambda subject, action, details, flags: None if flags else CHALLENGE
        calls = [execute(self.as_user(self.vm, SOMEBODY), 'stop', interactive=True) for _ in range(9)]
        self.assert_fails(LIMITS_EXCEEDED, 'dialogs', calls[8])
        self.answers = lambda subject, action, details, flags: YES if flags else CHALLENGE
        execute(self.as_user(self.vm, OWNER + 2), 'cont', interactive=True)()


class Audit(FakeTest):
    def test_nobody_hides_in_a_crowd(self):
        """More different records than a user may cause: what was done by leave is named among those that are counted together."""
        for number in range(100):
            execute(self.somebody, 'device_del', id=('s', f'disk{number}'))()
        execute(self.somebody, 'quit')()
        self.end_agent(self.agent)
        crowds = [line for line in self.lines() if 'other calls: ' in line]
        text = f'1 other calls: quit: org.qemu.monitor1.destroy is allowed to user {SOMEBODY}'
        quits = [line for line in crowds if text in line]
        self.assertEqual(len(quits), 1, crowds)
        self.assertIn('COMMAND=quit', quits[0])
        self.assertEqual(len(crowds), 2, crowds)

    def test_a_crowd_of_ones_own(self):
        """Names that a QEMU's owner makes up, without leave, make no more records."""
        owner = self.as_user(self.vm, OWNER)
        for number in range(100):
            with self.assertRaises(CallError):
                execute(owner, f'x-{number}')()
        self.end_agent(self.agent)
        crowds = [line for line in self.lines() if 'other calls: ' in line]
        self.assertEqual(len(crowds), 1, crowds)
        self.assertIn(f'other calls: org.qemu.monitor1.host is allowed to user {OWNER}', crowds[0])


class SessionBus(FakeTest):
    """The callers are on another bus than polkit."""

    def start_system_agent(self, key_file=None):
        self.system_bus = self.bus
        self.bus = self.start(Bus, name='session-bus')
        self.agent = self.start(Agent, self.bus.address, [MODULE], f'--config-dir={self.directory}',
                                environment={'XDG_RUNTIME_DIR': self.directory,
                                             'DBUS_SYSTEM_BUS_ADDRESS': self.system_bus.address})
        self.addCleanup(self.end_agent, self.agent)
        self.caller = self.connect()

    def test_a_caller_is_a_process(self):
        execute(self.somebody, 'stop')()
        subject, action, details, _ = self.polkit.checks[0]
        self.assertEqual(subject[0], 'unix-process')
        self.assertEqual((subject[1]['pid'], subject[1]['uid']), (os.getpid(), SOMEBODY))
        with open('/proc/self/stat', encoding='ascii') as file:
            self.assertEqual(subject[1]['start-time'], int(file.read().rsplit(')', 1)[1].split()[19]))
        self.assertEqual((action, details['bus']), ('org.qemu.monitor1.control', 'session'))

    def test_the_system_bus_goes_and_comes(self):
        self.only(None)
        waiting = execute(self.somebody, 'stop')
        wait_until(lambda: self.polkit.waiting)
        self.system_bus.stop()
        self.assert_fails(DENIED, 'may not call', waiting)
        self.assert_fails(DENIED, 'may not call', execute(self.somebody, 'stop'))
        self.start(Bus, name='system-bus', type='system')
        self.only(YES)
        self.start(FakeAuthority, self.system_bus.address, lambda *question: YES)
        execute(self.somebody, 'stop')()


if __name__ == '__main__':
    # Callers of several users take root.
    if os.getuid() == 0:
        main()
    print('1..0')
