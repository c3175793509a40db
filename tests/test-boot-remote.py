# SPDX-License-Identifier: LGPL-2.1-or-later
"""The VMs of another machine, over ssh, as qemu-monitor-remote(7) says. The machine's own sshd is the far one, and root is at home."""
import os

from booted import EXAMPLES, NAME, BootTest, vm_path
from harness import main, wait_until

CONFIG = '''Host far
    HostName 127.0.0.1
    StrictHostKeyChecking accept-new
'''
PASSWORD = 'correct-horse'


class Remote(BootTest):
    @classmethod
    def prepare(cls):
        super().prepare()
        run = cls.machine.run
        # Who may do what there: bob is an operator, alice owns the QEMU, carol is an administrator, dave nobody.
        run('useradd', '--create-home', 'dave')
        run('usermod', '--append', '--groups', 'sudo', 'carol')
        run('chpasswd', input=f'carol:{PASSWORD}\n')
        run('groupadd', 'vm-operators')
        run('usermod', '--append', '--groups', 'vm-operators', 'bob')
        rule = 'org.qemu.monitor1-operators.rules'
        run('sed', f's/"libvirt-qemu"/"alice"/; w /etc/polkit-1/rules.d/{rule}', f'{EXAMPLES}/{rule}')
        run('sh', '-c', 'mkdir -m 700 -p /root/.ssh && ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519')
        cls.machine.write('/root/.ssh/config', CONFIG)
        for user, home in {'root': '/root', **{user: f'/home/{user}' for user in ('alice', 'bob', 'carol', 'dave')}}.items():
            run('install', '-D', '--owner', user, '--mode', '600', '/root/.ssh/id_ed25519.pub', f'{home}/.ssh/authorized_keys')
        run('systemctl', 'start', 'ssh')

    def setUp(self):
        super().setUp()
        self.start_qemu('alice', 'web')
        self.wait_vm('web')

    def from_afar(self, user, method, check=True):
        result = self.machine.run('busctl', f'--host={user}@far', 'call', NAME, vm_path('web'), f'{NAME}.QMP', method, check=check)
        return result.stdout + result.stderr

    def test_root_the_owner_and_an_operator_press_buttons(self):
        for user in ('root', 'alice', 'bob'):
            self.from_afar(user, 'Cont')
            self.assertIn('running', self.from_afar(user, 'QueryStatus'))
            self.from_afar(user, 'Stop')

    def test_an_operator_may_not_destroy(self):
        self.assertIn('User 1001 may not call quit', self.from_afar('bob', 'Quit', check=False))

    def test_nobody_else_may_even_look(self):
        self.assertIn('User 1003 may not call query-status', self.from_afar('dave', 'QueryStatus', check=False))

    def test_a_program_of_gdbus_has_a_bridge_of_its_own(self):
        self.adopt(self.machine.start('systemd-socket-activate', '--accept', '--inetd', '--listen=/run/far',
                                      'ssh', '-xT', 'alice@far', 'systemd-stdio-bridge'))
        wait_until(lambda: os.path.exists(self.machine.path('/run/far')), 'the socket')
        result = self.machine.run('gdbus', 'call', '--address', 'unix:path=/run/far', '--dest', NAME, '--object-path', vm_path('web'),
                                  '--method', f'{NAME}.QMP.QueryStatus')
        self.assertIn("'status': <'prelaunch'>", result.stdout)

    def test_the_command_for_the_terminal(self):
        ctl = ['qemu-monitorctl', '-H', 'alice@far']
        self.assertRegex(self.machine.run(*ctl, 'list').stdout, r'web +prelaunch +machine .* alice ')
        self.assertIn('"status": "prelaunch"', self.machine.run(*ctl, '--json', 'call', 'web', 'query-status').stdout)
        # A socket of the far machine; a name that a shell would take apart.
        refused = self.machine.run(*ctl, 'add-fd', "it's; $(reboot)", '/nonexistent/a b', check=False)
        self.assertEqual((refused.returncode, refused.stdout), (1, ''))
        self.assertIn('/nonexistent/a b: No such file or directory', refused.stderr)
        refused = self.machine.run('qemu-monitorctl', '-H', 'bob@far', 'call', 'web', 'quit', check=False)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn('may not call quit', refused.stderr)
        refused = self.machine.run('qemu-monitorctl', '-H', 'nobody@nowhere.invalid', 'list', check=False)
        self.assertEqual(refused.returncode, 4, refused.stderr)

    def test_the_command_streams(self):
        """What goes by the bus, what has a connection of its own, what has a terminal there."""
        ctl = ['qemu-monitorctl', '-H', 'alice@far']
        watch = self.adopt(self.machine.start(*ctl, 'watch', 'web'))
        wait_until(lambda: 'web is prelaunch' in watch.output, lambda: watch.output)
        self.assertEqual(self.machine.run(*ctl, 'wait', 'web', 'cont').stdout, '')
        wait_until(lambda: 'web RESUME' in watch.output, lambda: watch.output)
        session = '{"execute": "qmp_capabilities"}\n{"execute": "query-name"}\n'
        self.assertEqual(self.machine.run(*ctl, 'open', 'web', input=session).stdout.count('"return"'), 2)
        copied = self.machine.run(*ctl, 'open', 'web', '--', 'sh', '-c', 'test -S "$QMP_SOCKET" && exit 7', check=False)
        self.assertEqual((copied.returncode, copied.stderr), (7, ''))
        self.assertIn('"running": true', self.machine.run(*ctl, 'shell', 'web', input='query-status\n').stdout)
        refused = self.machine.run('qemu-monitorctl', '-H', 'dave@far', 'shell', 'web', input='query-status\n', check=False)
        self.assertEqual(refused.returncode, 3, refused.stderr)

    def test_the_command_asks_in_its_terminal(self):
        self.machine.run('mkfifo', '/root/typed')
        session = self.adopt(self.machine.start('sh', '-c', 'cat /root/typed | ssh -tt carol@far qemu-monitorctl call web quit'))
        wait_until(lambda: 'Password:' in session.output, lambda: f'the question in {session.output}')
        with open(self.machine.path('/root/typed'), 'w', encoding='ascii') as answers:
            answers.write(PASSWORD + '\n')
            answers.flush()
            wait_until(lambda: self.get('web', 'Status') is None, lambda: f'the end of the VM: {session.output}')

    def test_an_administrator_answers_for_themselves_in_the_terminal(self):
        # polkit asks the agent of the calling process and no other, so the shell that has started the agent becomes the caller. The loop
        # is for a call that was faster than the agent.
        self.machine.write('/home/carol/quit', f'''pkttyagent --process $$ &
sleep 1
exec busctl --timeout=60 call {NAME} {vm_path('web')} {NAME}.QMP Quit
''')
        self.machine.run('mkfifo', '/root/answers')
        session = self.adopt(self.machine.start('sh', '-c', 'cat /root/answers | ssh -tt carol@far "until sh quit; do :; done"'))
        wait_until(lambda: 'Password:' in session.output, lambda: f'the question in {session.output}')
        self.assertIn('run quit on the virtual machine web', session.output)
        with open(self.machine.path('/root/answers'), 'w', encoding='ascii') as answers:
            answers.write(PASSWORD + '\n')
            answers.flush()
            wait_until(lambda: self.get('web', 'Status') is None, lambda: f'the end of the VM: {session.output}')


if __name__ == '__main__':
    main()
