# SPDX-License-Identifier: LGPL-2.1-or-later
"""qemu-monitorctl at a terminal and in a script: what it prints, what it exits with, what it says where something is wrong."""
import json
import os
import socket
import subprocess
import unittest

from command import CTL, DENIED, FAILED, NO_SERVICE, NO_VM, OK, USAGE, CtlTest
from harness import Peer, Polkitd, Raw, Qemu, main, wait_until
from monitor import ANSWERS, ROOT, VERSIONS, VM, requests
from system_bus import OWNER, SOMEBODY, SystemBusTest


class Looking(CtlTest):
    def test_every_version(self):
        self.start_agent(key_file='[vm away]\naddress=unix:/nonexistent/away.sock\n')
        for version in VERSIONS:
            self.add(f'v{version}', f'unix:{self.start(Qemu, version).path}')
        rows = [line.split() for line in self.run_ctl('list')[0].splitlines()]
        self.assertEqual(rows[0][:4], ['NAME', 'STATE', 'KIND', 'QEMU'])
        self.assertEqual([row[:4] for row in rows[2:]],
                         [[f'v{version}', 'running', 'machine', row[3]] for version, row in zip(VERSIONS, rows[2:])])
        for version, row in zip(VERSIONS, rows[2:]):
            self.assertTrue(row[3].startswith(version))
        self.assertEqual(rows[1][:2], ['away', 'waiting'])
        self.assertIn('No such file', self.run_ctl()[0])  # `list` is what it does without a verb
        listed = {vm['name']: vm for vm in self.get_json('list')}
        self.assertNotIn('properties', listed['away'])
        self.assertEqual(listed['v7.2']['properties']['Status'], 'running')

    def test_status_and_show(self):
        self.start_agent(key_file='[vm away]\naddress=unix:/nonexistent/away.sock\n')
        qemu = self.start(Qemu, '7.2', name='guest')
        self.add('web', f'unix:{qemu.path}')
        self.vm = self.get_json('show', 'web')
        self.assertEqual((self.vm['Name'], self.vm['GuestName'], self.vm['PID']), ('web', 'guest', qemu.pid))
        out = self.run_ctl('status', 'web')[0]
        for text in ('web - /org/qemu/Monitor1/vm/web', 'State: running', 'Guest name: guest', f'PID: {qemu.pid}', 'Mode: shared'):
            self.assertIn(text, out)
        out = self.run_ctl('status', 'away')[0]
        self.assertIn('away - not connected', out)
        self.assertIn('No such file', out)
        self.assertEqual(self.run_ctl('show', 'web', '-p', 'Status', '--value')[0], 'running\n')
        self.assertEqual(self.run_ctl('show', '/org/qemu/Monitor1/vm/web', '-p', 'Status', '-p', 'Running')[0],
                         'Status=running\nRunning=true\n')
        self.refuse('no property "Foo"', 'show', 'web', '-p', 'Foo', status=USAGE)
        self.refuse('no property "Foo"', 'show', 'web', '-p', 'Name', '-p', 'Foo', '--json', status=USAGE)
        # As JSON in the same order: that of the agent, or of the command line.
        self.assertEqual(list(self.vm), [line.partition('=')[0] for line in self.run_ctl('show', 'web')[0].splitlines()])
        self.assertEqual(list(self.get_json('show', 'web', '-p', 'Status', '-p', 'Name', '-p', 'Running', '-p', 'Name')),
                         ['Status', 'Name', 'Running'])
        self.assertEqual(list(self.get_json('list')[1])[-1], 'properties')
        caller = self.connect()
        VM(caller, f'{ROOT}/vm/web').execute('query-status')
        vm, away = self.get_json('status', 'web', 'away')
        self.assertEqual((vm['properties']['PID'], vm['jobs'], [monitor['caller'] for monitor in vm['monitors']]), (qemu.pid, {}, [caller.name]))
        self.assertEqual(list(vm)[-3:], ['properties', 'jobs', 'monitors'])
        self.assertNotIn('properties', away)
        self.assertIn(f'caller {caller.name} of ', self.run_ctl('status', 'web')[0])
        self.refuse('VM "away" is not connected, but waiting: unix:/nonexistent/away.sock: cannot connect', 'show', 'away', status=NO_VM)
        self.refuse('did you mean web?', 'show', 'wbe', status=NO_VM)
        self.refuse('no VM is at', 'status', f'{ROOT}/vm/foo', status=NO_VM)
        self.refuse('web has no job "backup"; `qemu-monitorctl jobs web` shows all', 'job', 'web', 'backup', 'pause')
        # A VM that there is and one that there is not: the first is shown.
        out, err = self.run_ctl('status', 'web', 'nobody', status=NO_VM)
        self.assertIn('web - ', out)
        self.assertIn('"nobody"', err)

    def test_names_that_steer_a_terminal(self):
        hostile = 'a\x1b[2Jb\u202ec\nd\x7f\x9b'
        self.start_agent()
        peer = self.start(Peer, {**ANSWERS, 'query-name': {'name': hostile}})
        self.add('web', f'unix:{peer.path}')
        for arguments in (('status', 'web'), ('show', 'web'), ('show', 'web', '-p', 'GuestName', '--value'), ('show', 'web', '--json')):
            out = self.run_ctl(*arguments)[0]
            self.assertNotRegex(out, '[\x1b\u202e\x7f\x9b]')
        self.assertEqual(self.get_json('show', 'web')['GuestName'], hostile)


    def test_output_that_goes_nowhere_is_a_failure(self):
        self.start_agent()
        for where, why in ('>/dev/full', 'No space left on device'), ('>&-', 'Bad file descriptor'), ('<&- >&-', 'Bad file descriptor'):
            for verb in 'list', '--version':
                result = subprocess.run(['sh', '-c', f'exec "$0" --user {verb} {where}', CTL], env=self.environment, check=False,
                                        stderr=subprocess.PIPE, text=True)
                self.assertEqual((result.returncode, result.stderr), (FAILED, f'qemu-monitorctl: Cannot write the output: {why}\n'))
        result = subprocess.run(['sh', '-c', 'exec "$0" --user show nobody 2>&-', CTL], env=self.environment, check=False)
        self.assertEqual(result.returncode, NO_VM)


