# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table that tests/bench prints."""

# What was measured against a goal: (what, value, goal).
goals = []


def heading(text, *columns):
    print(f'\n{text:<58}{"".join(f"{column:>12}" for column in columns)}'.rstrip(), flush=True)


def row(what, *values, target='', goal=None):
    """goal: (what it says to people, the value that it is about), for the table at the end."""
    print(f'  {what:<56}{"".join(f"{value:>12}" for value in values)}  {target}'.rstrip(), flush=True)
    if goal:
        goals.append((*goal, target))


def print_goals():
    heading('In short', 'measured', 'goal')
    for what, value, target in goals:
        print(f'  {what:<56}{value:>12}  {target:>10}')


def in_us(value):
    return f'{value:,.0f} us' if value >= 1000 else f'{value:.1f} us'


def in_ms(value):
    return f'{value / 1000:.1f} ms'
