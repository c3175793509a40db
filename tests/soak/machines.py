# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMUs, each with a look behind the agent's back: a monitor of the test's own, which is read all the time."""
import json
import os
import re
import shutil
import socket

from gi.repository import GLib

from harness import QmpError
from harness.qemu import Qemu
from mapping import get_member
from screens import ScreenQemu

from .tasks import Lock, Pending, poll

# What callers write on the descriptors that they add.
OPAQUE = 'soak'

# Of a machine to which all can be done: a screen, a display for viewers, ports for devices, a network card, no sleep in the guest.
DEVICES = ('-vnc', 'none', '-device', 'qemu-xhci,id=usb,p2=15,p3=15', '-netdev', 'user,id=net', '-device', 'virtio-net-pci,id=nic,netdev=net')


class Tap:
    """A QMP session that keeps every event: `events` are (D-Bus name, data, timestamp in microseconds), as they came."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)
        self.buffer = b''
        self.events = []
        self.greeting = Pending()
        self.waiting = [self.greeting]
        self.watch = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self.socket.fileno(), GLib.IOCondition.IN | GLib.IOCondition.HUP,
                                           self.on_data)

    def on_data(self, fd, condition):
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return True
        except OSError:
            data = b''
        if not data:
            self.watch = None
            return False
        *lines, self.buffer = (self.buffer + data).split(b'\n')
        for message in map(json.loads, lines):
            if 'event' in message:
                stamp = message['timestamp']
                self.events.append((get_member(message['event']), message.get('data', {}),
                                    stamp['seconds'] * 1000000 + stamp['microseconds']))
            else:
                self.waiting.pop(0).resolve(message)
        return True

    async def execute(self, command, **arguments):
        self.waiting.append(Pending())
        self.socket.sendall(json.dumps({'execute': command, 'arguments': arguments}).encode())
        reply = await self.waiting[-1]
        if 'error' in reply:
            raise QmpError(reply['error'])
        return reply['return']

    def stop(self):
        if self.watch is not None:
            GLib.source_remove(self.watch)
        self.socket.close()


class Machine:
    """A QEMU of a version, and its tap. Not ready before start() has been awaited. `object_path` is its VM's, where it has one."""

    def __init__(self, directory, version, name, has_screen=False):
        class Unready(ScreenQemu if has_screen else Qemu):
            """Starting one holds nobody else up."""
            def wait_ready(self, condition, what):
                self.is_ready = condition
        self.directory = f'{directory}/{name}'
        os.mkdir(self.directory)
        self.version = version
        self.name = name
        self.qemu = Unready(self.directory, version, *([] if has_screen else ['-device', 'VGA,id=screen']), *DEVICES, name=name, monitors=2)
        self.address = f'unix:{self.qemu.path}'
        self.object_path = self.tap = None
        # Its end has been asked for: calls may fail.
        self.is_leaving = False
        self.serial = 0
        self.run_state = Lock()
        self.free_ports = 8

    async def start(self):
        await poll(lambda: self.qemu.popen.poll() is not None or self.qemu.is_ready(), f'the sockets of {self.name}')
        if self.qemu.popen.poll() is not None:
            raise AssertionError(f'{self.name} has ended: {self.qemu.output}')
        self.tap = Tap(self.qemu.paths[1])
        await self.tap.greeting
        await self.tap.execute('qmp_capabilities')

    def make_name(self, kind):
        self.serial += 1
        return f'{kind}{self.serial}'

    async def read_state(self):
        """What callers and the agent can leave in a QEMU. The files of pictures are QEMU's for good, so they are counted for themselves."""
        tap = self.tap
        fdsets = await tap.execute('query-fdsets')
        pictures = [fdset for fdset in fdsets if not any(str(fd.get('opaque', '')).endswith(OPAQUE) for fd in fdset['fds'])]
        # Not by query-chardev: 11.1 may end when that looks at a socket which is just closing.
        chardevs = await tap.execute('qom-list', path='/chardevs')
        objects = await tap.execute('qom-list', path='/objects')
        return {
            # Those of the agent's own control monitor have another number each time it connects.
            'chardevs': sorted(re.sub(r'\d+', 'N', entry['name']) for entry in chardevs),
            'objects': sorted(re.sub(r'\d+', 'N', entry['name']) for entry in objects),
            'fdsets': len(fdsets) - len(pictures),
            'pictures': len(pictures),
            'fds': len(os.listdir(f'/proc/{self.qemu.pid}/fd')) - sum(len(fdset['fds']) for fdset in pictures),
            'block nodes': len(await tap.execute('query-named-block-nodes')),
            'jobs': len(await tap.execute('query-jobs')),
            'devices': len(await tap.execute('qom-list', path='/machine/peripheral')),
        }

    def stop(self):
        if self.tap is not None:
            self.tap.stop()
        self.qemu.stop()
        shutil.rmtree(self.directory)
