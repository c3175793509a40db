# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenDisplay(): viewers that know nothing of us show the guest's screen by the descriptor that it gives."""
import ctypes
import os
import socket
import subprocess
import threading

import gi
from gi.repository import Gio, GLib, GObject

from harness import CallError, FakeAuthority, Message, Peer, Qemu, StorageDaemon, main, wait_until
from harness.polkit import result
from monitor import ANSWERS, DISCONNECTED, INVALID_ARGS, LIMITS, NOT_SUPPORTED, VERSIONS, VM, MonitorTest, requests, variants
from PIL import Image
from screens import SIZE, ScreenQemu, is_known_screen, start_shot, take_picture
from system_bus import DENIED, OWNER, SOMEBODY, SystemBusTest, commands

gi.require_version('SpiceClientGLib', '2.0')
from gi.repository import SpiceClientGLib  # noqa: E402

NOT_ACTIVE = 'org.qemu.Monitor1.Error.DeviceNotActive'
DISPLAY = 'org.qemu.Display1'
LISTENER = Gio.DBusNodeInfo.new_for_xml('''<node><interface name="org.qemu.Display1.Listener">
  <method name="Scanout"><arg type="u" direction="in"/><arg type="u" direction="in"/><arg type="u" direction="in"/>
    <arg type="u" direction="in"/><arg type="ay" direction="in"/></method>
  <method name="Update"><arg type="i" direction="in"/><arg type="i" direction="in"/><arg type="i" direction="in"/>
    <arg type="i" direction="in"/><arg type="u" direction="in"/><arg type="u" direction="in"/><arg type="ay" direction="in"/>
  </method>
  <method name="Disable"/></interface></node>''').interfaces[0]


def start_open(vm, protocol, **options):
    finish = vm.start('VM', 'OpenDisplay', '(sa{sv})', protocol, variants(options))
    return lambda: socket.socket(fileno=finish()[1][0])


def read_until_end(display):
    display.settimeout(20)
    while display.recv(65536):
        pass


class DisplayTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent()

    def start_screen(self, version, *arguments):
        """Its guest shows its colours."""
        self.qemu = self.start(ScreenQemu, version, *arguments)
        vm = self.add(version, f'unix:{self.qemu.path}')
        wait_until(lambda: is_known_screen(take_picture(vm, format=('s', 'ppm'))), 'the guest to show its colours')
        return vm


