# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls as people and libraries write them: with what they may leave out, in the types that their language has, and with
names that they mistyped."""
import socket

from harness import Peer, main
from monitor import ANSWERS, INVALID_ARGS, NAME, ROOT, TIMED_OUT, MonitorTest, requests, variants


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


if __name__ == '__main__':
    main()
