# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one caller notices of others who have called once and are there."""
import time
from functools import partial

from .monitors import KEPT, SOON, attach, count_monitors
from .names import QUERY_STATUS
from .probes import Rounds
from .table import at_most, in_us

# A QEMU's, with the agent's own: of max-monitors=16 one place is for the monitor that callers share who have none.
MOST_MONITORS = 16
COLUMNS = ('alone', 'beside them', 'ratio', 'echo + raw')


def measure(bench, path, raw, others, idle_timeout):
    """A caller beside so many others, and how many monitors callers have. `raw`: a QEMU of which as much is asked."""
    with bench.agent(idle_timeout=idle_timeout):
        vm = bench.add(path)
        callers = attach(bench, vm, others)
        time.sleep(bench.load.settled)
        monitors = count_monitors(bench, vm)
        rounds = Rounds({
            'echo': partial(bench.echo, 500, 1),
            'raw': partial(bench.raw, 500, 1, raw, 'query-status'),
            'call': partial(bench.call, 500, 1, vm, *QUERY_STATUS),
        }, bench.load.count_rounds(50))
        for caller in callers:
            caller.stop()
    return rounds, monitors


def measure_both(bench, path, raws, idle_timeout):
    """Alone and beside the callers: what a row tells, the ratio, and how many monitors these callers have."""
    alone, _ = measure(bench, path, raws[0], 0, idle_timeout)
    beside, monitors = measure(bench, path, raws[1], bench.load.callers, idle_timeout)
    ratio = beside.get('call') / alone.get('call')
    return (in_us(alone.get('call')), in_us(beside.get('call')), f'{ratio:.2f}', f'{beside.ratio("call", "echo", "raw"):.2f}'), ratio, monitors


def judge(bench, what, ratio):
    return [at_most(f'a typed call beside {bench.load.callers} callers, {what}', ratio, 1.1, asked=bench.load.asked('callers'))]


def bench_callers_shared(bench):
    """The oldest QEMU, whose one monitor all callers share."""
    bench.table.heading(f'A typed call beside {bench.load.callers} callers who have called once', *COLUMNS)
    version = bench.versions[0]
    paths = {'a peer that answers at once': bench.start_fakes(2),
             f'QEMU {version}': [bench.start_qemu(version).path for _ in range(2)]}
    for what, (path, raw) in paths.items():
        values, ratio, _ = measure_both(bench, path, (raw, raw), SOON)
        bench.table.row(f'{what}, shared monitor', *values, verdicts=judge(bench, what, ratio))


def bench_callers_plugged(bench):
    """A QEMU into which a monitor is plugged for each caller, up to max-monitors. Each slows QEMU itself by some 20 us, so that the
    ratio to echo + raw, beside as many monitors, tells what the agent adds."""
    version = bench.versions[-1]
    bench.table.heading(f'The same, QEMU {version}, with a monitor for each caller', *COLUMNS)
    path = bench.start_qemu(version).path
    few, many = (bench.start_with_monitors(version, count) for count in (2, MOST_MONITORS))
    for what, raw, idle_timeout in (('with monitors', many, KEPT), ('long idle', few, SOON)):
        values, ratio, monitors = measure_both(bench, path, (few, raw), idle_timeout)
        bench.table.row(f'{what}: callers have {monitors} monitors', *values, verdicts=judge(bench, f'QEMU {version}, {what}', ratio))
