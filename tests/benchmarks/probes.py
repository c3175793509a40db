# SPDX-License-Identifier: LGPL-2.1-or-later
"""How something is measured, and compared with what is under it."""
import collections
import pathlib
import statistics

from harness import QmpClient

from .table import in_us, row

IN_FLIGHT = 32


def read_status(process, field):
    """A number of /proc/PID/status."""
    text = pathlib.Path(f'/proc/{process.pid}/status').read_text(encoding='ascii')
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f'{field}:'))


def query(path, command):
    """What a QMP server returns to somebody who asks this once."""
    client = QmpClient(path)
    try:
        return client.execute(command)
    finally:
        client.stop()


def parse(line):
    return {name: float(value) for name, value in (field.split('=') for field in line.split())}


def keep_in_flight(starts):
    """Starts calls, each by a function that gives one that waits for its reply; waits for them all."""
    pending = collections.deque()
    for start in starts:
        if len(pending) == IN_FLIGHT:
            pending.popleft()()
        pending.append(start())
    while pending:
        pending.popleft()()


class Turns:
    """Probes (functions that give what bench-client printed) measured in turns."""

    def __init__(self, probes, turns):
        self.results = collections.defaultdict(list)
        for _ in range(turns):
            for name, probe in probes.items():
                self.results[name].append(probe())

    def get(self, name, key='median'):
        return statistics.median(result[key] for result in self.results[name])

    def longest(self, name):
        return max(result['max'] for result in self.results[name])

    def ratio(self, name, floors, key='median'):
        """To the sum of the floors."""
        ratios = [result[key] / sum(self.results[floor][turn][key] for floor in floors)
                  for turn, result in enumerate(self.results[name])]
        return f'{statistics.median(ratios):.2f}'

    def row(self, what, name, *floors, target='', goal=None):
        ratios = [self.ratio(name, each) for each in floors]
        row(what, in_us(self.get(name)), in_us(self.get(name, 'p99')), *ratios, target=target,
            goal=goal and (goal, ratios[0]))

    def row_of_rate(self, what, name, *floors, target='', goal=None):
        ratios = [self.ratio(name, each, 'rate') for each in floors]
        row(what, f'{self.get(name, "rate"):,.0f} /s', *ratios, target=target, goal=goal and (goal, ratios[0]))