class Hostile(CtlTest):
    """What a QEMU says that means harm to whoever looks at it."""

    def setUp(self):
        super().setUp()
        self.start_agent()
        self.peer = self.start(Peer, ANSWERS)
        self.add('web', f'unix:{self.peer.path}')

    def answer(self, name, text):
        """The `return` of a command, as these very bytes."""
        def make(command):
            number = f', "id": {json.dumps(command["id"])}' if 'id' in command else ''
            return Raw(f'{{"return": {text}{number}}}\r\n'.encode())
        self.peer.answers[name] = make

    def test_what_steers_a_terminal_is_in_no_line(self):
        self.answer('x-name', '{"name": "a\x9b31mb\u202e"}')
        for arguments, options in ((('call', 'web', 'x-name'), {}), (('shell', 'web'), {'input': 'x-name\n'}),
                                   (('shell', 'web', '--json'), {'input': 'x-name\n'})):
            out = self.run_ctl(*arguments, **options)[0]
            self.assertNotRegex(out, '[\x9b\u202e]')
            self.assertIn('\\u009b31mb\\u202e', out)

    def test_a_deep_reply_is_printed_in_little_more_than_its_size(self):
        self.answer('x-deep', '[' * 1000 + '1,' * 2000 + '1' + ']' * 1000)
        for arguments, options in ((('call', 'web', 'x-deep'), {}), (('shell', 'web'), {'input': 'x-deep\n'})):
            out = self.run_ctl(*arguments, **options)[0]
            self.assertLess(len(out), 300000)
            self.assertEqual(''.join(out.split()), '[' * 1000 + '1,' * 2000 + '1' + ']' * 1000)

    def test_no_string_is_cut(self):
        self.answer('x-zero', r'"a\u0000b"')
        self.assertEqual(self.run_ctl('call', 'web', 'x-zero')[0], '"a\\u0000b"\n')
        self.assertEqual(self.run_ctl('shell', 'web', input='x-zero\n')[0], '"a\\u0000b"\n')

    def test_a_schema_that_is_none(self):
        command, members = {'meta-type': 'command', 'name': 'x', 'arg-type': '0'}, [{'name': 'a', 'type': '1'}]
        arguments = {'meta-type': 'object', 'name': '0', 'members': members}
        for schema in (5, {}, [5], [None], [{'meta-type': 5}], [command, {**arguments, 'members': 5}], [command, {**arguments, 'variants': [5]}],
                       [command, arguments, {'meta-type': 'enum', 'name': '1', 'values': [5]}],
                       [command, arguments, {'meta-type': 'alternate', 'name': '1'}]):
            with self.subTest(schema):
                self.peer.answers['query-qmp-schema'] = schema
                self.refuse('is no schema\n', 'call', 'web', 'x', 'a=b')
                self.assertEqual(self.run_ctl('complete', 'members', 'web', 'x'), ('', ''))
        self.peer.answers['query-qmp-schema'] = [command, {**arguments, 'members': [{'name': 'a\x1b\x9b', 'type': '1'}]}]
        self.assertEqual(self.run_ctl('complete', 'members', 'web', 'x')[0], 'a\\x1b\\x9b=\n')
        self.assertEqual(self.run_ctl('shell', 'web', input='help x\n')[0], 'a\\x1b\\x9b\n')

    def test_an_object_that_does_not_end_is_not_waited_for(self):
        self.peer.answers['query-qmp-schema'] = [{'meta-type': 'command', 'name': 'query-status', 'arg-type': '0'},
                                                 {'meta-type': 'object', 'name': '0', 'members': []}]
        for line in ('{"execute": "query-status"', '{"execute": "query-status}', 'query-status {', 'query-status a:=['):
            self.refuse('ends too early\n', 'shell', 'web', status=USAGE, input=line + '\nquery-name\n')


