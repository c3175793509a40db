# SPDX-License-Identifier: LGPL-2.1-or-later
"""The management agent as a process, from the build tree that meson tells of."""
import os
import shlex
import socket

from .loop import wait_until
from .process import Process

# Empty, or what the agent is run under: valgrind with its options.
WRAPPER = shlex.split(os.environ.get('AGENT_WRAPPER', ''))


class Agent(Process):
    """`management-agent` on a bus address. Modules are files; none means the build's own. Ready (by NOTIFY_SOCKET)
    when the constructor returns, unless ready=False. What it notified is in `messages`, a dict each, and in `notified`, as one
    dict."""

    def __init__(self, directory, address='unix:path=/nonexistent', modules=(), *arguments, ready=True, wrapper=None,
                 abstract=False, environment=None):
        name = f'{directory}/notify-{id(self):x}'
        self.notified = {}
        self.messages = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind('\0' + name if abstract else name)
        env = dict(os.environ, NOTIFY_SOCKET='@' + name if abstract else name, XDG_CONFIG_HOME=directory)
        env.update(environment or {})
        self.wrapper = WRAPPER if wrapper is None else wrapper
        command = [*self.wrapper, os.environ['AGENT'], *([f'--bus-address={address}'] if address else []),
                   *(f'--module={module}' for module in modules), *arguments]
        super().__init__(command, env={name: value for name, value in env.items() if value is not None})
        if ready:
            self.wait_ready(self.is_ready, 'READY=1')

    def read_notifications(self):
        while True:
            try:
                text = self.socket.recv(65536).decode()
            except BlockingIOError:
                return self.notified
            self.messages.append(dict(line.split('=', 1) for line in text.split('\n')))
            self.notified.update(self.messages[-1])

    def is_ready(self):
        return self.read_notifications().get('READY') == '1'

    def wait_output(self, text):
        wait_until(lambda: text in self.output or self.popen.poll() is not None, f'{text!r} in the log')
        assert text in self.output, f'{text!r} is not in the log: {self.output}'

    def stop(self):
        super().stop()
        self.socket.close()
