# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many VMs, and many callers."""
import collections
import statistics
import time
from functools import partial

from .agents import SETTLED
from .monitors import attach
from .names import GET_STATUS, INTROSPECT, NAME, QUERY_STATUS, ROOT
from .probes import IN_FLIGHT, keep_in_flight, query, read_status
from .stage import VMS
from .table import heading, in_ms, in_us, row

OTHER_CALLERS = 200


def bench_among_many(bench):
    """What a VM's callers notice of the others: a typed call, and one that is a caller's first, after another has left."""
    count = bench.turns(VMS)
    heading(f'A call beside {count} idle VMs', 'alone', 'beside them', 'ratio')
    fake, *others = bench.start_fakes(count + 1)
    times = collections.defaultdict(list)
    for paths in ([], others):
        with bench.agent():
            keep_in_flight([partial(bench.start_add, path) for path in paths])
            path = bench.add(fake)
            time.sleep(SETTLED)
            times['typed call'].append(statistics.median(bench.call(500, 1, path, *QUERY_STATUS)['median'] for _ in range(5)))
            times['property, a new caller'].append(
                statistics.median(bench.call(1, 1, path, *GET_STATUS)['median'] for _ in range(40)))
    for what, (alone, beside) in times.items():
        row(what, in_us(alone), in_us(beside), f'{beside / alone:.2f}', target='<= 1.10',
            goal=what == 'typed call' and (f'a typed call beside {count} other VMs, of one alone', f'{beside / alone:.2f}'))


def bench_among_callers(bench):
    """What one caller notices of others who have called once and are there."""
    count = bench.turns(OTHER_CALLERS)
    heading(f'A call beside {count} idle callers', 'alone', 'beside them', 'ratio')
    fake, = bench.start_fakes(1)
    medians = []
    for others in (0, count):
        with bench.agent():
            path = bench.add(fake)
            callers = attach(bench, path, others)
            time.sleep(SETTLED)
            medians.append(statistics.median(bench.call(500, 1, path, *QUERY_STATUS)['median'] for _ in range(5)))
            for caller in callers:
                caller.stop()
    ratio = f'{medians[1] / medians[0]:.2f}'
    row('typed call', *map(in_us, medians), ratio, target='<= 1.10',
        goal=(f'a typed call beside {count} other callers, of one alone', ratio))


def bench_many_vms(bench):
    count = bench.turns(VMS)
    heading(f'{count} VMs, {IN_FLIGHT} calls in flight', 'seconds', 'kB each')
    fakes = bench.start_fakes(count)
    with bench.agent() as agent:
        resident = read_status(agent, 'VmRSS')

        def measure(what, starts, target='', has_goal=False):
            begin = time.monotonic()
            keep_in_flight(starts)
            seconds, memory = time.monotonic() - begin, (read_status(agent, 'VmRSS') - resident) / count
            row(what, f'{seconds:.2f}', f'{memory:.1f}', target=target,
                goal=has_goal and (f'{count} VMs added: seconds, kB each', f'{seconds:.2f}, {memory:.1f}'))
        measure('AddVM', [partial(bench.start_add, path) for path in fakes], f'<= {0.3 * count / VMS:.2f}, 6', has_goal=True)
        listed = bench.call(bench.turns(20), 1, ROOT, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')['median']
        row('GetManagedObjects', f'{listed / 1e6:.3f}', target=f'<= {50 * count / VMS:.0f} ms',
            goal=(f'a list of {count} VMs with all properties', in_ms(listed)))
        paths = bench.caller.call(NAME, ROOT, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')[0]
        measure('Introspect of each', [partial(bench.caller.start, NAME, path, *INTROSPECT) for path in sorted(paths)],
                '')
    asked = query(fakes[0], 'bench-asked')
    row('times that query-commands was asked for', asked['query-commands'])
    row('times that query-qmp-schema was asked for', asked['query-qmp-schema'], target=f'{count}, once each')
