# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of qemu-monitorctl share: commands that are run, and a terminal in which they draw."""
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios

import pyte

from harness import wait_until
from harness.process import die_with_parent
from monitor import MonitorTest

CTL = os.environ['CTL']
OK, FAILED, USAGE, DENIED, NO_SERVICE, NO_VM = range(6)


class CtlTest(MonitorTest):
    """The user's bus is the test's."""

    def setUp(self):
        super().setUp()
        self.environment = {**os.environ, 'DBUS_SESSION_BUS_ADDRESS': self.bus.address, 'LC_ALL': 'C.UTF-8'}

    def run_ctl(self, *arguments, status=OK, options=('--user',), input='', **more):
        """(stdout, stderr) of a command that ends with that status."""
        result = subprocess.run([CTL, *options, *arguments], capture_output=True, text=True, timeout=60, check=False,
                                input=input, env=self.environment, **more)
        self.assertEqual(result.returncode, status, (arguments, result.stdout, result.stderr))
        return result.stdout, result.stderr

    def start_ctl(self, *arguments, **options):
        """A terminal in which a command runs."""
        return self.adopt(Terminal([CTL, '--user', *arguments], self.environment, **options))

    def get_json(self, *arguments):
        return json.loads(self.run_ctl(*arguments, '--json')[0])

    def refuse(self, text, *arguments, status=FAILED, **more):
        """A command that prints nothing and says that on stderr."""
        out, err = self.run_ctl(*arguments, status=status, **more)
        self.assertEqual(out, '')
        self.assertIn(text, err)


class Terminal:
    """A command in a terminal of its own. `lines()` is what a person sees."""

    def __init__(self, command, environment, columns=100, rows=24):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
        os.set_blocking(self.master, False)
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.seen = b''

        def take_terminal():
            die_with_parent()
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.popen = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal,
                                      env={**environment, 'TERM': 'xterm'})

    def lines(self):
        try:
            while data := os.read(self.master, 65536):
                self.seen += data
                self.stream.feed(data)
        except BlockingIOError:
            pass
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def wait(self, text):
        """The first line with that in it."""
        return wait_until(lambda: next((line for line in self.lines() if text in line), None),
                          lambda: f'{text!r} on {self.lines()}')

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        """The exit status. The terminal is as it was."""
        wait_until(lambda: self.lines() is not None and self.popen.poll() is not None, lambda: f'the end: {self.lines()}')
        assert termios.tcgetattr(self.slave) == self.before, 'the terminal is not as it was'
        return self.popen.returncode

    def stop(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGKILL)
            self.popen.wait()
        os.close(self.master)
        os.close(self.slave)
