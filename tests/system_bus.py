# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the policy have in common: a system bus, an agent on it whose /run is its own (no VM of this machine is
touched), VMs of one user, callers of others. All of it takes root."""
import os

from harness import Agent, Bus, Connection, Peer, wait_until
from harness.bus import acting_as
from monitor import ANSWERS, MODULE, NAME, MonitorTest, VM, requests, variants

DENIED = f'{NAME}.Error.NotAuthorized'
INTERACTION = 'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired'
LIMITS_EXCEEDED = 'org.freedesktop.DBus.Error.LimitsExceeded'

# Of users that Debian always has: whose VMs they are, an operator (in the group of that name), somebody.
OWNER, OPERATOR, SOMEBODY = 7, 8, 33  # lp, mail, www-data

# Of a scripted QEMU: what does nothing.
NOTHING = {name: {} for name in ('stop', 'cont', 'system_reset', 'quit', 'transaction', 'device_del', 'netdev_add', 'inject-nmi',
                                   'migrate')}


class SystemBusTest(MonitorTest):
    limits = ''  # a system bus's

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.bus = self.start(Bus, name='system-bus', type='system', extra=self.limits)

    def start_system_agent(self, key_file=None, prepare='true'):
        """`prepare`: a shell command that is run in the agent's own /run before."""
        if key_file is not None:
            self.write('qemu-monitor.conf', key_file)
        isolate = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && ' + prepare + ' && exec "$@"', 'sh']
        self.agent = self.start(Agent, self.bus.address, [MODULE], f'--config-dir={self.directory}', '--system',
                                wrapper=isolate)
        self.addCleanup(self.end_agent, self.agent)
        self.caller = self.connect()

    def user(self, uid):
        return self.adopt(Connection(self.bus.address, uid))

    def start_peer(self, uid=OWNER):
        """A scripted QEMU, which runs as that user as far as the kernel tells."""
        directory = f'{self.directory}/{uid}'
        os.makedirs(directory, exist_ok=True)
        os.chown(directory, uid, uid)
        with acting_as(uid):
            return self.adopt(Peer(directory, {**ANSWERS, **NOTHING}))

    def add_peer(self, name='web', uid=OWNER):
        """Its VM, as root sees it; root has added it."""
        peer = self.start_peer(uid)
        return self.add(name, f'unix:{peer.path}'), peer

    def as_user(self, vm, uid):
        return VM(self.user(uid), vm.path)

    def lines(self):
        """The log's decisions."""
        return [line for line in self.agent.output.splitlines() if 'DECISION=' in line]

    def wait_lines(self, *texts):
        """The last of them, which have these in them, each its own. They are written a moment after the reply."""
        def last():
            lines = self.lines()[-len(texts):]
            return lines if len(lines) == len(texts) and all(map(str.__contains__, lines, texts)) else None
        return wait_until(last, lambda: f'{texts} in {self.lines()}')


def execute(vm, command, interactive=False, **arguments):
    """The reply's value, by a function that waits for it."""
    return vm.start('VM', 'Execute', '(sa{sv})', command, variants(arguments), interactive=interactive)


def commands(peer):
    return [command['execute'] for command in requests(peer) if command['execute'] not in (
        'qmp_capabilities', *ANSWERS)]
