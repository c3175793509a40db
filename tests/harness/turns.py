# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long the turns of an agent's main loop take, while nobody else is served (turns.c, which is preloaded into it)."""
import os
import struct


class Turns:
    """`environment` is what the agent is to be started with. `library`: turns.so."""

    def __init__(self, directory, library):
        self.path = f'{directory}/turns-{id(self):x}'
        asan = os.environ.get('ASAN_OPTIONS', '')
        self.environment = {'LD_PRELOAD': library, 'TURNS': self.path, 'ASAN_OPTIONS': f'{asan}:verify_asan_link_order=0'}
        with open(self.path, 'wb') as file:
            file.write(bytes(16))

    def reset(self):
        with open(self.path, 'r+b') as file:
            file.write(bytes(16))

    def read(self):
        """Of the longest the seconds; how many."""
        with open(self.path, 'rb') as file:
            longest, count = struct.unpack('QQ', file.read())
        return longest / 1e9, count
