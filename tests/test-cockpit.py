# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page for Cockpit, in Cockpit and in a browser: it is live by signals alone, every button is decided by polkit for the user who
has pressed it, and every state of the agent has its face. Pictures of it are kept with the logs of the run.

The user is nobody's VM's owner, so that polkit is asked about everything."""
import json
import os
import re
import signal
import struct
import unittest
import zlib

from cockpit_page import FILES, PAGE, Administrator, Browser, Cockpit, find_missing
from harness import SILENCE, Bus, Connection, FakeAuthority, Peer, Qemu, StorageDaemon, main, wait_until
from harness.polkit import result
from monitor import ANSWERS, LIMITS, MODULE, NAME, ROOT
from system_bus import SOMEBODY, SystemBusTest

DBUS = 'org.freedesktop.DBus'
GIB = 1 << 30
HOSTILE = '<img src=x onerror="document.title=1"> & \'web\''
HOSTILE_GUEST = '<b>guest</b>'
DEVICES = ('-device', 'VGA', '-blockdev', f'null-co,node-name=a,size={GIB}', '-blockdev', f'null-co,node-name=b,size={GIB}',
         '-blockdev', 'null-co,node-name=c,size=1048576,read-zeroes=on', '-device', 'virtio-blk-pci,drive=c,id=disk0', '-netdev', 'user,id=n', '-device', 'virtio-net-pci,netdev=n,id=net0')
# What Cockpit's own button does.
SUPERUSER_START = '''window.superuser = cockpit.dbus(null, { bus: "internal" }).proxy("cockpit.Superuser", "/superuser");
    superuser.wait(() => superuser.Start(superuser.Bridges[0]))'''
SUPERUSER_STOP = 'superuser.Stop()'
SERVICE = '''[D-BUS Service]
Name=org.qemu.Monitor1
Exec=/bin/sh {script}
'''


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def setUpModule():
    """One browser for all."""
    missing = find_missing()
    if missing:
        raise unittest.SkipTest(f'not here: {" ".join(missing)}')
    PageTest.browser = Browser()
    unittest.addModuleCleanup(PageTest.browser.stop)


class PageTest(SystemBusTest):
    limits = LIMITS

    def setUp(self):
        super().setUp()
        self.administrator = None
        self.denied = set()
        self.challenged = set()
        self.polkit = self.start(FakeAuthority, self.bus.address, self.decide)

    def decide(self, subject, action, details, flags):
        """What polkit says: no to some commands, to others that somebody would have to authenticate, who does so if asked."""
        command = details.get('command')
        asked = command not in self.challenged or bool(flags)
        return result(command not in self.denied and asked, not asked)

    def open(self, where='', session_bus=None):
        """The page, in a session of somebody's."""
        session = session_bus or self.start(Bus, name='session-bus')
        self.cockpit = self.start(Cockpit, self.bus.address, session.address, SOMEBODY, os.path.dirname(os.environ['CTL']), self.administrator)
        self.browser.open(self.cockpit.url + where)

    def explain(self):
        return f'page: {self.browser.text("body")}\nbrowser: {self.browser.errors()}'

    def tearDown(self):
        """The policy of Cockpit's for what a page may do has been kept, and no script has failed."""
        errors = self.browser.errors()
        self.browser.driver.get('about:blank')
        self.assertEqual(errors, [])

    def start_vm(self, name, *arguments, guest=None):
        self.qemu = self.start(Qemu, '11.1', *arguments, name=guest)
        return self.add(name, f'unix:{self.qemu.path}')

    def show_vm(self, name='web', *arguments):
        """The page of a VM."""
        self.start_system_agent()
        vm = self.start_vm(name, *arguments)
        self.open(f'#/vm/{vm.path.rsplit("/", 1)[1]}')
        self.browser.wait_text('h1', name)
        self.browser.wait_text('#events', 'None since')
        return vm


