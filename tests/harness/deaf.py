# SPDX-License-Identifier: LGPL-2.1-or-later
"""A caller that reads nothing of what the bus keeps for it unless it is told to: no D-Bus library leaves that to its user."""
import socket

from gi.repository import Gio

from .bus import acting_as


class DeafConnection:
    """`uid`: of another user, for whom the socket of the bus must be within reach."""

    def __init__(self, address, uid=None):
        self.serial = 0
        self.socket = socket.socket(socket.AF_UNIX)
        with acting_as(uid):
            self.socket.connect(address.removeprefix('unix:path='))
            self.socket.sendall(b'\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n')
        self.send('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'Hello')

    def send(self, destination, path, interface, method, body=None, times=1,
             flags=Gio.DBusMessageFlags.NONE):
        """Calls whose replies stay with the bus."""
        data = bytearray()
        for _ in range(times):
            message = Gio.DBusMessage.new_method_call(destination, path, interface, method)
            message.set_flags(flags)
            if body is not None:
                message.set_body(body)
            self.serial += 1
            message.set_serial(self.serial)
            data += message.to_blob(Gio.DBusCapabilityFlags.NONE)
        self.socket.sendall(data)

    def stop(self):
        self.socket.close()
