# SPDX-License-Identifier: LGPL-2.1-or-later
"""Screenshot(): what a guest shows is in the picture, pixel for pixel; QEMU and the agent are left as they were; and what a QEMU says
of a picture is not believed."""
import fcntl
import itertools
import os
import signal
import threading

from harness import DIE, GREETING, CallError, FakeAuthority, Message, Peer, Qemu, Steps, StorageDaemon, main, wait_until
from harness.polkit import result
from monitor import ANSWERS, DISCONNECTED, INVALID_ARGS, LIMITS, NOT_SUPPORTED, VERSIONS, VM, MonitorTest, requests, variants
from screens import ScreenQemu, is_known_screen, open_picture, read_file, start_shot, take_picture
from system_bus import DENIED, SOMEBODY, SystemBusTest, commands

GENERIC = 'org.qemu.Monitor1.Error.GenericError'
DEVICE_NOT_FOUND = 'org.qemu.Monitor1.Error.DeviceNotFound'
LIMITS_EXCEEDED = 'org.freedesktop.DBus.Error.LimitsExceeded'
F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE = 1, 2, 4, 8
PNG, PPM = b'\x89PNG\r\n\x1a\n', b'P6\n1 1\n255\nabc'


class ScreenTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def start_screen(self, version, *arguments):
        self.qemu = self.start(ScreenQemu, version, *arguments, monitors=2)
        self.raw = self.adopt(self.qemu.raw())
        return self.add(version, f'unix:{self.qemu.path}')

    def fds(self):
        """What QEMU has in fdsets."""
        return [fd for fdset in self.raw.execute('query-fdsets') for fd in fdset['fds']]

    def count_agent_fds(self):
        return len(os.listdir(f'/proc/{self.agent.popen.pid}/fd'))