class List(PageTest):
    def test_it_lives(self):
        """VMs come, change and go without the page being loaded again; those that are not there are told with the reason."""
        self.start_system_agent(key_file=f'[vm away]\naddress=unix:{self.directory}/nobody\n')
        vm = self.start_vm(HOSTILE, guest=HOSTILE_GUEST)
        self.open()
        page = self.browser
        page.wait_text('table', HOSTILE)
        page.run('window.marked = true')
        for text in (HOSTILE_GUEST, 'running', 'root', '11.1.3', 'machine, x86_64'):
            page.wait_text(f'tr[data-vm="{vm.path}"]', text)
        page.wait_text('main', 'Out of reach')
        page.wait_text('table[aria-label="Out of reach"]', 'told to root')
        storage = self.start(StorageDaemon)
        other = self.add('disks', f'unix:{storage.path}')
        page.wait_text(f'tr[data-vm="{other.path}"]', 'storage daemon')
        vm.qmp('Stop')
        page.wait_text(f'tr[data-vm="{vm.path}"] .state', 'paused')
        page.picture('list')
        self.caller.call(NAME, ROOT, f'{NAME}.Manager', 'RemoveVM', '(o)', other.path)
        wait_until(lambda: page.text(f'tr[data-vm="{other.path}"]') is None)
        self.assertTrue(page.run('return window.marked'))
        self.assertEqual(page.run('return document.querySelectorAll("main img, main script, main b").length'), 0)
        # By the keyboard alone.
        page.keys('Tab')
        self.assertEqual(page.run('return document.activeElement.innerText'), HOSTILE)
        page.keys('Enter')
        page.wait_text('h1', HOSTILE)
        page.driver.back()
        page.wait_text('h1', 'Virtual machines')

    def test_none(self):
        self.start_system_agent()
        self.open()
        self.browser.wait_text('#empty', '-qmp unix:/run/qemu-monitor/NAME.sock,server=on,wait=off')
        self.browser.picture('empty')


