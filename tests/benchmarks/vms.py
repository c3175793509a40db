# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many VMs: what each costs, and what the callers of one notice of the others."""
import pathlib
import signal
import statistics
import time
from functools import partial

from harness import wait_until

from .names import GET_STATUS, INTROSPECT, NAME, OBJECT_MANAGER, QUERY_STATUS, ROOT
from .probes import IN_FLIGHT, keep_in_flight, query, read_memory
from .stage import write_key_file
from .table import KB, MS, SECONDS, at_most, in_us


def measure_calls(bench, path):
    """A typed call, and a read that is a caller's first, after another has left."""
    return {
        'typed call': statistics.median(bench.call(500, 1, path, *QUERY_STATUS)['median'] for _ in range(5)),
        'property, a new caller': statistics.median(bench.call(1, 1, path, *GET_STATUS)['median'] for _ in range(bench.at_most(40))),
    }


def bench_among_vms(bench):
    fake, *others = bench.start_fakes(bench.load.vms + 1)
    alone, beside = [], []
    for paths, result in (([], alone), (others, beside)):
        with bench.agent(idle_timeout=1):
            keep_in_flight([partial(bench.start_add, path) for path in paths])
            path = bench.add(fake)
            time.sleep(bench.load.settled)
            result.append(measure_calls(bench, path))
    bench.table.heading(f'A call beside {bench.load.vms:,} idle VMs', 'alone', 'beside them', 'ratio')
    for what in alone[0]:
        ratio = beside[0][what] / alone[0][what]
        bench.table.row(what, in_us(alone[0][what]), in_us(beside[0][what]), f'{ratio:.2f}', verdicts=[
            at_most(f'{what}, beside {bench.load.vms:,} VMs, of one alone', ratio, 1.1, asked=bench.load.asked('vms'))])


def measure_starts(agent, starts):
    """Seconds, and kB each."""
    resident, begin = read_memory(agent), time.monotonic()
    keep_in_flight(starts)
    return time.monotonic() - begin, (read_memory(agent) - resident) / len(starts)


def measure_adding(bench, agent, fakes):
    seconds, memory = measure_starts(agent, [partial(bench.start_add, path) for path in fakes])
    asked = bench.load.asked('vms')
    bench.table.row('AddVM', SECONDS.show(seconds), KB.show(memory), verdicts=[
        at_most(f'{len(fakes):,} VMs added', seconds, 0.3, SECONDS, asked),
        at_most(f'memory of each of {len(fakes):,} VMs', memory, 6, KB, asked)])


def count_commands(bench, version):
    """Those that a real QEMU is asked when it is added; its trace tells."""
    trace = pathlib.Path(f'{bench.make_directory()}/trace')
    qemu = bench.start_qemu(version, '-d', 'trace:handle_qmp_command', '-D', str(trace))
    bench.add(qemu.path)
    # Some follow when the VM's object is there.
    time.sleep(bench.load.settled)
    return trace.read_text(encoding='utf-8').count('handle_qmp_command')


def bench_vms(bench):
    count = bench.load.vms
    fakes = bench.start_fakes(count)
    bench.table.heading(f'{count:,} VMs, {IN_FLIGHT} calls in flight', 'seconds', 'kB each')
    with bench.agent() as agent:
        measure_adding(bench, agent, fakes)
        for version in bench.versions:
            bench.table.row(f'commands that QEMU {version} is asked when it is added', count_commands(bench, version))
        listed = bench.call(20, 1, ROOT, OBJECT_MANAGER, 'GetManagedObjects')['median']
        bench.table.row('GetManagedObjects', f'{listed / 1e6:.3f} s', verdicts=[
            at_most(f'a list of {count:,} VMs with all properties', listed, 50000, MS, bench.load.asked('vms'))])
        paths = bench.caller.call(NAME, ROOT, OBJECT_MANAGER, 'GetManagedObjects')[0]
        seconds, memory = measure_starts(agent, [partial(bench.caller.start, NAME, path, *INTROSPECT) for path in sorted(paths)])
        bench.table.row('Introspect of each', SECONDS.show(seconds), KB.show(memory))
    asked = query(fakes[0], 'bench-asked')['query-qmp-schema']
    bench.table.row('times that each was asked for its schema', f'{asked / count:.2f}')


def count_tried(bench):
    """VMs that nobody answers for, and that the agent has tried."""
    return sum(1 for vm in bench.manager('ListVMs') if vm['error'])


def bench_retried_vms(bench):
    """VMs of the key file whose QEMU is not there: each is tried again and again."""
    count = bench.load.vms
    groups = '\n'.join(f'[vm vm-{number}]\naddress=unix:{bench.directory}/nobody-{number}' for number in range(count))
    with bench.agent() as agent:
        before = read_memory(agent)
        write_key_file(agent.directory, {}, groups)
        agent.kill(signal.SIGHUP)
        wait_until(lambda: count_tried(bench) == count, f'{count} VMs that were tried')
        time.sleep(bench.load.idle)
        memory = (read_memory(agent) - before) / count
    bench.table.heading(f'{count:,} VMs of the key file that are not there', 'kB each')
    bench.table.row(f'memory, tried again for {bench.load.idle} s', KB.show(memory), verdicts=[
        at_most(f'memory of each of {count:,} VMs that are not there', memory, 6, KB, bench.load.asked('vms'))])
