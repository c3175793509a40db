# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the module have in common: an agent with it on a private bus, and a caller."""
import os
import signal

from gi.repository import GLib

from harness import Agent, Bus, CallError, Connection, Test, wait_until

MODULE = os.environ['MODULE']
VERSIONS = ('7.2', '10.0', '11.1')

NAME = 'org.qemu.Monitor1'
ROOT = '/org/qemu/Monitor1'
PROPERTIES = 'org.freedesktop.DBus.Properties'
OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager'
INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
UNKNOWN_OBJECT = 'org.freedesktop.DBus.Error.UnknownObject'
DISCONNECTED = 'org.qemu.Monitor1.Error.Disconnected'
TIMED_OUT = 'org.qemu.Monitor1.Error.TimedOut'
NOT_SUPPORTED = 'org.qemu.Monitor1.Error.NotSupported'
UNREPRESENTABLE = 'org.qemu.Monitor1.Error.Unrepresentable'

# Of a scripted peer: what the agent asks of every QEMU.
ANSWERS = {'query-name': {'name': 'fake'}, 'query-uuid': {'UUID': '01234567-89ab-4def-8123-456789abcdef'},
           'query-status': {'status': 'running', 'running': True}, 'query-target': {'arch': 'x86_64'}}

# As in dbus-daemon's session.conf; without it, those of a system bus are in force.
LIMITS = '<limit name="max_replies_per_connection">50000</limit>'


def requests(peer):
    """The commands that a scripted peer was sent, but for those by which the agent finds out about QEMU."""
    return [command for command in peer.commands if command.get('execute') not in (
        'query-commands', 'query-qmp-schema', 'query-fdsets', 'query-chardev', 'query-jobs', 'query-migrate',
        'query-dump', 'migrate-set-capabilities') and
        command.get('arguments') not in ({'fdname': '+'}, {'path': '/objects'})]


def variants(dictionary):
    """A dict of GLib.Variants from one of (type, value) pairs."""
    return {name: GLib.Variant(*typed) for name, typed in dictionary.items()}


class VM:
    """A VM's object, called by one caller."""

    def __init__(self, caller, path):
        self.caller = caller
        self.path = path

    def start(self, interface, method, signature='()', *arguments, **options):
        return self.caller.start(NAME, self.path, f'{NAME}.{interface}', method, signature, *arguments, **options)

    def qmp(self, method, signature='()', *arguments):
        """A method of org.qemu.Monitor1.QMP: its one value, or None."""
        values = self.start('QMP', method, signature, *arguments)()
        return values[0] if values else None

    def start_execute(self, command, **arguments):
        return self.start('VM', 'Execute', '(sa{sv})', command, variants(arguments))

    def execute(self, command, **arguments):
        return self.start_execute(command, **arguments)()[0]

    def start_wait(self, command, timeout=None, **arguments):
        """ExecuteAndWait; timeout: seconds that the agent is told, none by default."""
        options = {} if timeout is None else {'timeout': ('t', int(timeout * 1e6))}
        return self.start('VM', 'ExecuteAndWait', '(sa{sv}a{sv})', command, variants(arguments), variants(options))

    def wait(self, command, timeout=None, **arguments):
        return self.start_wait(command, timeout, **arguments)()[0]

    def execute_json(self, command, arguments=''):
        return self.start('VM', 'ExecuteJSON', '(ss)', command, arguments)()[0]

    def get(self, name):
        return self.caller.call(NAME, self.path, PROPERTIES, 'Get', '(ss)', f'{NAME}.VM', name)[0]

    def get_all(self):
        return self.caller.call(NAME, self.path, PROPERTIES, 'GetAll', '(s)', f'{NAME}.VM')[0]

    def is_there(self):
        try:
            return bool(self.get('Name'))
        except CallError:
            return False

    def record_events(self):
        """A list that grows by (name, data, timestamp)."""
        signals = self.caller.record(interface=f'{NAME}.Events', path=self.path)
        return Events(signals)

    def record_changes(self):
        return self.caller.record(interface=PROPERTIES, member='PropertiesChanged', path=self.path)


class Events:
    def __init__(self, signals):
        self.signals = signals

    def wait(self, name):
        """The data and timestamp of the first event of that name."""
        found = wait_until(lambda: [values for _, _, member, values in self.signals if member == name],
                           lambda: f'{name} among {self.signals}')
        return found[0]

    def names(self):
        return [member for _, _, member, _ in self.signals]


class MonitorTest(Test):
    """A bus, an agent with the module (once start_agent() is called), and callers on it."""

    def setUp(self):
        super().setUp()
        self.run_directory = f'{self.directory}/qemu-monitor'
        self.bus = self.start(Bus, extra=LIMITS)

    def start_agent(self, *arguments, key_file=None, ready=True, bus=None, modules=(MODULE,), environment=None):
        if key_file is not None:
            self.write('qemu-monitor.conf', key_file)
        self.agent = self.start(Agent, (bus or self.bus).address, modules, f'--config-dir={self.directory}',
                                *arguments, ready=ready, environment={'XDG_RUNTIME_DIR': self.directory, **(environment or {})})
        self.addCleanup(self.end_agent, self.agent)
        self.caller = self.connect()
        return self.agent

    def explain(self):
        """What the agent said last."""
        agent = getattr(self, 'agent', None)
        return agent.output[-5000:] if agent is not None and not agent.log.closed else ''

    def end_agent(self, agent):
        """In good order, however the test has left it: a leak or an error that a sanitizer or valgrind found shows in the
        exit status."""
        if agent.popen.poll() is None:
            agent.kill(signal.SIGTERM)
            self.assertEqual(agent.wait(), 0, agent.output)

    def connect(self):
        return self.adopt(Connection(self.bus.address))

    def manager(self, method, signature='()', *arguments, **options):
        values = self.caller.call(NAME, ROOT, f'{NAME}.Manager', method, signature, *arguments, **options)
        return values[0] if values else None

    def start_add(self, name, address, **options):
        return self.caller.start(NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', name, address,
                                 variants(options))

    def add(self, name, address, **options):
        return VM(self.caller, self.start_add(name, address, **options)()[0])

    def add_fd(self, name, fd, **options):
        path = self.caller.call(NAME, ROOT, f'{NAME}.Manager', 'AddVMFromFD', '(sha{sv})', name, 0,
                                variants(options), fds=[fd])[0]
        return VM(self.caller, path)

    def paths(self):
        """The paths of all VMs, as the ObjectManager tells."""
        return sorted(self.caller.call(NAME, ROOT, OBJECT_MANAGER, 'GetManagedObjects')[0])

    def count_agent_fds(self):
        """Without those that it has open for a moment, as for a record of its state."""
        counts = []

        def is_settled():
            self.paths()
            counts.append(len(os.listdir(f'/proc/{self.agent.pid}/fd')))
            return counts[-2:] == [counts[-1]] * 2
        wait_until(is_settled, lambda: f'a number of descriptors that stays: {counts}')
        return counts[-1]

    def assert_fails(self, name, text, function, *arguments, **options):
        """The call fails with that D-Bus error, and its text has `text` in it."""
        with self.assertRaises(CallError) as caught:
            function(*arguments, **options)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        self.assertIn(text, caught.exception.message)
