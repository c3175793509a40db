# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU with a small Linux in it, which does what it is told on its serial port."""
import hashlib
import os
import socket
import subprocess
import unittest

from gi.repository import GLib

from .loop import wait_until
from .process import is_listening
from .qemu import CACHE, Qemu

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAKE = f'{TESTS}/make-guest'
INIT = f'{TESTS}/guest-init'


def find_guest():
    """The directory with the kernel and the initrd, made where it is not there; None: it cannot be."""
    with open(INIT, 'rb') as init, open(MAKE, 'rb') as make:
        directory = f'{CACHE}/guest-{hashlib.sha256(init.read() + make.read()).hexdigest()[:8]}'
    if not os.path.exists(f'{directory}/initrd'):
        subprocess.run([MAKE, directory], stdin=subprocess.DEVNULL, check=False)
    return directory if os.path.exists(f'{directory}/initrd') else None


class Guest(Qemu):
    """Without KVM, which some machines have and no Linux boots on. Up, with its drivers loaded but for virtio_blk, when the constructor returns."""

    def __init__(self, directory, version, *arguments, **options):
        linux = find_guest()
        if linux is None:
            raise unittest.SkipTest('no guest: tests/make-guest makes one of Debian packages')
        serial = f'{directory}/serial-{id(self):x}'
        self.text = ''
        self.serial = self.watch = None
        # no_timer_check: on a loaded machine the kernel finds TCG's timer too slow to be connected, and panics.
        super().__init__(directory, version, '-m', '128', '-machine', 'accel=tcg', '-kernel', f'{linux}/vmlinuz', '-initrd', f'{linux}/initrd',
                         '-append', 'console=ttyS0 quiet panic=0 no_timer_check', '-chardev',
                         f'socket,id=serial,path={serial},server=on,wait=off', '-serial', 'chardev:serial',
                         *arguments, firmware=True, **options)
        try:
            wait_until(lambda: is_listening(serial), 'the serial port')
            self.serial = socket.socket(socket.AF_UNIX)
            self.serial.connect(serial)
            self.serial.setblocking(False)
            # Whatever the test waits for: a guest whose serial port nobody reads stands still.
            self.watch = GLib.io_add_watch(self.serial.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN, self.on_text)
            self.wait_text('the guest is up')
        except BaseException:
            self.stop()
            raise

    def on_text(self, fd, condition):
        try:
            data = self.serial.recv(65536)
        except OSError:
            data = b''
        self.text += data.decode(errors='replace')
        self.watch = self.watch if data else None
        return data != b''

    def wait_text(self, text):
        """What came before it; it is taken away."""
        wait_until(lambda: text in self.text, lambda: f'{text!r} in {self.text!r}', timeout=60)
        before, _, self.text = self.text.partition(text)
        return before

    def tell(self, line):
        self.serial.sendall(line.encode() + b'\n')

    def run(self, line):
        """The output of a shell command in the guest."""
        self.tell(line)
        output = self.wait_text('done ')
        self.wait_text('\n')
        return output

    def stop(self):
        if self.watch is not None:
            GLib.source_remove(self.watch)
            self.watch = None
        if self.serial is not None:
            self.serial.close()
        super().stop()
