#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every hour: one agent, QEMUs of three versions that come and go, 200 callers that come and go, and all that they can do; for SOAK_MINUTES.
Each reply is judged, each event that a QEMU sends is looked for on the bus, and the agent and the QEMUs that stay are as they were at each
quiet point: everybody leaves, what was begun has ended, and what is left is counted. SOAK_SEED: who does what."""
import collections
import os
import random
import signal
import sys
import time
import traceback

from harness import Agent, FakeAuthority, Test, main, wait_until
from monitor import MODULE, NAME, OBJECT_MANAGER, VERSIONS, MonitorTest
from soak.callers import Caller, live
from soak.deeds import ask_polkit
from soak.figures import EXACT_HEAP, HEAP_NOISE, HEAP_SLOPE, RSS_NOISE, RSS_SLOPE, HeapMeter, get_slope, judge_growth, read_status
from soak.machines import Machine
from soak.tasks import Task, poll, sleep
from soak.visits import have_visitors, reload

MINUTES = float(os.environ.get('SOAK_MINUTES', '2'))
SEED = int(os.environ.get('SOAK_SEED') or random.SystemRandom().randrange(1 << 31))
CALLERS = 200
# Of another user, for whom polkit is asked. It takes root to have any.
STRANGERS, STRANGER = 20, 33
# Seconds of work between two quiet points: about a minute, but ten times at least.
WORK = min(60.0, MINUTES * 60 / 10)
# Quiet points at the beginning that are not judged.
WARM_UP = 2
# Seconds for which the agent keeps what it may have to tell again: refusals that are folded, who looks at jobs.
SETTLED = 11
# A sanitizer keeps what is freed, so that only the heap in use can be judged.
FLAT = (('heap', HEAP_SLOPE, HEAP_NOISE), *(() if os.environ.get('AGENT_SANITIZED') else (
    ('rss', RSS_SLOPE, RSS_NOISE), ('data', RSS_SLOPE, RSS_NOISE))))
COUNTS = ('calls', 'events', 'vms', 'callers', 'jobs', 'sessions', 'session_commands', 'pictures', 'displays', 'refused', 'reloads', 'gone')


def say(*words):
    # meson shows at once what does not come by stdout.
    print(*words, file=sys.stderr, flush=True)


class Tally:
    """How often what was done."""

    def __init__(self):
        for name in COUNTS:
            setattr(self, name, 0)
        self.deeds = collections.Counter()


class World:
    """What the tasks share."""

    def __init__(self, test):
        self.directory = test.directory
        self.run_directory = test.run_directory
        self.bus_address = test.bus.address
        self.agent = test.agent
        self.observer = test.caller
        self.write = test.write
        self.heap = test.heap
        self.random = random.Random(SEED)
        self.tally = Tally()
        self.failures = []
        self.is_working = False
        # Those that callers choose among, and one that is in the key file, or is not.
        self.machines = []
        self.configured = None
        # What was in each machine before the first caller came.
        self.base = {}
        # Of the VMs that the bus has told of; and what it has told of each, as Tap.events.
        self.paths = set()
        self.events = collections.defaultdict(list)
        # The figures of each quiet point, and the highest of each.
        self.readings = []
        self.peaks = collections.Counter()
        self.log_offset = 0
        self.follow()

    def fail(self, what, error):
        """The work ends at the next moment. Of that moment's failures one of each kind is told."""
        kind = what.split(' ')[0]
        if not any(failure.startswith(kind) for failure in self.failures):
            say(f'{what}: {"".join(traceback.format_exception(error))}')
        self.failures.append(what)

    def follow(self):
        """The observer hears of all VMs and all events."""
        gdbus = self.observer.gdbus

        def on_signal(connection, sender, path, interface, member, values):
            if member == 'InterfacesAdded' and values[0].count('/') == 5:
                self.paths.add(values[0])
            elif member == 'InterfacesRemoved' and values[0].count('/') == 5:
                self.paths.discard(values[0])
            elif interface == f'{NAME}.Events':
                self.events[path].append((member, *values.unpack()))
                self.tally.events += 1
        for interface in (f'{NAME}.Events', OBJECT_MANAGER):
            gdbus.signal_subscribe(NAME, interface, None, None, None, 0, on_signal)

    async def wait_gone(self, machine):
        await poll(lambda: machine.object_path not in self.paths, f'{machine.object_path} to go')

    async def check_events(self, machine):
        """Each that QEMU sent has come by the bus, once, in its place."""
        def is_same():
            return self.events[machine.object_path] == machine.tap.events
        await poll(is_same, lambda: f'the events of {machine.name}: {machine.tap.events} are not {self.events[machine.object_path]}', 20)
        machine.tap.events.clear()
        del self.events[machine.object_path]

    async def reload(self, key_file):
        self.write('qemu-monitor.conf', key_file)
        self.agent.read_notifications()
        self.agent.messages.clear()
        self.agent.kill(signal.SIGHUP)
        await poll(lambda: self.agent.read_notifications() and any('READY' in told for told in self.agent.messages), 'READY=1')

    async def begin(self):
        """The machines that stay."""
        for version in VERSIONS:
            machine = Machine(self.directory, version, f'stays{version.replace(".", "")}', has_screen=True)
            await machine.start()
            machine.object_path, = await Caller(self).manager('AddVM', '(ssa{sv})', machine.name, machine.address, {})
            self.machines.append(machine)
        self.configured = Machine(self.directory, VERSIONS[-1], 'configured')
        await self.configured.start()

    async def work(self, seconds):
        self.is_working = True
        uids = [STRANGER] * STRANGERS if os.geteuid() == 0 else []
        tasks = [Task(live(self, uid), lambda error: self.fail('a caller', error)) for uid in [*uids, *[None] * (CALLERS - len(uids))]]
        tasks += [Task(have_visitors(self, version), lambda error: self.fail('a visit', error)) for version in VERSIONS]
        tasks.append(Task(reload(self), lambda error: self.fail('a reload', error)))
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.failures:
            await sleep(0.5)
            if self.agent.popen.poll() is None:
                self.note_peaks(read_status(self.agent.pid))
            else:
                raise AssertionError(f'the agent has ended with {self.agent.popen.returncode}')
        self.is_working = False
        for task in tasks:
            await task

    def note_peaks(self, figures):
        self.peaks |= collections.Counter(figures)

    async def be_quiet(self):
        """Reads everything when everybody has left."""
        began = time.monotonic()
        for machine in [*self.machines, self.configured]:
            await self.let_go(machine)
        left = SETTLED - (time.monotonic() - began)
        await sleep(max(left, 0.1))
        heap = None
        while heap != (heap := self.heap.read()):
            await sleep(1)
        qemus = {f'{machine.version} {name}': value for machine in self.machines
                 for name, value in read_status(machine.qemu.pid).items() if name in ('rss', 'fds')}
        self.readings.append({'calls': self.tally.calls, 'heap': heap, **read_status(self.agent.pid), **qemus})
        self.note_peaks(self.readings[-1])
        self.read_log()

    async def let_go(self, machine):
        if machine is not self.configured:
            await self.check_events(machine)
        state = await machine.read_state()
        pictures = state.pop('pictures')
        if pictures > 16:
            raise AssertionError(f'{machine.name} has {pictures} files of pictures')
        base = self.base.setdefault(machine.name, state)
        for _ in range(300):
            if state == base:
                return
            await sleep(0.1)
            state = await machine.read_state()
            state.pop('pictures')
        raise AssertionError(f'{machine.name} had {base}, and has {state}')

    def read_log(self):
        log = self.agent.output[self.log_offset:]
        self.log_offset += len(log)
        for line in log.splitlines():
            if 'error:' in line.lower() or 'critical' in line.lower() or 'GLib' in line:
                self.failures.append(line)
                say(line)


