# SPDX-License-Identifier: LGPL-2.1-or-later
"""How something is measured, and compared with what is under it."""
import collections
import contextlib
import pathlib
import statistics
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from harness import QmpClient

from .names import GET_STATUS
from .table import in_us

IN_FLIGHT = 32
READS = 100  # so many at a time


class BenchError(Exception):
    """Something that is measured has failed."""


def sum_status(process, field):
    """A number of /proc/PID/status, summed over its threads."""
    texts = [path.read_text(encoding='ascii') for path in pathlib.Path(f'/proc/{process.pid}/task').glob('*/status')]
    return sum(int(line.split()[1]) for text in texts for line in text.splitlines() if line.startswith(f'{field}:'))


def read_memory(process):
    """What is resident of it, in kB."""
    text = pathlib.Path(f'/proc/{process.pid}/status').read_text(encoding='ascii')
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith('VmRSS:'))


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


@contextlib.contextmanager
def reading(bench, path):
    """While the body runs somebody else reads a property of a VM again and again: gives a list, in which the longest read is then."""
    over = Event()

    def read():
        longest = 0
        while not over.is_set():
            longest = max(longest, bench.call(READS, 1, path, *GET_STATUS)['max'])
        return longest
    reads = []
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(read)
        try:
            yield reads
        finally:
            over.set()
        reads.append(future.result())


class Rounds:
    """Probes (functions that give what bench-client printed), each once in a round. What is compared is compared within a round,
    because a machine gets faster and slower meanwhile."""

    def __init__(self, probes, number):
        self.results = collections.defaultdict(list)
        for _ in range(number):
            for name, probe in probes.items():
                self.results[name].append(probe())

    def get(self, name, key='median'):
        return statistics.median(result[key] for result in self.results[name])

    def longest(self, name):
        return max(result['max'] for result in self.results[name])

    def ratio(self, name, *floors, key='median'):
        """To the sum of the floors."""
        return statistics.median(result[key] / sum(self.results[floor][number][key] for floor in floors)
                                 for number, result in enumerate(self.results[name]))

    def show_times(self, name):
        return in_us(self.get(name)), in_us(self.get(name, 'p99'))

    def show_rate(self, name):
        return f'{self.get(name, "rate"):,.0f} /s'
