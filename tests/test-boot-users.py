# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several users on one machine, with polkit's own answers: whose QEMUs are there, and who may do what to them."""
from booted import EXAMPLES, NAME, SOCKETS, BootTest, vm_path
from harness import main, wait_until

RULES = '/etc/polkit-1/rules.d'
INTERACTION = 'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired'


class Owners(BootTest):
    """QEMUs that put their sockets into the run directory by themselves."""

    def test_the_owner_may_do_everything(self):
        self.start_qemu('alice', 'web')
        self.wait_vm('web')
        self.assertEqual(self.get('web', 'OwnerUID'), 1000)
        self.assertEqual(self.get('web', 'MonitorMode'), 'hotplug')
        self.qmp('web', 'Cont', user='alice')
        wait_until(lambda: self.get('web', 'Status') == 'running', 'the running VM')
        answer = self.call(vm_path('web'), f'{NAME}.VM', 'ExecuteJSON', 'ss', 'human-monitor-command',
                           '{"command-line": "info name"}', user='alice')
        self.assertIn('web', answer[0])
        self.qmp('web', 'Quit', user='alice')
        wait_until(lambda: self.get('web', 'Status') is None, 'the end of the VM')

    def test_another_user_is_refused_with_a_text_that_says_why(self):
        self.start_qemu('alice', 'web')
        self.wait_vm('web')
        for user, uid in {'bob': 1001, 'carol': 1002}.items():
            self.assert_refused(f'User {uid} may not call system_reset on the VM "web": nobody is there who could authenticate',
                                'web', 'SystemReset', user=user)
        # A client that does not let itself be asked.
        result = self.machine.log_in('bob', 'gdbus', 'call', '--system', '--dest', NAME, '--object-path', vm_path('web'),
                                     '--method', f'{NAME}.QMP.Stop', check=False)
        self.assertIn(INTERACTION, result.stderr)

    def test_who_sits_at_the_machine_may_look_and_no_more(self):
        self.start_qemu('alice', 'web')
        self.wait_vm('web')
        status = self.qmp('web', 'QueryStatus', user='bob', seat=True)[0]
        self.assertEqual(status['status']['data'], 'prelaunch')
        self.assert_refused('may not call', 'web', 'Cont', user='bob', seat=True)
        # From elsewhere the default is an administrator's password.
        self.assert_refused('may not call', 'web', 'QueryStatus', user='bob')

    def test_root_is_allowed_by_polkit(self):
        self.start_qemu('alice', 'web')
        self.wait_vm('web')
        self.qmp('web', 'Cont')
        self.assertEqual(self.show('ActiveState', unit='polkit')['ActiveState'], 'active')

    def test_who_is_not_of_the_group_puts_no_socket_there(self):
        unit = self.start_qemu('carol', 'hers')
        wait_until(lambda: self.show('ActiveState', unit=unit)['ActiveState'] != 'active', 'the end of its QEMU')
        self.assertIn('Permission denied', self.machine.run('journalctl', f'--unit={unit}').stdout)

    def test_nobody_removes_or_replaces_the_socket_of_another(self):
        self.start_qemu('alice', 'web')
        self.wait_vm('web')
        for command in (f'rm {SOCKETS}/web.sock', f'mv {SOCKETS}/web.sock {SOCKETS}/other.sock'):
            result = self.machine.log_in('bob', 'sh', '-c', command, check=False)
            self.assertIn('not permitted', result.stderr)

    def test_a_left_over_gives_way_to_its_owners_next_qemu(self):
        unit = self.start_qemu('alice', 'web')
        self.wait_vm('web')
        self.end_unit(unit)
        wait_until(lambda: self.get('web', 'Status') is None, 'the end of the VM')
        self.machine.run('test', '-S', f'{SOCKETS}/web.sock')
        self.start_qemu('alice', 'web')
        self.wait_vm('web')


class Rules(BootTest):
    """The examples of rules, as their heads say: copied, and changed."""

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.machine.run('groupadd', 'vm-operators')
        cls.machine.run('usermod', '--append', '--groups', 'vm-operators', 'bob')
        for name in ('operators', 'one-vm', 'guest-memory'):
            rule = f'org.qemu.monitor1-{name}.rules'
            cls.machine.run('sed', f's/"alice"/"carol"/; s/"libvirt-qemu"/"alice"/; w {RULES}/{rule}', f'{EXAMPLES}/{rule}')
        # The last one is to be read before the others.
        cls.machine.run('mv', f'{RULES}/{rule}', f'{RULES}/00-{rule}')

    def test_an_operator_presses_buttons_and_destroys_nothing(self):
        self.start_qemu('alice', 'web')
        self.wait_vm('web')
        self.qmp('web', 'Cont', user='bob')
        self.qmp('web', 'QueryStatus', user='bob')
        self.assert_refused('User 1001 may not call quit', 'web', 'Quit', user='bob')

    def test_a_user_has_the_three_buttons_of_one_vm(self):
        for name in ('web', 'mail'):
            self.start_qemu('alice', name)
            self.wait_vm(name)
        self.qmp('web', 'Cont', user='carol')
        self.qmp('web', 'Stop', user='carol')
        self.assert_refused('may not call', 'web', 'SystemReset', user='carol')
        self.assert_refused('may not call', 'mail', 'Cont', user='carol')

    def test_nobody_has_a_button_of_a_name_that_is_somebody_elses(self):
        self.start_qemu('bob', 'web')
        self.wait_vm('web')
        self.assert_refused('may not call', 'web', 'Cont', user='carol')

    def test_guest_memory_is_for_its_owner_and_root(self):
        self.start_qemu('alice', 'web')
        self.wait_vm('web')
        read = ('web', 'QomGet', 'ss', '/machine', 'type')
        self.assert_refused('may not call qom-get', *read, user='bob', seat=True)
        for user in ('alice', None):
            self.assertIn('machine', self.qmp(*read, user=user)[0]['data'])


class Names(BootTest):
    """Two users whose QEMUs both call themselves prod."""

    def start_both(self, order):
        for user, name in order:
            self.start_qemu(user, name, guest_name='prod')
            self.wait_vm(name)

    def assert_apart(self):
        for name, uid in {'prod': 1001, 'alices': 1000}.items():
            self.wait_vm(name)
            self.assertEqual(self.get(name, 'OwnerUID'), uid)
            self.assertEqual(self.get(name, 'GuestName'), 'prod')

    def check(self, order):
        self.start_both(order)
        self.assert_apart()
        for _ in range(5):
            self.restart()
            self.assert_apart()
        self.assert_refused('may not call', 'prod', 'Quit', user='alice')
        self.qmp('prod', 'Quit', user='bob')
        wait_until(lambda: self.get('prod', 'Status') is None, 'the end of the VM')
        self.assertEqual(self.get('alices', 'OwnerUID'), 1000)

    def test_a_name_stays_with_its_user_over_restarts(self):
        self.check([('bob', 'prod'), ('alice', 'alices')])

    def test_whoever_comes_first(self):
        self.check([('alice', 'alices'), ('bob', 'prod')])


class OwnersByBroker(Owners):
    bus = 'dbus-broker'


if __name__ == '__main__':
    main()