class OneVM(PageTest):
    def test_buttons(self):
        vm = self.show_vm()
        page = self.browser
        page.run('window.marked = true')
        self.denied = {'quit'}
        page.press('Pause')
        page.wait_text('.title .state', 'paused')
        page.wait_text('#events', 'Stop')
        # By the keyboard: the button that has taken the other's place has the focus.
        wait_until(lambda: page.run('return document.activeElement.innerText') == 'Resume')
        page.keys('Enter')
        page.wait_text('.title .state', 'running')
        self.assertTrue(page.run('return window.marked'))
        page.press('Quit')
        page.wait_text('dialog', 'Quit web?')
        page.keys('Escape')
        wait_until(lambda: not page.run('return document.querySelector("dialog")'))
        self.assertNotIn('quit', [details.get('command') for _, _, details, _ in self.polkit.checks])
        # Somebody is quick: the browser has not told yet that the question has closed when the next one is open.
        page.run('const quit = arguments[0]; quit.click(); document.querySelector("dialog").close("no"); quit.click()', page.button('Quit', '[role=group]'))
        page.press('Quit', 'dialog[open]')
        page.wait_text('[role=group] .error:not(:empty)', 'User 33 may not call quit on the VM "web"')
        page.picture('refused')
        self.denied = set()
        page.press('Quit')
        page.press('Quit', 'dialog')
        page.wait_text('.gone', '“web” has gone')
        page.picture('gone')
        self.start_vm('web')
        page.wait_text('.title .state', 'running')
        self.assertTrue(vm.is_there())
        self.assertTrue(page.run('return window.marked'))

    def test_a_password_only_for_a_button(self):
        """Polkit may ask somebody because a button was pressed, and not because the page was opened."""
        self.challenged = {'stop', 'query-block'}
        self.show_vm()
        page = self.browser
        card = 'section[aria-label="Block devices"]'
        page.wait_text(card, 'may help')
        self.assertEqual({flags for _, _, _, flags in self.polkit.checks}, {0})
        page.press('Look again', card)
        page.wait_text(card, 'There is none')
        page.press('Pause')
        page.wait_text('.title .state', 'paused')
        self.assertEqual({details['command'] for _, _, details, flags in self.polkit.checks if flags}, self.challenged)

    def test_administrative_access(self):
        """Calls are the user's own, and root's for as long as the user has switched that on in Cockpit."""
        self.administrator = self.start(Administrator)
        self.show_vm()
        page = self.browser
        page.press('Pause')
        page.wait_text('.title .state', 'paused')
        self.assertEqual(self.find_uid('stop'), SOMEBODY)
        self.mark_view()
        page.run(SUPERUSER_START)
        self.administrator.serve(self.cockpit.environment)
        self.wait_for_another_view()
        page.press('Resume')
        page.wait_text('.title .state', 'running')
        self.assertEqual(self.find_uid('cont'), 0)
        self.mark_view()
        page.run(SUPERUSER_STOP)
        self.wait_for_another_view()
        page.press('Reset')
        page.press('Reset', 'dialog')
        page.wait_text('#events', 'Reset')
        self.assertEqual(self.find_uid('system_reset'), SOMEBODY)

    def mark_view(self):
        self.browser.run('document.querySelector("article").old = true')

    def wait_for_another_view(self):
        wait_until(lambda: self.browser.run('return document.querySelector("article")?.old === undefined && document.querySelector("article") !== null'))

    def find_uid(self, command):
        """Who has called it, by the agent's log."""
        line = re.compile(rf'CALLER_UID=(\d+) .*COMMAND={command} ')
        return int(wait_until(lambda: line.search(self.agent.output), lambda: f'{command} in the log: {self.agent.output}')[1])

    def test_jobs_and_devices(self):
        vm = self.show_vm('web', *DEVICES)
        page = self.browser
        page.wait_for('.screen:not(.blank)')
        page.wait_text('table[aria-label="Block devices"]', 'null-co')
        page.wait_text('table[aria-label="Network devices"]', '52:54:00:12:34:56')
        vm.execute('blockdev-mirror', device=('s', 'a'), target=('s', 'b'), sync=('s', 'full'), speed=('x', 32 << 20), **{'job-id': ('s', 'copy')})
        progress = 'return document.querySelector("[data-job=copy] progress")?.value ?? 0'
        first = wait_until(lambda: page.run(progress))
        wait_until(lambda: page.run(progress) > first)
        page.picture('vm')
        self.denied = {'job-cancel'}
        page.press('Cancel', '[data-job=copy]')
        page.wait_text('[data-job=copy] .actions .error:not(:empty)', 'may not call job-cancel on the VM "web"')
        self.denied = set()
        page.press('Cancel', '[data-job=copy]')
        wait_until(lambda: page.text('[data-job=copy]') is None)

    def test_commands(self):
        self.show_vm()
        page = self.browser
        page.type('#command', 'blockdev-add')
        page.wait_text('#command-about', 'org.qemu.monitor1.configure')
        page.wait_text('.members', 'driver blkdebug | ')
        page.run('document.querySelector("#arguments").value = ""')
        page.type('#arguments', '{"driver": "null-co", "size": "much"}')
        page.wait_text('.members', 'read-zeroes boolean')
        page.press('Run')
        page.wait_text('#command-error', "GenericError: Invalid parameter type for 'size', expected: integer")
        self.assertEqual(page.run('const t = document.activeElement; return t.value.slice(t.selectionStart, t.selectionEnd)'), '"size"')
        page.type('#arguments', '{"x": ]', clear=True)
        page.press('Run')
        page.wait_text('#command-error', 'InvalidArgs')
        self.assertEqual(page.run('return document.activeElement.selectionStart'), 6)
        page.type('#command', 'query-memory-size-summary', clear=True)
        page.type('#arguments', '', clear=True)
        page.press('Run')
        page.wait_text('#result', '"base-memory": 33554432')


