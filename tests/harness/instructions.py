# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many instructions an agent executes for something: valgrind's callgrind counts them, alike on every machine that has
the same libraries, however busy it is."""
import os
import re
import subprocess


class Counter:
    """`wrapper` is what the agent is to be run under."""

    def __init__(self, directory):
        self.path = f'{directory}/callgrind'
        self.n_dumps = 0
        self.wrapper = ['valgrind', '-q', '--tool=callgrind', f'--callgrind-out-file={self.path}', f'--vgdb-prefix={directory}/vgdb']

    def dump(self, agent):
        """Those since the last dump."""
        subprocess.run(['callgrind_control', f'--vgdb-prefix={os.path.dirname(self.path)}/vgdb', '--dump', str(agent.pid)],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
        self.n_dumps += 1
        with open(f'{self.path}.{self.n_dumps}', encoding='utf-8', errors='replace') as file:
            return int(re.search(r'^(?:summary|totals): (\d+)', file.read(), re.MULTILINE)[1])

    def count(self, agent, work, times):
        """Of one of the `times` that work(times) does something."""
        work(times // 10 + 1)
        self.dump(agent)
        work(times)
        return self.dump(agent) // times
