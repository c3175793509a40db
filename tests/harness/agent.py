# SPDX-License-Identifier: LGPL-2.1-or-later
"""The management agent as a process, from the build tree that meson tells of."""
import array
import os
import shlex
import socket
import sys

from .loop import wait_until
from .process import Process

# Empty, or what the agent is run under: valgrind with its options.
WRAPPER = shlex.split(os.environ.get('AGENT_WRAPPER', ''))


# What a service manager does: descriptors from 3 on, and whom they are for. The arguments before `--` are the descriptors.
HAND_OVER = """
import fcntl, os, sys
end = sys.argv.index('--')
moved = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 1000) for fd in sys.argv[1:end]]
for fd in sys.argv[1:end]:
    os.close(int(fd))
for number, fd in enumerate(moved, 3):
    os.dup2(fd, number)
    os.close(fd)
os.environ['LISTEN_PID'] = str(os.getpid())
os.execvp(sys.argv[end + 1], sys.argv[end + 1:])
"""


class FdStore:
    """A service manager's file-descriptor store: (name, descriptor) as agents gave them."""

    def __init__(self):
        self.kept = []

    def take(self, fields, fds):
        if fields.get('FDSTORE') == '1':
            self.kept += [(fields['FDNAME'], fd) for fd in fds]
        elif fields.get('FDSTOREREMOVE') == '1':
            for name, fd in [entry for entry in self.kept if entry[0] == fields['FDNAME']]:
                self.kept.remove((name, fd))
                os.close(fd)

    def names(self):
        return [name for name, _ in self.kept]

    def stop(self):
        for _, fd in self.kept:
            os.close(fd)
        self.kept = []


class Agent(Process):
    """`management-agent` on a bus address. Modules are files; none means the build's own. Ready (by NOTIFY_SOCKET)
    when the constructor returns, unless ready=False. `store`: an FdStore, whose descriptors it is handed. What it notified is in `messages`, a dict each, and in `notified`, as one
    dict."""

    def __init__(self, directory, address='unix:path=/nonexistent', modules=(), *arguments, ready=True, wrapper=None,
                 abstract=False, environment=None, store=None):
        name = f'{directory}/notify-{id(self):x}'
        self.notified = {}
        self.messages = []
        self.store = store
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind('\0' + name if abstract else name)
        env = dict(os.environ, NOTIFY_SOCKET='@' + name if abstract else name, XDG_CONFIG_HOME=directory)
        if store is not None:
            env['FDSTORE'] = '4096'
        env.update(environment or {})
        self.wrapper = WRAPPER if wrapper is None else wrapper
        command = [*self.wrapper, os.environ['AGENT'], *([f'--bus-address={address}'] if address else []),
                   *(f'--module={module}' for module in modules), *arguments]
        options = {}
        if store is not None and store.kept:
            env.update(LISTEN_FDS=str(len(store.kept)), LISTEN_FDNAMES=':'.join(store.names()))
            fds = [fd for _, fd in store.kept]
            command = [sys.executable, '-c', HAND_OVER, *map(str, fds), '--', *command]
            options['pass_fds'] = fds
        super().__init__(command, env={name: value for name, value in env.items() if value is not None}, **options)
        if ready:
            self.wait_ready(self.is_ready, 'READY=1')

    def read_notifications(self):
        while True:
            try:
                text, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(64))
            except BlockingIOError:
                return self.notified
            fds = array.array('i')
            for _, _, data in ancillary:
                fds.frombytes(data)
            self.messages.append(dict(line.split('=', 1) for line in text.decode().split('\n')))
            if self.store is not None:
                self.store.take(self.messages[-1], fds)
            else:
                for fd in fds:
                    os.close(fd)
            self.notified.update(self.messages[-1])

    def is_ready(self):
        return self.read_notifications().get('READY') == '1'

    def wait_output(self, text):
        wait_until(lambda: text in self.output or self.popen.poll() is not None, f'{text!r} in the log')
        assert text in self.output, f'{text!r} is not in the log: {self.output}'

    def stop(self):
        # What GLib itself complains of is a mistake in our code, whatever the test was about.
        complaints = [line for line in self.output.splitlines() if 'GLIB_OLD_LOG_API' in line] if not self.log.closed else []
        super().stop()
        self.socket.close()
        assert not complaints, complaints
