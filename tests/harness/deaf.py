# SPDX-License-Identifier: LGPL-2.1-or-later
"""A caller that reads nothing of what the bus keeps for it unless it is told to: no D-Bus library leaves that to its user. And
one that sends whatever it likes, which no library lets its user do."""
import os
import re
import socket

from gi.repository import Gio

from .bus import acting_as


class DeafConnection:
    """`uid`: of another user, for whom the socket of the bus must be within reach. `name` is its unique name."""

    def __init__(self, address, uid=None):
        self.serial = 0
        self.socket = socket.socket(socket.AF_UNIX)
        with acting_as(uid):
            self.socket.connect(address.removeprefix('unix:path='))
            self.socket.sendall(b'\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n')
        self.send('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'Hello')
        # Descriptors that come before the bus has read so far would be lost, and end the connection.
        answer = b''
        while b'NameAcquired' not in answer:
            data = self.socket.recv(4096)
            assert data, answer
            answer += data
        self.name = re.search(rb':\d+\.\d+', answer)[0].decode()

    def send(self, destination, path, interface, method, body=None, times=1, flags=Gio.DBusMessageFlags.NONE):
        """Calls whose replies stay with the bus."""
        data = bytearray()
        for _ in range(times):
            message = Gio.DBusMessage.new_method_call(destination, path, interface, method)
            message.set_flags(flags)
            if body is not None:
                message.set_body(body)
            data += self.to_bytes(message)
        self.socket.sendall(data)

    def to_bytes(self, message):
        self.serial += 1
        message.set_serial(self.serial)
        return message.to_blob(Gio.DBusCapabilityFlags.UNIX_FD_PASSING)

    def send_message(self, message, fds=(), edit=bytes):
        """Of whatever kind, with these descriptors; edit() may change the bytes into what GLib would not write."""
        if fds:
            message.set_unix_fd_list(Gio.UnixFDList.new_from_array([os.dup(fd) for fd in fds]))
        data = edit(self.to_bytes(message))
        sent = socket.send_fds(self.socket, [data], list(fds)) if fds else 0
        self.socket.sendall(data[sent:])

    def stop(self):
        self.socket.close()
