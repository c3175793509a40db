# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a caller does with one VM, and how each reply is judged: a deed is a coroutine of (caller, machine) that raises where something
comes out otherwise than it must. Deeds of several callers on one machine run side by side, so none needs what another takes away.

`deeds` is the list of all, with how often each is done; `deeds_of_strangers` those of callers who are asked for, see ask_polkit()."""
import json
import os
import socket

from gi.repository import Gio

from harness import CallError
from harness.polkit import result
from monitor import INVALID_ARGS, NAME, OBJECT_MANAGER, PROPERTIES, ROOT, UNKNOWN_OBJECT, variants
from monitors import DENIED, GENERIC, LIMITS_EXCEEDED

from .machines import OPAQUE
from .tasks import gather, readable

MIB = 1 << 20
UNKNOWN_METHOD = 'org.freedesktop.DBus.Error.UnknownMethod'
UNKNOWN_INTERFACE = 'org.freedesktop.DBus.Error.UnknownInterface'
ERROR = f'{NAME}.Error.'
PNG = b'\x89PNG\r\n\x1a\n'

deeds = []
deeds_of_strangers = []


def deed(weight):
    """weight: how often it is chosen, of the sum of all."""
    def add(function):
        deeds.append((function, weight))
        return function
    return add


def expect(condition, *what):
    if not condition:
        raise AssertionError(' '.join(map(str, what)))


async def expect_error(caller, name, text, pending, or_name=None):
    try:
        value = await pending
    except CallError as error:
        caller.world.tally.refused += 1
        if error.name not in (name, or_name) or text not in error.message:
            raise AssertionError(f'expected {name} {text}') from error
    else:
        raise AssertionError(f'expected {name} {text}, and it came back with {value}')


@deed(30)
async def ask(caller, machine):
    status, = await caller.qmp(machine, 'QueryStatus')
    expect(status['status'] in ('running', 'paused', 'prelaunch'), status)
    version, = await caller.qmp(machine, 'QueryVersion')
    expect(f'{version["qemu"]["major"]}.{version["qemu"]["minor"]}' == machine.version, version)
    name, = await caller.qmp(machine, 'QueryName', '(a{sv})', {})
    expect(name == {'name': machine.name}, name)


@deed(10)
async def ask_in_other_ways(caller, machine):
    value, = await caller.execute(machine, 'query-name')
    text, = await caller.vm(machine, 'ExecuteJSON', '(ss)', 'query-name', '{}')
    expect(value == json.loads(text) == {'name': machine.name}, value, text)
    devices, = await caller.qmp(machine, 'QomList', '(s)', '/machine')
    expect(any(device['name'] == 'peripheral' for device in devices), devices)


@deed(10)
async def ask_much_at_once(caller, machine):
    commands = ('QueryBlock', 'QueryChardev', 'QueryCpusFast', 'QueryPci', 'QueryMigrate', 'QueryNamedBlockNodes', 'QueryVnc')
    replies = await gather([caller.qmp(machine, command) for command in commands])
    expect(all(len(reply) == 1 for reply in replies), replies)


@deed(10)
async def read_properties(caller, machine):
    values, = await caller.call(machine.object_path, PROPERTIES, 'GetAll', '(s)', f'{NAME}.VM')
    expect((values['Name'], values['GuestName'], values['PID']) == (machine.name, machine.name, machine.qemu.pid), values)
    status, = await caller.call(machine.object_path, PROPERTIES, 'Get', '(ss)', f'{NAME}.VM', 'Status')
    expect(isinstance(status, str), status)


@deed(2)
async def look_round(caller, machine):
    objects, = await caller.call(ROOT, OBJECT_MANAGER, 'GetManagedObjects')
    expect(machine.object_path in objects or machine.is_leaving, machine.object_path, list(objects))
    vms, = await caller.manager('ListVMs')
    expect(machine.is_leaving or machine.name in [vm['name'] for vm in vms], machine.name, vms)
    path, = await caller.manager('GetVM', '(s)', machine.name)
    expect(path == machine.object_path, path)
    xml, = await caller.call(machine.object_path, 'org.freedesktop.DBus.Introspectable', 'Introspect')
    expect('"QueryStatus"' in xml, xml)
    monitors, = await caller.vm(machine, 'ListMonitors')
    expect(all(monitor['caller'].startswith(':') for monitor in monitors), monitors)


@deed(10)
async def be_refused(caller, machine):
    own = 'org.qemu.Monitor1-1'
    for name, text, pending in (
            (INVALID_ARGS, '', caller.qmp(machine, 'SetLink', '(s)', 'nic')),
            (INVALID_ARGS, 'did you mean format?', caller.vm(machine, 'Screenshot', '(a{sv})', variants({'formt': ('s', 'png')}))),
            (UNKNOWN_METHOD, '', caller.qmp(machine, 'QueryStatusOf')),
            (UNKNOWN_INTERFACE, '', caller.call(machine.object_path, f'{NAME}.Nothing', 'QueryStatus')),
            (UNKNOWN_OBJECT, '', caller.call(f'{ROOT}/vm/nobody', f'{NAME}.VM', 'ListMonitors')),
            (ERROR + 'CommandNotFound', '', caller.execute(machine, 'query-statuses')),
            (ERROR + 'DeviceNotFound', 'nosuch', caller.execute(machine, 'set_link', name=('s', 'nosuch'), up=('b', True))),
            (DENIED, "the agent's own", caller.execute(machine, 'object-del', id=('s', own))),
            (DENIED, "the agent's own", caller.execute(machine, 'chardev-remove', id=('s', own))),
            (GENERIC, '', caller.execute(machine, 'object-del', id=('s', 'nosuch')))):
        await expect_error(caller, name, text, pending)


@deed(8)
async def stop_and_go_on(caller, machine):
    """One of the callers who asked for events sees both; others may do the same meanwhile."""
    seen = []
    watch = caller.connection.gdbus.signal_subscribe(
        NAME, f'{NAME}.Events', None, machine.object_path, None, Gio.DBusSignalFlags.NONE,
        lambda connection, sender, path, interface, member, values: seen.append(member))
    try:
        await caller.vm(machine, 'Subscribe', '(as)', ['STOP', 'RESUME'])
        async with machine.run_state:
            await caller.qmp(machine, 'Stop')
            await caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'cont', {})
        await caller.vm(machine, 'Unsubscribe')
        expect('Stop' in seen and 'Resume' in seen, 'the events of stop and cont are missing from', seen)
    finally:
        caller.connection.gdbus.signal_unsubscribe(watch)


@deed(8)
async def press_buttons(caller, machine):
    name = ('s', 'nic')
    await caller.execute(machine, 'set_link', name=name, up=('b', False))
    await caller.qmp(machine, 'SetLink', '(sb)', 'nic', True)
    await caller.execute(machine, 'send-key', keys=('aa{sv}', [variants({'type': ('s', 'qcode'), 'data': ('s', 'a')})]))
    text, = await caller.execute(machine, 'human-monitor-command', **{'command-line': ('s', 'info status')})
    expect('VM status' in text, text)


@deed(6)
async def give_descriptors(caller, machine):
    """Half of them are not taken back: that is the agent's part when the caller leaves."""
    null = os.open('/dev/null', os.O_RDWR)
    try:
        added, = await caller.qmp(machine, 'AddFd', '(ha{sv})', 0, variants({'opaque': ('s', OPAQUE)}), fds=[null])
        name = machine.make_name('fd')
        await caller.qmp(machine, 'Getfd', '(hs)', 0, name, fds=[null])
    finally:
        os.close(null)
    sets, = await caller.qmp(machine, 'QueryFdsets')
    expect(added['fdset-id'] in [fdset['fdset-id'] for fdset in sets], sets, added)
    if caller.world.random.random() < 0.5:
        await caller.execute(machine, 'remove-fd', **{'fdset-id': ('x', added['fdset-id'])})
        await caller.qmp(machine, 'Closefd', '(s)', name)
        await expect_error(caller, GENERIC, name, caller.qmp(machine, 'Closefd', '(s)', name))


