# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events, to those who listen."""
import json
import time
from functools import partial

from harness import Process, wait_until

from .names import ECHO, INTROSPECT, NAME
from .probes import BenchError, Rounds
from .table import at_least

SUBSCRIBERS = (1, 20)


def flood(bench, subscribers, interface, *call):
    """Events a second, as the caller of what brings them about hears them; all others hear as many."""
    before = bench.count_names()
    others = [bench.adopt(Process(bench.client('listen', bench.bus.address, interface, bench.load.events)))
              for _ in range(subscribers - 1)]
    wait_until(lambda: bench.count_names() == before + len(others), 'the subscribers')
    # Each has its match rule when the bus has answered it after the name.
    time.sleep(0.2)
    result = bench.measure('listen', bench.bus.address, interface, bench.load.events, *call)
    for other in others:
        if other.wait() != 0:
            raise BenchError(f'a subscriber did not hear all events: {other.output}')
    return result


def measure_events(bench, path, subscribers):
    events = bench.load.events
    rounds = Rounds({
        'bus': partial(flood, bench, subscribers, ECHO, ECHO, '/', ECHO, 'Flood', events),
        'agent': partial(flood, bench, subscribers, f'{NAME}.Events', NAME, path, f'{NAME}.VM', 'ExecuteJSON', 'bench-flood',
                         json.dumps({'count': events})),
    }, 1)
    whom = f'{subscribers} subscriber{"s" if subscribers > 1 else ""}'
    ratio = rounds.ratio('agent', 'bus', key='rate')
    bench.table.row(f'as the bus carries them to {whom}', rounds.show_rate('bus'))
    bench.table.row(f'to {whom}, none lost', rounds.show_rate('agent'), f'{ratio:.2f}', verdicts=[
        at_least(f'{events:,} events to {whom}, none lost, of the bus', ratio, 0.7, asked=bench.load.asked('events'))])


def bench_events(bench):
    bench.table.heading(f'{bench.load.events:,} events of one VM', 'events', 'ratio')
    fake, = bench.start_fakes(1, bench_flood={})
    with bench.agent():
        path = bench.add(fake)
        # The names of events are known with the schema.
        bench.call(1, 1, path, *INTROSPECT)
        for subscribers in SUBSCRIBERS:
            measure_events(bench, path, subscribers)