class Pictures(ScreenTest):
    def the_picture(self, vm):
        wait_until(lambda: is_known_screen(take_picture(vm, format=('s', 'ppm'))), 'the guest to show its colours')
        for format, magic in (('png', PNG), ('ppm', b'P6\n')):
            fd = start_shot(vm, format=('s', format))()
            self.assertEqual(fcntl.fcntl(fd, fcntl.F_GET_SEALS) & 15,
                             F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
            self.assertEqual(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE, os.O_RDONLY)
            data = read_file(fd)
            self.assertTrue(data.startswith(magic), data[:20])
            self.assertTrue(is_known_screen(open_picture(data)))
        # As QEMU itself writes it, and with nothing given.
        path = f'{self.directory}/own'
        self.raw.execute('screendump', {'filename': path})
        with open(path, 'rb') as file:
            self.assertEqual(file.read(), data)
        (_, (fd,)) = vm.start('VM', 'Screenshot')()
        self.assertTrue(is_known_screen(open_picture(read_file(fd))))
        for head in ('i', 'u', 't', 'y'):
            self.assertTrue(is_known_screen(take_picture(vm, device=('s', 'screen'), head=(head, 0))))

    def errors(self, vm):
        for name, text, options in (
                (DEVICE_NOT_FOUND, "Device 'scren' not found", {'device': ('s', 'scren')}),
                (GENERIC, "'head' must be specified together with 'device'", {'head': ('i', 1)}),
                (GENERIC, 'is not bound to a QemuConsole', {'device': ('s', 'screen'), 'head': ('t', 7)}),
                (INVALID_ARGS, 'did you mean png?', {'format': ('s', 'pgn')}),
                (INVALID_ARGS, 'did you mean format?', {'formt': ('s', 'png')}),
                (INVALID_ARGS, 'is negative', {'head': ('i', -1)}),
                (INVALID_ARGS, '`x` (an integer: ', {'head': ('s', '0')}),
                (DENIED, "the agent's own", {'device': ('s', 'org.qemu.Monitor1-1')})):
            self.assert_fails(name, text, start_shot(vm, **options))

    def a_guest_that_stands(self, vm):
        """QEMU closes nothing meanwhile."""
        vm.qmp('Stop')
        for _ in range(10):
            self.assertTrue(is_known_screen(take_picture(vm)))
            self.assertTrue(is_known_screen(take_picture(vm, format=('s', 'ppm'))))
        self.assertEqual(len(self.fds()), 1)
        vm.qmp('Cont')

    def nobody_sees_the_file(self, vm):
        fdset, = [entry['fdset-id'] for entry in self.raw.execute('query-fdsets') if entry['fds']]
        for caller in (vm, VM(self.connect(), vm.path)):
            self.assertEqual(caller.qmp('QueryFdsets'), [])
            for command, arguments in (('remove-fd', {'fdset-id': ('x', fdset)}),
                                       ('screendump', {'filename': ('s', f'/dev/fdset/{fdset}')})):
                self.assert_fails(DENIED, "another caller's", caller.start_execute(command, **arguments))

    def many_rounds(self, vm):
        """QEMU and the agent have no more for it than pictures were taken at a time."""
        def take_some():
            for finish in [start_shot(caller, format=('s', format)) for caller in callers for format in ('png', 'ppm')]:
                os.close(finish())

        def check():
            self.assertLessEqual(len(self.raw.execute('query-fdsets')), at_a_time)
            wait_until(lambda: self.count_agent_fds() <= others + at_a_time, lambda: str(self.count_agent_fds()))

        callers = [VM(self.connect(), vm.path) for _ in range(4)]
        at_a_time = 2 * len(callers)
        take_some()
        others = self.count_agent_fds() - len(self.raw.execute('query-fdsets'))
        for _ in range(12):
            take_some()
        check()
        # Callers who leave in the midst of it.
        for caller in callers:
            for _ in range(2):
                start_shot(caller)
            caller.caller.gdbus.flush_sync(None)
            caller.caller.stop()
        wait_until(lambda: self.can_take(vm, 8), 'QEMU to have answered')
        check()

    def somebody_else_removes_the_file(self, vm):
        """By a monitor that the agent knows nothing of."""
        take_picture(vm)
        for fdset in self.raw.execute('query-fdsets'):
            self.raw.execute('remove-fd', {'fdset-id': fdset['fdset-id']})
        self.assertEqual(self.fds(), [])
        for format in ('ppm', 'png'):
            self.assertTrue(is_known_screen(take_picture(vm, format=('s', format))))
        self.assertEqual(len(self.fds()), 1)

    def can_take(self, vm, n):
        """Whether nobody else's are under way any more."""
        callers = [VM(self.connect(), vm.path) for _ in range(n // 2)]
        finish = [start_shot(caller) for caller in callers for _ in range(2)]
        try:
            for each in finish:
                os.close(each())
        except CallError as error:
            self.assertEqual(error.name, LIMITS_EXCEEDED)
            return False
        finally:
            for caller in callers:
                caller.caller.stop()
        return True

    def forgotten(self, vm):
        """RemoveVM with a picture under way, and with a file that is kept: nothing is left in QEMU."""
        finish = [start_shot(vm) for _ in range(2)]
        self.manager('RemoveVM', '(o)', vm.path)
        for each in finish:
            try:
                os.close(each())
            except Exception as error:
                self.assertEqual(getattr(error, 'name', error), DISCONNECTED)
        wait_until(lambda: self.fds() == [], self.fds)

    def test_a_life(self):
        for version in VERSIONS:
            vm = self.start_screen(version)
            for part in (self.the_picture, self.errors, self.a_guest_that_stands, self.nobody_sees_the_file,
                         self.many_rounds, self.somebody_else_removes_the_file, self.forgotten):
                with self.subTest(version, part=part.__name__):
                    part(vm)

    def test_a_guest_that_has_not_begun(self):
        for version in VERSIONS:
            vm = self.start_screen(version, '-S')
            self.assertEqual(take_picture(vm).size, (640, 480))
            # An agent that is killed leaves the file behind, and the next takes it away when the guest runs.
            self.assertEqual(len(self.fds()), 1)
            self.agent.kill()
            self.agent.wait()
            self.start_agent()
            vm = VM(self.caller, vm.path)
            wait_until(vm.is_there, 'the VM to be found again')
            vm.qmp('Cont')
            wait_until(lambda: self.fds() == [], self.fds)

    def test_no_screen(self):
        for version in VERSIONS:
            qemu = self.start(Qemu, version, '-S')
            self.assert_fails(GENERIC, 'no console', start_shot(self.add(version, f'unix:{qemu.path}')))
        daemon = self.start(StorageDaemon)
        self.assert_fails(NOT_SUPPORTED, 'has no screen', start_shot(self.add('daemon', f'unix:{daemon.path}')))


class Lies(ScreenTest):
    """A scripted QEMU."""

    def start_peer(self, greeting=None, **answers):
        answers = {'add-fd': {'fdset-id': 3, 'fd': 9}, 'remove-fd': {}, 'query-fdsets': [], **answers}
        self.peer = self.start(Peer, {**ANSWERS, **{name.replace('_', '-'): answer for name, answer in answers.items()}},
                               greeting)
        return self.add('fake', f'unix:{self.peer.path}')

    def writes(self, data):
        """What screendump does: the newest descriptor gets that."""
        def answer(command):
            os.truncate(self.peer.fds[-1], 0)
            os.pwrite(self.peer.fds[-1], data, 0)
            return {}
        return answer

    def sent(self, name):
        return [command.get('arguments') for command in self.peer.commands if command.get('execute') == name]

    def test_what_it_writes(self):
        for data, name, text in ((b'', NOT_SUPPORTED, 'has written nothing'),
                                 (PNG, NOT_SUPPORTED, 'none of the format'),
                                 (b'P5\n1 1\n255\n1', NOT_SUPPORTED, 'none of the format')):
            vm = self.start_peer(screendump=self.writes(data))
            self.assert_fails(name, text, start_shot(vm, format=('s', 'ppm')))
            self.manager('RemoveVM', '(o)', vm.path)
            wait_until(lambda: self.sent('remove-fd') == [{'fdset-id': 3}])
        vm = self.start_peer(screendump=self.writes(PPM))
        self.assertEqual(read_file(start_shot(vm, format=('s', 'ppm'))()), PPM)

    def test_too_much(self):
        def answer(command):
            os.truncate(self.peer.fds[-1], (128 << 20) + 1)
            # It is stopped in the midst of it, however long it takes.
            wait_until_sealed(self.peer.fds[-1])
            return {}
        vm = self.start_peer(screendump=answer)
        self.assert_fails(LIMITS_EXCEEDED, 'more than 134217728 bytes', start_shot(vm))

    def test_what_it_says(self):
        for reply, name, text in (({}, NOT_SUPPORTED, 'tells of no fdset'), ([], NOT_SUPPORTED, 'tells of no fdset'),
                                  ({'fdset-id': -1}, NOT_SUPPORTED, 'tells of no fdset'),
                                  (Message({'error': {'class': 'GenericError', 'desc': 'no room'}}), GENERIC, 'no room')):
            vm = self.start_peer(add_fd=reply)
            self.assert_fails(name, text, start_shot(vm))
            self.assertEqual(self.sent('screendump'), [])
            self.manager('RemoveVM', '(o)', vm.path)

    def test_an_old_one(self):
        """Before 7.1 QEMU knew no `format`."""
        old = {'QMP': {**GREETING['QMP'], 'version': {'qemu': {'major': 6, 'minor': 2, 'micro': 0}, 'package': ''}}}
        vm = self.start_peer(old, screendump=self.writes(PPM))
        self.assert_fails(NOT_SUPPORTED, 'QEMU 6.2.0 writes no `png`, which takes QEMU 7.1; it writes `ppm`', start_shot(vm))
        self.assertEqual(requests(self.peer), [command for command in requests(self.peer) if 'fd' not in str(command)])
        self.assertEqual(read_file(start_shot(vm, format=('s', 'ppm'))()), PPM)
        self.assertEqual(self.sent('screendump'), [{'filename': '/dev/fdset/3'}])

    def test_it_goes_while_its_reply_is_held(self):
        """A reply after STOP waits until the run state is known; where QEMU dies meanwhile it is given all the same. But the VM has
        gone from the bus by then, and there is nobody to copy the picture."""
        stop = Message({'event': 'STOP', 'timestamp': {'seconds': 1, 'microseconds': 1}})
        for _ in range(3):
            vm = self.start_peer(screendump=lambda command: Steps([stop, self.writes(PPM)(command)]))
            self.peer.answers['query-status'] = DIE
            self.assert_fails(DISCONNECTED, 'has gone', start_shot(vm, format=('s', 'ppm')))
            wait_until(lambda: not vm.is_there())
        self.assertEqual(self.paths(), [])

    def test_silence(self):
        """Of a QEMU that does not answer no more than some are under way. Who leaves leaves the file to QEMU until it has
        answered; then it is removed."""
        may_answer = threading.Event()
        numbers = itertools.count()

        def answer(command):
            may_answer.wait()
            return {}
        vm = self.start_peer(screendump=answer, add_fd=lambda command: {'fdset-id': next(numbers), 'fd': 9})
        self.addCleanup(may_answer.set)
        somebody = VM(self.connect(), vm.path)
        for _ in range(4):
            start_shot(somebody)
        self.assert_fails(LIMITS_EXCEEDED, '4 screenshots of a VM', start_shot(somebody))
        wait_until(lambda: self.sent('screendump'), 'a screenshot under way')
        somebody.caller.stop()
        self.assert_fails(INVALID_ARGS, 'no such option', start_shot(vm, x=('i', 1)))
        self.assertEqual(self.sent('remove-fd'), [])
        may_answer.set()
        # The files are for others now.
        self.assert_fails(NOT_SUPPORTED, 'has written nothing', start_shot(vm))
        self.assertLessEqual(len(self.sent('add-fd')), 5)
        self.manager('RemoveVM', '(o)', vm.path)
        wait_until(lambda: len(self.sent('remove-fd')) == len(self.sent('add-fd')), 'all of them to be removed')


class Leave(SystemBusTest):
    """The policy sees a screenshot as the command that it is, whatever it takes to make one."""
    limits = LIMITS

    def test_it_is_asked_for_as_screendump(self):
        answers = iter((result(False), result(True)))
        polkit = self.start(FakeAuthority, self.bus.address, lambda *question: next(answers))
        self.start_system_agent()
        vm, peer = self.add_peer()
        peer.answers.update({'add-fd': {'fdset-id': 1, 'fd': 2}, 'screendump': {}, 'remove-fd': {}})
        polkit.checks.clear()
        somebody = self.as_user(vm, SOMEBODY)
        self.assert_fails(DENIED, f'User {SOMEBODY} may not call screendump on the VM "web"',
                          start_shot(somebody, device=('s', 'gpu0')))
        self.assertEqual(commands(peer), [])
        self.assert_fails(NOT_SUPPORTED, 'has written nothing', start_shot(somebody, device=('s', 'gpu0')))
        for _, action, details, _ in polkit.checks:
            self.assertEqual((action, details['command'], details['id']),
                             ('org.qemu.monitor1.read-guest', 'screendump', 'gpu0'))
        self.assertEqual(len(polkit.checks), 2)
        self.assertEqual(commands(peer), ['add-fd', 'screendump'])


def wait_until_sealed(fd):
    """In a thread of the peer's."""
    for _ in range(1000):
        if fcntl.fcntl(fd, fcntl.F_GET_SEALS) & F_SEAL_GROW:
            return
        threading.Event().wait(0.01)


if __name__ == '__main__':
    main()