class Hostile(PageTest):
    """A QEMU that may be anything, and an address that anybody may have written."""

    def start_peer(self, name, **answers):
        self.peer = self.start(Peer, {**ANSWERS, 'add-fd': {'fdset-id': 1, 'fd': 1}, **answers})
        return self.add(name, f'unix:{self.peer.path}')

    def test_a_question_is_about_one_qemu(self):
        """Whoever says yes when another QEMU has taken the name does not end that."""
        self.show_vm()
        page = self.browser
        page.press('Quit')
        page.wait_text('dialog', 'Quit web?')
        page.run('document.querySelector("article").old = true')
        page.run('window.yes = arguments[0]', page.button('Quit', 'dialog'))
        self.qemu.stop()
        page.wait_text('.gone', 'has gone')
        vm = self.start_vm('web')
        wait_until(lambda: page.run('return document.querySelector("article")?.old') is None)
        self.assertIsNone(page.run('return document.querySelector("dialog[open]")'))
        page.run('window.yes.click()')
        page.press('Pause')
        page.wait_text('.title .state', 'paused')
        self.assertNotIn('quit', [details.get('command') for _, _, details, _ in self.polkit.checks])
        self.assertTrue(vm.is_there())

    def test_a_vm_is_replaced_between_two_looks(self):
        """What is shown is of the QEMU that is there."""
        self.show_vm()
        page = self.browser
        page.run('document.querySelector("article").old = true')
        old = self.qemu.popen.pid
        page.wait_text('dl', str(old))
        # Nothing is rendered meanwhile, as in a page that is busy.
        page.run('window.late = []; window.plain = window.setTimeout; window.setTimeout = (...all) => window.late.push(all)')
        self.qemu.stop()
        self.start_vm('web')
        page.run('return document.readyState')
        wait_until(lambda: page.run('return window.late.length'))
        page.run('window.setTimeout = window.plain; window.late.forEach(all => window.setTimeout(...all))')
        page.wait_text('dl', str(self.qemu.popen.pid))
        page.wait_text('.title .state', 'running')

    def test_pictures(self):
        """One that never comes keeps nobody else's away, and one that would take all memory is not drawn."""
        self.start_system_agent()
        header = b'IHDR' + struct.pack('>IIBBBBB', 60000, 60000, 8, 2, 0, 0, 0)

        def dump(command):
            os.write(self.peer.fds[-1], b'\x89PNG\r\n\x1a\n\0\0\0\x0d' + header + struct.pack('>I', zlib.crc32(header)))
            return {}
        silent = self.start_peer('a', screendump=SILENCE)
        huge = self.start_peer('b', screendump=dump)
        vm = self.start_vm('c', '-device', 'VGA')
        self.open()
        page = self.browser
        page.wait_for(f'tr[data-vm="{vm.path}"] .screen:not(.blank)')
        for each, text in ((silent, 'not answered'), (huge, 'too large')):
            title = 'return document.querySelector(`tr[data-vm="${arguments[0]}"] .screen`).title'
            wait_until(lambda: text in page.run(title, each.path), lambda: f'{text}: {page.run(title, each.path)}')

    def test_odd_addresses(self):
        self.start_system_agent()
        self.start_vm('web')
        self.open()
        page = self.browser
        for place, text in (('#/?bus=constructor', 'web'), ('#/?bus=__proto__', 'web'), ('#/?bus=system&bus=session', 'web'),
                            ('#/vm', 'not there'), ('#/vm/constructor', 'not there'), ('#/vm/..%2F..%2Fweb', 'web'),
                            ('#/vm/web/job/x', 'web'), ('#/%00/<b>', 'Virtual machines')):
            with self.subTest(place):
                page.run('document.getElementById("content").replaceChildren(); location.hash = arguments[0]', '#/vm/none')
                page.wait_text('main', 'not there')
                page.run('location.hash = arguments[0]', place)
                page.wait_text('main', text)

    def test_a_schema_of_no_end(self):
        kinds = [{'name': f't{i}', 'meta-type': 'alternate', 'members': [{'type': f't{i + 1}'}, {'type': f't{i + 1}'}]} for i in range(60)]
        schema = [{'name': 'stop', 'meta-type': 'command', 'arg-type': 'a', 'ret-type': 'a'}, *kinds,
                  {'name': 'l', 'meta-type': 'array', 'element-type': 'l'}, {'name': 't60', 'meta-type': 'builtin', 'json-type': 'int'},
                  {'name': 'a', 'meta-type': 'object', 'members': [{'name': 'x', 'type': 't0'}, {'name': 'y', 'type': 'l'}]}]
        self.start_system_agent()
        vm = self.start_peer('web')
        self.open(f'#/vm/{vm.path.rsplit("/", 1)[1]}')
        self.browser.wait_text('h1', 'web')
        self.peer.answers['query-qmp-schema'] = schema
        self.browser.type('#command', 'stop')
        self.browser.wait_text('.members', 'y list of')


