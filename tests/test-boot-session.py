# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent of a user's session bus, which nobody has to start, to configure or to be asked about."""
from booted import NAME, OBJECT_MANAGER, ROOT, SERVICE, BootTest, vm_path
from harness import main, wait_until

RUN = '/run/user/1000/qemu-monitor'


class Session(BootTest):
    @classmethod
    def prepare(cls):
        super().prepare()
        # alice's manager stays when the log-in of a call ends.
        cls.machine.run('loginctl', 'enable-linger', 'alice')

    def alice(self, *command, check=True):
        return self.machine.log_in('alice', *command, check=check).stdout

    def test_the_first_call_starts_it(self):
        self.alice('systemctl', '--user', 'stop', SERVICE)
        self.assertEqual(self.alice('busctl', '--user', 'call', NAME, ROOT, OBJECT_MANAGER, 'GetManagedObjects'), 'a{oa{sa{sv}}} 0\n')
        self.assertEqual(self.alice('systemctl', '--user', 'is-active', SERVICE), 'active\n')

    def test_a_vm_that_was_there_before_the_agent_is_found(self):
        self.alice('systemctl', '--user', 'stop', SERVICE)
        self.start_qemu('alice', 'desktop', address=f'unix:{RUN}/desktop.sock,server=on,wait=off')
        get = ('busctl', '--user', 'get-property', NAME, vm_path('desktop'), f'{NAME}.VM', 'Status')
        wait_until(lambda: self.alice(*get, check=False) == 's "prelaunch"\n', 'the VM')
        self.alice('busctl', '--user', 'call', NAME, vm_path('desktop'), f'{NAME}.QMP', 'Quit')
        wait_until(lambda: self.alice(*get, check=False) == '', 'the end of the VM')

    def test_no_other_user_is_told_of_it(self):
        self.assertEqual(self.machine.run('stat', '--format=%U %a', RUN).stdout, 'alice 700\n')


if __name__ == '__main__':
    main()
