# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a monitor for each caller costs."""
from functools import partial

from harness import Connection, Qemu, wait_until

from .names import NAME, QUERY_STATUS
from .probes import Turns
from .table import heading, in_ms, in_us, row

CALLERS = (1, 4, 16)
IDLE_TIMEOUT = 10  # seconds, in which CALLERS are measured


def bench_plugging(bench, version):
    """A caller's first call, for which a monitor is plugged where that can be, and the next."""
    with bench.agent():
        path = bench.add(bench.start_qemu(version).path)
        turns = Turns({
            'first': partial(bench.call, 1, 1, path, *QUERY_STATUS),
            'later': partial(bench.call, 100, 1, path, *QUERY_STATUS),
        }, bench.turns(50))
    is_plugged = version != '7.2'
    row(f'first call of a caller, QEMU {version}', in_us(turns.get('first')), in_us(turns.longest('first')),
        target='<= 2.5 ms' if is_plugged else '',
        goal=is_plugged and ("a caller's first call, for which a monitor is plugged", in_ms(turns.get('first'))))
    row(f'later call of a caller, QEMU {version}', in_us(turns.get('later')), in_us(turns.longest('later')))


def attach(bench, path, count):
    """Callers, each with a monitor of their own."""
    callers = [bench.adopt(Connection(bench.bus.address)) for _ in range(count)]
    for caller in callers:
        caller.call(NAME, path, *QUERY_STATUS)
    return callers


def bench_monitors(bench):
    """What callers' monitors cost whoever speaks to QEMU, by a monitor that was there before."""
    version = bench.versions[-1]
    heading('A monitor per caller', 'median', 'longest', 'to no agent')
    for each in bench.versions:
        bench_plugging(bench, each)
    direct, qemu = (bench.adopt(Qemu(bench.directory, version, '-S', monitors=2)) for _ in range(2))

    def measure(what, target=''):
        turns = Turns({
            'direct': partial(bench.raw, 1000, 1, direct.paths[-1], 'query-status'),
            'raw': partial(bench.raw, 1000, 1, qemu.paths[-1], 'query-status'),
        }, bench.turns(5))
        row(what, in_us(turns.get('raw')), in_us(turns.longest('raw')), turns.ratio('raw', ('direct',)),
            target=target)
    with bench.agent(**{'idle-timeout': IDLE_TIMEOUT}):
        path = bench.add(qemu.path)
        measure('raw, no callers')
        for count in CALLERS:
            callers = attach(bench, path, count)
            measure(f'raw, {count} callers')
            if count == CALLERS[-1]:
                wait_until(lambda: not bench.caller.call(NAME, path, f'{NAME}.VM', 'ListMonitors')[0],
                           'the end of what is idle')
                measure(f'raw, {count} callers who have been idle for {IDLE_TIMEOUT} s', target='as without')
            for caller in callers:
                caller.stop()
