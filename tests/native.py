# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of OpenMonitor() share: a client that sees the bytes."""
import array
import re
import socket

from harness import QmpClient
from harness.loop import PATIENCE
from monitor import variants
from monitors import MonitorsTest

NEGOTIATE = b'{"execute":"qmp_capabilities"}\n'
NEGOTIATE_OOB = b'{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}\n'


def open_fd(vm, interactive=False, **options):
    _, fds = vm.start('VM', 'OpenMonitor', '(a{sv})', variants(options), interactive=interactive)()
    return fds[0]


class Wire:
    """A client that sees the bytes."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(PATIENCE)
        self.buffer = b''
        self.marks = 0

    def send(self, data, fds=()):
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
        self.socket.sendmsg([data], ancillary)

    def line(self):
        while b'\n' not in self.buffer:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b'\n')
        return line + b'\n'

    def exchange(self, data):
        """All lines that come back, without their timestamps. QMP promises no order between the reply to an out-of-band command
        and those to commands behind it, so that one is waited for."""
        self.marks += 1
        lines, mark = [], b'{"execute":"query-name","id":"mark %d"}\n' % self.marks
        if data.startswith(b'{"exec-oob"'):
            self.socket.sendall(data + b'\n')
            lines.append(re.sub(rb'conds": \d+', b'conds": T', self.line()))
            self.socket.sendall(mark)
        else:
            self.socket.sendall(data + b'\n' + mark)
        while not lines or b'"mark %d"' % self.marks not in lines[-1]:
            lines.append(re.sub(rb'conds": \d+', b'conds": T', self.line()))
        return lines

    def until_end(self):
        """What comes before the end of the connection."""
        try:
            while data := self.socket.recv(1 << 20):
                self.buffer += data
        except ConnectionResetError:
            pass
        return self.buffer

    def stop(self):
        self.socket.close()


class OpenMonitorTest(MonitorsTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def open(self, vm, **options):
        """A wire."""
        return self.adopt(Wire(socket.socket(fileno=open_fd(vm, **options))))

    def client(self, vm, negotiate=True, **options):
        """A client that only wants answers."""
        return self.adopt(QmpClient(fd=open_fd(vm, **options), negotiate=negotiate))

    def connect_to(self, path):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        return self.adopt(Wire(connection))

    def natives(self, vm):
        return [monitor for monitor in vm.start('VM', 'ListMonitors')()[0] if monitor['native']]
