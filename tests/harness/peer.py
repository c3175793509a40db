# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QMP server that does what a script says, for what no real QEMU does when one wants it: dying in the middle of a
line, silence, floods, lies. It serves from threads of its own, so that a test may block meanwhile."""
import codecs
import json
import os
import socket
import threading

from .loop import PATIENCE

VERSION = {'qemu': {'major': 11, 'minor': 1, 'micro': 3}, 'package': ''}
GREETING = {'QMP': {'version': VERSION, 'capabilities': ['oob']}}


class Raw(bytes):
    """An answer sent as these very bytes."""


class Message(dict):
    """An answer that is a whole message: an error, an event."""


class Steps(list):
    """An answer of several parts, sent one after the other."""


class Flood:
    """An answer that never ends: `chunk` again and again until the connection breaks."""

    def __init__(self, chunk):
        self.chunk = chunk


SILENCE = object()  # read on, answer nothing
DIE = object()  # close the connection at once


class Peer:
    """A QMP server on `path`. `answers` maps a command's name to its answer: a value (the `return`), a Message, Raw
    bytes, a Flood, SILENCE, DIE, Steps of these, or a function of the command that gives one of them. The id is added
    as QEMU does, and unknown commands are answered as QEMU answers them. `greeting` is a dict or any of the special
    answers. What came is in `commands`, and descriptors that came with it in `fds`."""

    def __init__(self, directory, answers=None, greeting=None):
        self.path = f'{directory}/peer-{id(self):x}'
        self.answers = {'qmp_capabilities': {}, **(answers or {})}
        self.greeting = GREETING if greeting is None else greeting
        self.commands = []
        self.fds = []
        self.connections = []
        self.sending = threading.Lock()  # the test's own messages must not land inside an answer
        self.threads = []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(64)
        self.run(self.accept)

    def run(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.attach(connection)

    def attach(self, connection):
        """Follows the script on a connected socket as well."""
        self.connections.append(connection)
        self.run(self.serve, connection)

    def dial(self, path):
        """Connects to who listens, as a QEMU with server=off does."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(path)
        connection.settimeout(None)
        self.attach(connection)

    def offer(self):
        """A connected socket with this peer at its other end, for whoever takes a QMP connection as a descriptor."""
        ours, theirs = socket.socketpair()
        self.attach(ours)
        return theirs

    def serve(self, connection):
        # Clients need not end a command with a newline, so complete documents are what is looked for.
        parser = json.JSONDecoder()
        decoder = codecs.getincrementaldecoder('utf-8')('replace')
        text = ''
        try:
            going_on = self.send(connection, self.greeting)
            while going_on:
                data, fds, *_ = socket.recv_fds(connection, 1 << 16, 16)
                self.fds += fds
                if b'\xff' in data:
                    # As QEMU: what has come of a command is forgotten, with a complaint.
                    text, data = '', data.partition(b'\xff')[2] or b' '
                    self.send(connection, Message({'error': {'class': 'GenericError', 'desc': 'JSON parse error, stray'}}))
                text = (text + decoder.decode(data)).lstrip()
                going_on = data != b''
                while going_on and text:
                    try:
                        command, end = parser.raw_decode(text)
                    except ValueError:
                        break
                    text = text[end:].lstrip()
                    going_on = self.answer(connection, command)
        except OSError:
            pass  # the client has gone, or stop() was called
        finally:
            self.hang_up(connection)

    def answer(self, connection, command):
        self.commands.append(command)
        name = command.get('execute') or command.get('exec-oob')
        missing = {'error': {'class': 'CommandNotFound', 'desc': f'The command {name} has not been found'}}
        answer = self.answers[name] if name in self.answers else Message(missing)
        if callable(answer):
            answer = answer(command)
        steps = answer if isinstance(answer, Steps) else [answer]
        return all(self.send(connection, step, command) for step in steps)

    def send(self, connection, answer, command=None):
        """False: the connection is to end."""
        if answer is DIE:
            return False
        if answer is SILENCE:
            return True
        if isinstance(answer, Flood):
            while True:
                self.write(connection, answer.chunk)
        if not isinstance(answer, Raw):
            message = dict(answer) if command is None or isinstance(answer, Message) else {'return': answer}
            if command is not None and 'id' in command and 'event' not in message:
                message['id'] = command['id']
            answer = json.dumps(message).encode() + b'\r\n'
        self.write(connection, answer)
        return True

    def write(self, connection, data):
        with self.sending:
            connection.sendall(data)

    def emit(self, message):
        """Sends a message, such as an event, or Raw bytes to everybody who is connected."""
        for connection in self.connections:
            if connection.fileno() >= 0:
                self.send(connection, message)

    @staticmethod
    def hang_up(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()

    def stop(self):
        # Nobody comes any more, before those who came are hung up on.
        self.hang_up(self.server)
        self.threads[0].join()
        for connection in self.connections:
            self.hang_up(connection)
        for thread in self.threads:
            thread.join()
        while self.fds:
            os.close(self.fds.pop())
        if os.path.exists(self.path):
            os.unlink(self.path)
