# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine that the other tests of the suite `boot` are about: it comes up whole, and nothing of it stays here."""
import os
import shutil
import signal
import subprocess
import sys

from harness import Machine, Test, main, wait_until

# A test program like the others, which somebody ends in the midst of it.
INTERRUPTED = '''
import sys
sys.path.insert(0, sys.argv.pop(1))
from harness import Machine, Test, main, wait_until

class Interrupted(Test):
    def test(self):
        machine = self.start(Machine)
        print(machine.init, machine.group, self.directory, flush=True)
        wait_until(lambda: False, timeout=600)

main()
'''


def find_processes(namespace):
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if os.readlink(f'/proc/{pid}/ns/pid') == namespace:
                found.append(pid)
        except OSError:
            continue
    return found


def read_mounts():
    with open('/proc/self/mountinfo', encoding='utf-8') as file:
        return file.read()


class Booted(Test):
    def check(self, bus, unit):
        machine = self.start(Machine, bus=bus)
        self.assertEqual(machine.run('systemctl', 'is-system-running').stdout, 'running\n')
        self.assertEqual(machine.run('systemctl', 'show', '--property=Id', '--value', 'dbus').stdout, f'{unit}\n')
        self.assertNotIn(self.directory, read_mounts())
        namespace = os.readlink(f'/proc/{machine.init}/ns/pid')
        self.assertIn(str(machine.init), find_processes(namespace))
        machine.shut_down()
        self.assertEqual(find_processes(namespace), [])
        machine.stop()
        self.assertFalse(os.path.exists(machine.group))

    def test_with_dbus_daemon(self):
        self.check('dbus-daemon', 'dbus.service')

    def test_with_dbus_broker(self):
        self.check('dbus-broker', 'dbus-broker.service')

    def test_users_who_log_in_have_sessions(self):
        machine = self.start(Machine)
        machine.run('useradd', '--create-home', 'alice')
        show = ('sh', '-c', 'loginctl show-session "$XDG_SESSION_ID" --property=Name --property=Active --property=Seat')
        at_the_seat = machine.log_in('alice', *show, seat=True).stdout
        self.assertEqual(set(at_the_seat.split()), {'Name=alice', 'Active=yes', 'Seat=seat0'})
        self.assertNotIn('seat0', machine.log_in('alice', *show).stdout)

    def test_a_command_that_fails_is_told_with_what_it_said(self):
        machine = self.start(Machine)
        with self.assertRaisesRegex(AssertionError, 'cannot access.*nowhere'):
            machine.run('ls', '/nowhere')


class Interrupted(Test):
    def start_program(self):
        command = [sys.executable, '-c', INTERRUPTED, os.path.dirname(os.path.abspath(__file__))]
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(program.stdout.close)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        words = program.stdout.readline().split()
        if 'SKIP' in words:
            self.skipTest(' '.join(words[words.index('SKIP') + 1:]))
        init, group, directory = words
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        return program, group, directory, os.readlink(f'/proc/{init}/ns/pid')

    def test_ctrl_c_leaves_nothing(self):
        program, group, directory, namespace = self.start_program()
        program.send_signal(signal.SIGINT)
        self.assertNotEqual(program.wait(), 0)
        self.assertEqual(find_processes(namespace), [])
        self.assertFalse(os.path.exists(group))
        self.assertFalse(os.path.exists(directory))
        self.assertNotIn(directory, read_mounts())

    def test_a_killed_test_leaves_an_empty_group_that_the_next_removes(self):
        program, group, directory, namespace = self.start_program()
        program.kill()
        program.wait()
        wait_until(lambda: not find_processes(namespace), 'the end of its machine')
        self.assertNotIn(directory, read_mounts())
        self.start(Machine)
        self.assertFalse(os.path.exists(group))


if __name__ == '__main__':
    main()
