# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real QEMUs of the versions that are supported, and a QMP client to look behind the agent's back."""
import array
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import unittest

from .loop import PATIENCE
from .process import Process, is_listening

CACHE = os.environ.get('QEMU_TREES') or os.path.join(
    os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'org.qemu.Monitor1')
ACCEL = 'kvm:tcg' if os.access('/dev/kvm', os.R_OK | os.W_OK) else 'tcg'

# A firmware that ends in its first instructions, at the place where the processor begins: cli; hlt; jmp to the hlt. SeaBIOS
# waits for a disk in a loop, which costs each QEMU up to a whole processor where KVM is nested.
HALT = bytes(65536 - 16) + b'\xfa\xf4\xeb\xfd'.ljust(16, b'\0')


@functools.cache
def find_qemu(version):
    """The program of a version: from a tree that tests/run extracted, or the system's own; None: there is none."""
    tree = f'{CACHE}/qemu-{version}/run-qemu'
    if os.path.exists(tree):
        return tree
    try:
        text = subprocess.run(['qemu-system-x86_64', '--version'], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return 'qemu-system-x86_64' if re.search(rf'version {re.escape(version)}\.', text) else None


def write_halt(directory):
    """The path of that firmware, which the QEMUs of a directory share."""
    path = f'{directory}/halt.bin'
    if not os.path.exists(path):
        with open(path, 'wb') as file:
            file.write(HALT)
    return path


class QmpError(Exception):
    """A QMP error reply; `qmp_class` and the text."""

    def __init__(self, error):
        super().__init__(error['desc'])
        self.qmp_class = error['class']


class QmpClient:
    """One QMP session. Blocking; events that come meanwhile are kept in `events`."""

    def __init__(self, path=None, fd=None, negotiate=True):
        self.socket = socket.socket(fileno=fd) if fd is not None else socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        if path is not None:
            self.socket.connect(path)
        self.file = self.socket.makefile('r', encoding='utf-8', newline='\n')
        self.events = []
        self.greeting = self.read()['QMP']
        if negotiate:
            self.execute('qmp_capabilities')

    def read(self):
        """The next message, whatever it is."""
        line = self.file.readline()
        if not line:
            raise EOFError('QEMU closed the connection')
        return json.loads(line)

    def send(self, message, fds=()):
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
        self.socket.sendmsg([json.dumps(message).encode() + b'\n'], ancillary)

    def execute(self, command, arguments=None, fds=()):
        self.send({'execute': command, **({'arguments': arguments} if arguments is not None else {})}, fds)
        while True:
            message = self.read()
            if 'QMP' in message:
                continue  # QEMU greets twice a client that connects while QEMU starts
            if 'event' in message:
                self.events.append(message)
            elif 'error' in message:
                raise QmpError(message['error'])
            else:
                return message['return']

    def list_chardevs(self):
        """Their labels, without query-chardev: 11.1 may end by SIGSEGV when that looks at a socket which is just closing."""
        return [child['name'] for child in self.execute('qom-list', {'path': '/chardevs'}) if child['type'].startswith('child<')]

    def wait_event(self, name):
        while True:
            for event in self.events:
                if event['event'] == name:
                    self.events.remove(event)
                    return event
            message = self.read()
            if 'event' in message:
                self.events.append(message)

    def stop(self):
        self.file.close()
        self.socket.close()


class Qemu(Process):
    """A QEMU of a version ('7.2', '10.0', '11.1') without guest software, paused at nothing, with `monitors` QMP
    sockets: `path` is the first, `paths` are all. `wrapper` is what the program is run under. `firmware`: QEMU's own, in place
    of one that halts the processor. Skips the test where there is no such QEMU."""

    def __init__(self, directory, version, *arguments, name=None, monitors=1, machine='q35', wrapper=(), firmware=False):
        program = find_qemu(version)
        if program is None:
            raise unittest.SkipTest(f'no QEMU {version} here; tests/run extracts one')
        self.version = version
        self.paths = [f'{directory}/qemu-{id(self):x}-{number}' for number in range(monitors)]
        sockets = [argument for path in self.paths for argument in ('-qmp', f'unix:{path},server=on,wait=off')]
        bios = [] if firmware else ['-bios', write_halt(directory)]
        super().__init__([*wrapper, program, '-nodefaults', '-display', 'none', '-no-user-config', '-m', '32', *bios,
                          '-machine', f'{machine},accel={ACCEL}', *(['-name', name] if name else []), *sockets,
                          *arguments])
        self.path = self.paths[0]
        self.wait_ready(lambda: all(map(is_listening, self.paths)), 'its QMP sockets')

    def raw(self, number=-1):
        """A QMP session of the test's own, on the last socket unless told."""
        return QmpClient(self.paths[number])


class StorageDaemon(Process):
    """The system's qemu-storage-daemon, with a QMP socket at `path`. Skips the test where there is none."""

    def __init__(self, directory, *arguments):
        program = shutil.which('qemu-storage-daemon')
        if program is None:
            raise unittest.SkipTest('no qemu-storage-daemon here')
        self.path = f'{directory}/storage-{id(self):x}'
        super().__init__([program, '--chardev', f'socket,id=qmp,path={self.path},server=on,wait=off',
                          '--monitor', 'chardev=qmp', *arguments])
        self.wait_ready(lambda: is_listening(self.path), 'its QMP socket')
