# SPDX-License-Identifier: LGPL-2.1-or-later
"""Coroutines on GLib's main loop: hundreds of callers in one thread, each written from its beginning to its end."""
import os

from gi.repository import Gio, GLib

from harness import CallError

# How long a reply may take before the call counts as lost: longer than anything here takes on a machine that does much else.
PATIENCE = 120


class Pending:
    """What one task waits for."""

    def __init__(self):
        self.is_over = False
        self.value = self.error = self.waiter = None

    def resolve(self, value=None, error=None):
        if self.is_over:
            return
        self.is_over, self.value, self.error = True, value, error
        if self.waiter is not None:
            self.waiter()

    def __await__(self):
        if not self.is_over:
            yield self
        if self.error is not None:
            raise self.error
        return self.value


class Task(Pending):
    """Runs a coroutine, from now on; is over when it has returned. on_error: is told the exception that ended it, in place of who
    awaits it."""

    def __init__(self, coroutine, on_error=None):
        super().__init__()
        self.coroutine = coroutine
        self.on_error = on_error
        self.step()

    def step(self):
        try:
            awaited = self.coroutine.send(None)
        except StopIteration as end:
            self.resolve(end.value)
        except Exception as error:  # pylint: disable=broad-except
            if self.on_error is not None:
                self.on_error(error)
                self.resolve()
            else:
                self.resolve(error=error)
        else:
            # Not from inside resolve(): whoever resolves goes on first.
            awaited.waiter = lambda: GLib.idle_add(self.step, priority=GLib.PRIORITY_DEFAULT)


class Lock:
    """`async with` lets one task in at a time, in the order in which they came."""

    def __init__(self):
        self.queue = []

    async def __aenter__(self):
        turn = Pending()
        self.queue.append(turn)
        if self.queue[0] is not turn:
            await turn

    async def __aexit__(self, *ignored):
        self.queue.pop(0)
        if self.queue:
            self.queue[0].resolve()


def sleep(seconds):
    pending = Pending()
    GLib.timeout_add(max(1, int(seconds * 1000)), lambda: pending.resolve() or GLib.SOURCE_REMOVE)
    return pending


def readable(fd):
    """Until a descriptor has something to be read, or its end."""
    pending = Pending()
    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, fd, GLib.IOCondition.IN | GLib.IOCondition.HUP | GLib.IOCondition.ERR,
                          lambda *ignored: pending.resolve() or GLib.SOURCE_REMOVE)
    return pending


async def poll(condition, what, patience=PATIENCE, interval=0.02):
    """Until condition() is true, which is looked at again and again; what it gave."""
    for _ in range(int(patience / interval)):
        if result := condition():
            return result
        await sleep(interval)
    raise AssertionError(f'waited {patience} s in vain for {what() if callable(what) else what}')


async def gather(pendings):
    """The values of all. The first error, when all are over."""
    values, first = [], None
    for pending in pendings:
        try:
            values.append(await pending)
        except Exception as error:  # pylint: disable=broad-except
            first = first or error
    if first is not None:
        raise first
    return values


def start_call(connection, destination, path, interface, method, signature='()', *arguments, fds=()):
    """A call whose reply is awaited: its values as a tuple, with the descriptors if it brings any. CallError."""
    pending = Pending()

    def on_reply(source, result):
        try:
            value, out_fds = source.call_with_unix_fd_list_finish(result)
        except GLib.Error as error:
            name = Gio.DBusError.get_remote_error(error) or f'local.{error.domain}.{error.code}'
            pending.resolve(error=CallError(name, error.message.removeprefix(f'GDBus.Error:{name}: ')))
        else:
            value = value.unpack()
            has_fds = out_fds is not None and out_fds.get_length() > 0
            pending.resolve((value, out_fds.steal_fds()) if has_fds else value)
    fd_list = Gio.UnixFDList.new_from_array([os.dup(fd) for fd in fds]) if fds else None
    connection.gdbus.call_with_unix_fd_list(destination, path, interface, method, GLib.Variant(signature, arguments), None,
                                            Gio.DBusCallFlags.NONE, PATIENCE * 1000, fd_list, None, on_reply)
    return pending
