# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service of the system bus as its administrator has it: started by whoever calls first, confined, restarted, reloaded, removed."""
import contextlib
import re
import socket

from booted import DECISIONS, KEY_FILE, NAME, OBJECT_MANAGER, ROOT, SERVICE, SETTLE, BootTest, install, uninstall, vm_path
from harness import CallError, QmpClient, main, wait_until


class Activation(BootTest):
    def test_the_first_call_starts_it(self):
        self.assertEqual(self.show('ActiveState'), {'ActiveState': 'inactive'})
        self.assertEqual(self.list_vms(), {})
        state = self.show('ActiveState', 'MainPID')
        self.assertEqual(state['ActiveState'], 'active')
        user = self.machine.run('stat', '--format=%U', f'/proc/{state["MainPID"]}').stdout
        self.assertEqual(user, 'qemu-monitor\n')

    def test_it_is_confined(self):
        text = self.machine.run('systemd-analyze', 'security', '--no-pager', f'{SERVICE}.service').stdout
        exposure = re.search(r'Overall exposure level for \S+: ([0-9.]+)', text)
        self.assertLessEqual(float(exposure[1]), 1.5, exposure[0])

    def test_no_unit_has_a_mistake(self):
        verify = ('systemd-analyze', '--man=no', 'verify', f'{SERVICE}.service')
        for result in (self.machine.run(*verify), self.machine.log_in('alice', verify[0], '--user', *verify[1:])):
            self.assertEqual(result.stdout + result.stderr, '')


class ActivationByBroker(Activation):
    bus = 'dbus-broker'


class Kept(BootTest):
    """VMs of every origin over the end of the agent: one that alice's QEMU put into the run directory, one of the key file, one
    that root has added, and one whose socket bob has handed over."""
    names = ('web', 'db', 'mail', 'handed')

    def start_all(self):
        self.write_key_file('[vm db]\naddress=unix:/home/alice/db.sock\n')
        self.restart()
        self.start_qemu('alice', 'web')
        self.start_qemu('alice', 'db', address='unix:/home/alice/db.sock,server=on,wait=off')
        self.start_qemu('bob', 'mail', address='unix:/home/bob/mail.sock,server=on,wait=off')
        path, = self.call(ROOT, f'{NAME}.Manager', 'AddVM', 'ssa{sv}', 'mail', 'unix:/home/bob/mail.sock', '0')
        self.addCleanup(self.remove_vm, path)
        self.start_qemu('bob', 'handed', address='unix:/home/bob/handed.sock,server=on,wait=off')
        self.hand_over('handed', '/home/bob/handed.sock')
        self.wait_vms()
        self.pids = self.get_pids()

    def hand_over(self, name, path):
        """bob gives the agent a socket that is connected to QEMU, and goes."""
        bob = self.adopt(self.machine.connect(1001))
        with socket.socket(socket.AF_UNIX) as qmp:
            # QEMU may not listen yet.
            wait_until(lambda: qmp.connect_ex(self.machine.path(path)) == 0, f'QEMU at {path}')
            bob.call(NAME, ROOT, f'{NAME}.Manager', 'AddVMFromFD', '(sha{sv})', name, 0, {}, fds=[qmp.fileno()])
        bob.stop()

    def remove_vm(self, path):
        with contextlib.suppress(CallError):
            self.call(ROOT, f'{NAME}.Manager', 'RemoveVM', 'o', path)

    def wait_vms(self):
        for name in self.names:
            self.wait_vm(name)

    def get_pids(self):
        """What tells whether a name has the same QEMU as before."""
        return {name: self.get(name, 'PID') for name in self.names}

    def test_systemctl_restart_loses_none(self):
        self.start_all()
        before = self.show('MainPID')
        self.restart()
        self.assertNotEqual(self.show('MainPID'), before)
        self.wait_vms()
        self.assertEqual(self.get_pids(), self.pids)

    def test_an_agent_that_is_killed_is_started_again_and_finds_all(self):
        self.start_all()
        before = self.show('MainPID')
        self.machine.run('systemctl', 'kill', '--signal=KILL', SERVICE)
        wait_until(lambda: self.show('MainPID')['MainPID'] not in (before['MainPID'], '0'), 'the next agent')
        self.wait_vms()
        self.assertEqual(self.get_pids(), self.pids)

    def test_the_bus_is_restarted(self):
        """The agent ends with the bus, and systemd starts the next one on the next bus."""
        self.start_all()
        before = self.show('MainPID')
        self.machine.run('systemctl', 'restart', 'dbus')
        wait_until(lambda: self.show('MainPID')['MainPID'] not in (before['MainPID'], '0'), 'the next agent')
        self.wait_vms()
        self.assertEqual(self.get_pids(), self.pids)

    def test_an_agent_that_hangs_is_replaced(self):
        drop_in = f'/run/systemd/system/{SERVICE}.service.d'
        self.machine.run('mkdir', '--parents', drop_in)
        self.machine.write(f'{drop_in}/watchdog.conf', '[Service]\nWatchdogSec=1\n')
        self.machine.run('systemctl', 'daemon-reload')
        self.addCleanup(self.machine.run, 'sh', '-c', f'rm -r {drop_in} && systemctl daemon-reload')
        self.start_all()
        before = self.show('MainPID')
        self.machine.run('systemctl', 'kill', '--signal=STOP', SERVICE)
        wait_until(lambda: self.show('MainPID')['MainPID'] not in (before['MainPID'], '0'), 'the next agent')
        self.assertEqual(self.show('NRestarts'), {'NRestarts': '1'})
        self.wait_vms()
        self.assertEqual(self.get_pids(), self.pids)


