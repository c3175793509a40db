# SPDX-License-Identifier: LGPL-2.1-or-later
"""With how much is measured."""
from typing import NamedTuple


class Load(NamedTuple):
    """The goals are about FULL."""
    rounds: float  # a share of the rounds that a row asks for; one at least
    calls: int  # of a probe, at most
    vms: int  # which are there, or arrive
    callers: int  # who are there
    events: int
    large: int  # elements of an array, each some 460 bytes of JSON
    largest: int
    backing_files: int
    suite: int  # QEMUs
    settled: int  # seconds: by then nothing follows from a call any more, with idle-timeout=1
    folded: int  # seconds: by then the log has told of repeated decisions too
    idle: int  # seconds

    def count_rounds(self, number):
        return max(1, round(number * self.rounds))

    def asked(self, field):
        """What a goal asks for where this is another load, for people; empty: this is the load."""
        wanted = getattr(FULL, field)
        return '' if getattr(self, field) == wanted else f'asked of {wanted:,}'


FULL = Load(rounds=1, calls=10000, vms=1000, callers=200, events=100000, large=16200, largest=66000, backing_files=150, suite=200,
            settled=3, folded=12, idle=60)
QUICK = FULL._replace(rounds=0.1, events=10000, suite=40, idle=10)
# Only to see that every row can be measured.
TINY = Load(rounds=0, calls=5, vms=3, callers=3, events=20, large=400, largest=1200, backing_files=2, suite=1, settled=0, folded=0, idle=0)
