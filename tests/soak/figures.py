# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured of a process, and the judgement whether it is flat.

Two readings are compared only when both were taken at quiet points, at which nobody calls and all that was begun has ended. The first ones
are not judged: tables grow to the size that the load needs."""
import os
import socket
import statistics

# What may be added to the heap in use by 1,000 calls. The smallest piece of memory that malloc gives takes 32 bytes: a leak of
# one piece in 1,000 calls is seen.
HEAP_SLOPE = 32
# The agent's heap is its own, chunk by chunk: no slices, no chunks kept for the thread.
EXACT_HEAP = {'G_SLICE': 'always-malloc', 'GLIBC_TUNABLES': 'glibc.malloc.tcache_count=0'}
# The resident set counts pages, and a heap has holes: 4 kB, which is one page in 1,000 calls.
RSS_SLOPE = 4096
# What readings at two quiet points may differ by in bytes, whatever was done between them: tables that a larger crowd than
# before has made grow, D-Bus messages that libdbus keeps to use them again. Two minutes show a leak of one piece in some calls; over an
# hour the slope decides.
HEAP_NOISE = 65536
RSS_NOISE = 1 << 20


def count_fds(pid):
    """The descriptors that a process has, but for the memory files in which the agent keeps pictures."""
    n = 0
    for name in os.listdir(f'/proc/{pid}/fd'):
        try:
            n += not os.readlink(f'/proc/{pid}/fd/{name}').startswith('/memfd:')
        except FileNotFoundError:
            pass
    return n


def read_status(pid):
    """The figures of a process, sizes in bytes."""
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as file:
        fields = dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)
    sizes = {name: int(fields[field].split()[0]) * 1024
             for name, field in (('rss', 'VmRSS'), ('data', 'VmData'))}
    return {**sizes, 'threads': int(fields['Threads']), 'fds': count_fds(pid)}


class HeapMeter:
    """Asks module-heap for the bytes that its process has in use. To be made before the agent, which reads its key file."""

    def __init__(self, directory):
        self.path = f'{directory}/heap'
        with open(f'{directory}/heap.conf', 'w', encoding='utf-8') as file:
            file.write(f'[heap]\nsocket={self.path}\n')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f'{directory}/heap-meter')
        self.socket.settimeout(60)

    def read(self):
        self.socket.sendto(b'?', self.path)
        return int(self.socket.recv(64))

    def stop(self):
        self.socket.close()


def get_slope(points):
    """How much y rises for each x, of (x, y): the median of the slopes between any two points, so that one that is out of place says
    nothing."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for number, a in enumerate(points) for b in points[number + 1:] if b[0] != a[0]]
    return statistics.median(slopes) if slopes else 0.0


def judge_growth(name, points, slope_limit, noise):
    """None: flat. Otherwise what is wrong with the readings, (calls so far, bytes): they rise with the calls by more than slope_limit bytes
    per 1,000, and that is not within the noise between any two readings."""
    slope = get_slope(points) * 1000
    risen = slope * (points[-1][0] - points[0][0]) / 1000 if points else 0
    if slope <= slope_limit or risen <= noise:
        return None
    return f'{name} rises by {slope:.0f} bytes per 1,000 calls; {slope_limit} are allowed: {points}'