class Restart(BootTest):
    def test_a_restart_ends_what_is_under_way_and_leaves_nothing_in_qemu(self):
        self.start_qemu('alice', 'busy', '-qmp', 'unix:/home/alice/raw.sock,server=on,wait=off')
        self.wait_vm('busy')
        alice = self.adopt(self.machine.connect(1000))
        _, (fd,) = alice.call(NAME, vm_path('busy'), f'{NAME}.VM', 'OpenMonitor', '(a{sv})', {})
        session = self.adopt(QmpClient(fd=fd))
        alice.call(NAME, vm_path('busy'), f'{NAME}.QMP', 'Cont')
        waiting = alice.start(NAME, vm_path('busy'), f'{NAME}.VM', 'ExecuteAndWait', '(sa{sv}a{sv})', 'system_powerdown', {}, {})
        self.assertEqual(session.execute('query-status')['status'], 'running')
        raw = self.adopt(QmpClient(self.machine.path('/home/alice/raw.sock')))
        self.assertNotEqual(self.find_monitors(raw), [])
        self.restart()
        with self.assertRaises(CallError) as caught:
            waiting()
        self.assertEqual(caught.exception.name, f'{NAME}.Error.Disconnected')
        with self.assertRaises(EOFError):
            while True:
                session.read()
        wait_until(lambda: self.find_monitors(raw) == [], lambda: f'no monitor of a caller: {self.find_monitors(raw)}')
        self.wait_vm('busy')
        # The same caller goes on.
        self.assertTrue(alice.call(NAME, vm_path('busy'), f'{NAME}.QMP', 'QueryStatus')[0]['running'])

    def find_monitors(self, raw):
        return [label for label in raw.list_chardevs() if label.startswith(NAME)]


