# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured, started and ended."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from functools import partial

from harness import Agent, Bus, Connection, Process, Qemu, wait_until
from harness.process import is_listening
from harness.qemu import find_qemu

from .names import ECHO, NAME, ROOT
from .probes import parse

VMS = 1000
# What the agent asks of every QEMU it meets.
PROBES = {'query-name': None, 'query-uuid': None, 'query-target': None, 'query-status': None, 'query-commands': None,
          'query-qmp-schema': None, 'query-chardev': None, 'qom-list': {'path': '/objects'}, 'query-fdsets': None,
          'query-jobs': None, 'query-migrate': None}


class Bench:
    """Everything that is started is ended by `stack`; `directory` is for its sockets and files."""

    def __init__(self, stack, directory, quick):
        self.stack = stack
        self.directory = directory
        self.quick = quick
        self.versions = [version for version in ('7.2', '11.1') if find_qemu(version)]
        self.bus = self.adopt(Bus(directory))
        self.caller = self.adopt(Connection(self.bus.address))
        self.start_echo('bus', self.bus.address, ECHO)
        wait_until(lambda: self.caller.owner(ECHO), 'the echo')

    def turns(self, number):
        return max(1, number // 10) if self.quick else number

    def adopt(self, thing):
        self.stack.callback(thing.stop)
        return thing

    def make_directory(self):
        return tempfile.mkdtemp(dir=self.directory)

    def count_names(self):
        return len(self.caller.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'ListNames')[0])

    def start_echo(self, *arguments):
        return self.adopt(Process([f'{os.environ["BENCH"]}/bench-echo', *arguments]))

    def start_qemu(self, version, *arguments):
        # The guest is stopped. One monitor, because each more makes every command 20 us slower.
        return self.adopt(Qemu(self.directory, version, '-S', *arguments))

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
    def agent(self, wrapper=None, **settings):
        """A fresh one, with the module. wrapper: what it is run under."""
        directory = self.make_directory()
        with open(f'{directory}/bench.conf', 'w', encoding='utf-8') as file:
            print('[qemu-monitor]', *(f'{key}={value}' for key, value in settings.items()), sep='\n', file=file)
        agent = Agent(directory, self.bus.address, [os.environ['MODULE']], f'--config-dir={directory}', wrapper=wrapper,
                      environment={'XDG_RUNTIME_DIR': directory})
        try:
            yield agent
        finally:
            agent.stop()
        # The next one takes the same name.
        wait_until(lambda: not self.caller.owner(NAME), 'the end of the agent')

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
                                timeout=300, check=False)
        if result.returncode != 0:
            sys.exit(result.stderr)
        return parse(result.stdout)

    def call(self, number, depth, path, interface, member, *arguments):
        return self.measure('call', self.bus.address, NAME, path, interface, member, number, depth, *arguments)

    def echo(self, number, depth, member='Status', *arguments):
        return self.measure('call', self.bus.address, ECHO, '/', ECHO, member, number, depth, *arguments)

    def raw(self, number, depth, path, command, member=''):
        return self.measure('qmp', path, number, depth, f'{{"execute":"{command}"{member}}}')

    def three_ways(self, number, path, command, method):
        """Probes of the ways in which a command without arguments can be called."""
        return {
            method: partial(self.call, number, 1, path, f'{NAME}.QMP', method),
            f'Execute {command}': partial(self.call, number, 1, path, f'{NAME}.VM', 'Execute', command, '{}'),
            f'ExecuteJSON {command}': partial(self.call, number, 1, path, f'{NAME}.VM', 'ExecuteJSON', command, ''),
        }
