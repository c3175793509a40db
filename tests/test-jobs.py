# SPDX-License-Identifier: LGPL-2.1-or-later
"""Jobs as objects: one for each that QEMU has, when it has it, with true properties and methods that do what they say."""
import itertools
import os
import time

from gi.repository import Gio

from harness import Message, Steps, main, wait_until
from monitor import NAME, NOT_SUPPORTED, PROPERTIES, ROOT, VERSIONS
from slow import SlowTest, event, status_change

FIRST = {'Type': 'backup', 'Status': 'running'}


class Real(SlowTest):
    def begin(self, version='11.1'):
        """A backup that takes hours."""
        vm = self.start_vm(version)
        self.add_disks(vm, 'a', 'b')
        vm.execute('blockdev-backup', **self.backup('copy-1'))
        return vm

    def test_a_life(self):
        for version in VERSIONS:
            with self.subTest(version):
                signals = self.caller.record(sender=NAME)
                vm = self.begin(version)
                # It is there when the call that began it returns.
                self.assertEqual({name: self.get('copy_2d1')[name] for name in FIRST}, FIRST)
                self.assertIn('copy_2d1', self.jobs())
                self.job('Pause', 'copy_2d1')
                wait_until(lambda: self.get('copy_2d1')['Status'] == 'paused')
                self.job('Resume', 'copy_2d1')
                wait_until(lambda: self.get('copy_2d1')['Status'] == 'running')
                self.assert_fails(f'{NAME}.Error.GenericError', '', self.job, 'Complete', 'copy_2d1')
                self.assert_fails(f'{NAME}.Error.GenericError', '', self.job, 'Finalize', 'copy_2d1')
                self.assert_fails(f'{NAME}.Error.GenericError', '', self.job, 'Dismiss', 'copy_2d1')
                self.job('SetSpeed', 'copy_2d1', '(t)', 0)
                wait_until(lambda: self.get('copy_2d1') is None)
                mine = [(member, values) for path, _, member, values in signals if path.endswith('copy_2d1')]
                self.assertEqual([values for member, values in mine if member == 'Finished'], [('concluded', '')])
                last = {}
                for member, values in mine:
                    last.update(values[1] if member == 'PropertiesChanged' else {})
                self.assertEqual((last['Progress'], last['Status']), (1.0, 'concluded'))
                managed = [(member, values[0][-8:]) for _, _, member, values in signals
                           if member in ('InterfacesAdded', 'InterfacesRemoved') and '/job/' in values[0]]
                self.assertEqual(managed, [('InterfacesAdded', 'copy_2d1'), ('InterfacesRemoved', 'copy_2d1')])
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_a_disk_that_is_full(self):
        """It is paused as one that a user has paused, but says why: also to an agent that finds it so."""
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                self.add_disks(vm, 'a')
                self.add_full_disk(vm, 'b')
                vm.execute('blockdev-backup', **self.backup('copy', speed=('x', 0)), **{'on-target-error': ('s', 'stop')})
                wait_until(lambda: 'no space' in self.get('copy')['Error'])
                self.assertEqual(self.get('copy')['Status'], 'paused')
                self.manager('RemoveVM', '(o)', vm.path)
                self.add('vm', f'unix:{self.qemu.path}')
                wait_until(lambda: 'no space' in (self.get('copy') or {'Error': ''})['Error'])
                vm.wait('job-cancel', id=('s', 'copy'))
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_one_that_a_user_pauses_is_not_in_need(self):
        self.begin()
        changes = self.caller.record(sender=NAME, member='PropertiesChanged')
        self.job('Pause', 'copy_2d1')
        wait_until(lambda: self.get('copy_2d1')['Status'] == 'paused')
        self.job('Resume', 'copy_2d1')
        wait_until(lambda: self.get('copy_2d1')['Status'] == 'running')
        self.assertEqual([values for _, _, _, values in changes if 'Error' in values[1]], [])

    def test_a_mirror_that_is_cancelled_has_not_come_to_its_end(self):
        vm = self.start_vm()
        self.add_disks(vm, 'a', 'b')
        vm.execute('blockdev-mirror', **self.backup('copy', speed=('x', 0)), **{'auto-dismiss': ('b', False)})
        wait_until(lambda: self.get('copy')['Status'] == 'ready')
        vm.execute('block-job-cancel', device=('s', 'copy'), force=('b', True))
        wait_until(lambda: self.get('copy')['Status'] == 'concluded')
        self.assertEqual(self.get('copy')['Error'], 'Operation canceled')
        self.assertLess(self.get('copy')['Progress'], 1)

    def test_found_and_forgotten(self):
        vm = self.begin()
        self.manager('RemoveVM', '(o)', vm.path)
        self.assertIsNone(self.get('copy_2d1'))
        self.raw.execute('blockdev-create', {'job-id': 'migration', 'options': {
            'driver': 'file', 'filename': '/nonexistent/x', 'size': 1}})
        self.raw.execute('migrate', {'uri': self.start_deaf_target()})
        wait_until(lambda: self.raw.execute('query-migrate')['status'] == 'active')
        self.add('vm', f'unix:{self.qemu.path}')
        wait_until(lambda: len(self.jobs()) == 3)
        jobs = self.jobs()
        self.assertEqual({name: job['Type'] for name, job in jobs.items()},
                         {'copy_2d1': 'backup', 'migration': 'migration', '_6digration': 'create'})
        self.assertEqual((jobs['_6digration']['Status'], jobs['migration']['Status']), ('concluded', 'active'))
        self.assertIn('/nonexistent/x', jobs['_6digration']['Error'])
        xml = self.caller.call(NAME, f'{ROOT}/vm/vm', 'org.freedesktop.DBus.Introspectable', 'Introspect')[0]
        self.assertIn('<node name="job"/>', xml)
        for method, signature, *arguments in (('Pause', '()'), ('Dismiss', '()'), ('Finalize', '()')):
            self.assert_fails(NOT_SUPPORTED, method, self.job, method, 'migration', signature, *arguments)
        self.assert_fails(NOT_SUPPORTED, 'SetSpeed', self.job, 'SetSpeed', '_6digration', '(t)', 1)
        self.job('Dismiss', '_6digration')
        self.assertIsNone(self.get('_6digration'))
        self.job('SetSpeed', 'migration', '(t)', 131072)
        self.assertEqual(self.raw.execute('query-migrate-parameters')['max-bandwidth'], 131072)
        self.job('Cancel', 'migration')
        wait_until(lambda: self.get('migration') is None)
        self.job('Cancel', 'copy_2d1')
        wait_until(lambda: self.jobs() == {})

    def test_one_that_others_begin(self):
        vm = self.start_vm()
        self.add_disks(vm, 'a', 'b')
        self.raw.execute('blockdev-backup', {'job-id': 'theirs', 'device': 'a', 'target': 'b', 'sync': 'full',
                                             'speed': 65536})
        wait_until(lambda: self.get('theirs'))
        self.qemu.kill()
        wait_until(lambda: not vm.is_there())
        self.assertIsNone(self.get('theirs'))

    def start_dump(self):
        """A dump whose reader does not read, so that it has no end before the reader goes."""
        reader, writer = os.pipe()
        self.raw.execute('getfd', {'fdname': 'dump'}, [writer])
        os.close(writer)
        self.raw.execute('dump-guest-memory', {'paging': False, 'protocol': 'fd:dump', 'detach': True})
        return reader

    def describe_dump(self):
        qemu = [self.raw.execute(command) for command in ('query-status', 'query-dump')]
        return f'a dump of the agent\'s; QEMU tells {qemu}; the agent {self.agent.output}'

    def test_a_dump_that_others_begin(self):
        """Before the agent comes, and while it is there."""
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                finished = self.caller.record(interface=f'{NAME}.Job', member='Finished')
                for is_there in (True, False):
                    if not is_there:
                        self.manager('RemoveVM', '(o)', vm.path)
                    reader = self.start_dump()
                    if not is_there:
                        vm = self.add('vm', f'unix:{self.qemu.path}')
                    wait_until(lambda: self.get('dump'), self.describe_dump)
                    self.assertEqual((self.get('dump')['Type'], self.get('dump')['Status']), ('dump', 'active'))
                    os.close(reader)
                    wait_until(lambda: self.get('dump') is None)
                    # A dump that comes before QEMU has done with the last one ends QEMU 11.1 (SIGABRT; 4 of 60 times), and 10.0 now and then.
                    wait_until(lambda: 'blocked-reasons' not in self.raw.execute('query-migrate'))
                self.assertEqual([status for *_, (status, _) in finished], ['failed'] * 2)
                self.qemu.stop()
                wait_until(lambda: not vm.is_there())


