# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private message bus, and two kinds of client on it: a GDBus connection and busctl."""
import contextlib
import json
import os
import subprocess

from gi.repository import Gio, GLib

from .loop import PATIENCE, wait_until
from .process import Process, is_listening

CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>{type}</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*" eavesdrop="true"/>
  </policy>
  {extra}
</busconfig>
'''


class Bus(Process):
    """A dbus-daemon of our own that lets everybody do everything. `extra`: more configuration, such as <limit>s. `wrapper` is what
    it is run under."""

    def __init__(self, directory, name='bus', type='session', extra='', wrapper=()):
        path = f'{directory}/{name}'
        with open(f'{path}.conf', 'w', encoding='ascii') as file:
            file.write(CONFIG.format(type=type, path=path, extra=extra))
        self.address = f'unix:path={path}'
        super().__init__([*wrapper, 'dbus-daemon', '--nofork', '--nopidfile', '--nosyslog', f'--config-file={path}.conf'])
        self.wait_ready(lambda: is_listening(path), 'the socket of the bus')


class CallError(Exception):
    """An error reply: `name` and `message` as they were on the wire."""

    def __init__(self, name, message):
        super().__init__(f'{name}: {message}')
        self.name = name
        self.message = message


@contextlib.contextmanager
def acting_as(uid):
    """This process, as the kernel tells others of it, while root becomes another user for a moment."""
    if uid is not None:
        os.seteuid(uid)
    try:
        yield
    finally:
        if uid is not None:
            os.seteuid(0)


def open_bus(address):
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    if isinstance(address, str):
        return Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
    stream = Gio.Socket.new_from_fd(address().detach()).connection_factory_create_connection()
    return Gio.DBusConnection.new_sync(stream, None, flags, None, None)


class Connection:
    """A caller on the bus: one connection, one unique name. `address` may be a function, which gives a connected socket. `uid`: of another
    user, for whom the socket of the bus must be within reach."""

    def __init__(self, address, uid=None):
        with acting_as(uid):
            self.gdbus = open_bus(address)
        self.gdbus.set_exit_on_close(False)
        self.name = self.gdbus.get_unique_name()

    def start(self, destination, path, interface, method, signature='()', *arguments, timeout=PATIENCE, fds=(),
              interactive=False, unpack=True):
        """Sends a call; gives a function that waits for its reply, for several at once in flight. unpack=False: the
        reply as a GLib.Variant, with its types."""
        replies = []
        fd_list = Gio.UnixFDList.new_from_array([os.dup(fd) for fd in fds])
        flags = Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION if interactive else Gio.DBusCallFlags.NONE
        self.gdbus.call_with_unix_fd_list(
            destination, path, interface, method, GLib.Variant(signature, arguments), None, flags,
            int(timeout * 1000), fd_list, None, lambda source, result: replies.append(result))

        def finish():
            wait_until(lambda: replies, f'the reply to {method}', timeout + 5)
            try:
                value, out_fds = self.gdbus.call_with_unix_fd_list_finish(replies[0])
            except GLib.Error as error:
                name = Gio.DBusError.get_remote_error(error) or f'local.{error.domain}.{error.code}'
                # GDBus puts the name before the text; its own function to take it away changes a copy in Python.
                raise CallError(name, error.message.removeprefix(f'GDBus.Error:{name}: ')) from None
            if not unpack:
                return value
            if out_fds is not None and out_fds.get_length() > 0:
                return value.unpack(), out_fds.steal_fds()
            return value.unpack()
        return finish

    def call(self, *arguments, **options):
        """The reply's values as a tuple; with the descriptors if it brings any: (values, fds). CallError."""
        return self.start(*arguments, **options)()

    def record(self, sender=None, interface=None, member=None, path=None):
        """A list that signals are added to as they come: (path, interface, member, values)."""
        signals = []

        def on_signal(connection, sender, path, interface, member, values):
            signals.append((path, interface, member, values.unpack()))
        self.gdbus.signal_subscribe(sender, interface, member, path, None, Gio.DBusSignalFlags.NONE, on_signal)
        # The match rule is in force when the bus has answered something sent after it.
        self.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'GetId')
        return signals

    def owner(self, name):
        """The unique name that owns a name; None: nobody."""
        try:
            return self.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'GetNameOwner',
                             '(s)', name)[0]
        except CallError:
            return None

    def stop(self):
        if not self.gdbus.is_closed():
            self.gdbus.close_sync(None)


def busctl(address, *arguments):
    """What an administrator sees: the parsed --json of a busctl command; CallError, whose name is not known, where it
    fails."""
    command = ['busctl', f'--address={address}', '--json=short', *arguments]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                            check=False)
    if result.returncode != 0:
        raise CallError('busctl', result.stderr.strip())
    return json.loads(result.stdout) if result.stdout.strip() else None
