# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one call costs, and many at once."""
from functools import partial

from harness.instructions import Counter

from .names import GET_STATUS, QUERY_STATUS
from .probes import IN_FLIGHT, Rounds
from .table import COUNT, at_least, at_most

CALLS = 1000


def make_raw_probes(bench, version):
    """Seven bytes of id cost QEMU 30 us. An idle monitor costs 20 us, and the agent needs one where it can plug them."""
    direct = bench.start_qemu(version).path
    probes = {
        'raw': partial(bench.raw, CALLS, 1, direct, 'query-status'),
        'raw with id': partial(bench.raw, CALLS, 1, direct, 'query-status', ',"id":1'),
    }
    if version != '7.2':
        probes['raw beside an idle monitor'] = partial(bench.raw, CALLS, 1, bench.start_with_monitors(version, 2), 'query-status')
    return probes


def judge_latency(rounds, way, version, raws):
    """Against raw QMP alone, and beside as many monitors; both are told."""
    verdicts = [at_most(f'a typed call, QEMU {version}, of D-Bus echo + raw QMP', rounds.ratio(way, 'echo', 'raw'), 1.08)]
    if 'raw beside an idle monitor' in raws:
        verdicts.append(at_most(f'a typed call beside as many monitors, QEMU {version}',
                                rounds.ratio(way, 'echo', 'raw beside an idle monitor'), 1.08))
    return verdicts


def measure_latency(bench, version):
    """One QEMU is the agent's, the others are spoken to directly."""
    raws = make_raw_probes(bench, version)
    with bench.agent():
        path = bench.add(bench.start_qemu(version).path)
        ways = bench.three_ways(CALLS, path, 'query-status', 'QueryStatus')
        rounds = Rounds({'echo': partial(bench.echo, CALLS, 1), **raws, **ways,
                         'Properties.Get Status': partial(bench.call, CALLS, 1, path, *GET_STATUS)}, bench.load.count_rounds(20))
    bench.table.heading(f'One call after the other, QEMU {version}', 'median', 'p99', 'ratio', 'raw has id', *['2 monitors'][:len(raws) - 2])
    for what in ('echo', *raws):
        bench.table.row(what, *rounds.show_times(what))
    for way in ways:
        bench.table.row(way, *rounds.show_times(way), *(f'{rounds.ratio(way, "echo", raw):.2f}' for raw in raws),
                        verdicts=judge_latency(rounds, way, version, raws) if way == 'QueryStatus' else ())
    ratio = rounds.ratio('Properties.Get Status', 'echo')
    bench.table.row('Properties.Get Status', *rounds.show_times('Properties.Get Status'), f'{ratio:.2f}',
                    verdicts=[at_most(f'reading a property, QEMU {version}, of D-Bus echo', ratio, 1.1)])


def bench_latency(bench):
    for version in bench.versions:
        measure_latency(bench, version)


def bench_rate(bench):
    fake, = bench.start_fakes(1)
    with bench.agent():
        path = bench.add(fake)
        rounds = Rounds({
            'D-Bus echo': partial(bench.echo, 10000, IN_FLIGHT),
            'raw query-status': partial(bench.raw, 10000, IN_FLIGHT, fake, 'query-status'),
            'QueryStatus': partial(bench.call, 10000, IN_FLIGHT, path, *QUERY_STATUS),
            'Properties.Get Status': partial(bench.call, 10000, IN_FLIGHT, path, *GET_STATUS),
        }, bench.load.count_rounds(20))
    bench.table.heading(f'{IN_FLIGHT} in flight, a peer that answers at once', 'rate', 'ratio')
    for what in rounds.results:
        ratio = rounds.ratio(what, 'D-Bus echo', key='rate')
        verdict = at_least(f'typed calls a second with {IN_FLIGHT} in flight, of D-Bus echo', ratio, 0.85)
        bench.table.row(what, rounds.show_rate(what), f'{ratio:.2f}', verdicts=[verdict] if what == 'QueryStatus' else ())


def bench_instructions(bench):
    """On any machine with the same libraries the same number."""
    bench.table.heading('Instructions of the agent, as callgrind counts them', 'a call')
    counter = Counter(bench.make_directory())
    fake, = bench.start_fakes(1)
    with bench.agent(wrapper=counter.wrapper) as agent:
        path = bench.add(fake)
        for what, call in (('QueryStatus', QUERY_STATUS), ('Properties.Get Status', GET_STATUS)):
            counted = counter.count(agent, lambda times, call=call: bench.call(times, 1, path, *call), bench.at_most(1000))
            verdict = at_most('instructions of the agent for a typed call', counted, 60000, COUNT)
            bench.table.row(what, f'{counted:,}', verdicts=[verdict] if what == 'QueryStatus' else ())
