# SPDX-License-Identifier: LGPL-2.1-or-later
"""Large replies."""
import json
import pathlib
from functools import partial

from .probes import Turns, query
from .table import heading, in_ms, in_us, row

OVERLAYS = 16  # more nest deeper than a D-Bus message may
LARGE = 14000  # elements, of 440 bytes each


def start_chained(bench):
    """A QEMU whose disk is a chain of overlays."""
    disk = f'{bench.make_directory()}/disk'
    pathlib.Path(disk).write_bytes(bytes(1 << 20))
    qemu = bench.start_qemu(bench.versions[-1], '-drive', f'if=none,id=disk,format=raw,file={disk}',
                            '-device', 'virtio-blk-pci,drive=disk')
    client = bench.adopt(qemu.raw())
    for number in range(OVERLAYS):
        client.execute('blockdev-snapshot-sync',
                       {'device': 'disk', 'snapshot-file': f'{disk}-{number}', 'format': 'qcow2'})
    client.stop()
    return qemu


def bench_large(bench):
    """The second ratio is to an echo that brings as many bytes."""
    direct = start_chained(bench)
    with bench.agent():
        path = bench.add(start_chained(bench).path)
        for command, method in (('query-qmp-schema', 'QueryQmpSchema'), ('query-block', 'QueryBlock'),
                                ('query-named-block-nodes', 'QueryNamedBlockNodes')):
            size = len(json.dumps(query(direct.path, command)))
            heading(f'{command}, {size / 1000:.0f} kB, QEMU {bench.versions[-1]}', 'median', 'ratio', 'same bytes')
            ways = bench.three_ways(20, path, command, method)
            turns = Turns({
                'echo': partial(bench.echo, 20, 1),
                'bytes': partial(bench.echo, 20, 1, 'Text', size),
                'raw': partial(bench.raw, 20, 1, direct.path, command),
                **ways,
            }, bench.turns(10))
            row('D-Bus echo of as many bytes', in_us(turns.get('bytes')))
            row('raw', in_us(turns.get('raw')))
            for way in ways:
                target = command == 'query-qmp-schema' and {0: '<= 1.50', 2: '<= 1.15'}.get(list(ways).index(way))
                row(way, in_us(turns.get(way)), turns.ratio(way, ('echo', 'raw')),
                    turns.ratio(way, ('bytes', 'raw')), target=target or '',
                    goal=target and (f'{way}, of raw QMP', turns.ratio(way, ('raw',))))


def make_block_node(number):
    """About as large as one of query-named-block-nodes."""
    return {'node-name': f'#block{number}', 'ro': True, 'drv': 'qcow2', 'encrypted': False, 'file': '/srv/images/disk',
            'cache': {'writeback': True, 'direct': False, 'no-flush': False}, 'detect_zeroes': 'off', 'iops': 0, 'bps': 0,
            'image': {'virtual-size': 1 << 30, 'filename': '/srv/images/disk', 'format': 'qcow2', 'actual-size': 200704,
                      'dirty-flag': False, 'cluster-size': 65536,
                      'format-specific': {'type': 'qcow2', 'data': {'compat': '1.1', 'refcount-bits': 16}}}}


def bench_huge(bench):
    """No turn of the agent's main loop is long, while the bus has a message of some MB to check at once."""
    nodes = [make_block_node(number) for number in range(LARGE)]
    size = len(json.dumps(nodes))
    heading(f'query-named-block-nodes, {size / 1e6:.1f} MB, a peer that answers at once', 'median')
    fake, = bench.start_fakes(1, query_named_block_nodes=nodes)
    with bench.agent():
        path = bench.add(fake)
        ways = bench.three_ways(1, path, 'query-named-block-nodes', 'QueryNamedBlockNodes')
        turns = Turns({**ways, 'raw': partial(bench.raw, 1, 1, fake, 'query-named-block-nodes')}, bench.turns(10))
    for way in ('raw', *ways):
        row(way, in_ms(turns.get(way)), target='passes' if way == 'QueryNamedBlockNodes' else '',
            goal=way == 'QueryNamedBlockNodes' and (f'a typed reply of {size / 1e6:.1f} MB', in_ms(turns.get(way))))
