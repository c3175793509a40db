# SPDX-License-Identifier: LGPL-2.1-or-later
"""An agent that has just begun, and one that does nothing."""
import collections
import statistics
import time

from .holds import longest_read
from .names import INTROSPECT, NAME, QUERY_STATUS
from .probes import read_status
from .table import heading, in_ms, row

SETTLED = 12  # seconds: what the agent looks at once more after a call, it has looked at by then
IDLE = 60  # seconds


def bench_first(bench):
    heading(f'A fresh agent, QEMU {bench.versions[-1]}', 'median', 'worst')
    qemu = bench.start_qemu(bench.versions[-1])
    times = collections.defaultdict(list)
    for _ in range(bench.turns(10)):
        with bench.agent():
            path = bench.add(qemu.path)
            times['first typed call'].append(bench.call(1, 1, path, *QUERY_STATUS)['median'])
        with bench.agent():
            path = bench.add(qemu.path)
            times['first Introspect'].append(bench.call(1, 1, path, *INTROSPECT)['median'])
            times['later Introspect'].append(bench.call(20, 1, path, *INTROSPECT)['median'])
            times['longest read of a property during QueryQmpSchema'].append(
                longest_read(bench, path, f'{NAME}.QMP', 'QueryQmpSchema'))
        with bench.agent():
            path = bench.add(qemu.path)
            times['longest read of a property during first Introspect'].append(longest_read(bench, path, *INTROSPECT))
    for what, values in times.items():
        row(what, in_ms(statistics.median(values)), in_ms(max(values)),
            target='<= 20 ms, and an echo' if what.startswith('longest') else '')


def bench_one_vm(bench):
    heading('An agent with one VM')
    qemu = bench.start_qemu(bench.versions[-1])
    seconds = bench.turns(IDLE)
    with bench.agent(**{'idle-timeout': 1}) as agent:
        path = bench.add(qemu.path)
        row('resident, schema not known', f'{read_status(agent, "VmRSS")} kB', target='<= 12 MB')
        bench.call(1, 1, path, *QUERY_STATUS)
        resident = f'{read_status(agent, "VmRSS")} kB'
        row('resident, schema known', resident, target='<= 12 MB', goal=('memory of an agent with one VM', resident))
        time.sleep(SETTLED)
        switches = read_status(agent, 'voluntary_ctxt_switches')
        time.sleep(seconds)
        switches = read_status(agent, 'voluntary_ctxt_switches') - switches
        row(f'wake-ups in {seconds} s', switches, target='0', goal=(f'wake-ups in {seconds} s of doing nothing', switches))
