# SPDX-License-Identifier: LGPL-2.1-or-later
"""Large replies, beside the same command by raw QMP."""
import json
import pathlib
from functools import partial

from .probes import Rounds, query
from .table import MS, at_most, in_us

OVERLAYS = 16  # more nest deeper than a D-Bus message may


def start_chained(bench, overlays):
    """A QEMU whose disk is a chain of overlays."""
    disk = f'{bench.make_directory()}/disk'
    pathlib.Path(disk).write_bytes(bytes(1 << 20))
    qemu = bench.start_qemu(bench.versions[-1], '-drive', f'if=none,id=disk,format=raw,file={disk}',
                            '-device', 'virtio-blk-pci,drive=disk')
    client = qemu.raw()
    for number in range(overlays):
        client.execute('blockdev-snapshot-sync',
                       {'device': 'disk', 'snapshot-file': f'{disk}-{number}', 'format': 'qcow2'})
    client.stop()
    return qemu


def judge_schema(rounds, command, way):
    limits = {'QueryQmpSchema': 1.5, 'ExecuteJSON query-qmp-schema': 1.15}
    return [at_most(f'{way}, of raw QMP', rounds.ratio(way, 'raw'), limits[way])] if way in limits and command == 'query-qmp-schema' else []


def measure_reply(bench, direct, path, command, method):
    """The second ratio is to an echo that brings as many bytes, and raw QMP."""
    size = len(json.dumps(query(direct.path, command)))
    ways = bench.three_ways(20, path, command, method)
    rounds = Rounds({
        'echo': partial(bench.echo, 20, 1),
        'bytes': partial(bench.echo, 20, 1, 'Text', size),
        'raw': partial(bench.raw, 20, 1, direct.path, command),
        **ways,
    }, bench.load.count_rounds(10))
    bench.table.heading(f'{command}, {size / 1000:.0f} kB, QEMU {bench.versions[-1]}', 'median', 'to raw', '+ bytes')
    bench.table.row('D-Bus echo of as many bytes', in_us(rounds.get('bytes')))
    bench.table.row('raw', in_us(rounds.get('raw')))
    for way in ways:
        bench.table.row(way, in_us(rounds.get(way)), f'{rounds.ratio(way, "raw"):.2f}', f'{rounds.ratio(way, "bytes", "raw"):.2f}',
                        verdicts=judge_schema(rounds, command, way))


def make_block_node(number):
    """About as large as one of query-named-block-nodes."""
    return {'node-name': f'#block{number}', 'ro': True, 'drv': 'qcow2', 'encrypted': False, 'file': '/srv/images/disk',
            'cache': {'writeback': True, 'direct': False, 'no-flush': False}, 'detect_zeroes': 'off', 'iops': 0, 'bps': 0,
            'image': {'virtual-size': 1 << 30, 'filename': '/srv/images/disk', 'format': 'qcow2', 'actual-size': 200704,
                      'dirty-flag': False, 'cluster-size': 65536,
                      'format-specific': {'type': 'qcow2', 'data': {'compat': '1.1', 'refcount-bits': 16}}}}


def measure_large(bench):
    nodes = [make_block_node(number) for number in range(bench.load.large)]
    fake, = bench.start_fakes(1, query_named_block_nodes=nodes)
    with bench.agent():
        path = bench.add(fake)
        ways = bench.three_ways(1, path, 'query-named-block-nodes', 'QueryNamedBlockNodes')
        rounds = Rounds({'raw': partial(bench.raw, 1, 1, fake, 'query-named-block-nodes'), **ways}, bench.load.count_rounds(10))
    bench.table.heading(f'query-named-block-nodes, {len(json.dumps(nodes)) / 1e6:.1f} MB, a peer that answers at once', 'median')
    for way in rounds.results:
        bench.table.row(way, MS.show(rounds.get(way)))


def bench_replies(bench):
    overlays = min(OVERLAYS, bench.load.backing_files)
    direct = start_chained(bench, overlays)
    with bench.agent():
        path = bench.add(start_chained(bench, overlays).path)
        for command, method in (('query-qmp-schema', 'QueryQmpSchema'), ('query-block', 'QueryBlock'),
                                ('query-named-block-nodes', 'QueryNamedBlockNodes')):
            measure_reply(bench, direct, path, command, method)
    measure_large(bench)
