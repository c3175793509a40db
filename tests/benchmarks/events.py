# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events, to those who listen."""
import json
import sys
import time
from functools import partial

from harness import Process, wait_until

from .names import ECHO, INTROSPECT, NAME
from .probes import Turns
from .table import heading

EVENTS = 100000
SUBSCRIBERS = (1, 20)


def flood(bench, subscribers, events, interface, *call):
    """Events a second, as the caller of what brings them about hears them; all others hear as many."""
    before = bench.count_names()
    others = [bench.adopt(Process(bench.client('listen', bench.bus.address, interface, events)))
              for _ in range(subscribers - 1)]
    wait_until(lambda: bench.count_names() == before + len(others), 'the subscribers')
    # Each has its match rule when the bus has answered it after the name.
    time.sleep(0.2)
    result = bench.measure('listen', bench.bus.address, interface, events, *call)
    for other in others:
        if other.wait() != 0:
            sys.exit(f'A subscriber did not hear all events: {other.output}')
    return result


def bench_events(bench):
    events = bench.turns(EVENTS)
    heading(f'{events:,} events of one VM', 'events', 'ratio')
    fake, = bench.start_fakes(1, bench_flood={})
    with bench.agent():
        path = bench.add(fake)
        # The names of events are known with the schema.
        bench.call(1, 1, path, *INTROSPECT)
        for subscribers in SUBSCRIBERS:
            turns = Turns({
                'bus': partial(flood, bench, subscribers, events, ECHO, ECHO, '/', ECHO, 'Flood', events),
                'agent': partial(flood, bench, subscribers, events, f'{NAME}.Events', NAME, path, f'{NAME}.VM',
                                 'ExecuteJSON', 'bench-flood', json.dumps({'count': events})),
            }, 1)
            what = f'{subscribers} subscriber{"s" if subscribers > 1 else ""}'
            turns.row_of_rate(f'as the bus carries them to {what}', 'bus')
            turns.row_of_rate(f'to {what}, none lost', 'agent', ('bus',), target='>= 0.70',
                              goal=f'events a second to {what}, of what the bus carries')