class Faces(PageTest):
    def test_agent_that_goes_and_comes(self):
        self.show_vm()
        self.end_agent(self.agent)
        self.browser.wait_text('[data-state=gone]', 'The agent has stopped')
        self.start_system_agent()
        self.browser.wait_text('[data-state=missing]', 'not there')
        self.add('web', f'unix:{self.qemu.path}')
        self.browser.wait_text('.title .state', 'running')
        wait_until(lambda: self.browser.text('main').count('There is none') == 2)  # what the page has asked has been answered
        self.bus.stop()
        self.agent.wait()
        self.browser.wait_text('[data-state=lost]', 'No connection to the system bus')
        self.browser.picture('lost')

    def test_agent_that_is_not_there(self):
        self.agent = self.polkit
        self.open('#/?bus=session')
        self.browser.wait_text('[data-state=absent]', 'systemctl --user start management-agent')

    def test_agent_that_the_bus_starts(self):
        """It is the only one, and so it is the session's without being asked for."""
        script = self.write('start', 'exit 1')
        self.write(f'{NAME}.service', SERVICE.format(script=script))
        session = self.start(Bus, name='session-bus', extra=f'<servicedir>{self.directory}</servicedir>')
        self.open(session_bus=session)
        page = self.browser
        page.wait_text('[data-state=failed]', 'could not be started')
        self.write('start', f'exec {os.environ["AGENT"]} --module={MODULE} --session --config-dir={self.directory}')
        page.press('Try again')
        page.wait_text('#empty', '$XDG_RUNTIME_DIR/qemu-monitor/NAME.sock')
        caller = self.adopt(Connection(session.address))
        os.kill(caller.call(DBUS, '/org/freedesktop/DBus', DBUS, 'GetConnectionUnixProcessID', '(s)', NAME)[0], signal.SIGTERM)
        page.wait_text('[data-state=gone]', 'The agent has stopped')
        page.press('Start it')
        page.wait_text('#empty', '$XDG_RUNTIME_DIR')
        # The system's agent comes: who looks at the session's goes on doing so until they choose.
        self.start_system_agent()
        page.press('System', '#buses')
        page.wait_text('#empty', '/run/qemu-monitor/NAME.sock')
        page.press('Your session', '#buses')
        page.wait_text('#empty', '$XDG_RUNTIME_DIR')


class Looks(PageTest):
    def test_pictures(self):
        """Dark, narrow, and at 200 %: nothing is wider than the window."""
        self.show_vm(HOSTILE, *DEVICES)
        page = self.browser
        for name, width, dark in (('dark', 1280, True), ('200-percent', 640, False), ('narrow', 320, True)):
            with self.subTest(name):
                page.run('''localStorage.setItem("shell:style", arguments[0] ? "dark" : "light"); window.dispatchEvent(new CustomEvent("cockpit-style", { detail: { style: localStorage["shell:style"] } }))''', dark)
                page.resize(width)
                page.wait_text('table[aria-label="Block devices"]', 'null-co')
                page.wait_text('table[aria-label="Network devices"]', 'virtio-net')
                page.wait_for('.screen:not(.blank)')
                self.assertEqual(page.run('return document.documentElement.classList.contains("dark")'), dark)
                self.assertLessEqual(page.run('return document.documentElement.scrollWidth'), width)
                page.picture(f'vm-{name}')
                page.run('location.hash = "#/"')
                page.resize(width)
                page.wait_text('h1', 'Virtual machines')
                page.wait_for('.screen:not(.blank)')
                self.assertLessEqual(page.run('return document.documentElement.scrollWidth'), width)
                page.picture(f'list-{name}')
                page.driver.back()
                page.wait_text('h1', HOSTILE)

    def test_the_rules(self):
        """Under a thousand lines, and no markup is made of strings, whoever they come from."""
        text = ''.join(read(f'{PAGE}/{name}') for name in os.listdir(PAGE) if name.endswith(FILES))
        self.assertLess(text.count('\n'), 1000)
        self.assertNotRegex(text, r'(inner|outer|Adjacent)HTML|document\.write|\beval\b|new Function|style=|\son\w+="')
        self.assertIn('index', json.loads(read(f'{PAGE}/manifest.json'))['menu'])


if __name__ == '__main__':
    # Callers of another user take root.
    if os.getuid() == 0:
        main()
    print('1..0')
