# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long the agent's loop is held by what is large: the longest turn, in time of the processor, which neither the bus nor another program
makes longer. Beside it how long somebody else waited for a property, which has in it what the bus itself takes for the large message."""
import json
import time
from functools import partial

from harness import CallError

from .names import INTROSPECT, NAME
from .probes import keep_in_flight, query, reading
from .replies import make_block_node, start_chained
from .stage import PATIENCE
from .table import MS, Verdict, at_most

COMMAND = 'query-named-block-nodes'
TYPED = (f'{NAME}.QMP', 'QueryNamedBlockNodes')
AS_JSON = (f'{NAME}.VM', 'ExecuteJSON', '(ss)', COMMAND, '')
LONGEST = 10000  # us


def start(bench, path, *call):
    return bench.caller.start(NAME, path, *call, timeout=PATIENCE, unpack=False)


def finish(call):
    """How a call went, in a few words: it passes, or is refused for a reason."""
    try:
        call()
        return 'passes'
    except CallError as error:
        return f'{error.name.rsplit(".", 1)[1]}: {error.message}'


def judge_passing(what, result):
    """A limit that the bus has is no fault where the refusal names it, and the way without it."""
    is_limit_of_bus = 'ExecuteJSON has no such limit' in result
    measured = 'passes' if result == 'passes' else "bus's limit" if is_limit_of_bus else 'refused'
    return Verdict(what, measured, 'no own cap', result == 'passes' or is_limit_of_bus)


def hold(bench, what, path, work, may_be_refused=False, asked=''):
    """A row about what work() does, while a property of the VM at `path` is read."""
    with bench.agent_with_turns() as turns:
        vm = bench.add(path)
        with reading(bench, vm) as reads:
            # The reader is there, and the agent has done what its arrival brings.
            bench.call(1, 1, vm, 'org.freedesktop.DBus.Peer', 'Ping')
            turns.reset()
            begin = time.monotonic()
            result = work(vm)
            seconds = time.monotonic() - begin
        longest = turns.read()[0] * 1e6
    verdicts = [at_most(f'longest turn: {what}', longest, LONGEST, MS, asked)]
    if may_be_refused:
        verdicts.append(judge_passing(what, result))
    bench.table.row(what, f'{seconds:.2f} s', MS.show(longest), MS.show(reads[0]), verdicts=verdicts)
    if result not in ('passes', None):
        print(f'    {result}')


def hold_replies(bench, path, what, asked=''):
    for name, call in (('typed', TYPED), ('as JSON', AS_JSON)):
        hold(bench, f'{what} {name}', path, lambda vm, call=call: finish(start(bench, vm, *call)), may_be_refused=True, asked=asked)


def hold_arrivals(bench, nodes, asked):
    fake, *others = bench.start_fakes(bench.load.vms + 1, query_named_block_nodes=nodes)

    def work(vm):
        large = start(bench, vm, *TYPED)
        keep_in_flight([partial(bench.start_add, other) for other in others])
        return finish(large)
    hold(bench, f'{bench.load.vms:,} VMs arrive beside {in_mb(nodes)} typed', fake, work, asked=asked)


def in_mb(nodes):
    return f'{len(json.dumps(nodes)) / 1e6:.1f} MB'


def hold_schema(bench):
    qemu = bench.start_qemu(bench.versions[-1])
    for what, call in (('first Introspect', INTROSPECT), ('QueryQmpSchema', (f'{NAME}.QMP', 'QueryQmpSchema'))):
        hold(bench, f'{what}, QEMU {qemu.version}', qemu.path, lambda vm, call=call: finish(start(bench, vm, *call)))


def bench_holds(bench):
    bench.table.heading("Longest turn of the agent's loop, in time of the processor", 'whole', 'turn', 'a read')
    hold_schema(bench)
    chained = start_chained(bench, bench.load.backing_files)
    size = len(json.dumps(query(chained.path, COMMAND)))
    hold_replies(bench, chained.path, f'{bench.load.backing_files} backing files, QEMU {chained.version}, {size / 1e6:.1f} MB',
                 bench.load.asked('backing_files'))
    for field in ('large', 'largest'):
        nodes = [make_block_node(number) for number in range(getattr(bench.load, field))]
        fake, = bench.start_fakes(1, query_named_block_nodes=nodes)
        hold_replies(bench, fake, in_mb(nodes), bench.load.asked(field))
    hold_arrivals(bench, [make_block_node(number) for number in range(bench.load.large)], bench.load.asked('vms'))