class Reload(BootTest):
    """An administrator changes the key file."""

    def setUp(self):
        super().setUp()
        self.start_qemu('alice', 'web')
        for name in ('db', 'mail'):
            self.start_qemu('bob', name, address=f'unix:/home/bob/{name}.sock,server=on,wait=off')
        self.write_key_file('[vm db]\naddress=unix:/home/bob/db.sock\n')
        self.restart()
        self.wait_vm('web')
        self.wait_vm('db')
        self.before = self.show('MainPID'), self.get('web', 'Since')

    def reload(self, text):
        self.write_key_file(text)
        self.machine.run('systemctl', 'reload', SERVICE)

    def assert_undisturbed(self):
        self.assertEqual((self.show('MainPID'), self.get('web', 'Since')), self.before)

    def test_new_groups_are_taken_up_and_removed_ones_let_go(self):
        self.reload('[vm mail]\naddress=unix:/home/bob/mail.sock\n')
        self.wait_vm('mail')
        wait_until(lambda: self.get('db', 'Status') is None, 'db to go')
        self.assertEqual(set(self.list_vms()), {'web', 'mail'})
        self.assert_undisturbed()

    def test_a_mistyped_key_is_a_warning_that_names_file_and_line(self):
        self.reload('[vm db]\naddress=unix:/home/bob/db.sock\n[qemu-monitor]\nidle-timout=5\n')
        wait_until(lambda: self.find_warnings('idle-timout'), 'the warning')
        self.assertRegex(self.find_warnings('idle-timout')[0], f'{KEY_FILE}.*4.*idle-timeout')
        self.assert_undisturbed()
        self.wait_vm('db')
        self.restart()
        self.wait_vm('db')

    def test_a_mistake_in_one_group_costs_that_vm(self):
        self.reload('[vm db]\naddress=nonsense\n[vm mail]\naddress=unix:/home/bob/mail.sock\n')
        self.wait_vm('mail')
        wait_until(lambda: self.find_warnings('nonsense'), 'the error')
        self.assert_undisturbed()

    def test_a_mistake_about_what_protects_changes_nothing(self):
        self.reload('[qemu-monitor]\nowner=polkt\n[vm mail]\naddress=unix:/home/bob/mail.sock\n')
        wait_until(lambda: self.find_warnings('owner'), 'the error')
        self.assert_undisturbed()
        self.wait_vm('db')
        self.assertIsNone(self.get('mail', 'Status'))
        # Nor does an agent start that would protect less than was meant.
        result = self.machine.run('systemctl', 'restart', SERVICE, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.write_key_file('')

    def find_warnings(self, word):
        return [record['MESSAGE'] for record in self.machine.journal(f'--unit={SERVICE}', '--priority=warning')
                if word in record['MESSAGE']]


class Journal(BootTest):
    def query(self, *matches):
        return self.machine.journal(DECISIONS, *matches, '--since=-1h', '--until=now')

    def test_who_reset_web_yesterday_and_who_tried(self):
        self.start_qemu('alice', 'web')
        self.wait_vm('web')
        self.qmp('web', 'SystemReset', user='alice')
        self.assert_refused('may not call', 'web', 'SystemReset', user='bob')
        self.qmp('web', 'SystemReset')
        self.qmp('web', 'Cont')
        records = self.query('VM=web', 'COMMAND=system_reset')
        fields = ('CALLER_UID', 'CALLER_LOGINUID', 'ACTION', 'DECISION', 'REASON')
        self.assertEqual([[record.get(field) for field in fields] for record in records], [
            ['1000', '1000', 'org.qemu.monitor1.destroy', 'allowed', 'owner'],
            ['1001', '1001', 'org.qemu.monitor1.destroy', 'refused', 'nobody is there who could authenticate'],
            ['0', None, 'org.qemu.monitor1.destroy', 'allowed', 'polkit'],
        ])
        for record, words in zip(records, (('1000', 'owner'), ('1001', 'nobody is there'), ('0', 'polkit'))):
            for word in ('system_reset', 'web', *words):
                self.assertIn(word, record['MESSAGE'])
        self.assertEqual([record['PRIORITY'] for record in records], ['6', '5', '6'])


class Removal(BootTest):
    def list_files(self):
        """All that a package manager would look after, directories too."""
        command = 'find /usr /etc /opt /srv /var -xdev \\( -path /var/log -o -path /var/tmp -o -path /var/lib/systemd -o -path /opt/qemu \\) -prune -o -print'
        return set(self.machine.run('sh', '-c', command).stdout.splitlines())

    @classmethod
    def prepare(cls):
        cls.machine.run('useradd', '--create-home', 'alice')

    def test_nothing_is_left_but_user_and_group(self):
        before = self.list_files()
        install(self.machine)
        self.machine.run('sh', '-c', SETTLE)
        self.assertEqual(self.call(ROOT, OBJECT_MANAGER, 'GetManagedObjects'), [{}])
        self.machine.run('systemctl', 'stop', SERVICE)
        uninstall(self.machine)
        self.machine.run('sh', '-c', 'systemctl daemon-reload && systemctl reload dbus')
        with self.assertRaisesRegex(CallError, 'not activatable|not provided'):
            self.call(ROOT, OBJECT_MANAGER, 'GetManagedObjects')
        self.assertEqual(self.list_files() - before, set())
        self.assertEqual(self.machine.run('systemctl', '--failed', '--quiet').stdout, '')


if __name__ == '__main__':
    main()
