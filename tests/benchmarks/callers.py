# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one caller notices of others who have called once and are there."""
import statistics
import time
from functools import partial

from .monitors import KEPT, SOON, attach, count_monitors
from .names import QUERY_STATUS
from .probes import Rounds
from .table import at_most, in_us

MAX_MONITORS = 16  # the agent's default


def measure_call(bench, path):
    return statistics.median(bench.call(500, 1, path, *QUERY_STATUS)['median'] for _ in range(5))


def measure_both(bench, path, **settings):
    """Alone, and beside the callers: the medians, and how many monitors callers had."""
    medians = []
    for others in (0, bench.load.callers):
        with bench.agent(**settings):
            vm = bench.add(path)
            callers = attach(bench, vm, others)
            time.sleep(bench.load.settled)
            monitors = count_monitors(bench, vm)
            medians.append(measure_call(bench, vm))
            for caller in callers:
                caller.stop()
    return *medians, monitors


def judge(bench, what, ratio):
    return [at_most(f'a typed call beside {bench.load.callers} callers, {what}', ratio, 1.1, asked=bench.load.asked('callers'))]


def bench_callers_shared(bench):
    """The oldest QEMU, whose one monitor all callers share."""
    bench.table.heading(f'A typed call beside {bench.load.callers} callers who have called once', 'alone', 'beside them', 'ratio')
    version = bench.versions[0]
    paths = {'a peer that answers at once': bench.start_fakes(1)[0], f'QEMU {version}': bench.start_qemu(version).path}
    for what, path in paths.items():
        alone, beside, _ = measure_both(bench, path, idle_timeout=SOON)
        bench.table.row(f'{what}, shared monitor', in_us(alone), in_us(beside), f'{beside / alone:.2f}', verdicts=judge(bench, what, beside / alone))


def measure_floor(bench, version):
    """Raw QMP beside as many idle monitors as the agent plugs for callers, of raw QMP beside one."""
    few, many = (bench.start_qemu(version, monitors=count) for count in (2, MAX_MONITORS + 1))
    for qemu in (few, many):
        for number in range(len(qemu.paths) - 1):
            bench.adopt(qemu.raw(number))
    rounds = Rounds({what: partial(bench.raw, 500, 1, qemu.paths[-1], 'query-status') for what, qemu in (('few', few), ('many', many))},
                    bench.load.count_rounds(10))
    return rounds.get('few'), rounds.get('many'), rounds.ratio('many', 'few')


def bench_callers_plugged(bench):
    """A QEMU into which a monitor is plugged for each caller, up to max-monitors. Each slows QEMU itself by some 20 us."""
    version = bench.versions[-1]
    bench.table.heading(f'The same, QEMU {version}, max-monitors={MAX_MONITORS}', 'alone', 'beside them', 'ratio')
    alone, beside, ratio = measure_floor(bench, version)
    bench.table.row(f'raw, {MAX_MONITORS} idle monitors in place of 1', in_us(alone), in_us(beside), f'{ratio:.2f}')
    qemu = bench.start_qemu(version)
    for what, idle_timeout in (('with monitors', KEPT), ('long idle', SOON)):
        alone, beside, monitors = measure_both(bench, qemu.path, idle_timeout=idle_timeout)
        bench.table.row(f'{what}: callers have {monitors} monitors', in_us(alone), in_us(beside), f'{beside / alone:.2f}',
                        verdicts=judge(bench, f'QEMU {version}, {what}', beside / alone))