@deed(6)
async def plug_and_unplug(caller, machine):
    ident = machine.make_name('ring')
    await caller.execute(machine, 'chardev-add', id=('s', ident), backend=('a{sv}', variants({
        'type': ('s', 'ringbuf'), 'data': ('a{sv}', {})})))
    await caller.execute(machine, 'ringbuf-write', device=('s', ident), data=('s', 'twelve bytes'))
    text, = await caller.execute(machine, 'ringbuf-read', device=('s', ident), size=('x', 64))
    expect(text == 'twelve bytes', text)
    await caller.execute(machine, 'chardev-remove', id=('s', ident))
    ident = machine.make_name('secret')
    await caller.execute(machine, 'object-add', id=('s', ident), **{'qom-type': ('s', 'secret'), 'data': ('s', 'letmein')})
    await caller.execute(machine, 'object-del', id=('s', ident))
    if machine.free_ports:
        machine.free_ports -= 1
        try:
            ident = machine.make_name('tablet')
            await caller.qmp(machine, 'DeviceAdd', '(a{sv})', variants({
                'driver': ('s', 'usb-tablet'), 'id': ('s', ident), 'bus': ('s', 'usb.0')}))
            await caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'device_del', variants({'id': ('s', ident)}))
        finally:
            machine.free_ports += 1


