# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls as people and libraries write them: with what they may leave out, in the types that their language has, and with
names that they mistyped."""
import socket

from harness import SILENCE, CallError, Peer, QmpClient, QmpError, Qemu, main
from monitor import (ANSWERS, INVALID_ARGS, NAME, ROOT, TIMED_OUT, UNKNOWN_OBJECT, VERSIONS, MonitorTest, requests,
                     variants)
from native import open_fd

UNKNOWN_METHOD = 'org.freedesktop.DBus.Error.UnknownMethod'


class CallingTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def fake(self, name='vm', **answers):
        peer = self.start(Peer, {**ANSWERS, **answers})
        return self.add(name, f'unix:{peer.path}'), peer

    def call(self, path, interface, method, signature='()', *arguments, **options):
        return self.caller.call(NAME, path, f'{NAME}.{interface}', method, signature, *arguments, **options)


class LeftOut(CallingTest):
    """A dictionary at the end of the arguments, and the arguments of ExecuteJSON."""

    def test_of_the_manager(self):
        peer = self.start(Peer, ANSWERS)
        self.assertEqual(self.call(ROOT, 'Manager', 'AddVM', '(ss)', 'a', f'unix:{peer.path}')[0], f'{ROOT}/vm/a')
        ours, theirs = socket.socketpair()
        self.start(Peer, ANSWERS).attach(theirs)
        with ours:
            self.assertEqual(self.call(ROOT, 'Manager', 'AddVMFromFD', '(sh)', 'b', 0, fds=[ours.fileno()])[0],
                             f'{ROOT}/vm/b')

    def test_of_a_vm(self):
        vm, peer = self.fake(stop={})
        for method, signature, arguments in (
                ('Execute', '(s)', ('query-status',)), ('ExecuteJSON', '(s)', ('query-status',)),
                ('ExecuteAndWait', '(s)', ('query-status',)), ('ExecuteAndWait', '(sa{sv})', ('query-status', {}))):
            with self.subTest(method, signature=signature):
                before = len(requests(peer))
                self.assertIn('running', str(vm.start('VM', method, signature, *arguments)()))
                self.assertNotIn('arguments', requests(peer)[before])
        vm.start('VM', 'OpenMonitor')()


class Dictionaries(CallingTest):
    """dbus-python makes `a{ss}` of a dictionary of strings, and `a{si}` of one of integers."""

    def test_arguments(self):
        vm, peer = self.fake(set={}, eject={})
        for method, end in (('Execute', ''), ('ExecuteAndWait', 'a{sv}')):
            rest = ({},) if end else ()
            vm.start('VM', method, f'(sa{{ss}}{end})', 'eject', {'device': 'a'}, *rest)()
            self.assertEqual(requests(peer)[-1]['arguments'], {'device': 'a'})
            vm.start('VM', method, f'(sa{{si}}{end})', 'set', {'n': -5}, *rest)()
            self.assertEqual(requests(peer)[-1]['arguments'], {'n': -5})
            vm.start('VM', method, f'(sa{{sas}}{end})', 'set', {'n': ['x']}, *rest)()
            self.assertEqual(requests(peer)[-1]['arguments'], {'n': ['x']})
        vm.start('QMP', 'Eject', '(a{ss})', {'device': 'b'})()
        self.assertEqual(requests(peer)[-1]['arguments'], {'device': 'b'})

    def test_options(self):
        vm, _ = self.fake()
        vm.start('VM', 'OpenMonitor', '(a{sb})', {'pretty': True})()
        self.assert_fails(INVALID_ARGS, 'options.path', vm.start('VM', 'OpenMonitor', '(a{ss})', {'path': '../x'}))
        vm.start('VM', 'ExecuteAndWait', '(sa{ss}a{si})', 'query-status', {}, {'timeout': 60_000_000})()

    def test_others_are_refused(self):
        vm, _ = self.fake()
        for signature, value in (('(sa{is})', {1: 'x'}), ('(sas)', ['x']), ('(s(ss))', ('x', 'y'))):
            self.assert_fails(INVALID_ARGS, 'Execute', vm.start('VM', 'Execute', signature, 'query-status', value))


class Timeouts(CallingTest):
    def test_any_integer(self):
        vm, _ = self.fake(system_powerdown={})
        for kind in 'ynqiuxt':
            with self.subTest(kind):
                self.assert_fails(TIMED_OUT, 'in time', vm.start(
                    'VM', 'ExecuteAndWait', '(sa{sv}a{sv})', 'system_powerdown', {}, variants({'timeout': (kind, 100)})))
        for kind in 'iuxt':
            with self.subTest(kind):
                self.add(kind, f'unix:{self.start(Peer, ANSWERS).path}', timeout=(kind, 60_000_000))

    def test_negative(self):
        vm, peer = self.fake()
        for kind in 'nix':
            self.assert_fails(INVALID_ARGS, 'options.timeout: -1 is negative', vm.start(
                'VM', 'ExecuteAndWait', '(sa{sv}a{sv})', 'query-status', {}, variants({'timeout': (kind, -1)})))
            self.assert_fails(INVALID_ARGS, 'options.timeout: -1 is negative', self.add, 'x', f'unix:{peer.path}',
                              timeout=(kind, -1))


class Mistyped(CallingTest):
    """Whoever has a name wrong is told the right one, or where it is."""

    def setUp(self):
        super().setUp()
        self.vm = self.add('web', f'unix:{self.start(Qemu, "7.2").path}')

    def test_methods(self):
        for interface, method, text in (
                ('QMP', 'QueryStat', 'did you mean QueryStats or QueryStatus?'),
                ('QMP', 'QeuryBlock', 'did you mean QueryBlock?'), ('VM', 'Stop', '; org.qemu.Monitor1.QMP has it'),
                ('QMP', 'Execute', '; org.qemu.Monitor1.VM has it'), ('VM', 'ExecuteJson', 'did you mean ExecuteJSON?'),
                ('VM', 'Stopp', 'did you mean Stop of org.qemu.Monitor1.QMP?')):
            with self.subTest(method):
                self.assert_fails(UNKNOWN_METHOD, text, self.vm.start(interface, method))
        self.assert_fails(UNKNOWN_METHOD, 'did you mean GetVM?', self.call, ROOT, 'Manager', 'GetVm', '(s)', 'web')

    def test_interfaces_and_properties(self):
        self.assert_fails('org.freedesktop.DBus.Error.UnknownInterface', 'did you mean org.qemu.Monitor1.VM?',
                          self.vm.start('Vm', 'Execute', '(s)', 'stop'))
        for name, text in (('status', 'did you mean Status?'), ('QemuVersion', 'did you mean QEMUVersion?'),
                           ('MonitorMoed', 'did you mean MonitorMode?')):
            self.assert_fails('org.freedesktop.DBus.Error.UnknownProperty', text, self.vm.get, name)

    def test_objects(self):
        self.assert_fails(UNKNOWN_OBJECT, 'did you mean web?', self.call, f'{ROOT}/vm/wbe', 'VM', 'Execute', '(s)', 'stop')

    def test_commands(self):
        """QEMU's own text, and then the hint."""
        error = 'org.qemu.Monitor1.Error.CommandNotFound'
        for command, text in (('query-stat', 'The command query-stat has not been found; did you mean query-'),
                              ('QueryStatus', 'did you mean query-status?'), ('device-add', 'did you mean device_add?'),
                              ('nonsense', 'The command nonsense has not been found')):
            for method, signature in (('Execute', '(s)'), ('ExecuteJSON', '(s)'), ('ExecuteAndWait', '(s)')):
                self.assert_fails(error, text, self.vm.start('VM', method, signature, command))
        with self.assertRaises(CallError) as caught:
            self.vm.execute('nonsense')
        self.assertEqual(caught.exception.message, 'The command nonsense has not been found')

    def test_a_command_that_is_there_and_not_found_gets_no_hint(self):
        vm = self.add('early', f'unix:{self.start(Qemu, "7.2", "-preconfig").path}')
        with self.assertRaises(CallError) as caught:
            vm.execute('query-rocker', name=('s', 'x'))
        self.assertNotIn('did you mean', caught.exception.message)

    def test_native_sessions_say_what_qemu_says(self):
        native = self.adopt(QmpClient(fd=open_fd(self.vm)))
        with self.assertRaises(QmpError) as caught:
            native.execute('query-stat')
        self.assertIn('The command query-stat has not been found', str(caught.exception))
        self.assertNotIn('did you mean', str(caught.exception))

    def test_members_and_words(self):
        for signature, arguments, text in (
                ('(a{sv})', ({'nmae': ('s', 'x'), 'up': ('b', True)},), 'nmae: no such member; there are: name, up; did you'
                 ' mean name?'), ('(sba{sv})', ('x', True, {'upp': ('b', True)}), 'upp: no such member')):
            arguments = [variants(value) if isinstance(value, dict) else value for value in arguments]
            self.assert_fails(INVALID_ARGS, text, self.vm.start('QMP', 'SetLink', signature, *arguments))
        self.assert_fails(INVALID_ARGS, 'did you mean iothread?', self.vm.start(
            'QMP', 'ObjectAdd', '(a{sv})', variants({'qom-type': ('s', 'iothraed'), 'id': ('s', 'x')})))

    def test_options(self):
        self.assert_fails(INVALID_ARGS, 'options.timeot: no such option; there is `timeout`; did you mean timeout?',
                          self.vm.start('VM', 'ExecuteAndWait', '(sa{sv}a{sv})', 'stop', {},
                                        variants({'timeot': ('t', 1)})))