class Judgement(Test):
    """What is called flat, and what is not."""

    @staticmethod
    def judge(heap):
        """Of a heap that has that many bytes in use after that many calls."""
        points = [(calls, heap(calls)) for calls in range(20000, 2000000, 20000)]
        return judge_growth('heap', points, HEAP_SLOPE, HEAP_NOISE)

    def test_a_leak_of_one_piece_in_some_hundred_calls(self):
        self.assertIn('heap rises by 107 bytes', self.judge(lambda calls: 3000000 + calls // 300 * 32))
        self.assertIn('heap rises', self.judge(lambda calls: 3000000 + calls // 300 * 32 + hash(calls) % 7919))

    def test_what_is_no_leak(self):
        self.assertIsNone(self.judge(lambda calls: 3000000))
        # Another table each time, which has another size.
        self.assertIsNone(self.judge(lambda calls: 3000000 + hash(calls) % 7919))
        # A larger crowd than before, once.
        self.assertIsNone(self.judge(lambda calls: 3000000 + 100000 * (calls > 1700000)))


class Soak(MonitorTest):
    def setUp(self):
        super().setUp()
        self.heap = self.start(HeapMeter)
        modules = [MODULE, os.environ['HEAP_MODULE']]
        os.chmod(self.directory, 0o711)
        self.polkit = self.start(FakeAuthority, self.bus.address, ask_polkit)
        self.agent = self.start(Agent, self.bus.address, modules, f'--config-dir={self.directory}', environment={
            'XDG_RUNTIME_DIR': self.directory, 'DBUS_SYSTEM_BUS_ADDRESS': self.bus.address, **EXACT_HEAP})
        self.addCleanup(self.end_agent, self.agent)
        self.caller = self.connect()
        self.world = World(self)

    async def soak(self):
        world = self.world
        await world.begin()
        end = time.monotonic() + MINUTES * 60
        await world.be_quiet()
        while time.monotonic() < end and not world.failures:
            await world.work(min(WORK, max(end - time.monotonic() - SETTLED, 1)))
            await world.be_quiet()
            self.polkit.checks.clear()
            self.tell()

    def tell(self):
        """A line for each quiet point."""
        counts = ', '.join(f'{getattr(self.world.tally, name)} {name}' for name in COUNTS[:4])
        last = self.world.readings[-1]
        say(f'{(time.monotonic() - self.began) / 60:.1f} min: {counts}; heap {last["heap"]}, rss {last["rss"] >> 10} kB, '
            f'{last["fds"]} fds, {last["threads"]} thread{"s" * (last["threads"] != 1)}')

    def get_judged(self):
        return self.world.readings[WARM_UP:] or self.world.readings[-1:]

    def tell_all(self):
        """The tables at the end."""
        for name in COUNTS:
            say(f'{name.replace("_", " "):<20}{getattr(self.world.tally, name):>12}')
        judged = self.get_judged()
        say(f'{"":<20}{"warmed up":>16}{"end":>16}{"peak":>16}{"per 1,000 calls":>17}')
        for name in [name for name in judged[0] if name != 'calls']:
            slope = get_slope([(reading['calls'], reading[name]) for reading in judged]) * 1000
            say(f'{name:<20}{judged[0][name]:>16}{judged[-1][name]:>16}{self.world.peaks[name]:>16}{slope:>17.1f}')

    def judge(self):
        """What is wrong with the readings, a line each."""
        judged = self.get_judged()
        for name, slope, noise in FLAT:
            yield judge_growth(name, [(reading['calls'], reading[name]) for reading in judged], slope, noise)
        for name in ('fds', 'threads'):
            values = [reading[name] for reading in judged]
            yield f'{name}: {values}' if len(set(values)) > 1 else None

    def test_every_hour(self):
        say(f'{MINUTES:g} minutes, seed {SEED}')
        self.began = time.monotonic()
        task = Task(self.soak())
        try:
            wait_until(lambda: task.is_over, 'the end of the soak', MINUTES * 60 * 2 + 600)
        finally:
            for machine in filter(None, [*self.world.machines, self.world.configured]):
                machine.stop()
        if task.error is not None:
            raise task.error
        self.tell_all()
        self.assertEqual(len(self.world.failures), 0, 'see above')
        self.assertEqual(list(filter(None, self.judge())), [])


if __name__ == '__main__':
    main()