async def add_null(caller, machine, *names, size=MIB):
    for name in names:
        await caller.execute(machine, 'blockdev-add', driver=('s', 'null-co'), size=('x', size), **{'node-name': ('s', name)})


async def delete_nodes(caller, machine, *names):
    for name in names:
        await caller.execute(machine, 'blockdev-del', **{'node-name': ('s', name)})


def backup(name, source, target, **more):
    return variants({'job-id': ('s', name), 'device': ('s', source), 'target': ('s', target), 'sync': ('s', 'full'), **more})


@deed(5)
async def wait_for_jobs(caller, machine):
    name = machine.make_name('job')
    source, target = f'{name}-a', f'{name}-b'
    await add_null(caller, machine, source, target)
    value, = await caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'blockdev-backup', backup(name, source, target))
    expect(value == {}, value)
    await expect_error(caller, GENERIC, '/nonexistent/x', caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'blockdev-create', variants({
        'job-id': ('s', name), 'options': ('a{sv}', variants({
            'driver': ('s', 'file'), 'filename': ('s', '/nonexistent/x'), 'size': ('x', MIB)}))})))
    await delete_nodes(caller, machine, source, target)
    caller.world.tally.jobs += 2


@deed(5)
async def handle_a_job(caller, machine):
    """One that takes hours, by its object."""
    name = machine.make_name('slow')
    source, target = f'{name}-a', f'{name}-b'
    path = f'{machine.object_path}/job/{name}'

    def job(method, signature='()', *arguments):
        return caller.call(path, f'{NAME}.Job', method, signature, *arguments)
    await add_null(caller, machine, source, target, size=64 * MIB)
    await caller.execute_with(machine, 'blockdev-backup', backup(name, source, target, speed=('x', 65536)))
    values, = await caller.call(path, PROPERTIES, 'GetAll', '(s)', f'{NAME}.Job')
    expect(values['Type'] == 'backup', values)
    await job('Pause')
    await expect_error(caller, GENERIC, '', job('Complete'))
    await job('Resume')
    await job('SetSpeed', '(t)', 131072)
    await caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'job-cancel', variants({'id': ('s', name)}))
    await expect_error(caller, UNKNOWN_OBJECT, '', caller.call(path, PROPERTIES, 'Get', '(ss)', f'{NAME}.Job', 'Status'))
    await delete_nodes(caller, machine, source, target)
    caller.world.tally.jobs += 1


class Wire:
    """The client's side of a native session, or a viewer's of a display."""

    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.socket.setblocking(False)
        self.buffer = b''

    async def read(self, size):
        while len(self.buffer) < size:
            await self.fill()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    async def fill(self):
        await readable(self.socket.fileno())
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError(f'the connection has ended after {self.buffer}')
        self.buffer += data

    async def reply(self):
        """The next line that is no event, as a message."""
        while True:
            while b'\n' not in self.buffer:
                await self.fill()
            line, _, self.buffer = self.buffer.partition(b'\n')
            if 'event' not in (message := json.loads(line)):
                return message

    async def execute(self, command, **more):
        self.socket.sendall(json.dumps({'execute': command, **more}).encode())
        return await self.reply()

    def close(self):
        self.socket.close()