class Subscriptions(CallingTest):
    def subscribe(self, vm, *names):
        return vm.start('VM', 'Subscribe', '(as)', list(names))

    def test_both_spellings_and_nothing_else(self):
        for version in VERSIONS:
            vm = self.add(f'vm{version}', f'unix:{self.start(Qemu, version).path}')
            for name in ('STOP', 'Stop', 'BLOCK_IO_ERROR', 'BlockIoError', 'VFU_CLIENT_HANGUP', 'VfuClientHangup'):
                with self.subTest(name, version=version):
                    self.subscribe(vm, name)()
            for name, text in (('stop', '; did you mean STOP?'), ('SOTP', '; did you mean STOP?'), ('NOSUCH', 'NOSUCH'),
                               ('', 'no event'), ('Block_Io_Error', '; did you mean BLOCK_IO_ERROR?')):
                with self.subTest(name, version=version):
                    self.assert_fails(INVALID_ARGS, text, self.subscribe(vm, 'STOP', name))
            self.subscribe(vm)()

    def test_a_qemu_that_does_not_tell(self):
        """What the contract has can be subscribed to at once, the rest is refused when it has been waited for."""
        vm, _ = self.fake(**{'query-qmp-schema': SILENCE})
        self.subscribe(vm, 'Stop', 'RESET')()
        self.assert_fails(INVALID_ARGS, 'NOSUCH', self.subscribe(vm, 'NOSUCH'))

    def test_events_of_a_qemu_alone(self):
        """The names that the contract does not have are the QEMU's own to tell."""
        schema = [{'name': 'empty', 'meta-type': 'object', 'members': []},
                  {'name': 'HOUSE_ON_FIRE', 'meta-type': 'event', 'arg-type': 'empty'}]
        vm, _ = self.fake(**{'query-qmp-schema': schema})
        self.subscribe(vm, 'HouseOnFire')()
        self.subscribe(vm, 'HOUSE_ON_FIRE')()
        self.assert_fails(INVALID_ARGS, 'did you mean HOUSE_ON_FIRE?', self.subscribe(vm, 'HOUSE_OF_FIRE'))


class Replies(CallingTest):
    """A reply becomes a message in three ways, by its length and by how many values it has: none shows."""

    def test_of_every_size(self):
        values = [{'text': 'x' * length} for length in (0, 480, 500, 520, 16350, 16400, 262000, 524200, 524400)]
        values += [{'list': [{'name': str(i), 'on': i % 2 == 0, 'n': i << 40} for i in range(n)]} for n in (5, 300, 6000, 9000)]
        values += [{'list': [7] * n} for n in (200, 24500, 24600)]
        vm, _ = self.fake(big=lambda command: values[command['arguments']['n']])
        for n, value in enumerate(values):
            with self.subTest(n):
                self.assertEqual(vm.execute('big', n=('x', n)), value)


if __name__ == '__main__':
    main()
