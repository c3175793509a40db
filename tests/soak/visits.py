# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines that come and go: how each gets to the agent, what it is used for that the others could not bear (migration, dump), and how it ends."""
import os
import signal
import socket

from harness import CallError
from monitor import DISCONNECTED, ROOT, variants

from .callers import Caller
from .deeds import expect, expect_error
from .machines import Machine
from .tasks import Task, poll, readable, sleep

VMS = f'{ROOT}/vm/'
# What a dump of a QEMU here has at least, in bytes: its 32 MiB less a hole.
MEMORY = 31 << 20


async def add_by_call(world, caller, machine):
    path, = await caller.manager('AddVM', '(ssa{sv})', machine.name, machine.address, {})
    return path


async def add_by_descriptor(world, caller, machine):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(machine.qemu.path)
        path, = await caller.manager('AddVMFromFD', '(sha{sv})', machine.name, 0, {}, fds=[connection.fileno()])
    return path


async def add_by_directory(world, caller, machine):
    os.symlink(machine.qemu.path, f'{world.run_directory}/{machine.name}.sock')
    path = f'{VMS}{machine.name}'
    await poll(lambda: path in world.paths, f'{machine.name}, which is in the directory')
    return path


async def remove(world, caller, machine):
    machine.is_leaving = True
    await caller.manager('RemoveVM', '(o)', machine.object_path)
    await world.wait_gone(machine)


async def quit_machine(world, caller, machine):
    machine.is_leaving = True
    await caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'quit', {})
    await world.wait_gone(machine)
    await world.check_events(machine)


async def kill(world, caller, machine):
    """Who waits meanwhile is told."""
    machine.is_leaving = True
    waiting = caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'system_powerdown', {})
    await caller.qmp(machine, 'QueryStatus')
    machine.qemu.kill(signal.SIGKILL)
    await expect_error(caller, DISCONNECTED, '', waiting)
    await world.wait_gone(machine)


async def write_memory(caller, machine, fd, command, arguments):
    """By a descriptor of the caller's. Returns when it has been written."""
    name = machine.make_name('memory')
    await caller.qmp(machine, 'Getfd', '(hs)', 0, name, fds=[fd])
    await caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', command, variants(arguments(f'fd:{name}')))
    caller.world.tally.jobs += 1


async def dump(caller, machine):
    with open(os.memfd_create('soak'), 'rb') as file:
        await write_memory(caller, machine, file.fileno(), 'dump-guest-memory', lambda name: {
            'paging': ('b', False), 'protocol': ('s', name), 'detach': ('b', True)})
        expect(os.fstat(file.fileno()).st_size > MEMORY, 'the memory, not', os.fstat(file.fileno()))


async def count_bytes(connection):
    """All that comes before the end."""
    size = 0
    while True:
        await readable(connection.fileno())
        data = connection.recv(1 << 20)
        if not data:
            return size
        size += len(data)


async def let_dump_end(caller, machine):
    """QEMU tells of the end of a dump a moment before it lets a migration begin."""
    while True:
        try:
            await caller.execute(machine, 'migrate', uri=('s', 'fd:nosuch'))
        except CallError as error:
            if 'dump-guest-memory in progress' not in error.message:
                expect('nosuch' in error.message, error)
                return


async def migrate(caller, machine):
    await let_dump_end(caller, machine)
    ours, theirs = socket.socketpair()
    with ours:
        counting = Task(count_bytes(ours))
        with theirs:
            await write_memory(caller, machine, theirs.fileno(), 'migrate', lambda name: {'uri': ('s', name)})
        expect(await counting > 1000, 'a guest')
    status, = await caller.qmp(machine, 'QueryStatus')
    expect(status['status'] == 'postmigrate', status)
    await caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'cont', {})


async def visit(world, version, number):
    """One machine's whole stay."""
    add = (add_by_call, add_by_descriptor, add_by_directory)[number % 3]
    end = (quit_machine, kill, remove, quit_machine)[number % 4]
    machine = Machine(world.directory, version, f'guest{version.replace(".", "")}n{number}')
    caller = Caller(world)
    try:
        await machine.start()
        machine.object_path = await add(world, caller, machine)
        world.tally.vms += 1
        await dump(caller, machine)
        await migrate(caller, machine)
        world.machines.append(machine)
        await sleep(world.random.uniform(0, 3))
        world.machines.remove(machine)
        await end(world, caller, machine)
    except Exception as error:  # pylint: disable=broad-except
        world.fail(f'{add.__name__}, {end.__name__} of {machine.name}', error)
        if machine in world.machines:
            world.machines.remove(machine)
    finally:
        machine.is_leaving = True
        caller.leave()
        machine.stop()
        link = f'{world.run_directory}/{machine.name}.sock'
        if os.path.islink(link):
            os.unlink(link)


async def have_visitors(world, version):
    """One after the other."""
    while world.is_working:
        await visit(world, version, world.tally.vms)


async def reload(world):
    """The key file has a VM, or has it not, as often as can be."""
    machine = world.configured
    while world.is_working:
        for has_it in (True, False):
            await world.reload(f'[vm {machine.name}]\naddress={machine.address}\n' if has_it else '')
            path = f'{VMS}{machine.name}'
            await poll(lambda: (path in world.paths) == has_it, f'{machine.name} to {"come" if has_it else "go"} by a reload')
            if has_it:
                world.tally.vms += 1
                caller = Caller(world)
                machine.object_path = path
                name, = await caller.qmp(machine, 'QueryName', '(a{sv})', {})
                expect(name == {'name': machine.name}, name)
                caller.leave()
            world.tally.reloads += 1
            await sleep(world.random.uniform(0, 2))