@deed(6)
async def speak_qmp(caller, machine):
    keep = caller.world.random.random() < 0.3
    _, fds = await caller.vm(machine, 'OpenMonitor', '(a{sv})', variants({'keep': ('b', keep)}))
    wire = Wire(fds[0])
    caller.world.tally.sessions += 1
    try:
        expect('QMP' in await wire.reply(), 'a greeting')
        expect(await wire.execute('qmp_capabilities') == {'return': {}}, 'capabilities')
        for number in range(caller.world.random.randrange(1, 30)):
            caller.world.tally.session_commands += 2
            reply = await wire.execute('query-name', id=number)
            expect(reply == {'return': {'name': machine.name}, 'id': number}, reply)
            reply = await wire.execute('nosuch', id={'x': number})
            expect((reply['error']['class'], reply['id']) == ('CommandNotFound', {'x': number}), reply)
        if caller.world.random.random() < 0.3:
            # One that leaves in the middle of a word.
            wire.socket.sendall(b'{"execute":"query-name"}{"execute":"query-na')
    finally:
        wire.close()


@deed(2)
async def take_pictures(caller, machine):
    format, magic = caller.world.random.choice((('png', PNG), ('ppm', b'P6\n')))
    try:
        _, fds = await caller.vm(machine, 'Screenshot', '(a{sv})', variants({'format': ('s', format)}))
    except CallError as error:
        # Sixteen may be under way at a time.
        if error.name != LIMITS_EXCEEDED:
            raise
        caller.world.tally.refused += 1
        return
    with open(fds[0], 'rb') as file:
        data = file.read()
    expect(data.startswith(magic) and len(data) > 100, data[:20])
    caller.world.tally.pictures += 1


@deed(3)
async def look_at_display(caller, machine):
    _, fds = await caller.vm(machine, 'OpenDisplay', '(sa{sv})', 'vnc', {})
    wire = Wire(fds[0])
    try:
        expect(await wire.read(12) == b'RFB 003.008\n', 'a VNC server')
    finally:
        wire.close()
    caller.world.tally.displays += 1


@deed(2)
async def vanish(caller, machine):
    """Leaves while much is under way, also what begins something in QEMU."""
    name = machine.make_name('left')
    null = os.open('/dev/null', os.O_RDWR)
    for _ in range(10):
        caller.forget(caller.qmp(machine, 'QueryStatus'))
    caller.forget(caller.qmp(machine, 'AddFd', '(ha{sv})', 0, variants({'opaque': ('s', OPAQUE)}), fds=[null]))
    caller.forget(caller.qmp(machine, 'Getfd', '(hs)', 0, name, fds=[null]))
    caller.forget(caller.vm(machine, 'OpenMonitor', '(a{sv})', {}))
    caller.forget(caller.vm(machine, 'Subscribe', '(as)', []))
    caller.forget(caller.vm(machine, 'Screenshot', '(a{sv})', {}))
    caller.forget(caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'cont', {}))
    os.close(null)
    caller.leave()


def ask_polkit(subject, action, details, flags):
    """What polkit says of strangers: they may look, and do nothing."""
    return result(action == 'org.qemu.monitor1.observe')


async def be_a_stranger(caller, machine):
    status, = await caller.qmp(machine, 'QueryStatus')
    expect('status' in status, status)
    await caller.vm(machine, 'Subscribe', '(as)', ['RESET'])
    await expect_error(caller, DENIED, 'stop', caller.qmp(machine, 'Stop'))
    await expect_error(caller, DENIED, 'quit', caller.vm(machine, 'ExecuteAndWait', '(sa{sv})', 'quit', {}))
    # All the VM's places may be taken by the pictures of other callers, who wait for a slow QEMU.
    await expect_error(caller, DENIED, '', caller.vm(machine, 'Screenshot', '(a{sv})', {}), or_name=LIMITS_EXCEEDED)
    await expect_error(caller, DENIED, '', caller.manager('RemoveVM', '(o)', machine.object_path))


async def speak_qmp_as_a_stranger(caller, machine):
    _, fds = await caller.vm(machine, 'OpenMonitor', '(a{sv})', {})
    wire = Wire(fds[0])
    caller.world.tally.sessions += 1
    try:
        await wire.reply()
        await wire.execute('qmp_capabilities')
        for command, key in (('query-name', 'return'), ('stop', 'error'), ('query-name', 'return')):
            reply = await wire.execute(command)
            expect(key in reply, command, reply)
            caller.world.tally.session_commands += 1
        caller.world.tally.refused += 1
    finally:
        wire.close()

deeds_of_strangers += [(be_a_stranger, 2), (speak_qmp_as_a_stranger, 1), (read_properties, 2)]
