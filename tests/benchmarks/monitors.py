# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a monitor for each caller costs: the caller, and whoever speaks to that QEMU."""
from functools import partial

from harness import Connection, wait_until

from .names import NAME, QUERY_STATUS
from .probes import Rounds
from .table import MS, at_most, in_us

CALLERS = (1, 4, 16)
# Seconds without a call after which a caller's monitor goes: longer than a row takes, and soon.
KEPT, SOON = 600, 1


def attach(bench, path, count):
    """Callers who have called once, each with a monitor of their own where there is one."""
    callers = [bench.adopt(Connection(bench.bus.address)) for _ in range(count)]
    for caller in callers:
        caller.call(NAME, path, *QUERY_STATUS)
    return callers


def measure_plugging(bench, version):
    """A caller's first call, for which a monitor is plugged where that can be, and the next."""
    with bench.agent():
        path = bench.add(bench.start_qemu(version).path)
        rounds = Rounds({
            'first': partial(bench.call, 1, 1, path, *QUERY_STATUS),
            'later': partial(bench.call, 100, 1, path, *QUERY_STATUS),
        }, bench.load.count_rounds(50))
    verdict = at_most("a caller's first call, for which a monitor is plugged", rounds.get('first'), 2500, MS)
    for which in rounds.results:
        bench.table.row(f'{which} call of a caller, QEMU {version}', in_us(rounds.get(which)), in_us(rounds.longest(which)),
                        verdicts=[verdict] if which == 'first' and version != '7.2' else ())


def count_monitors(bench, path):
    return len(bench.caller.call(NAME, path, f'{NAME}.VM', 'ListMonitors')[0])


def measure_beside(bench, direct, qemu, what):
    """By a monitor that was there before; `direct` is a QEMU without an agent."""
    rounds = Rounds({
        'direct': partial(bench.raw, 1000, 1, direct.paths[-1], 'query-status'),
        'raw': partial(bench.raw, 1000, 1, qemu.paths[-1], 'query-status'),
    }, bench.load.count_rounds(5))
    bench.table.row(f'raw, {what}', in_us(rounds.get('raw')), in_us(rounds.longest('raw')), f'{rounds.ratio("raw", "direct"):.2f}')


def bench_monitors(bench):
    bench.table.heading('A monitor for each caller', 'median', 'longest', 'to no agent')
    for version in bench.versions:
        measure_plugging(bench, version)
    direct, qemu = (bench.start_qemu(bench.versions[-1], monitors=2) for _ in range(2))
    with bench.agent(idle_timeout=KEPT):
        path = bench.add(qemu.path)
        for count in (0, *CALLERS):
            callers = attach(bench, path, count)
            measure_beside(bench, direct, qemu, f'{count} callers')
            for caller in callers:
                caller.stop()
            wait_until(lambda: count_monitors(bench, path) == 0, 'the end of their monitors')
    with bench.agent(idle_timeout=SOON):
        path = bench.add(qemu.path)
        callers = attach(bench, path, CALLERS[-1])
        wait_until(lambda: count_monitors(bench, path) == 0, 'the end of what is idle')
        measure_beside(bench, direct, qemu, f'{len(callers)} callers, idle for longer than idle-timeout')