class Scripted(SlowTest):
    def test_a_client_that_only_listens(self):
        """GDBusObjectManagerClient calls GetManagedObjects once, and draws a bar from the signals that come."""
        numbers = itertools.count()
        self.script({'query-jobs': lambda command: [{'id': 'copy', 'type': 'backup', 'status': 'running', 'total-progress': 100,
                                                     'current-progress': next(numbers)}]})
        client = Gio.DBusObjectManagerClient.new_sync(self.connect().gdbus, Gio.DBusObjectManagerClientFlags.NONE, NAME, ROOT,
                                                      None, None, None)
        drawn = []
        # The client's own signal: it makes another proxy where InterfacesAdded comes behind the reply that had the object.
        client.connect('interface-proxy-properties-changed',
                       lambda client, job, interface, changed, invalidated: drawn.append(changed.unpack()))
        wait_until(lambda: client.get_object(f'{ROOT}/vm/vm/job/copy'))
        # Longer than somebody who has read a property is taken to be looking.
        wait_until(lambda: len([change for change in drawn if 'Current' in change]) > 12, 'a dozen signals', timeout=60)

    def test_asked_only_while_somebody_may_look(self):
        listed = [{'id': 'j', 'type': 'stream', 'status': 'running', 'current-progress': 0, 'total-progress': 100}]
        vm, peer = self.script({'query-jobs': lambda command: listed})

        def count():
            return sum(command['execute'] == 'query-jobs' for command in peer.commands)
        signals = self.caller.record(interface=PROPERTIES)
        wait_until(lambda: self.caller.owner(NAME) and count() == 1)
        # Nobody has read it: nothing but a descriptor wakes the agent up. (Where it can be told.)
        wait_until(lambda: self.agent.is_asleep() is not False)
        began = time.monotonic()
        wait_until(lambda: self.get('j'))
        for number in range(1, 4):
            listed[0]['current-progress'] = number
            wait_until(lambda number=number: any(values[1].get('Current') == number for *_, values in signals))
        self.assertGreaterEqual(time.monotonic() - began, 1.9)
        self.assertLessEqual(count(), 5)
        vm.start('VM', 'Subscribe', '(as)', [])()
        self.assertEqual(self.get('j')['Type'], 'stream')

    def test_a_flood(self):
        vm, peer = self.script({})
        wait_until(lambda: any(command['execute'] == 'query-migrate' for command in peer.commands))
        peer.answers['query-jobs'] = lambda command: [
            {'id': f'j{number}', 'type': 'stream', 'status': 'running'} for number in range(1000)]
        for number in range(1000):
            peer.emit(Message(status_change(f'j{number}', 'created')))
        wait_until(lambda: len(self.jobs()) == 256)
        for number in range(1000):
            peer.emit(Message(status_change(f'j{number}', 'null')))
        peer.answers['query-jobs'] = []
        wait_until(lambda: self.jobs() == {})
        self.assertTrue(vm.is_there())

    def test_an_answer_older_than_what_was_told(self):
        """QEMU makes up its list of jobs, tells of one that ends and one that begins, and sends the list: neither does the
        dead one come back, nor does the new one go."""
        old, new = ({'id': name, 'type': 'stream', 'status': 'running', 'current-progress': 0, 'total-progress': 1}
                    for name in ('old', 'new'))
        told = [Message(event('BLOCK_JOB_COMPLETED', type='stream', device='old', len=1, offset=1, speed=0)),
                Message(status_change('old', 'concluded')), Message(status_change('old', 'null')),
                Message(status_change('new', 'created')), Message(status_change('new', 'running'))]
        answers = [[old], Steps([*told, [old]]), [new]]
        signals = self.caller.record(sender=NAME)
        vm, _ = self.script({'query-jobs': lambda command: answers.pop(0) if len(answers) > 1 else answers[0]})
        wait_until(lambda: len(answers) == 2 and self.get('old'))
        wait_until(lambda: self.get('new'))
        vm.execute('query-name')
        self.assertEqual(list(self.jobs()), ['new'])
        told = [(member, values[0][-3:]) for _, _, member, values in signals
                if member.startswith('Interfaces') and '/job/' in values[0]]
        self.assertEqual(told, [('InterfacesAdded', 'old'), ('InterfacesRemoved', 'old'), ('InterfacesAdded', 'new')])
        self.assertEqual([values for _, _, member, values in signals if member == 'Finished'], [('concluded', '')])

    def test_nonsense(self):
        vm, peer = self.script({'query-jobs': [1, {'id': 1}, {'id': 'x'}], 'query-migrate': {'status': 5}})
        for data in ({}, {'id': 5, 'status': 'created'}, {'id': '', 'status': 'created'}, {'id': 'x' * 300, 'status': 'y'},
                     {'id': 'gone', 'status': 'created'}):
            peer.emit(Message(event('JOB_STATUS_CHANGE', **data)))
        for name in ('BLOCK_JOB_COMPLETED', 'MIGRATION', 'MIGRATION_PASS', 'DUMP_COMPLETED'):
            peer.emit(Message(event(name, device='nobody', status='failed')))
        peer.emit(Message({'event': 'JOB_STATUS_CHANGE', 'timestamp': {'seconds': 1, 'microseconds': 0}}))
        peer.answers['after'] = {}
        vm.execute('after')
        wait_until(lambda: self.jobs() == {})


if __name__ == '__main__':
    main()
