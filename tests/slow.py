# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of slow work share: jobs that take their time, and their objects."""
import socket

from gi.repository import GLib

from harness import CallError, Qemu
from monitor import ANSWERS, NAME, OBJECT_MANAGER, PROPERTIES, ROOT, MonitorTest, variants

GENERIC = f'{NAME}.Error.GenericError'
MIB = 1 << 20


class SlowTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def start_vm(self, version='11.1', *arguments):
        # A migration that is to take its time needs memory that is not all zero, and a replay needs instructions.
        self.qemu = self.start(Qemu, version, *arguments, monitors=2, firmware=True)
        self.raw = self.adopt(self.qemu.raw())
        return self.add('vm', f'unix:{self.qemu.path}')

    def add_disks(self, vm, *names, size=16 * MIB):
        """Nodes of raw files with something in them."""
        for name in names:
            path = self.write(name, '')
            with open(path, 'r+b') as file:
                file.write(b'x' * 4 * MIB)
                file.truncate(size)
            vm.execute('blockdev-add', driver=('s', 'file'), filename=('s', path), **{'node-name': ('s', name)})

    def add_full_disk(self, vm, name, size=16 * MIB):
        """A node on which every write finds no space left."""
        vm.execute('blockdev-add', driver=('s', 'null-co'), size=('x', size), **{'node-name': ('s', f'{name}-null')})
        vm.execute('blockdev-add', driver=('s', 'blkdebug'), image=('s', f'{name}-null'), **{'node-name': ('s', name), 'inject-error': (
            'aa{sv}', [variants({'event': ('s', 'none'), 'iotype': ('s', 'write'), 'errno': ('x', 28), 'once': ('b', False)})])})

    def start_deaf_target(self):
        """Where to migrate to, by a socket that nobody reads: such a migration has no end of its own."""
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        path = f'{self.directory}/target-{listener.fileno()}'
        listener.bind(path)
        listener.listen()
        return f'unix:{path}'

    @staticmethod
    def backup(job, **more):
        """The arguments of one that takes hours."""
        return {'job-id': ('s', job), 'device': ('s', 'a'), 'target': ('s', 'b'), 'sync': ('s', 'full'),
                'speed': ('x', 65536), **more}

    @staticmethod
    def create(job, path):
        """Those of a blockdev-create that cannot be."""
        return {'job-id': ('s', job), 'options': ('a{sv}', {
            'driver': GLib.Variant('s', 'file'), 'filename': GLib.Variant('s', path),
            'size': GLib.Variant('x', MIB)})}

    def job(self, method, ident, signature='()', *arguments):
        return self.caller.call(NAME, f'{ROOT}/vm/vm/job/{ident}', f'{NAME}.Job', method, signature, *arguments)

    def get(self, ident):
        """Its properties; None: there is no such object."""
        try:
            return self.caller.call(NAME, f'{ROOT}/vm/vm/job/{ident}', PROPERTIES, 'GetAll', '(s)', f'{NAME}.Job')[0]
        except CallError:
            return None

    def jobs(self):
        """All that are managed, by their ids in the path."""
        objects = self.caller.call(NAME, ROOT, OBJECT_MANAGER, 'GetManagedObjects')[0]
        return {path.rsplit('/', 1)[1]: value[f'{NAME}.Job'] for path, value in objects.items() if '/job/' in path}

    def script(self, answers):
        """A VM that does what a script says."""
        from harness import Peer
        jobless = {'query-jobs': [], 'query-migrate': {}, 'query-dump': {'status': 'none', 'completed': 0, 'total': 0},
                   'migrate-set-capabilities': {}}
        peer = self.start(Peer, answers={**ANSWERS, **jobless, **answers})
        return self.add('vm', f'unix:{peer.path}'), peer


def event(name, **data):
    return {'event': name, 'data': data, 'timestamp': {'seconds': 1, 'microseconds': 0}}


def status_change(job, status):
    return event('JOB_STATUS_CHANGE', id=job, status=status)


__all__ = ['GENERIC', 'MIB', 'SlowTest', 'event', 'status_change', 'variants']
