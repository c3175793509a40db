# SPDX-License-Identifier: LGPL-2.1-or-later
"""An agent that has just begun, and one that does nothing."""
import collections
import statistics
import time

from gi.repository import Gio

from harness import Connection
from harness.qemu import find_qemu

from .names import INTROSPECT, NAME, QUERY_STATUS, ROOT
from .probes import read_memory, sum_status
from .table import COUNT, MB, MS, at_most

VERSIONS = ('7.2', '10.0', '11.1')
IDLE_VMS = 2  # of each
SUBSCRIBERS = 5


def bench_fresh(bench):
    version = bench.versions[-1]
    qemu = bench.start_qemu(version)
    times = collections.defaultdict(list)
    for _ in range(bench.load.count_rounds(10)):
        with bench.agent():
            path = bench.add(qemu.path)
            times['first typed call'].append(bench.call(1, 1, path, *QUERY_STATUS)['median'])
        with bench.agent():
            path = bench.add(qemu.path)
            times['first Introspect'].append(bench.call(1, 1, path, *INTROSPECT)['median'])
            times['later Introspect'].append(bench.call(20, 1, path, *INTROSPECT)['median'])
    bench.table.heading(f'A fresh agent, QEMU {version}', 'median', 'worst')
    for what, values in times.items():
        bench.table.row(what, MS.show(statistics.median(values)), MS.show(max(values)))
    with bench.agent() as agent:
        path = bench.add(qemu.path)
        bench.table.row('memory with one VM, schema not known', MB.show(read_memory(agent)))
        bench.call(1, 1, path, *QUERY_STATUS)
        memory = read_memory(agent)
        bench.table.row('memory with one VM, schema known', MB.show(memory),
                        verdicts=[at_most('memory of an agent with one VM', memory, 12 * 1024, MB)])


def subscribe(bench, path):
    """Hears all events of a VM, by a match rule and by Subscribe()."""
    caller = bench.adopt(Connection(bench.bus.address))
    caller.record(interface=f'{NAME}.Events', path=path)
    caller.call(NAME, path, f'{NAME}.VM', 'Subscribe', '(as)', [])
    return caller


def list_objects(bench):
    """As a desktop program does: it lists the objects once, and then listens."""
    connection = bench.adopt(Connection(bench.bus.address))
    manager = Gio.DBusObjectManagerClient.new_sync(connection.gdbus, Gio.DBusObjectManagerClientFlags.NONE, NAME, ROOT, None, None, None)
    assert manager.get_objects(), 'no VMs'
    return manager


def count_wakeups(agent, seconds):
    before = sum_status(agent, 'voluntary_ctxt_switches')
    time.sleep(seconds)
    return sum_status(agent, 'voluntary_ctxt_switches') - before


def bench_idle(bench):
    """Nothing happens in the VMs, to which every subscriber has also made a call."""
    versions = [version for version in VERSIONS if find_qemu(version)]
    with bench.agent(idle_timeout=1) as agent:
        paths = [bench.add(bench.start_qemu(version).path) for version in versions for _ in range(IDLE_VMS)]
        subscribers = [subscribe(bench, path) for path in paths for _ in range(SUBSCRIBERS)]
        for subscriber, path in zip(subscribers, [path for path in paths for _ in range(SUBSCRIBERS)]):
            subscriber.call(NAME, path, *QUERY_STATUS)
        listing = list_objects(bench)
        time.sleep(bench.load.folded)
        wakeups = count_wakeups(agent, bench.load.idle)
        del listing
    what = f'{len(paths)} VMs, {len(subscribers)} subscribers, a GLib client'
    bench.table.heading(f'Idle: QEMU {", ".join(versions)}', 'wake-ups', 'seconds')
    bench.table.row(what, wakeups, bench.load.idle, verdicts=[
        at_most(f'wake-ups in {bench.load.idle} s, {what}', wakeups, 0, COUNT, bench.load.asked('idle'))])
