# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long others wait while something large is worked on."""
import contextlib
import json
import sys
import time
from functools import partial

from harness import CallError, Process, wait_until

from .names import GET_STATUS, NAME
from .probes import keep_in_flight, parse
from .replies import LARGE, make_block_node
from .stage import VMS
from .table import heading, in_ms, row

LARGEST = 66000
PATIENCE = 300  # seconds


@contextlib.contextmanager
def reading(bench, path, reads):
    """While the body runs a property is read, more often than that takes: gives a list, which then has the longest read in it."""
    before = bench.count_names()
    reader = bench.adopt(Process(bench.client('call', bench.bus.address, NAME, path, GET_STATUS[0], GET_STATUS[1],
                                              reads, 1, *GET_STATUS[2:])))
    wait_until(lambda: reader.popen.poll() is not None or bench.count_names() > before, 'the reader')
    longest = []
    yield longest
    if reader.popen.poll() is not None or reader.wait() != 0:
        sys.exit(f'The reader has ended too early: {reader.output}')
    longest.append(parse(reader.output)['max'])


def longest_read(bench, path, *call):
    """How long, at worst, a property takes to read while something larger is called."""
    with reading(bench, path, 5000) as longest:
        bench.call(1, 1, path, *call)
    return longest[0]


def bench_largest(bench):
    """The bus, or we before it, may refuse what is too large: with an error, and nobody else waits for that."""
    nodes = [make_block_node(number) for number in range(LARGEST)]
    heading(f'query-named-block-nodes, {len(json.dumps(nodes)) / 1e6:.0f} MB, a peer that answers at once', 'time', 'result')
    fake, = bench.start_fakes(1, query_named_block_nodes=nodes)
    for method, call in (('QueryNamedBlockNodes', (f'{NAME}.QMP', 'QueryNamedBlockNodes')),
                         ('ExecuteJSON query-named-block-nodes', (f'{NAME}.VM', 'ExecuteJSON', '(ss)', 'query-named-block-nodes', ''))):
        with bench.agent():
            path = bench.add(fake)
            begin = time.monotonic()
            with reading(bench, path, 60000) as longest:
                try:
                    bench.caller.start(NAME, path, *call, timeout=PATIENCE, unpack=False)()
                    result = 'passes'
                except CallError as error:
                    result = f'{error.name.rsplit(".", 1)[1]}: {error.message}'
                seconds = time.monotonic() - begin
        row(method, f'{seconds:.2f} s', f'  {result}')
        row('  longest read of a property meanwhile', in_ms(longest[0]), target='<= 10 ms',
            goal=(f'longest read of a property beside 30 MB, {method.split()[0]}', in_ms(longest[0])))


def bench_arrivals(bench):
    count = bench.turns(VMS)
    heading(f'{count} VMs arrive while {LARGE} block nodes become a typed reply')
    fake, *others = bench.start_fakes(count + 1, query_named_block_nodes=[make_block_node(number) for number in range(LARGE)])
    with bench.agent():
        path = bench.add(fake)
        with reading(bench, path, 40000) as longest:
            finish = bench.caller.start(NAME, path, f'{NAME}.QMP', 'QueryNamedBlockNodes', timeout=PATIENCE, unpack=False)
            keep_in_flight([partial(bench.start_add, other) for other in others])
            finish()
    row('longest read of a property meanwhile', in_ms(longest[0]), target='<= 10 ms',
        goal=(f'the same beside {count} new VMs and 6 MB', in_ms(longest[0])))
