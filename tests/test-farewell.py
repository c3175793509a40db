# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing is left in a QEMU of an agent that lets go of it, at whatever moment: in the middle of plugging monitors, with
commands of callers under way. On real QEMUs."""
import contextlib
import os
import random
import signal
import time

from harness import CallError, main, wait_until
from monitor import NAME, ROOT, VM
from monitors import MonitorsTest

ROUNDS = int(os.environ.get('ROUNDS', '6'))


class Farewell(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()
        self.random = random.Random()

    def look(self):
        """What there is in QEMU of anybody's but its own: objects, character devices, fdsets; and all descriptors."""
        return self.ours(), self.raw.execute('query-fdsets'), len(os.listdir(f'/proc/{self.qemu.pid}/fd'))

    def begin(self, *arguments, **options):
        """A QEMU, and what it looks like without an agent."""
        vm = self.start_vm(*arguments, **options)
        self.manager('RemoveVM', '(o)', vm.path)
        self.wait_connection_gone()
        self.before = self.look()

    def wait_connection_gone(self):
        """Only the other monitors of QEMU are connected."""
        wait_until(lambda: str(self.raw.execute('query-chardev')).count('disconnected:unix:') == len(self.qemu.paths) - 1,
                   lambda: f'nobody at {self.raw.execute("query-chardev")}')

    def wait_as_before(self):
        wait_until(lambda: self.look() == self.before, lambda: f'{self.look()} is {self.before}')

    def attach(self):
        """An agent that has taken the place of a killed one has it already, or is about to."""
        vm = VM(self.caller, f'{ROOT}/vm/vm')
        with contextlib.suppress(CallError):
            self.add('vm', f'unix:{self.qemu.path}')
        wait_until(vm.is_there, lambda: self.agent.output)
        return vm

    def rush(self, vm, getfd=True):
        """Callers who all come at this moment, when it is known what QEMU understands."""
        vm.qmp('QueryStatus')
        callers = [self.other(vm) for _ in range(6)]
        for caller in callers:
            for _ in range(3):
                caller.start('QMP', 'QueryStatus')
            if getfd:
                caller.caller.start(NAME, vm.path, f'{NAME}.QMP', 'Getfd', '(hs)', 0, 'mine', fds=[self.null])
            caller.caller.start(NAME, vm.path, f'{NAME}.QMP', 'AddFd', '(ha{sv})', 0, {}, fds=[self.null])
            caller.caller.gdbus.flush_sync(None)
        time.sleep(self.random.random() * .03)
        return callers

    def leave(self, callers):
        for caller in callers:
            caller.caller.stop()

    def test_removed(self):
        self.begin()
        for _ in range(2 * ROUNDS):
            vm = self.attach()
            callers = self.rush(vm)
            self.manager('RemoveVM', '(o)', vm.path)
            self.wait_as_before()
            self.leave(callers)

    def test_removed_while_callers_leave(self):
        self.begin()
        for _ in range(ROUNDS):
            vm = self.attach()
            self.leave(self.rush(vm))
            self.manager('RemoveVM', '(o)', vm.path)
            self.wait_as_before()

    def test_removed_with_one_monitor_for_all(self):
        self.begin('7.2')
        for _ in range(ROUNDS):
            vm = self.attach()
            callers = self.rush(vm)
            self.manager('RemoveVM', '(o)', vm.path)
            self.wait_as_before()
            self.leave(callers)

    def test_stopped(self):
        self.begin()
        for _ in range(ROUNDS):
            callers = self.rush(self.attach())
            self.agent.kill(signal.SIGTERM)
            self.assertEqual(self.agent.wait(), 0, self.agent.output)
            self.wait_as_before()
            self.leave(callers)
            self.start_agent()

    def test_a_qemu_that_does_not_answer_is_not_waited_for(self):
        vm = self.start_vm()
        vm.qmp('QueryStatus')
        self.qemu.kill(signal.SIGSTOP)
        began = time.monotonic()
        self.agent.kill(signal.SIGTERM)
        self.assertEqual(self.agent.wait(), 0, self.agent.output)
        self.assertLess(time.monotonic() - began, 30)
        self.qemu.kill(signal.SIGCONT)
        self.wait_clean()

    def test_killed(self):
        self.begin()
        for _ in range(ROUNDS // 2):
            # QEMU 11.1 loses what was named in a monitor that goes.
            callers = self.rush(self.attach(), getfd=False)
            self.agent.kill(signal.SIGKILL)
            self.agent.wait()
            self.leave(callers)
            self.start_agent()
            vm = self.attach()
            wait_until(lambda: self.look()[:2] == self.before[:2], lambda: f'{self.look()} is {self.before}')
            self.manager('RemoveVM', '(o)', vm.path)
            self.wait_as_before()


if __name__ == '__main__':
    main()
