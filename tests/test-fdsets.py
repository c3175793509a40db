# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fdsets, which QEMU keeps for all monitors alike, are kept apart. On real QEMUs."""
import signal

from harness import CallError, main, wait_until
from monitor import NAME, VM, variants
from monitors import DENIED, GENERIC, PREFIX, MonitorsTest


class Fdsets(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def add_fd(self, vm, **options):
        return self.fds(vm, 'AddFd', '(ha{sv})', 0, variants(options))[0]

    def test_they_are_their_makers(self):
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                other = self.other(vm)
                fdset = self.add_fd(vm)['fdset-id']
                self.assertEqual([entry['fdset-id'] for entry in vm.qmp('QueryFdsets')], [fdset])
                self.assertEqual(other.qmp('QueryFdsets'), [])
                for method, signature, *arguments in (
                        ('RemoveFd', '(x)', fdset), ('RemoveFd', '(a{sv})', variants({'fdset-id': ('x', fdset)})),
                        ('BlockdevAdd', '(a{sv})', variants({'driver': ('s', 'file'),
                                                             'filename': ('s', f'/dev/fdset/{fdset}')}))):
                    self.assert_fails(DENIED, "another caller's", other.start('QMP', method, signature, *arguments))
                with self.assertRaises(CallError) as caught:
                    self.add_fd(other, **{'fdset-id': ('x', fdset)})
                self.assertEqual(caught.exception.name, DENIED)
                self.assertIsNone(vm.qmp('RemoveFd', '(x)', fdset))
                self.manager('RemoveVM', '(o)', vm.path)

    def test_a_number_is_not_used_again(self):
        """Otherwise a set that is removed for one who has left, again and again until it has gone, would be another's."""
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                other = self.other(vm)
                fdset = self.add_fd(vm)['fdset-id']
                vm.qmp('RemoveFd', '(x)', fdset)
                another = self.add_fd(other)['fdset-id']
                self.assertNotEqual(another, fdset)
                self.assertEqual([entry['fdset-id'] for entry in other.qmp('QueryFdsets')], [another])
                self.assertEqual(vm.qmp('QueryFdsets'), [])
                vm.caller.stop()
                # A try for whoever has left, sent together with what the other adds.
                for _ in range(20):
                    leaver = self.other(other)
                    self.add_fd(leaver)
                    other.qmp('Stop')
                    leaver.caller.stop()
                    going_on = other.start('QMP', 'Cont')
                    added = self.add_fd(other)['fdset-id']
                    going_on()
                    other.qmp('QueryFdsets')
                    self.assertIn(added, [entry['fdset-id'] for entry in other.qmp('QueryFdsets')])
                self.caller = other.caller
                self.assertIsNone(other.qmp('RemoveFd', '(x)', another))
                self.manager('RemoveVM', '(o)', other.path)
                self.caller = self.connect()

    def test_a_number_cannot_be_guessed(self):
        """What a command names is looked at when it is sent, and a busy QEMU may make the set before it begins with that."""
        vm = self.start_vm()
        other = self.other(vm)
        other.qmp('QueryStatus')
        fdset = self.add_fd(vm)['fdset-id']
        for _ in range(5):
            ends = [other.start('VM', 'ExecuteJSON', '(ss)', 'query-qmp-schema', '') for _ in range(2)]
            guess = other.start('QMP', 'BlockdevAdd', '(a{sv})', variants({
                'driver': ('s', 'host_device'), 'node-name': ('s', 'mine'), 'filename': ('s', f'/dev/fdset/{fdset + 1}')}))
            other.caller.gdbus.flush_sync(None)
            fdset = self.add_fd(vm)['fdset-id']
            self.assert_fails(GENERIC, 'Failed to find fdset', guess)
            for end in ends:
                end()

    def test_another_spelling_does_not_get_past(self):
        vm = self.start_vm()
        other = self.other(vm)
        fdset = self.add_fd(vm)['fdset-id']
        for path in (f'/dev/fdset/\t{fdset}', f'/dev/fdset/+{fdset}', f'/dev/fdset/0{fdset}',
                     f'json:{{"driver":"file","filename":"/dev/\\u0066dset/{fdset}"}}',
                     f'json:{{"filename":"\\/dev\\/fdset/{fdset}"}}', '/proc/self/fd/3', '/dev/fd/3'):
            with self.subTest(path):
                with self.assertRaises(CallError) as caught:
                    other.qmp('BlockdevAdd', '(a{sv})', variants({'driver': ('s', 'file'), 'filename': ('s', path)}))
                self.assertEqual(caught.exception.name, DENIED)

    def test_they_go_with_their_maker(self):
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                self.raw.execute('add-fd', {'opaque': 'not a caller\'s'}, fds=[self.null])
                leaver = self.other(vm)
                self.add_fd(leaver)
                self.add_fd(leaver)
                # One that is still on its way, too.
                leaver.caller.start(NAME, vm.path, f'{NAME}.QMP', 'AddFd', '(ha{sv})', 0, {}, fds=[self.null])
                leaver.caller.gdbus.flush_sync(None)
                leaver.caller.stop()
                wait_until(lambda: len(self.raw.execute('query-fdsets')) == 1)
                self.assertEqual(len(vm.qmp('QueryFdsets')), 1)
                self.manager('RemoveVM', '(o)', vm.path)

    def test_also_while_the_guest_is_paused(self):
        """Where QEMU says that it has removed them, and does so when it is told again while the guest runs."""
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                leaver = self.other(vm)
                self.add_fd(leaver)
                vm.qmp('Stop')
                leaver.caller.stop()
                wait_until(lambda: vm.qmp('QueryFdsets') == [])
                vm.qmp('Cont')
                wait_until(lambda: self.raw.execute('query-fdsets') == [])
                self.manager('RemoveVM', '(o)', vm.path)

    def words(self, fdsets):
        return sorted(fd.get('opaque', '') for fdset in fdsets for fd in fdset['fds'])

    def test_a_word_of_ones_own(self):
        """What the agent puts before it is nobody's business."""
        for version in ('7.2', '11.1'):
            with self.subTest(version):
                vm = self.start_vm(version)
                self.raw.execute('add-fd', {'opaque': 'not a caller\'s'}, fds=[self.null])
                for word in ('a word', ' ', '', 'org.qemu'):
                    self.add_fd(vm, opaque=('s', word))
                self.add_fd(vm)
                fdsets = vm.qmp('QueryFdsets')
                self.assertEqual(self.words(fdsets), sorted(['not a caller\'s', 'a word', ' ', '', 'org.qemu', '']))
                self.assertEqual(sum('opaque' in fd for fdset in fdsets for fd in fdset['fds']), 5)
                self.assertEqual(sum(word.startswith(PREFIX) for word in self.words(self.raw.execute('query-fdsets'))), 5)
                with self.assertRaises(CallError) as caught:
                    self.add_fd(vm, opaque=('s', f'{PREFIX}00000000'))
                self.assertEqual(caught.exception.name, DENIED)
                self.manager('RemoveVM', '(o)', vm.path)
                wait_until(lambda: self.words(self.raw.execute('query-fdsets')) == ['not a caller\'s'])

    def test_those_of_an_agent_that_was_killed(self):
        """Are removed by the next one at the same monitor, and nobody else's; in a paused guest when it runs again."""
        for version, is_paused in (('7.2', False), ('11.1', False), ('11.1', True)):
            with self.subTest(version, is_paused=is_paused):
                vm = self.start_vm(version)
                before = self.raw.execute('add-fd', {'opaque': 'not a caller\'s'}, fds=[self.null])['fdset-id']
                self.raw.execute('add-fd', {'opaque': f'{PREFIX}00000000 another agent\'s'}, fds=[self.null])
                self.add_fd(vm)
                self.add_fd(vm, opaque=('s', 'mine'))
                self.add_fd(vm, **{'fdset-id': ('x', before)})
                if is_paused:
                    vm.qmp('Stop')
                self.agent.kill(signal.SIGKILL)
                self.agent.wait()
                self.start_agent()
                vm = VM(self.caller, vm.path)
                wait_until(vm.is_there)
                wait_until(lambda: self.words(vm.qmp('QueryFdsets'))[:2] == ['another agent\'s', 'not a caller\'s'])
                if is_paused:
                    vm.qmp('Cont')
                wait_until(lambda: self.words(self.raw.execute('query-fdsets')) == [
                    'not a caller\'s', f'{PREFIX}00000000 another agent\'s'])
                self.manager('RemoveVM', '(o)', vm.path)


if __name__ == '__main__':
    main()
