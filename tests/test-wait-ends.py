# SPDX-License-Identifier: LGPL-2.1-or-later
"""ExecuteAndWait ends while QEMU lives: also where the end cannot be reached, is undone by the time that it is looked for, or
is somebody else's. On real QEMUs, and on scripted ones for what those do not do when one wants it."""
import itertools

from harness import CallError, Message, Peer, Qemu, Steps, main, wait_until
from monitor import ANSWERS, NAME, TIMED_OUT, VERSIONS
from slow import GENERIC, MIB, SlowTest, event, status_change, variants


class Real(SlowTest):
    def quit(self, vm):
        vm.wait('quit')
        wait_until(lambda: not vm.is_there())

    def test_a_balloon_above_what_counts(self):
        """Memory modules can be ballooned, NVDIMMs cannot, though QEMU sums them up as memory that is plugged in."""
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version, '-device', 'virtio-balloon-pci', '-m', '64M,slots=2,maxmem=1G',
                                   '-machine', 'nvdimm=on', '-object', 'memory-backend-ram,id=one,size=128M',
                                   '-device', 'nvdimm,memdev=one',
                                   '-object', 'memory-backend-ram,id=two,size=256M', '-device', 'pc-dimm,memdev=two')
                self.assertEqual(vm.wait('balloon', value=('x', 1 << 40)), {'actual': 320 * MIB})
                self.quit(vm)

    def test_a_balloon_that_is_taken_away(self):
        """Without a guest that lets go of it, a reset takes it away, of which QEMU 10.0 and 11.1 die."""
        vm = self.start_vm('7.2')
        self.assert_fails(f'{NAME}.Error.DeviceNotActive', 'balloon', vm.start_wait('balloon', value=('x', 16 * MIB)))
        self.quit(vm)
        vm = self.start_vm('7.2', '-device', 'pcie-root-port,id=slot-1', '-device', 'virtio-balloon-pci,bus=slot-1,id=b')
        waiting = vm.start_wait('balloon', value=('x', 16 * MIB))
        vm.execute('query-status')
        self.raw.execute('device_del', {'id': 'b'})
        self.raw.execute('system_reset')
        self.assert_fails(GENERIC, 'not query-balloon: No balloon device', waiting)

    def test_a_device_by_a_path_of_the_callers_own_spelling(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version, '-device', 'qemu-xhci', '-device', 'ide-cd,id=cd')
                for path in ('tablet/', '/machine/peripheral//tablet', '/machine/peripheral/tablet/'):
                    vm.execute('device_add', driver=('s', 'usb-tablet'), id=('s', 'tablet'))
                    vm.wait('device_del', 5, id=('s', path))
                vm.wait('blockdev-open-tray', 5, id=('s', '/machine//peripheral/cd/'))
                self.quit(vm)

    def test_a_job_whose_disk_stays_full(self):
        """It runs for an instant, in which QEMU may have been asked, or not."""
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                self.add_disks(vm, 'a')
                self.add_full_disk(vm, 'b')
                vm.execute('blockdev-backup', **self.backup('copy', speed=('x', 0)), **{'on-target-error': ('s', 'stop')})
                wait_until(lambda: self.get('copy')['Error'])
                try:
                    self.assertEqual(vm.wait('job-resume', 5, id=('s', 'copy')), {})
                except CallError as error:
                    self.assertEqual(error.name, GENERIC)
                    self.assertIn("'copy' is paused again. It waits: no space", error.message)
                wait_until(lambda: self.get('copy')['Error'])
                vm.wait('job-cancel', id=('s', 'copy'))
                self.quit(vm)

    def test_a_job_that_qemu_calls_by_its_device(self):
        """Callers name the node of a disk, and no job."""
        for version in VERSIONS:
            with self.subTest(version):
                drives = [f'if=none,id=drive-{name},node-name={name},driver=null-co,size=1M,read-zeroes=on' for name in 'xy']
                vm = self.start_vm(version, *itertools.chain(*(('-drive', drive) for drive in drives)))
                for name in 'ab':
                    vm.execute('blockdev-add', driver=('s', 'null-co'), size=('x', MIB), **{'node-name': ('s', name)})
                arguments = {'device': ('s', 'x'), 'target': ('s', 'a'), 'sync': ('s', 'full')}
                for command in ('blockdev-backup', 'blockdev-mirror', 'blockdev-backup'):
                    waiting = vm.start_wait(command, **arguments)
                    if command == 'blockdev-mirror':
                        wait_until(lambda: (self.get('drive_2dx') or {}).get('Status') == 'ready')
                        vm.execute('job-cancel', id=('s', 'drive-x'))
                        self.assert_fails(GENERIC, 'Operation canceled', waiting)
                    else:
                        self.assertEqual(waiting()[0], {})
                self.assertEqual(vm.wait('block-stream', device=('s', 'x')), {})
                self.assertEqual(vm.wait('transaction', actions=('aa{sv}', [
                    variants({'type': ('s', 'blockdev-backup'), 'data': ('a{sv}', variants(
                        {'device': ('s', node), 'target': ('s', target), 'sync': ('s', 'full')}))})
                    for node, target in ('xa', 'yb')])), {})
                self.quit(vm)

    def test_a_migration_that_comes_in_is_not_cancelled(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.add('vm', f'unix:{self.start(Qemu, version, "-incoming", "defer").path}')
                self.assertEqual(vm.wait('migrate_cancel'), {})
                vm.execute('migrate-incoming', uri=('s', f'unix:{self.directory}/m-{version}'))
                self.assert_fails(GENERIC, 'ends no migration that comes in', vm.start_wait('migrate_cancel'))
                self.quit(vm)

    def test_a_replay_that_is_wound_forward(self):
        for version in VERSIONS:
            with self.subTest(version):
                log, arguments = f'{self.directory}/log-{version}', ('-machine', 'accel=tcg', '-net', 'none', '-icount')
                qemu = self.start(Qemu, version, *arguments, f'shift=7,rr=record,rrfile={log}', firmware=True)
                raw = self.adopt(qemu.raw())
                wait_until(lambda: raw.execute('query-replay')['icount'] > 1000000)
                raw.execute('quit')
                qemu.wait()
                vm = self.start_vm(version, *arguments, f'shift=7,rr=replay,rrfile={log}', '-S')
                vm.wait('replay-seek', icount=('x', 500000))
                self.assertEqual((vm.execute('query-replay')['icount'], vm.get('Running')), (500000, False))
                self.quit(vm)


class Scripted(SlowTest):
    def vm_that(self, command, answers, *events):
        """Another one, by which a command is followed by events."""
        peer = self.start(Peer, answers={**ANSWERS, **answers, command: Steps([{}, *map(Message, events)])})
        return self.add('other', f'unix:{peer.path}'), peer

    def test_a_job_that_is_resumed_before_it_pauses(self):
        """No event tells of it: the job has never stopped."""
        listed = {'device': 'j', 'type': 'mirror', 'status': 'running', 'paused': True, 'io-status': 'ok'}
        vm, peer = self.script({'query-block-jobs': lambda command: [listed], 'job-pause': {}, 'job-resume': {}})
        waiting = vm.start_wait('job-pause', id=('s', 'j'))
        wait_until(lambda: any(command.get('execute') == 'query-block-jobs' for command in peer.commands))
        listed.update(paused=False)
        self.assert_fails(GENERIC, "'j' has been resumed", waiting)

    def test_a_job_whose_disk_stays_full(self):
        full = {'device': 'j', 'type': 'mirror', 'status': 'paused', 'paused': True, 'io-status': 'nospace'}
        changes = [Message(status_change('j', status)) for status in ('running', 'paused')]
        vm, _ = self.script({'query-block-jobs': [full], 'job-resume': Steps([*changes, {}])})
        self.assert_fails(GENERIC, "'j' is paused again. It waits: no space", vm.start_wait('job-resume', id=('s', 'j')))

    def test_a_balloon_that_is_taken_away(self):
        gone = Message({'error': {'class': 'DeviceNotActive', 'desc': 'No balloon device has been activated'}})
        answers = iter([{'actual': MIB}, gone])
        vm, peer = self.script({'balloon': {}, 'query-balloon': lambda command: next(answers)})
        waiting = vm.start_wait('balloon', value=('x', 1))
        wait_until(lambda: any(command.get('execute') == 'query-balloon' for command in peer.commands))
        peer.emit(Message(event('DEVICE_DELETED', device='b', path='/machine/peripheral/b')))
        self.assert_fails(GENERIC, 'No balloon device', waiting)

    def test_a_guest_that_gives_nothing(self):
        vm, _ = self.script({'balloon': {}, 'query-balloon': {'actual': MIB}})
        self.assert_fails(TIMED_OUT, f'goes on: query-balloon says {{"actual": {MIB}}}', vm.start_wait(
            'balloon', 2, value=('x', 1)))

    def test_a_job_that_is_no_block_job(self):
        vm, _ = self.script({'query-block-jobs': [], 'job-pause': Steps([Message(status_change('j', 'paused')), {}]),
                                'job-resume': Steps([Message(status_change('j', 'running')), {}])})
        vm.wait('job-pause', 5, id=('s', 'j'))
        vm.wait('job-resume', 5, id=('s', 'j'))

    def test_a_replay_that_is_stopped_before(self):
        vm, _ = self.script({'replay-seek': Steps([Message(event('STOP')), Message(event('RESUME')), {}]), 'query-replay':
                             {'mode': 'play', 'icount': 5}})
        self.assert_fails(TIMED_OUT, 'goes on', vm.start_wait('replay-seek', 1, icount=('x', 10)))
        vm, _ = self.vm_that('replay-seek', {'query-replay': {'mode': 'play', 'icount': 5}}, event('STOP'))
        self.assert_fails(GENERIC, 'stopped at instruction 5', vm.start_wait('replay-seek', icount=('x', 10)))

    def test_a_migration_that_is_paused(self):
        states = itertools.chain([{'status': 'postcopy-active'}] * 2, itertools.repeat({'status': 'postcopy-paused'}))
        vm, peer = self.script({'migrate-pause': {}})
        peer.answers['query-migrate'] = lambda command: next(states)
        self.assertEqual(vm.wait('migrate-pause', 5), {})
        peer.answers['query-migrate'] = {'status': 'completed'}
        self.assert_fails(GENERIC, 'ended before it was paused: it is completed', vm.start_wait('migrate-pause'))

    def test_colo_that_ends(self):
        vm, _ = self.vm_that('x-colo-lost-heartbeat', {}, event('COLO_EXIT', mode='primary', reason='request'))
        self.assertEqual(vm.wait('x-colo-lost-heartbeat', 5), {})

    def test_a_question_that_qemu_refuses(self):
        """Without an answer nobody would ever know."""
        refused = Message({'error': {'class': 'GenericError', 'desc': 'Not today'}})
        for command, question, arguments in (('stop', 'query-status', {}), ('cont', 'query-status', {}), (
                'calc-dirty-rate', 'query-dirty-rate', {}), ('blockdev-open-tray', 'query-block', {'id': ('s', 'cd')}), (
                'balloon', 'query-balloon', {'value': ('x', 1)}), ('job-pause', 'query-block-jobs', {'id': ('s', 'j')}), (
                'replay-seek', 'query-replay', {'icount': ('x', 1)}), ('migrate-pause', 'query-migrate', {})):
            with self.subTest(command):
                vm, peer = self.script({command: {}})
                peer.answers[question] = refused
                self.assert_fails(GENERIC, f'{command} was accepted, but not {question}: Not today', vm.start_wait(
                    command, **arguments))
                self.manager('RemoveVM', '(o)', vm.path)


if __name__ == '__main__':
    main()
