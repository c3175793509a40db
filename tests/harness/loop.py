# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for what a test wants to see, with GLib's main loop running meanwhile."""
import os
import time

from gi.repository import GLib

# Only how long a failing test takes. Under valgrind on a loaded machine all is twenty times slower.
PATIENCE = 60 if os.environ.get('AGENT_WRAPPER') else 20

# Seconds. A turn is 3 ms, and what the condition asks for takes some ms more.
TURN = .25

# An error that a signal handler raises in one of the loop's callbacks ends the program at once, or nothing: it is kept for wait_until.
dispatching = []
interruptions = []


def interrupt(error):
    """For signal handlers: raises an error where it does end what waits, and lets all be cleaned up."""
    if not dispatching:
        raise error
    interruptions.append(error)


def iterate(context):
    dispatching.append(True)
    try:
        context.iteration(True)
    finally:
        dispatching.pop()
    if interruptions and not dispatching:
        raise interruptions.pop()


def wait_until(condition, what='the condition', timeout=PATIENCE):
    """Runs the main loop until condition() is true; returns what it gave. Most conditions are made true by something
    on the loop; those that are not (another process's state, a file) are looked at again every few milliseconds.
    `what` is for the message; as a function it is asked when it is needed. A machine that sleeps meanwhile, or runs somebody else,
    costs no patience: of each turn of the loop at most TURN seconds count."""
    context = GLib.MainContext.default()
    left = timeout
    now = time.monotonic()
    tick = GLib.timeout_add(3, lambda: GLib.SOURCE_CONTINUE)
    try:
        while not (result := condition()):
            if left <= 0:
                raise AssertionError(f'waited {timeout} s in vain for {what() if callable(what) else what}')
            iterate(context)
            last, now = now, time.monotonic()
            left -= min(now - last, TURN)
        return result
    finally:
        GLib.source_remove(tick)
