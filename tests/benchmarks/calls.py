# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one call costs."""
from functools import partial

from harness import Qemu
from harness.instructions import Counter

from .names import GET_STATUS, QUERY_STATUS
from .probes import IN_FLIGHT, Turns
from .table import goals, heading, row


def start_accompanied(bench, version):
    """A QEMU with two monitors, as many as it has where an agent has its own and plugs one for the only caller: the path of the
    one that nobody speaks to yet."""
    qemu = bench.adopt(Qemu(bench.directory, version, '-S', monitors=2))
    bench.adopt(qemu.raw(0))
    return qemu.paths[-1]


def bench_latency(bench, version):
    """One QEMU is the agent's, the others are spoken to directly. Seven bytes of id cost 30 us, and an idle monitor more, which the
    agent needs where it can plug them, 20 us: three floors."""
    is_plugged = version != '7.2'
    heading(f'One call after the other, QEMU {version}', 'median', 'p99', 'ratio', 'raw has id', *['2 monitors'] * is_plugged)
    direct = bench.start_qemu(version)
    with bench.agent():
        path = bench.add(bench.start_qemu(version).path)
        ways = bench.three_ways(1000, path, 'query-status', 'QueryStatus')
        raws = {
            'raw': partial(bench.raw, 1000, 1, direct.path, 'query-status'),
            'raw with id': partial(bench.raw, 1000, 1, direct.path, 'query-status', ',"id":1'),
        }
        if is_plugged:
            raws['raw beside an idle monitor'] = partial(bench.raw, 1000, 1, start_accompanied(bench, version), 'query-status')
        turns = Turns({
            'echo': partial(bench.echo, 1000, 1),
            **raws,
            **ways,
            'property': partial(bench.call, 1000, 1, path, *GET_STATUS),
        }, bench.turns(20))
    for what in ('echo', *raws):
        turns.row(what, what)
    for way in ways:
        turns.row(way, way, *(('echo', raw) for raw in raws), target='<= 1.08',
                  goal=way == 'QueryStatus' and f'a typed call, QEMU {version}, of D-Bus echo + raw QMP')
    if is_plugged:
        goals.append((f'the same beside as many monitors, QEMU {version}',
                      turns.ratio('QueryStatus', ('echo', 'raw beside an idle monitor')), '<= 1.08'))
    turns.row('Properties.Get Status', 'property', ('echo',), target='<= 1.10',
              goal=version == bench.versions[-1] and 'reading a property, of D-Bus echo')


def bench_rate(bench):
    heading(f'{IN_FLIGHT} in flight, a peer that answers at once', 'rate', 'ratio')
    fake, = bench.start_fakes(1)
    with bench.agent():
        path = bench.add(fake)
        turns = Turns({
            'echo': partial(bench.echo, 10000, IN_FLIGHT),
            'raw': partial(bench.raw, 10000, IN_FLIGHT, fake, 'query-status'),
            'typed': partial(bench.call, 10000, IN_FLIGHT, path, *QUERY_STATUS),
            'property': partial(bench.call, 10000, IN_FLIGHT, path, *GET_STATUS),
        }, bench.turns(20))
    turns.row_of_rate('D-Bus echo', 'echo')
    turns.row_of_rate('raw query-status', 'raw')
    turns.row_of_rate('QueryStatus', 'typed', ('echo',), target='>= 0.85',
                      goal=f'typed calls a second with {IN_FLIGHT} in flight, of D-Bus echo')
    turns.row_of_rate('Properties.Get Status', 'property', ('echo',))


def bench_instructions(bench):
    """On any machine with the same libraries the same number."""
    heading('Instructions of the agent, as callgrind counts them', 'a call')
    counter = Counter(bench.make_directory())
    fake, = bench.start_fakes(1)
    with bench.agent(wrapper=counter.wrapper) as agent:
        path = bench.add(fake)
        for what, call, target in (('QueryStatus', QUERY_STATUS, 60000), ('Properties.Get Status', GET_STATUS, None)):
            counted = counter.count(agent, lambda times, call=call: bench.call(times, 1, path, *call), 1000)
            row(what, f'{counted:,}', target=f'<= {target:,}' if target else '',
                goal=target and ('instructions of the agent for a typed call', f'{counted:,}'))