class Calling(CtlTest):
    def setUp(self):
        super().setUp()
        self.start_agent()
        self.qemu = self.start(Qemu, '11.1', machine='pc')
        self.vm = self.add('web', f'unix:{self.qemu.path}')

    def call(self, *arguments):
        return self.get_json('call', 'web', *arguments)

    def test_words_have_the_types_of_the_schema(self):
        self.assertEqual(self.call('query-status')['status'], 'running')
        self.assertEqual(self.run_ctl('call', 'web', 'stop')[0], '')
        self.assertEqual(self.vm.get('Status'), 'paused')
        self.call('blockdev-add', 'driver=null-co', 'node-name=n123', 'size=10M', 'read-only=on')
        self.call('blockdev-add', 'driver=raw', 'node-name=r', 'file.driver=null-co', 'file.size=10485760')
        self.call('blockdev-add', 'driver=quorum', 'node-name=q', 'vote-threshold=1', 'children.0=n123', 'children.1=r', 'read-only=on')
        self.call('blockdev-add', 'driver=raw', 'node-name=alternate', 'file=r')
        self.call('blockdev-add', '{"driver": "null-co", "node-name": "whole"}')
        nodes = {node['node-name']: node for node in self.call('query-named-block-nodes')}
        self.assertEqual(nodes['n123']['image']['virtual-size'], 10 << 20)
        self.assertTrue({'r', 'q', 'alternate', 'whole'} <= set(nodes))
        self.call('send-key', 'keys.0.type=qcode', 'keys.0.data=a')
        self.call('device_add', 'driver=virtio-rng-pci', 'id=rng', 'rombar=0')  # members that the schema does not list
        self.assertRegex(self.run_ctl('call', 'web', 'human-monitor-command', 'command-line=info version')[0], r'^11\.1\.\d.*\n$')

    def test_numbers_stay_as_they_are(self):
        peer = self.start(Peer, {**ANSWERS, 'query-memory-size-summary': {'base-memory': 2**64 - 1, 'plugged-memory': -2**63}})
        self.add('exact', f'unix:{peer.path}')
        self.assertIn('18446744073709551615', self.run_ctl('wait', 'exact', 'query-memory-size-summary')[0])
        asked = len(requests(peer))
        self.refuse('9223372036854775808 is too large a number here', 'wait', 'exact', 'balloon', '{"value": 9223372036854775808}', status=USAGE)
        self.assertNotIn('balloon', str(requests(peer)[asked:]))
        for arguments in ((), ('--json',)):
            out = self.run_ctl('call', 'exact', 'query-memory-size-summary', *arguments)[0]
            self.assertIn(str(2**64 - 1), out)
            self.assertIn(str(-2**63), out)

    def test_wrong_words(self):
        for text, status, *words in (
                ('size is an integer, not "much"', USAGE, 'blockdev-add', 'driver=null-co', 'size=much'),
                ('up is on or off, not "maybe"', USAGE, 'set_link', 'name=x', 'up=maybe'),
                ('addr is an object', USAGE, 'nbd-server-start', 'addr=x'),
                ('keys is an array', USAGE, 'send-key', 'keys=a'),
                ('called 0, 1, 2', USAGE, 'send-key', 'keys.1.type=qcode', 'keys.1.data=a'),
                ('id is given twice', USAGE, 'device_del', 'id=a', 'id=b'),
                ('is empty', USAGE, 'device_del', 'id.=a'),
                ('too many dots', USAGE, 'device_del', '.'.join('a' * 40) + '=1'),
                ('foo is none of KEY=VALUE', USAGE, 'query-status', 'foo'),
                ('cannot come with it', USAGE, 'device_del', '{"id": "a"}', 'id=a'),
                ('takes no descriptor', USAGE, 'query-status', '@/dev/null'),
                ('No such file', FAILED, 'add-fd', '@/nonexistent'),
                ('query-foo', FAILED, 'query-foo'),
                ("'nothing' not found", FAILED, 'device_del', 'id=nothing')):
            with self.subTest(words):
                self.refuse(text, 'call', 'web', *words, status=status)
        self.refuse('usage: qemu-monitorctl call', 'call', 'web', status=USAGE)
        self.refuse('no verb "frob"', 'frob', status=USAGE)
        self.refuse('Unknown option', 'list', '--frob', status=USAGE)
        self.refuse('is no UTF-8', 'call', 'web', 'device_del', b'id=\xff', status=USAGE)
        self.refuse('"nobody"', 'call', 'nobody', 'query-status', status=NO_VM)

    def test_descriptors(self):
        self.assertIn('fdset-id', self.call('add-fd', 'opaque=mine', '@/dev/null'))
        self.assertEqual(self.run_ctl('call', 'web', 'getfd', 'fdname=mine', '@/dev/zero')[0], '')
        # They go with the caller.
        wait_until(lambda: self.call('query-fdsets') == [], 'no fdset to be left')

    def test_allowed(self):
        out = self.run_ctl('allowed', 'web', 'quit', 'query-status')[0]
        self.assertRegex(out, r'quit +org\.qemu\.monitor1\.destroy +yes')
        self.assertEqual(self.get_json('allowed', 'web', 'quit')[0]['action'], 'org.qemu.monitor1.destroy')
        self.assertIn('no command "frob"', self.run_ctl('allowed', 'web', 'frob', status=USAGE)[1])

    def test_completion(self):
        words = {kind: self.run_ctl('complete', *kind)[0].split() for kind in (
            ('verbs',), ('vms',), ('commands', 'web'), ('events', 'web'), ('members', 'web', 'device_add'), ('properties', 'web'))}
        self.assertIn('call', words['verbs',])
        self.assertNotIn('complete', words['verbs',])
        self.assertEqual(words['vms',], ['web'])
        self.assertIn('query-status', words['commands', 'web'])
        self.assertIn('STOP', words['events', 'web'])
        self.assertIn('driver=', words['members', 'web', 'device_add'])
        self.assertIn('Status', words['properties', 'web'])