class Vnc(DisplayTest):
    @staticmethod
    def relay(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def view(self, display):
        """What a VNC client that connects to ports sees by it."""
        server = socket.create_server(('127.0.0.1', 0))
        path = f'{self.directory}/snapshot.jpg'
        viewer = subprocess.Popen(['vncsnapshot', '-quiet', '-quality', '100', f'127.0.0.1::{server.getsockname()[1]}', path],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        server.settimeout(20)
        client, _ = server.accept()
        client.settimeout(None)
        for pair in ((client, display), (display, client)):
            threading.Thread(target=self.relay, args=pair, daemon=True).start()
        output, _ = viewer.communicate(timeout=20)
        self.assertEqual(viewer.returncode, 0, output)
        for each in (server, client, display):
            each.close()
        return Image.open(path).convert('RGB')

    def the_picture(self, vm):
        picture = self.view(start_open(vm, 'vnc')())
        # Of JPEG's colours, which are near.
        near = picture.point(lambda value: 168 if abs(value - 168) < 8 else 0 if value < 8 else value)
        self.assertEqual(picture.size, SIZE)
        for y, colour in ((50, (168, 0, 0)), (350, (0, 168, 0))):
            self.assertEqual(near.getpixel((320, y)), colour)

    def it_lasts(self, vm):
        """The caller's connection to the bus, and the agent, may end before it."""
        somebody = VM(self.connect(), vm.path)
        display = start_open(somebody, 'vnc')()
        somebody.caller.stop()
        vm.execute('query-status')
        self.assertEqual(display.recv(12), b'RFB 003.008\n')
        display.sendall(b'RFB 003.008\n')
        self.assertEqual(display.recv(2), b'\x01\x01')
        vm.qmp('Quit')
        read_until_end(display)

    def many_rounds(self, vm):
        fds = len(os.listdir(f'/proc/{self.agent.popen.pid}/fd'))
        qemu_fds = len(os.listdir(f'/proc/{self.qemu.popen.pid}/fd'))
        for _ in range(50):
            with start_open(vm, 'vnc')() as display:
                self.assertEqual(display.recv(12), b'RFB 003.008\n')
        displays = [start_open(vm, 'vnc') for _ in range(8)]
        for finish in displays:
            with finish() as display:
                self.assertEqual(display.recv(12), b'RFB 003.008\n')
        wait_until(lambda: len(os.listdir(f'/proc/{self.agent.popen.pid}/fd')) <= fds, 'the agent to close them')
        wait_until(lambda: len(os.listdir(f'/proc/{self.qemu.popen.pid}/fd')) <= qemu_fds, 'QEMU to close them')

    def test_a_life(self):
        for version in VERSIONS:
            vm = self.start_screen(version, '-vnc', 'none')
            for part in (self.the_picture, self.many_rounds, self.it_lasts):
                with self.subTest(version, part=part.__name__):
                    part(vm)

    def test_a_password_is_asked_for(self):
        qemu = self.start(Qemu, '11.1', '-S', '-vnc', 'none,password=on')
        with start_open(self.add('vm', f'unix:{qemu.path}'), 'vnc')() as display:
            self.assertEqual(display.recv(12), b'RFB 003.008\n')
            display.sendall(b'RFB 003.008\n')
            self.assertEqual(display.recv(2), b'\x01\x02')


class Spice(DisplayTest):
    def test_the_picture(self):
        vm = self.start_screen('7.2', '-spice', 'port=0,disable-ticketing=on')
        session = SpiceClientGLib.Session(enable_audio=False, enable_usbredir=False)
        pictures = []

        def on_primary(channel, form, width, height, stride, shared, data):
            pictures.append((width, height, stride, data, channel))

        def on_channel(_, channel):
            if not isinstance(channel, (SpiceClientGLib.DisplayChannel, SpiceClientGLib.MainChannel)):
                return
            # Each of a viewer's connections is a call. The class has a connect() of its own.
            GObject.Object.connect(channel, 'open-fd', lambda channel, _: channel.open_fd(start_open(vm, 'spice')().detach()))
            GObject.Object.connect(channel, 'channel-event', lambda _, event: events.append(event))
            if isinstance(channel, SpiceClientGLib.DisplayChannel):
                GObject.Object.connect(channel, 'display-primary-create', on_primary)
                channel.connect()
        events = []
        GObject.Object.connect(session, 'channel-new', on_channel)
        self.assertTrue(session.open_fd(-1))
        self.addCleanup(session.disconnect)

        def is_shown():
            if not pictures:
                return False
            width, height, stride, data, _ = pictures[-1]
            text = ctypes.string_at(data, stride * height)
            return is_known_screen(Image.frombytes('RGB', (width, height), text, 'raw', 'BGRX', stride))
        wait_until(is_shown, lambda: f'the picture; {events}')


class DBus(DisplayTest):
    def connect_display(self, display):
        stream = Gio.Socket.new_from_fd(display.detach()).connection_factory_create_connection()
        return Gio.DBusConnection.new_sync(stream, None, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT, None, None)

    def listen(self, console):
        """What QEMU's calls as a listener's client bring: pictures."""
        ours, theirs = socket.socketpair()
        reply, _ = console.call_with_unix_fd_list_sync(
            'RegisterListener', GLib.Variant('(h)', (0,)), Gio.DBusCallFlags.NONE, -1,
            Gio.UnixFDList.new_from_array([theirs.detach()]), None)
        stream = Gio.Socket.new_from_fd(ours.detach()).connection_factory_create_connection()
        listener = Gio.DBusConnection.new_sync(
            stream, None, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.DELAY_MESSAGE_PROCESSING, None, None)
        pictures = []

        def on_call(connection, sender, path, interface, method, arguments, invocation):
            if method == 'Scanout':
                width, height, stride, _, data = arguments.unpack()
                pictures.append(Image.frombytes('RGB', (width, height), bytes(data), 'raw', 'BGRX', stride))
            invocation.return_value(None)
        listener.register_object('/org/qemu/Display1/Listener', LISTENER, on_call, None, None)
        listener.start_message_processing()
        return listener, pictures

    def test_the_picture(self):
        vm = self.start_screen('7.2', '-display', 'dbus,p2p=on')
        connection = self.connect_display(start_open(vm, 'dbus')())
        machine = Gio.DBusProxy.new_sync(connection, 0, None, None, '/org/qemu/Display1/VM', f'{DISPLAY}.VM', None)
        self.assertEqual(list(machine.get_cached_property('ConsoleIDs')), [0])
        console = Gio.DBusProxy.new_sync(connection, 0, None, None, '/org/qemu/Display1/Console_0', f'{DISPLAY}.Console', None)
        self.assertEqual(console.get_cached_property('Type').unpack(), 'Graphic')
        listener, pictures = self.listen(console)
        wait_until(lambda: pictures and is_known_screen(pictures[-1]), 'the picture')
        vm.qmp('Quit')
        wait_until(connection.is_closed, 'the end')
        wait_until(listener.is_closed, 'its end')


class Without(DisplayTest):
    def test_without_a_server(self):
        for version in VERSIONS:
            qemu = self.start(Qemu, version, '-S')
            vm = self.add(version, f'unix:{qemu.path}')
            for protocol, option, words in (('vnc', '-vnc none', 'query-vnc-servers tells of none'),
                                            ('spice', '-spice port=0', 'SPICE is not in use'),
                                            ('dbus', '-display dbus,p2p=on', 'D-Bus display is not in use')):
                with self.subTest(version, protocol=protocol):
                    self.assert_fails(NOT_ACTIVE, f'The VM has no display for "{protocol}", which QEMU has to be started with, '
                                      f'for example by `{option}`: {words}', start_open(vm, protocol))
            self.assert_fails(INVALID_ARGS, 'did you mean spice?', start_open(vm, 'spcie'))
            self.assert_fails(INVALID_ARGS, 'no such option; there are none', start_open(vm, 'vnc', skipauth=('b', True)))
            # The caller's monitor is as before: no name for a descriptor keeps it.
            wait_until(lambda: [entry['pending'] for entry in vm.start('VM', 'ListMonitors')()[0]] == [0])
        daemon = self.start(StorageDaemon)
        self.assert_fails(NOT_SUPPORTED, 'has no display', start_open(self.add('daemon', f'unix:{daemon.path}'), 'vnc'))

    def test_a_monitor_is_no_display(self):
        """A character device that is called as a protocol is: QEMU would take it where it knows no such protocol."""
        for device in ('serial', 'mon'):
            with self.subTest(device):
                chardev = f'socket,id=vnc,path={self.directory}/{device},server=on,wait=off'
                arguments = ('-serial', 'chardev:vnc') if device == 'serial' else ('-mon', 'chardev=vnc,mode=control')
                qemu = self.start(Qemu, '11.1', '-S', '-chardev', chardev, *arguments)
                vm = self.add(device, f'unix:{qemu.path}')
                self.assert_fails(NOT_ACTIVE, 'tells of none', start_open(vm, 'vnc'))


class Scripted(DisplayTest):
    """A QEMU that lies, or does not answer."""

    def start_peer(self, **answers):
        answers = {'getfd': {}, 'add_client': {}, 'closefd': {}, 'query-vnc-servers': [{}],
                   **answers}
        self.peer = self.start(Peer, {**ANSWERS, **answers})
        return self.add('fake', f'unix:{self.peer.path}')

    def sent(self, name):
        return [command['arguments'] for command in self.peer.commands if command.get('execute') == name]

    def test_lies(self):
        error = Message({'error': {'class': 'GenericError', 'desc': 'no room'}})
        for name, answer, text in (('query-vnc-servers', {}, 'tells of none'), ('query-vnc-servers', error, 'no room'),
                                   ('getfd', error, 'no room'), ('add_client', error, '`-vnc none`: no room')):
            with self.subTest(name, text=text):
                vm = self.start_peer(**{name: answer})
                with self.assertRaises(CallError) as caught:
                    start_open(vm, 'vnc')()
                self.assertIn(text, caught.exception.message)
                self.manager('RemoveVM', '(o)', vm.path)
                # What QEMU was told to name, it is told to close, if it may have it.
                named = self.sent('getfd') if name == 'add_client' else []
                self.assertEqual([entry for entry in self.sent('closefd') if entry in named], named)

    def test_silence(self):
        """The caller leaves, or the VM goes: the socket is closed, in QEMU too."""
        for name in ('query-vnc-servers', 'getfd', 'add_client'):
            with self.subTest(name):
                may_answer = threading.Event()
                answer = {} if name != 'query-vnc-servers' else [{}]
                vm = self.start_peer(**{name: lambda command, wait=may_answer.wait, answer=answer: wait() and answer})
                self.addCleanup(may_answer.set)
                fds = len(os.listdir(f'/proc/{self.agent.popen.pid}/fd'))
                somebody = VM(self.connect(), vm.path)
                start_open(somebody, 'vnc')
                wait_until(lambda: any(command.get('execute') == name for command in self.peer.commands))
                somebody.caller.stop()
                finish = start_open(vm, 'vnc')
                self.manager('RemoveVM', '(o)', vm.path)
                self.assert_fails(DISCONNECTED, '', finish)
                may_answer.set()
                wait_until(lambda: len(os.listdir(f'/proc/{self.agent.popen.pid}/fd')) < fds, 'the agent to close all')


class Leave(SystemBusTest):
    limits = LIMITS

    def test_it_takes_both(self):
        refused = ['org.qemu.monitor1.control']
        polkit = self.start(FakeAuthority, self.bus.address,
                            lambda subject, action, details, flags: result(action not in refused))
        self.start_system_agent()
        vm, peer = self.add_peer()
        peer.answers.update({'getfd': {}, 'add_client': {}, 'closefd': {}, 'query-vnc-servers': [{}]})
        somebody = self.as_user(vm, SOMEBODY)
        polkit.checks.clear()
        self.assert_fails(DENIED, f'User {SOMEBODY} may not call OpenDisplay on the VM "web"', start_open(somebody, 'vnc'))
        refused[:] = ['org.qemu.monitor1.read-guest']
        self.assert_fails(DENIED, 'may not call OpenDisplay', start_open(somebody, 'vnc'))
        self.assertEqual(commands(peer), [])
        refused.clear()
        start_open(somebody, 'vnc')().close()
        self.assertEqual({details['command'] for _, _, details, _ in polkit.checks}, {'OpenDisplay'})
        self.assertEqual(commands(peer), ['query-vnc-servers', 'getfd', 'add_client'])
        client = requests(peer)[-1]['arguments']
        self.assertEqual(set(client), {'protocol', 'fdname'})

    def add_screen(self, key_file, answer):
        self.polkit = self.start(FakeAuthority, self.bus.address, answer)
        self.start_system_agent(key_file)
        vm, peer = self.add_peer()
        peer.answers.update({'getfd': {}, 'add_client': {}, 'closefd': {}, 'query-vnc-servers': [{}], 'add-fd': {'fdset-id': 1, 'fd': 1},
                             'screendump': Message({'error': {'class': 'GenericError', 'desc': 'no screen'}})})
        self.polkit.checks.clear()
        return vm, peer

    def test_what_rules_see(self):
        """Leave is asked for each time, of the owner too where the key file says so; a rule sees which device's picture it is."""
        vm, _ = self.add_screen('[qemu-monitor]\nowner=polkit\n', lambda subject, action, details, flags: result(True))
        for uid in (OWNER, SOMEBODY):
            caller = self.as_user(vm, uid)
            self.polkit.checks.clear()
            start_open(caller, 'vnc')().close()
            for device in ('a', 'b', 'b'):
                self.assert_fails('org.qemu.Monitor1.Error.GenericError', 'no screen',
                                  start_shot(caller, device=('s', device), head=('x', 1)))
            seen = sorted((action.rsplit('.')[-1], details['command'], details.get('id', '')) for _, action, details, _ in self.polkit.checks)
            self.assertEqual(seen, [('control', 'OpenDisplay', ''), ('read-guest', 'OpenDisplay', ''), ('read-guest', 'screendump', 'a'),
                                    ('read-guest', 'screendump', 'b'), ('read-guest', 'screendump', 'b')])
            self.assertEqual({(details['vm'], details['owner'], details['bus']) for _, _, details, _ in self.polkit.checks},
                             {('web', 'lp', 'system')})

    def test_while_somebody_is_asked(self):
        """Who is refused after a dialog, whose VM is replaced meanwhile, or who has left gets nothing of any QEMU."""
        vm, peer = self.add_screen(None, lambda subject, action, details, flags: None if flags else result(False, True))
        for method, arguments in (('OpenDisplay', ('(sa{sv})', 'vnc', {})), ('Screenshot', ('(a{sv})', {}))):
            for case in ('no', 'replaced', 'left'):
                with self.subTest(method, case=case):
                    caller = self.as_user(vm, SOMEBODY)
                    finish = caller.start('VM', method, *arguments, interactive=True)
                    dialog = wait_until(lambda: self.polkit.waiting and self.polkit.waiting.pop(), 'the dialog')
                    if case == 'replaced':
                        self.manager('RemoveVM', '(o)', vm.path)
                        vm, other = self.add_peer()
                        other.answers.update(peer.answers)
                        self.assert_fails(DISCONNECTED, '', finish)
                        self.polkit.reply(dialog, result(True))
                        self.assertEqual(commands(peer), [])
                        peer = other
                    elif case == 'left':
                        caller.caller.stop()
                        wait_until(lambda: vm.caller.owner(caller.caller.name) is None)
                        self.polkit.reply(dialog, result(True))
                    else:
                        self.polkit.reply(dialog, result(False))
                        self.assert_fails(DENIED, 'may not call', finish)
                    self.as_user(vm, OWNER).execute('query-status')
                    self.assertEqual(commands(peer), [])


if __name__ == '__main__':
    main()
