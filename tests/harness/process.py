# SPDX-License-Identifier: LGPL-2.1-or-later
"""A child process that never outlives its test."""
import ctypes
import os
import signal
import subprocess
import tempfile

from .loop import wait_until

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def die_with_parent():
    # Also where the test is killed with SIGKILL, by meson or by hand.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def is_listening(path):
    """Whether somebody listens on a Unix socket, told without connecting. (It exists a moment before.)"""
    accepting = '00010000'
    with open('/proc/net/unix', encoding='utf-8', errors='replace') as file:
        return any(fields[3] == accepting and fields[7] == path
                   for fields in (line.split(maxsplit=7) for line in file.read().splitlines()) if len(fields) == 8)


class Process:
    """Runs a command; its output, both streams together, is in `output`."""

    def __init__(self, command, **options):
        self.command = command
        # A file, not a pipe: nobody has to read it for the process to go on.
        self.log = tempfile.TemporaryFile()
        options.setdefault('preexec_fn', die_with_parent)
        self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, **options)
        self.pid = self.popen.pid

    @property
    def output(self):
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode(errors='replace')

    def kill(self, number=signal.SIGKILL):
        self.popen.send_signal(number)

    def wait(self):
        """The exit status; negative: the signal that ended it."""
        wait_until(lambda: self.popen.poll() is not None, lambda: f'the end of {self.command}: {self.output}')
        return self.popen.returncode

    def wait_ready(self, condition, what):
        """For constructors: stops the process where it does not become ready."""
        try:
            wait_until(lambda: self.popen.poll() is not None or condition(), what)
            if self.popen.poll() is not None:
                raise AssertionError(f'{self.command} ended before {what}: {self.output}')
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Ends and reaps it. May be called again."""
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        if not self.log.closed:
            self.log.close()

    def count_threads(self):
        return len(os.listdir(f'/proc/{self.pid}/task'))

    def is_asleep(self):
        """Whether it waits in poll(2) for as long as it takes: nothing but a descriptor can wake it up. None: cannot
        be told on this machine."""
        try:
            with open(f'/proc/{self.pid}/syscall', encoding='ascii') as file:
                fields = file.read().split()
        except OSError:
            return None
        calls = {('x86_64', '7'): (3, {'0xffffffff', '0xffffffffffffffff'}), ('aarch64', '73'): (3, {'0x0'})}
        position, forever = calls.get((os.uname().machine, fields[0]), (0, set()))
        return fields[position] in forever
