# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table that tests/bench prints, and what is judged in it."""
from typing import NamedTuple


class Unit(NamedTuple):
    """How a value is written, and to how many digits it is compared: as it is read."""
    word: str = ''
    digits: int = 0
    divisor: int = 1

    def round(self, value):
        return round(value / self.divisor, self.digits)

    def show(self, value):
        return f'{self.round(value):,.{self.digits}f}{self.word}'


COUNT = Unit()
RATIO = Unit('', 2)
SECONDS = Unit(' s', 2)
MS = Unit(' ms', 1, 1000)  # of microseconds
KB = Unit(' kB', 1)
MB = Unit(' MB', 1, 1024)  # of kB


def in_us(value):
    return f'{value:,.0f} us' if value >= 1000 else f'{value:.1f} us'


class Verdict(NamedTuple):
    """What is told in a row is in its name too, for the table at the end. `asked`: the load that the goal is about, where another was
    measured with."""
    what: str
    measured: str
    goal: str
    is_met: bool
    asked: str = ''

    @property
    def word(self):
        return 'met' if self.is_met else 'MISSED'


def at_most(what, value, limit, unit=RATIO, asked=''):
    return Verdict(what, unit.show(value), f'<= {unit.show(limit)}', unit.round(value) <= unit.round(limit), asked)


def at_least(what, value, limit, unit=RATIO, asked=''):
    return Verdict(what, unit.show(value), f'>= {unit.show(limit)}', unit.round(value) >= unit.round(limit), asked)


WIDTH = 62  # of what a row is about


class Table:
    def __init__(self):
        self.verdicts = []

    def heading(self, text, *columns):
        print(f'\n{text:<{WIDTH + 2}}{"".join(f"{column:>12}" for column in columns)}'.rstrip(), flush=True)

    def row(self, what, *values, verdicts=()):
        judged = ', '.join(f'{verdict.goal} {verdict.word}' for verdict in verdicts)
        print(f'  {what:<{WIDTH}}{"".join(f"{value:>12}" for value in values)}  {judged}'.rstrip(), flush=True)
        self.verdicts += verdicts

    def sum_up(self):
        self.heading('In short', 'measured', 'goal')
        for verdict in self.verdicts:
            words = ', '.join(filter(None, (verdict.word, verdict.asked)))
            print(f'  {verdict.what:<{WIDTH}}{verdict.measured:>12}{verdict.goal:>12}  {words}')
        met = sum(verdict.is_met for verdict in self.verdicts)
        print(f'{met} of {len(self.verdicts)} goals are met')
