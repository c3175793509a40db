# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the Tab key gives behind qemu-monitorctl: a real bash and a real zsh in pseudo-terminals, a real VM, and names that others chose badly on
purpose."""
import os
import pty
import select
import shutil
import subprocess
import unittest

from harness import Peer, Qemu, main, wait_until
from monitor import ANSWERS, MonitorTest

CTL = os.environ['CTL']
COMPLETIONS = f'{os.environ["SOURCE"]}/plugin/ctl/completion'
LIBRARY = '/usr/share/bash-completion/bash_completion'
CLEAR = '\x15'  # Ctrl-U
READY = 'ready>'


class Terminal:
    """A shell that somebody types into. `output` is all that its screen has shown."""

    def __init__(self, command, environment):
        self.master, slave = pty.openpty()
        self.popen = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True)
        os.close(slave)
        self.output = ''

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            try:
                data = os.read(self.master, 4096)
            except OSError:  # the shell has ended
                break
            self.output += data.decode(errors='replace')
        return self.output

    def wait(self, text):
        wait_until(lambda: text in self.read(), lambda: f'{text!r} in {self.output!r}')

    def type(self, keys, text):
        """Types that; returns when the screen has shown that text since."""
        self.output = ''
        os.write(self.master, keys.encode())
        self.wait(text)

    def stop(self):
        self.popen.kill()
        self.popen.wait()
        os.close(self.master)


class Completion(MonitorTest):
    def setUp(self):
        super().setUp()
        self.start_agent(key_file='[vm away]\naddress=unix:/nonexistent/away.sock\n')
        self.mark = f'{self.directory}/mark'
        self.add('web', f'unix:{self.start(Qemu, "7.2").path}')
        for name in ('two words', f'x$(touch {self.mark})', 'with:colon'):
            self.add(name, f'unix:{self.start(Peer, ANSWERS).path}')

    def start_shell(self, *command):
        environment = {'PATH': f'{os.path.dirname(CTL)}:{os.environ["PATH"]}', 'HOME': self.directory, 'TERM': 'dumb', 'LC_ALL': 'C.UTF-8',
                       'DBUS_SESSION_BUS_ADDRESS': self.bus.address, 'COLUMNS': '500', 'INPUTRC': '/dev/null', 'PS1': READY}
        return self.adopt(Terminal(command, environment))

    @unittest.skipUnless(os.path.exists(LIBRARY), 'no bash-completion')
    def test_bash(self):
        self.write('rc', f'PS1="{READY}"\nsource {LIBRARY}\nsource {COMPLETIONS}/qemu-monitorctl\nbind "set bell-style none"\n'
                         'bind "set enable-bracketed-paste off"\nbind "set completion-query-items 0"\nbind "set page-completions off"\n')
        shell = self.start_shell('bash', '--noprofile', '--rcfile', f'{self.directory}/rc', '-i')
        shell.wait(READY)
        self.see_words(shell)

    @unittest.skipUnless(shutil.which('zsh'), 'no zsh')
    def test_zsh(self):
        self.write('.zshrc', f'fpath=({COMPLETIONS} $fpath)\nautoload -U compinit; compinit -u -D\nPS1="{READY}"\nunsetopt beep\n')
        shell = self.start_shell('zsh', '-i')
        shell.wait(READY)
        self.see_words(shell)

    def see_words(self, shell):
        for typed, completed in (
                ('rem', 'remove '), ('--no-a', '--no-ask-password '), ('--user call we', 'web '),
                ('--user call web query-statu', 'query-status '),
                ('--user call web device_add driver=virtio-rng-pci i', 'id='),
                ('--user call web blockdev-add node-name=a dri', 'driver='),
                ('--user call web getfd fdname=x @/dev/nul', '@/dev/null '),
                ('--user call web qom-get path=/machine pro', 'property='),
                ('--user show web -p Sta', 'Status '), ('--user status awa', 'away '), ('show --val', '--value '),
                ('-H root@far.example.org show --val', '--value '), ('--user call two', 'two\\ words '),
                ('--user show two\\ words -p Sta', 'Status '),
                ('--user show with:co', 'with:colon '), ('--user show x', 'x\\$\\(touch\\ ' + self.mark + '\\) '),
                ('--user wait web migrate ur', 'uri='), ('--user job web x pau', 'pause '), ('display web v', 'vnc '),
                ('add x un', 'unix:')):
            with self.subTest(typed):
                shell.type(f'qemu-monitorctl {typed}\t', f'qemu-monitorctl {typed.rsplit(" ", 1)[0] + " " if " " in typed else ""}{completed}')
            os.write(shell.master, CLEAR.encode())
        # All names are shown, and none is run.
        shell.type('qemu-monitorctl --user status \t\t', 'with:colon')
        self.assertFalse(os.path.exists(self.mark))


if __name__ == '__main__':
    main()
