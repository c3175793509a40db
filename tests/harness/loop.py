# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for what a test wants to see, with GLib's main loop running meanwhile."""
import os

from gi.repository import GLib

# Only how long a failing test takes. Under valgrind on a loaded machine all is twenty times slower.
PATIENCE = 60 if os.environ.get('AGENT_WRAPPER') else 20


def wait_until(condition, what='the condition', timeout=PATIENCE):
    """Runs the main loop until condition() is true; returns what it gave. Most conditions are made true by something
    on the loop; those that are not (another process's state, a file) are looked at again every few milliseconds.
    `what` is for the message; as a function it is asked when it is needed."""
    context = GLib.MainContext.default()
    over = []
    deadline = GLib.timeout_add(int(timeout * 1000), lambda: over.append(True) or GLib.SOURCE_CONTINUE)
    tick = GLib.timeout_add(3, lambda: GLib.SOURCE_CONTINUE)
    try:
        while not (result := condition()):
            if over:
                raise AssertionError(f'waited {timeout} s in vain for {what() if callable(what) else what}')
            context.iteration(True)
        return result
    finally:
        GLib.source_remove(tick)
        GLib.source_remove(deadline)
