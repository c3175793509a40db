# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured, started and ended."""
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
from functools import partial

from harness import Agent, Bus, Connection, Process, Qemu, wait_until
from harness.process import is_listening
from harness.qemu import find_qemu
from harness.turns import Turns

from .names import ECHO, NAME, ROOT
from .probes import BenchError, parse
from .table import Table

PATIENCE = 300  # seconds, for one probe

# What the agent asks of every QEMU it meets.
PROBES = {'query-name': None, 'query-uuid': None, 'query-target': None, 'query-status': None, 'query-commands': None,
          'query-qmp-schema': None, 'query-chardev': None, 'qom-list': {'path': '/objects'}, 'query-fdsets': None,
          'query-jobs': None, 'query-migrate': None}


def write_key_file(directory, settings, others=''):
    groups = ['[qemu-monitor]', *(f'{key.replace("_", "-")}={value}' for key, value in settings.items()), others]
    pathlib.Path(f'{directory}/qemu-monitor.conf').write_text('\n'.join(groups), encoding='utf-8')


class Bench:
    """Everything that is started is ended by `stack`; `directory` is for its sockets and files."""

    def __init__(self, stack, directory, load):
        self.stack = stack
        self.directory = directory
        self.load = load
        self.table = Table()
        self.versions = [version for version in ('7.2', '11.1') if find_qemu(version)]
        if not self.versions:
            raise BenchError('neither QEMU 7.2 nor 11.1 is here; tests/run extracts them')
        self.bus = self.adopt(Bus(directory))
        self.caller = self.adopt(Connection(self.bus.address))
        self.start_echo('bus', self.bus.address, ECHO)
        wait_until(lambda: self.caller.owner(ECHO), 'the echo')

    def run(self, part):
        """Measures a part, and ends what it has started."""
        whole = self.stack
        try:
            with contextlib.ExitStack() as self.stack:
                part(self)
        finally:
            self.stack = whole

    def adopt(self, thing):
        self.stack.callback(thing.stop)
        return thing

    def make_directory(self):
        return tempfile.mkdtemp(dir=self.directory)

    def count_names(self):
        return len(self.caller.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'ListNames')[0])

    def start_echo(self, *arguments):
        return self.adopt(Process([f'{os.environ["BENCH"]}/bench-echo', *arguments]))

    def start_qemu(self, version, *arguments, **options):
        # The guest is stopped. One monitor, because each more makes every command 20 us slower.
        return self.adopt(Qemu(self.directory, version, '-S', *arguments, **options))

    def start_with_monitors(self, version, count):
        """A QEMU with so many monitors, all but one of which are idle, as the agent's and its callers' are: the path of that one."""
        qemu = self.start_qemu(version, monitors=count)
        for number in range(count - 1):
            self.adopt(qemu.raw(number))
        return qemu.paths[-1]

    def start_fakes(self, count, **answers):
        """QMP servers that answer at once, with `answers` as well: the paths of their sockets. They speak like the oldest
        QEMU, in which no monitor can be plugged."""
        client = self.adopt(self.start_qemu(self.versions[0]).raw())
        directory = self.make_directory()
        with open(f'{directory}/answers', 'w', encoding='utf-8') as file:
            print(json.dumps({'QMP': client.greeting}), file=file)
            print('qmp_capabilities {}', file=file)
            for command, arguments in PROBES.items():
                print(command, json.dumps(client.execute(command, arguments)), file=file)
            for name, value in answers.items():
                print(name.replace('_', '-'), json.dumps(value), file=file)
        process = self.start_echo('qmp', directory, str(count), file.name)
        paths = [f'{directory}/{number}' for number in range(count)]
        process.wait_ready(lambda: is_listening(paths[-1]), 'its sockets')
        return paths

    @contextlib.contextmanager
    def agent(self, wrapper=None, environment=None, **settings):
        """A fresh one, with the module and a key file. wrapper: what it is run under."""
        directory = self.make_directory()
        write_key_file(directory, settings)
        agent = Agent(directory, self.bus.address, [os.environ['MODULE']], f'--config-dir={directory}', wrapper=wrapper,
                      environment={'XDG_RUNTIME_DIR': directory, **(environment or {})})
        agent.directory = directory
        try:
            yield agent
        finally:
            agent.stop()
        # The next one takes the same name.
        wait_until(lambda: not self.caller.owner(NAME), 'the end of the agent')

    @contextlib.contextmanager
    def agent_with_turns(self):
        """A fresh one, the turns of whose loop are measured: gives them."""
        turns = Turns(self.directory, os.environ['TURNS'])
        with self.agent(environment=turns.environment):
            yield turns

    def manager(self, method, signature='()', *arguments):
        return self.caller.call(NAME, ROOT, f'{NAME}.Manager', method, signature, *arguments)[0]

    def start_add(self, path):
        name = f'vm-{os.path.basename(path)}'
        return self.caller.start(NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', name, f'unix:{path}', {})

    def add(self, path):
        return self.start_add(path)()[0]

    def client(self, *arguments):
        return [f'{os.environ["BENCH"]}/bench-client', *map(str, arguments)]

    def measure(self, *arguments):
        """What bench-client prints."""
        result = subprocess.run(self.client(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=PATIENCE, check=False)
        if result.returncode != 0:
            raise BenchError(result.stderr.strip())
        return parse(result.stdout)

    def call(self, number, depth, path, interface, member, *arguments):
        return self.measure('call', self.bus.address, NAME, path, interface, member, self.at_most(number), depth, *arguments)

    def echo(self, number, depth, member='Status', *arguments):
        return self.measure('call', self.bus.address, ECHO, '/', ECHO, member, self.at_most(number), depth, *arguments)

    def raw(self, number, depth, path, command, member=''):
        return self.measure('qmp', path, self.at_most(number), depth, f'{{"execute":"{command}"{member}}}')

    def at_most(self, number):
        return min(number, self.load.calls)

    def three_ways(self, number, path, command, method):
        """Probes of the ways in which a command without arguments can be called."""
        return {
            method: partial(self.call, number, 1, path, f'{NAME}.QMP', method),
            f'Execute {command}': partial(self.call, number, 1, path, f'{NAME}.VM', 'Execute', command, '{}'),
            f'ExecuteJSON {command}': partial(self.call, number, 1, path, f'{NAME}.VM', 'ExecuteJSON', command, ''),
        }
