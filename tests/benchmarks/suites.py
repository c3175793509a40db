# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole suites of tests through the agent: as many QEMUs in and out as the machine can do, beside the same by raw QMP."""
import os
import pathlib
import subprocess
import sys
import time

from harness import wait_until
from harness.process import die_with_parent
from harness.qemu import find_qemu

from .probes import BenchError, Rounds
from .stage import PATIENCE
from .table import SECONDS, at_most

TESTS = pathlib.Path(__file__).parent.parent


class Suite:
    """One of those that run side by side."""

    def __init__(self, *arguments):
        self.popen = subprocess.Popen([sys.executable, '-m', 'benchmarks.suite', *map(str, arguments)], cwd=TESTS, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        self.popen.stdout.readline()

    def begin(self):
        self.popen.stdin.write('\n')
        self.popen.stdin.flush()

    def finish(self):
        if self.popen.wait(PATIENCE) != 0:
            raise BenchError('a suite has failed')

    def stop(self):
        self.popen.kill()
        self.popen.communicate()


def count_suites(bench):
    """So many that the processors have always something to do: a QEMU that starts also waits."""
    return min(2 * len(os.sched_getaffinity(0)), bench.load.suite)


def run_suites(bench, version, *address):
    """Seconds, from the first QEMU's start to the last one's end."""
    number = count_suites(bench)
    suites = [bench.adopt(Suite(find_qemu(version), bench.load.suite // number, *address)) for _ in range(number)]
    begin = time.monotonic()
    for suite in suites:
        suite.begin()
    for suite in suites:
        suite.finish()
    return {'seconds': time.monotonic() - begin}


def measure_suites(bench, version):
    number = bench.load.suite // count_suites(bench) * count_suites(bench)
    with bench.agent():
        rounds = Rounds({'raw': lambda: run_suites(bench, version),
                         'agent': lambda: run_suites(bench, version, bench.bus.address)}, bench.load.count_rounds(10))
        wait_until(lambda: not bench.manager('ListVMs'), 'the end of all VMs')
    raw, agent, ratio = rounds.get('raw', 'seconds'), rounds.get('agent', 'seconds'), rounds.ratio('agent', 'raw', key='seconds')
    bench.table.row(f'{number} QEMUs, {version}', SECONDS.show(raw), SECONDS.show(agent), f'{ratio:.2f}', f'{number / agent:.1f} /s',
                    verdicts=[at_most(f'suites of {number} QEMUs, {version}, of the raw run\'s time', ratio, 1.05)])


def bench_suites(bench):
    bench.table.heading(f'{count_suites(bench)} suites side by side, which start, use and end QEMUs', 'raw', 'the agent', 'ratio', 'a second')
    for version in bench.versions:
        measure_suites(bench, version)
