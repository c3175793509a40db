# SPDX-License-Identifier: LGPL-2.1-or-later
"""A caller: a connection to the bus with a short life, in which it does some deeds."""
import os

from harness import CallError, Connection
from monitor import DISCONNECTED, NAME, ROOT, UNKNOWN_OBJECT, variants
from monitors import GENERIC

from .deeds import deeds, deeds_of_strangers
from .tasks import sleep, start_call

# What a call fails with where its VM goes meanwhile.
GONE = (DISCONNECTED, UNKNOWN_OBJECT)
# What waiting for a job fails with where QEMU ends all jobs before it ends itself.
CANCELLED = ('Operation canceled', 'It has failed, and was dismissed before QEMU could be asked why')
# Seconds between two deeds, at most: 200 callers make some hundred calls a second, which leaves the machine's processors time
# for other tests.
REST = 2.0
MOST_DEEDS = 20


class Caller:
    """`world`: the whole of the soak, see test-soak.py. `uid`: of another user than the test's."""

    def __init__(self, world, uid=None):
        self.world = world
        self.connection = Connection(world.bus_address, uid)
        self.has_left = False
        world.tally.callers += 1

    def call(self, path, interface, method, signature='()', *arguments, **options):
        self.world.tally.calls += 1
        return start_call(self.connection, NAME, path, interface, method, signature, *arguments, **options)

    def manager(self, method, signature='()', *arguments, **options):
        return self.call(ROOT, f'{NAME}.Manager', method, signature, *arguments, **options)

    def vm(self, machine, method, signature='()', *arguments, **options):
        return self.call(machine.object_path, f'{NAME}.VM', method, signature, *arguments, **options)

    def qmp(self, machine, method, signature='()', *arguments, **options):
        return self.call(machine.object_path, f'{NAME}.QMP', method, signature, *arguments, **options)

    def execute(self, machine, command, **arguments):
        return self.execute_with(machine, command, variants(arguments))

    def execute_with(self, machine, command, arguments):
        return self.vm(machine, 'Execute', '(sa{sv})', command, arguments)

    @staticmethod
    def forget(pending):
        """Whatever becomes of it."""
        def close_fds():
            if pending.error is None and len(pending.value) == 2 and isinstance(pending.value[1], list):
                for fd in pending.value[1]:
                    os.close(fd)
        pending.waiter = close_fds

    def leave(self):
        """What was said has come to the bus, and nobody reads the replies."""
        if not self.has_left:
            self.has_left = True
            self.connection.gdbus.flush_sync(None)
            self.connection.stop()


def is_due(error, machine):
    """Whether that is what comes of a machine's end."""
    cause = error.__cause__ or error
    if isinstance(cause, CallError):
        return machine.is_leaving and (cause.name in GONE or cause.name == GENERIC and cause.message in CANCELLED)
    return machine.is_leaving and isinstance(cause, (EOFError, ConnectionError))


async def live(world, uid=None):
    """The lives of one caller after the other, while the world works."""
    functions, weights = zip(*(deeds if uid is None else deeds_of_strangers))
    while world.is_working:
        caller = Caller(world, uid)
        for _ in range(world.random.randrange(1, MOST_DEEDS)):
            function, = world.random.choices(functions, weights)
            machine = world.random.choice(world.machines)
            try:
                await function(caller, machine)
            except Exception as error:  # pylint: disable=broad-except
                if is_due(error, machine):
                    world.tally.gone += 1
                else:
                    world.fail(f'{function.__name__} on {machine.name}{", which is leaving" * machine.is_leaving}', error)
            if caller.has_left or not world.is_working:
                break
            await sleep(world.random.uniform(0, REST))
        caller.leave()
