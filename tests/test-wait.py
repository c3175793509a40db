# SPDX-License-Identifier: LGPL-2.1-or-later
"""ExecuteAndWait: it returns when what was begun has ended, neither sooner nor later nor twice, whatever the order in
which QEMU tells of it. On real QEMUs, and on scripted ones for what those do not do when one wants it."""
from harness import DIE, SILENCE, Message, Qemu, Steps, main, wait_until
from harness.process import is_listening
from monitor import DISCONNECTED, INVALID_ARGS, NAME, TIMED_OUT, VERSIONS, variants
from slow import GENERIC, MIB, SlowTest, event, status_change

ERROR = {'error': {'class': 'GenericError', 'desc': 'No such thing'}}


class Real(SlowTest):
    def test_the_run_state(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                self.assertEqual(vm.wait('query-status')['status'], 'running')
                for command, running in (('stop', False), ('stop', False), ('cont', True), ('cont', True)):
                    self.assertEqual(vm.wait(command), {})
                    self.assertEqual(vm.get('Running'), running)
                events = vm.record_events()
                vm.wait('system_reset')
                self.assertIn('Reset', events.names())
                self.assert_fails(TIMED_OUT, 'goes on', vm.start_wait('system_powerdown', 1))
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_jobs_and_their_errors(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                self.assertEqual(vm.wait('blockdev-create', **self.create('make', f'{self.directory}/made')), {})
                self.assert_fails(GENERIC, "Could not create '/nonexistent/x': No such file or directory",
                                  vm.start_wait('blockdev-create', **self.create('make', '/nonexistent/x')))
                self.assertEqual(self.raw.execute('query-jobs'), [])
                self.add_disks(vm, 'a', 'b')
                vm.wait('blockdev-backup', **self.backup('copy', speed=('x', 0)))
                waiting = vm.start_wait('blockdev-backup', **self.backup('copy'))
                wait_until(lambda: self.get('copy'))
                self.assertEqual(vm.wait('job-cancel', id=('s', 'copy')), {})
                self.assert_fails(GENERIC, 'Operation canceled', waiting)
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_a_mirror_has_ended_when_it_is_completed(self):
        vm = self.start_vm()
        self.add_disks(vm, 'a', 'b')
        waiting = vm.start_wait('blockdev-mirror', **self.backup('copy', speed=('x', 0)))
        wait_until(lambda: (self.get('copy') or {}).get('Status') == 'ready')
        self.job('Complete', 'copy')
        self.assertEqual(waiting(), ({},))

    def test_who_stops_waiting_changes_nothing(self):
        vm = self.start_vm()
        self.add_disks(vm, 'a', 'b')
        self.assert_fails(TIMED_OUT, 'goes on', vm.start_wait('blockdev-backup', 1, **self.backup('copy')))
        leaver = self.connect()
        leaver.start(NAME, vm.path, f'{NAME}.VM', 'ExecuteAndWait', '(sa{sv}a{sv})', 'job-complete',
                     variants({'id': ('s', 'copy')}), {})
        leaver.stop()
        self.assertEqual(self.get('copy')['Status'], 'running')
        waiting = vm.start_wait('job-cancel', id=('s', 'copy'))
        self.assertEqual(waiting(), ({},))
        self.assertIsNone(self.get('copy'))

    def test_a_migration_and_what_follows_it(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                vm.wait('migrate', uri=('s', 'exec:cat >/dev/null'))
                vm.wait('cont', 5)
                self.assertTrue(vm.get('Running'))
                self.assertEqual(vm.wait('migrate_cancel'), {})
                waiting = vm.start_wait('migrate', uri=('s', self.start_deaf_target()))
                wait_until(lambda: self.get('migration'))
                self.job('Cancel', 'migration')
                self.assert_fails(GENERIC, 'cancelled', waiting)
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_a_dump(self):
        vm = self.start_vm()
        arguments = {'paging': ('b', False), 'detach': ('b', True)}
        vm.wait('dump-guest-memory', protocol=('s', f'file:{self.directory}/dump'), **arguments)
        self.assertEqual(self.raw.execute('query-dump')['status'], 'completed')
        self.assert_fails(GENERIC, '/nonexistent/x', vm.start_wait('dump-guest-memory', protocol=(
            's', 'file:/nonexistent/x'), **arguments))

    def test_an_incoming_migration(self):
        """QEMU 7.2 has no status for one that it listens for: no end is to be made of that, and one signal of the end."""
        for version in VERSIONS:
            with self.subTest(version):
                target = self.start(Qemu, version, '-incoming', 'defer')
                vm, path = self.add('target', f'unix:{target.path}'), f'{self.directory}/migration-{version}'
                signals = self.caller.record(sender=NAME, member='Finished')
                waiting = vm.start_wait('migrate-incoming', uri=('s', f'unix:{path}'))
                wait_until(lambda: is_listening(path))
                source = self.start(Qemu, version)
                source.raw().execute('migrate', {'uri': f'unix:{path}'})
                self.assertEqual(waiting(), ({},))
                self.assertTrue(vm.get('Running'))
                self.assertEqual([values for _, _, _, values in signals], [('completed', '')])
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_one_that_nobody_sends(self):
        vm = self.add('vm', f'unix:{self.start(Qemu, "7.2", "-incoming", "defer").path}')
        self.assert_fails(TIMED_OUT, 'goes on', vm.start_wait('migrate-incoming', 1, uri=('s', f'unix:{self.directory}/m')))
        self.assertFalse(vm.get('Running'))

    def test_a_vm_that_does_not_go_on(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.add('vm', f'unix:{self.start(Qemu, version, "-incoming", "defer").path}')
                self.assert_fails(GENERIC, 'it is inmigrate', vm.start_wait('cont'))
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_a_balloon_has_a_top(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version, '-device', 'virtio-balloon-pci', '-m', '64M')
                self.assertEqual(vm.wait('balloon', value=('x', 1 << 40)), {'actual': 64 * MIB})
                waiting = vm.start_wait('balloon', value=('x', 32 * MIB))
                vm.wait('balloon', value=('x', 64 * MIB))
                self.assert_fails(GENERIC, 'Another balloon', waiting)
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_what_is_measured(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                found = vm.wait('calc-dirty-rate', **{'calc-time': ('x', 1)})
                self.assertEqual((found['status'], found['calc-time']), ('measured', 1))
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_a_job_that_pauses(self):
        for version in VERSIONS:
            with self.subTest(version):
                vm = self.start_vm(version)
                self.add_disks(vm, 'a', 'b')
                vm.execute('blockdev-backup', **self.backup('copy'))
                vm.wait('job-pause', id=('s', 'copy'))
                self.assertEqual(self.raw.execute('query-jobs')[0]['status'], 'paused')
                vm.wait('job-resume', id=('s', 'copy'))
                self.assertEqual(self.raw.execute('query-jobs')[0]['status'], 'running')
                vm.wait('block-job-pause', device=('s', 'copy'))
                vm.wait('block-job-resume', device=('s', 'copy'))
                vm.wait('quit')
                wait_until(lambda: not vm.is_there())

    def test_the_cause_in_a_group(self):
        """One backup has no room, and takes the other one along: the caller hears of the room, whichever is named first."""
        vm = self.start_vm()
        self.add_disks(vm, 'a', 'b', 'c')
        self.add_full_disk(vm, 'full')
        for order in ((0, 1), (1, 0)):
            actions = [{'job-id': 'good', 'device': 'a', 'target': 'b'}, {'job-id': 'bad', 'device': 'c', 'target': 'full'}]
            members = [variants({'type': ('s', 'blockdev-backup'), 'data': ('a{sv}', variants(
                {**{name: ('s', value) for name, value in actions[i].items()}, 'sync': ('s', 'full'),
                 'speed': ('x', 65536 if i == 0 else 0)}))}) for i in order]
            self.assert_fails(GENERIC, 'No space left', vm.start_wait('transaction', actions=('aa{sv}', members), properties=(
                'a{sv}', variants({'completion-mode': ('s', 'grouped')}))))

    def test_options(self):
        vm = self.start_vm()
        for options, text in (({'timeot': ('t', 1)}, 'timeot: no such option'), ({'timeout': ('s', '1')}, '`t`'),
                              ({'timeout': ('t', 0)}, 'no time')):
            self.assert_fails(INVALID_ARGS, text, vm.start('VM', 'ExecuteAndWait', '(sa{sv}a{sv})', 'stop', {},
                                                           variants(options)))
        self.assertEqual(vm.get('Status'), 'running')


class Scripted(SlowTest):
    def test_the_event_before_the_return(self):
        vm, _ = self.script({'device_del': Steps([Message(event('DEVICE_DELETED', device='d', path='/d')), {}])})
        self.assertEqual(vm.wait('device_del', 5, id=('s', 'd')), {})

    def test_anothers_event(self):
        vm, peer = self.script({'device_del': {}})
        waiting = [vm.start_wait('device_del', id=('s', name)) for name in ('c', 'd', 'd')]
        wait_until(lambda: sum(command['execute'] == 'query-status' for command in peer.commands) >= 4)
        peer.emit(Message(event('DEVICE_DELETED', device='d', path='/d')))
        self.assertEqual([waiting[1](), waiting[2]()], [({},), ({},)])
        peer.emit(Message(event('DEVICE_UNPLUG_GUEST_ERROR', device='c', path='/c')))
        self.assert_fails(GENERIC, "refused to give up 'c'", waiting[0])

    def test_qemus_own_text(self):
        vm, _ = self.script({'device_del': Steps([{}, Message(event('MEM_UNPLUG_ERROR', device='d', msg='It is used'))])})
        self.assert_fails(GENERIC, 'It is used', vm.start_wait('device_del', id=('s', 'd')))

    def test_a_command_that_fails(self):
        vm, _ = self.script({'device_del': Steps([Message(event('DEVICE_DELETED', device='d', path='/d')),
                                                  Message(ERROR)])})
        self.assert_fails(GENERIC, 'No such thing', vm.start_wait('device_del', id=('s', 'd')))

    def test_an_older_job_of_that_name(self):
        """It ends between the command's being sent and its being executed: ours is under way all the same."""
        job = {'id': 'j', 'type': 'stream', 'status': 'running', 'current-progress': 1, 'total-progress': 2}
        listed = [job]
        older = [Message(status_change('j', 'concluded')), Message(status_change('j', 'null')),
                 Message(status_change('j', 'created')), {}]
        vm, peer = self.script({'query-jobs': lambda command: listed, 'block-stream': Steps(older)})
        wait_until(lambda: self.get('j'))
        waiting = vm.start_wait('block-stream', device=('s', 'j'))
        wait_until(lambda: 'query-status' in [command['execute'] for command in peer.commands][-2:] and
                   'block-stream' in [command['execute'] for command in peer.commands])
        wait_until(lambda: (self.get('j') or {}).get('Status') == 'running')
        listed.clear()
        peer.emit(Message(event('BLOCK_JOB_COMPLETED', type='stream', device='j', len=2, offset=1, speed=0,
                                error='It was ours')))
        peer.emit(Message(status_change('j', 'concluded')))
        peer.emit(Message(status_change('j', 'null')))
        self.assert_fails(GENERIC, 'It was ours', waiting)

    def test_a_vm_that_stops_again(self):
        """A disk that fails once more as soon as the guest runs, and somebody who resumes a VM that was just stopped."""
        state = {'status': 'io-error', 'running': False}
        vm, _ = self.script({'query-status': lambda command: state, 'stop': Steps([Message(event('STOP')), Message(event(
            'RESUME')), {}]), 'cont': Steps([Message(event('RESUME')), Message(event('STOP')), {}])})
        self.assert_fails(GENERIC, 'does not run: it is io-error', vm.start_wait('cont'))
        state.update(status='running', running=True)
        self.assert_fails(GENERIC, 'resumed: it is running', vm.start_wait('stop'))

    def test_a_tray_that_opens_and_closes_again(self):
        device = {'device': '', 'qdev': 'cd', 'locked': False, 'removable': True, 'type': '', 'tray_open': False}
        moved = [Message(event('DEVICE_TRAY_MOVED', device='', id='cd', **{'tray-open': is_open})) for is_open in (True, False)]
        devices = [device]
        vm, _ = self.script({'query-block': lambda command: devices, 'blockdev-open-tray': Steps([*moved, {}])})
        self.assertEqual(vm.wait('blockdev-open-tray', 5, id=('s', 'cd')), {})
        devices.clear()
        self.assert_fails(GENERIC, "'dvd' was to be opened", vm.start_wait('blockdev-open-tray', id=('s', 'dvd')))

    def test_a_job_that_nobody_sees(self):
        vm, _ = self.script({'block-stream': {}})
        self.assert_fails(GENERIC, "no job 'node'", vm.start_wait('block-stream', device=('s', 'node')))

    def test_the_vm_dies(self):
        vm, peer = self.script({'device_del': {}, 'silent': SILENCE})
        waiting = [vm.start_wait('device_del', id=('s', 'd')), vm.start_wait('silent')]
        wait_until(lambda: any(command['execute'] == 'silent' for command in peer.commands))
        peer.stop()
        for wait in waiting:
            self.assert_fails(DISCONNECTED, '', wait)

    def test_quit_and_off(self):
        for answer in (DIE, Steps([{}, DIE])):
            vm, peer = self.script({'quit': answer})
            self.assertEqual(vm.wait('quit'), {})
            wait_until(lambda: not vm.is_there())
        off = Steps([Message(event('SHUTDOWN', guest=True, reason='guest-shutdown')), {}])
        vm, peer = self.script({'system_powerdown': off})
        self.assertEqual(vm.wait('system_powerdown'), {})

    def test_too_many(self):
        vm, _ = self.script({'device_del': {}})
        waiting = [vm.start_wait('device_del', id=('s', 'd')) for _ in range(129)]
        self.assert_fails('org.freedesktop.DBus.Error.LimitsExceeded', '128', waiting[-1])


if __name__ == '__main__':
    main()