class Managing(CtlTest):
    def test_add_and_remove(self):
        self.start_agent()
        qemu = self.start(Qemu, '7.2', monitors=2)
        self.assertEqual(self.run_ctl('add', 'web', f'unix:{qemu.path}')[0], f'{ROOT}/vm/web\n')
        self.refuse('web', 'add', 'web', f'unix:{qemu.paths[1]}', status=FAILED)
        self.assertEqual(self.run_ctl('remove', 'web'), ('', ''))
        self.assertEqual(self.get_json('list'), [])
        self.refuse('timeout is in seconds', 'add', 'web', 'unix:/x', 'timeout=soon', status=USAGE)
        self.refuse('No such file', 'add', 'web', 'unix:/nonexistent/x', 'timeout=1', status=FAILED)
        self.refuse('frob', 'add', 'web', f'unix:{qemu.path}', 'frob=1', status=FAILED)
        self.assertEqual(self.run_ctl('add-fd', 'given', qemu.path)[0], f'{ROOT}/vm/given\n')
        self.run_ctl('remove', 'given')
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(qemu.paths[1])
            os.set_inheritable(connection.fileno(), True)
            self.run_ctl('add-fd', 'number', str(connection.fileno()), pass_fds=[connection.fileno()])
        self.assertEqual(self.get_json('show', 'number')['Address'], 'fd')
        self.refuse('No such file', 'add-fd', 'x', '/nonexistent/x')
        self.refuse('99: No such file', 'add-fd', 'x', '99')

    def test_spares(self):
        self.start_agent()
        qemu = self.start(Qemu, '7.2', monitors=3)
        self.run_ctl('add', 'web', f'unix:{qemu.path}', f'spares=unix:{qemu.paths[1]}', f'spares=unix:{qemu.paths[2]}')
        vm = VM(self.connect(), f'{ROOT}/vm/web')
        vm.execute('query-status')
        VM(self.caller, vm.path).execute('query-status')
        self.assertEqual({monitor['mode'] for monitor in self.get_json('status', 'web')[0]['monitors']}, {'spare'})

    def test_nobody_is_there(self):
        self.refuse('No agent runs on this bus', 'list', status=NO_SERVICE)
        self.environment['DBUS_SESSION_BUS_ADDRESS'] = 'unix:path=/nonexistent/bus'
        self.refuse('No user bus', 'list', status=NO_SERVICE)
        self.assertRegex(self.run_ctl('--version')[0], r'^qemu-monitorctl \d')
        for word in ('--help', 'help'):
            self.assertIn('Verbs:', self.run_ctl(word, options=())[0])
        self.assertIn('--property', self.run_ctl('show', '--help')[0])


