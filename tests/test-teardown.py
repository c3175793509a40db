# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VM goes while its callers wait: whatever each of them waits for at that moment, and whatever comes right before and
after it. Everybody is answered once, nobody hears of an object that is half gone, and the agent lives on."""
import contextlib
import itertools
import os
import signal

from gi.repository import Gio

from harness import SILENCE, CallError, FakeAuthority, Message, Peer, Qemu, main, wait_until
from harness.polkit import result
from monitor import ANSWERS, DISCONNECTED, INVALID_ARGS, LIMITS, NAME, ROOT, UNKNOWN_OBJECT, VM
from native import NEGOTIATE, OpenMonitorTest
from system_bus import SOMEBODY, SystemBusTest

INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable'
STOPPED = {'status': 'paused', 'running': False}
EMPTY = {'name': 'empty', 'meta-type': 'object', 'members': []}

# What happens in the life of a call, each to all calls that have got so far: QEMU says what it understands, polkit answers,
# QEMU answers (and its run state changes), the caller leaves.
EVENTS = ('describe', 'authorize', 'answer', 'leave')


class SlowQemu(Peer):
    """A QEMU 11.1 that answers when it is told to. It has no monitors as objects, which its schema tells: so a property of
    its VM changes at that moment."""

    def __init__(self, directory, number):
        # No two are alike: what is known of one says nothing of another.
        self.held = []
        self.schema = [EMPTY, *({'name': name, 'meta-type': 'command', 'arg-type': 'empty', 'ret-type': 'empty'}
                                for name in ('stop', f'x-{number}'))]
        super().__init__(directory, {**ANSWERS, 'query-commands': [{'name': f'x-{number}'}],
                                     'query-name': {'name': f'vm{number}'}, 'query-qmp-schema': self.hold,
                                     'stop': self.hold})

    def hold(self, command):
        self.held.append(command)
        return SILENCE

    def say(self, answer, command=None):
        """If the agent is there yet, and this QEMU."""
        with contextlib.suppress(OSError):
            self.send(self.connections[0], answer, command)

    def let_go(self, name, answer):
        """Answers those that wait, and those that come, unless it has gone."""
        self.answers[name] = answer
        for command in self.held:
            if command['execute'] == name:
                self.say(answer, command)

    def describe(self):
        self.let_go('query-qmp-schema', self.schema)

    def answer_commands(self):
        self.answers['query-status'] = STOPPED
        self.say(Message({'event': 'STOP', 'timestamp': {'seconds': 1, 'microseconds': 2}}))
        self.let_go('stop', {})


class Witness:
    """What the agent sends to one connection, in its order: ('signal', member, path) or ('reply', error name or None)."""

    def __init__(self, caller):
        self.seen = []
        caller.gdbus.add_filter(self.on_message)

    def on_message(self, connection, message, is_incoming):
        kind = message.get_message_type()
        if is_incoming and kind == Gio.DBusMessageType.SIGNAL:
            self.seen.append(('signal', message.get_member(), self.path(message)))
        elif is_incoming and kind in (Gio.DBusMessageType.METHOD_RETURN, Gio.DBusMessageType.ERROR):
            self.seen.append(('reply', message.get_error_name()))
        return message

    @staticmethod
    def path(message):
        """Of the object that it is about."""
        member = message.get_member()
        return message.get_body().unpack()[0] if member.startswith('Interfaces') else message.get_path()


class TeardownTest(SystemBusTest):
    limits = LIMITS
    errors = (DISCONNECTED, UNKNOWN_OBJECT, INVALID_ARGS)

    def setUp(self):
        if os.getuid() != 0:
            self.skipTest('callers of several users take root')
        super().setUp()
        self.is_authorized = False
        self.polkit = self.start(FakeAuthority, self.bus.address, self.decide)
        self.start_system_agent()
        self.number = 0

    def decide(self, subject, action, details, flags):
        """Root may; about somebody polkit makes up its mind later."""
        is_root = subject[1]['name'] == self.caller.name
        return result(True) if is_root or self.is_authorized else None

    def begin(self):
        """A VM, and two callers who have asked everything of it that can be asked for."""
        self.number += 1
        self.is_authorized = False
        self.peer = SlowQemu(self.directory, self.number)
        self.vm = self.add(f'vm{self.number}', f'unix:{self.peer.path}')
        self.leaver, self.stayer = (VM(self.user(SOMEBODY), self.vm.path) for _ in range(2))
        for member in ('InterfacesRemoved', 'PropertiesChanged'):
            self.stayer.caller.record(sender=NAME, member=member)
        self.witness = Witness(self.stayer.caller)
        self.ask_everything(self.leaver)
        self.calls = self.ask_everything(self.stayer)
        self.sync()

    def ask_everything(self, vm):
        caller = vm.caller
        calls = [caller.start(NAME, vm.path, INTROSPECTABLE, 'Introspect'),
                 vm.start('QMP', 'Stop'),
                 vm.start_execute('stop'),
                 vm.start('VM', 'ExecuteJSON', '(ss)', 'stop', ''),
                 vm.start_wait('stop'),
                 vm.start('VM', 'ListMonitors'),
                 vm.start('VM', 'OpenMonitor', '(a{sv})', {}),
                 vm.start('VM', 'Subscribe', '(as)', []),
                 caller.start(NAME, ROOT, f'{NAME}.Manager', 'RemoveVM', '(o)', vm.path)]
        caller.gdbus.flush_sync(None)
        return calls

    def sync(self):
        """What was sent to the agent has been looked at."""
        self.caller.call(NAME, ROOT, 'org.freedesktop.DBus.Peer', 'Ping')

    def happen(self, event):
        if event == 'describe':
            self.peer.describe()
        elif event == 'authorize':
            self.is_authorized = True
            while self.polkit.waiting:
                self.polkit.reply(self.polkit.waiting.pop(0), result(True))
            self.polkit.connection.gdbus.flush_sync(None)
        elif event == 'answer':
            self.peer.answer_commands()
        elif event == 'leave':
            self.leaver.caller.stop()

    def check(self):
        """Each call has its own answer, or that the VM has gone; and nothing is said of an object that is not there."""
        for finish in self.calls:
            try:
                values = finish()
                for fd in values[1] if len(values) == 2 else ():
                    os.close(fd)
            except CallError as error:
                self.assertIn(error.name, self.errors, error)
        removed = ('signal', 'InterfacesRemoved', self.vm.path)
        self.assertEqual(self.witness.seen.count(removed), 1)
        index = self.witness.seen.index(removed)
        before, after = self.witness.seen[:index], self.witness.seen[index:]
        self.assertNotIn(('reply', DISCONNECTED), before)
        self.assertNotIn(('signal', 'PropertiesChanged', self.vm.path), after)

    def run_orders(self, take_down, is_at_once):
        """In every order of what had happened before; the rest happens after it."""
        for length in range(len(EVENTS) + 1):
            for before in itertools.permutations(EVENTS, length):
                after = [event for event in EVENTS if event not in before]
                self.begin()
                with self.context(f'after {before}'):
                    if is_at_once:
                        self.run_at_once([*before, take_down, *after])
                    else:
                        self.run_step_by_step([*before, take_down, *after])
                    self.check()
                self.end()

    @contextlib.contextmanager
    def context(self, text):
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f'{text}: {error}\n{self.witness.seen}\n{self.agent.output}') from error

    def run_step_by_step(self, steps):
        for step in steps:
            step() if callable(step) else self.happen(step)
            self.sync()

    def run_at_once(self, steps):
        """The agent finds all of it when it looks."""
        self.agent.kill(signal.SIGSTOP)
        try:
            for step in steps:
                step() if callable(step) else self.happen(step)
            # What the bus was given before is with the agent.
            self.caller.owner(NAME)
        finally:
            self.agent.kill(signal.SIGCONT)

    def end(self):
        self.peer.stop()
        for vm in (self.leaver, self.stayer):
            vm.caller.stop()


class Removed(TeardownTest):
    def remove(self):
        self.caller.start(NAME, ROOT, f'{NAME}.Manager', 'RemoveVM', '(o)', self.vm.path)
        self.caller.gdbus.flush_sync(None)

    def test_step_by_step(self):
        self.run_orders(self.remove, is_at_once=False)

    def test_at_once(self):
        self.run_orders(self.remove, is_at_once=True)


class Died(TeardownTest):
    def die(self):
        self.peer.stop()

    def test_step_by_step(self):
        self.run_orders(self.die, is_at_once=False)

    def test_at_once(self):
        self.run_orders(self.die, is_at_once=True)


class Ended(TeardownTest):
    """The agent itself. What the bus does not take at once, behind 100 kB of an Introspect, it answers with NoReply."""
    errors = (*TeardownTest.errors, 'org.freedesktop.DBus.Error.NoReply')

    def end_in_order(self):
        self.agent.kill(signal.SIGTERM)

    def sync(self):
        with contextlib.suppress(CallError):
            super().sync()

    def end(self):
        self.assertEqual(self.agent.wait(), 0, self.agent.output)
        super().end()
        self.caller.stop()
        self.agent.stop()
        self.start_system_agent()

    def test_step_by_step(self):
        self.run_orders(self.end_in_order, is_at_once=False)

    def test_at_once(self):
        self.run_orders(self.end_in_order, is_at_once=True)


class SlowToTell(Peer):
    """A QEMU that tells what it is when it is told to."""

    def __init__(self, directory):
        self.question = None
        super().__init__(directory, {**ANSWERS, 'query-status': self.hold})

    def hold(self, command):
        self.question = command
        return SILENCE

    def tell(self):
        with contextlib.suppress(OSError):
            self.send(self.connections[0], ANSWERS['query-status'], self.question)


class Refused(TeardownTest):
    """QEMUs whose name is another VM's, while those who add them wait."""

    def add_by(self, caller, peer):
        finish = caller.start(NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', '', f'unix:{peer.path}', {})
        caller.gdbus.flush_sync(None)
        wait_until(lambda: peer.question, 'what is asked of every QEMU')
        return finish

    def run_order(self, order):
        self.is_authorized = True
        holder = Peer(self.directory, ANSWERS)
        vm = self.add('fake', f'unix:{holder.path}')
        peers = SlowToTell(self.directory), SlowToTell(self.directory)
        leaver, stayer = self.connect(), self.connect()
        self.add_by(leaver, peers[0])
        finish = self.add_by(stayer, peers[1])
        for event in order:
            if event == 'tell':
                peers[0].tell()
                peers[1].tell()
            elif event == 'leave':
                leaver.stop()
            elif event == 'die':
                peers[0].stop()
                peers[1].stop()
            else:
                self.manager('RemoveVM', '(o)', vm.path)
            self.sync()
        try:
            self.assertEqual(finish()[0], vm.path)
        except CallError as error:
            self.assertIn(error.name, (INVALID_ARGS, DISCONNECTED), error)
        stayer.stop()
        holder.stop()
        wait_until(lambda: self.paths() == [], 'all of them to go')

    def test_every_order(self):
        for order in itertools.permutations(('tell', 'leave', 'die', 'free the name')):
            self.run_order(order)


class Native(OpenMonitorTest):
    """QEMU dies while a native session waits for it: as on a monitor of QEMU's own, nothing comes but the end."""

    def check(self, vm, mode):
        self.assertEqual(vm.get('MonitorMode'), mode)
        fifo = f'{self.directory}/fifo-{mode}'
        os.mkfifo(fifo)
        natives = [self.open(vm) for _ in range(3)]
        for native in natives:
            native.line()
            native.send(NEGOTIATE)
            native.line()
        # It holds up all that comes in band.
        natives[0].send(b'{"execute":"pmemsave","arguments":{"val":0,"size":1,"filename":"%s"},"id":1}' % fifo.encode())
        for native in natives[1:]:
            native.send(b'{"execute":"query-name","id":2}{"execute":"query-name","id":3}')
        self.qemu.kill()
        for native in natives:
            self.assertEqual(native.until_end(), b'')
        wait_until(lambda: not vm.is_there())

    def test_shared(self):
        self.check(self.start_vm('7.2'), 'shared')

    def test_spare(self):
        self.qemu = self.start(Qemu, '7.2', monitors=4)
        spares = [f'unix:{path}' for path in self.qemu.paths[1:]]
        self.check(self.add('vm', f'unix:{self.qemu.path}', spares=('as', spares)), 'spare')

    def test_hotplug(self):
        self.check(self.start_vm('11.1'), 'hotplug')


if __name__ == '__main__':
    main()