@unittest.skipUnless(os.geteuid() == 0, 'other users take root')
class Refused(SystemBusTest):
    """The system bus, a real polkitd, users who may and who may not."""

    def run_as(self, uid, *arguments):
        environment = {**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': self.bus.address, 'LC_ALL': 'C.UTF-8'}
        return subprocess.run([CTL, *arguments], capture_output=True, text=True, timeout=60, check=False, user=uid, group=uid,
                              stdin=subprocess.DEVNULL, env=environment)

    def test_users(self):
        os.chmod(self.directory, 0o755)
        self.start(Polkitd, self.bus.address, os.environ['POLKIT_ACTIONS'], rules=[
            'polkit.addRule(function(action, subject) { if (action.id == "org.qemu.monitor1.control" && subject.user == "www-data") '
            'return polkit.Result.YES; if (action.id == "org.qemu.monitor1.host") return polkit.Result.NO; });'])
        self.start_system_agent()
        _, self.peer = self.add_peer('web', OWNER)
        self.peer.answers['set_link'] = {}
        result = self.run_as(SOMEBODY, 'list')
        self.assertEqual(result.returncode, OK, result.stderr)
        self.assertRegex(result.stdout, r'web +running +machine .* lp ')
        self.assertIn('may not call ListMonitors', self.run_as(SOMEBODY, 'status', 'web').stdout)
        before = len(self.lines())
        self.assertIn('human-monitor-command\n', self.run_as(SOMEBODY, 'complete', 'commands', 'web').stdout)
        self.assertIn('STOP\n', self.run_as(SOMEBODY, 'complete', 'events', 'web').stdout)
        self.assertEqual(len(self.lines()), before)  # nobody was refused anything
        self.assertEqual(self.run_as(SOMEBODY, 'call', 'web', 'stop').returncode, OK)
        # No leave to look at the schema: words are what they look like.
        result = self.run_as(SOMEBODY, 'call', 'web', 'set_link', 'name=net0', 'up=off')
        self.assertEqual(result.returncode, OK, result.stderr)
        self.assertEqual(requests(self.peer)[-1]['arguments'], {'name': 'net0', 'up': False})
        refused = self.run_as(SOMEBODY, 'call', 'web', 'quit', '--no-ask-password')
        self.assertEqual((refused.returncode, refused.stdout), (DENIED, ''))
        self.assertIn('without --no-ask-password', refused.stderr)
        refused = self.run_as(SOMEBODY, 'call', 'web', 'human-monitor-command', '{"command-line":"info version"}')
        self.assertEqual((refused.returncode, refused.stdout), (DENIED, ''))
        self.assertIn('may not call human-monitor-command', refused.stderr)
        self.see_allowed()
        self.assertEqual(self.run_as(OWNER, 'call', 'web', 'quit').returncode, OK)

    def see_allowed(self):
        """The words of `allowed`, as each user and as root for each."""
        for uid, user, words, status in (
                (SOMEBODY, 'www-data', {'stop': 'yes', 'quit': 'after authentication', 'human-monitor-command': 'no'}, DENIED),
                (OWNER, 'lp', {'quit': 'yes', 'human-monitor-command': 'yes'}, OK)):
            for asker, options in ((uid, ()), (0, ('--as', user))):
                with self.subTest(user, asker=asker):
                    result = self.run_as(asker, '--json', 'allowed', 'web', *words, *options)
                    self.assertEqual(result.returncode, status, result.stderr)
                    self.assertEqual({row['command']: row['allowed'] for row in json.loads(result.stdout)}, words)
                    self.assertEqual('from root alone' in result.stderr, asker == SOMEBODY)
        self.assertIn('only root', self.run_as(SOMEBODY, 'allowed', 'web', 'stop', '--as', 'lp').stderr)


if __name__ == '__main__':
    main()
