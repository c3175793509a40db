# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of examples/ do what they say. Two of them are lists that call GetManagedObjects once and then only listen, one in
Python and one in JavaScript: signals alone tell them all that a list shows."""
import os
import re
import subprocess

from harness import Process, main, wait_until
from monitor import ROOT
from screens import RED, ScreenQemu
from slow import MIB, SlowTest

EXAMPLES = os.path.join(os.environ['SOURCE'], 'tests', 'examples')

# Of the small picture's upper half, whose colours are mixed where the halves meet.
PIXELS = 1000


class Example(Process):
    def __init__(self, directory, name, environment):
        self.name = name
        super().__init__([f'{EXAMPLES}/{name}'], env=environment)

    def wait_for(self, pattern):
        """A line that is that."""
        return wait_until(lambda: re.search(f'^ *{pattern}$', self.output, re.M),
                          lambda: f'{pattern!r} of {self.name}: {self.output}')


class ExamplesTest(SlowTest):
    def setUp(self):
        super().setUp()
        programs = self.directory + '/bin'
        os.mkdir(programs)
        os.symlink(os.environ['CTL'], f'{programs}/qemu-monitorctl')
        self.environment = {**os.environ, 'DBUS_SESSION_BUS_ADDRESS': self.bus.address, 'XDG_RUNTIME_DIR': self.directory,
                            'PATH': f"{programs}:{os.environ['PATH']}", 'LC_ALL': 'C.UTF-8', 'GDK_BACKEND': 'x11'}
        for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
            self.environment.pop(name, None)

    def start_vm(self, version='11.1', *arguments):
        self.qemu = self.start(ScreenQemu, version, '-drive', f'file={self.make_disk("disk")},format=raw,if=none,node-name=disk',
                               *arguments, machine='pc', name='demo')
        self.vm = self.add('demo', f'unix:{self.qemu.path}')

    def make_disk(self, name):
        path = self.write(name, 'x' * MIB)
        os.truncate(path, 4 * MIB)
        return path

    def start_example(self, name, **environment):
        return self.start(Example, name, {**self.environment, **environment})

    def run_example(self, *command):
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
                                env=self.environment, cwd=EXAMPLES)
        self.assertEqual((result.returncode, result.stderr), (0, ''), result.stdout)
        return result.stdout


class Shell(ExamplesTest):
    def test_every_one(self):
        self.start_vm()
        watch = self.start_example('watch.sh')
        watch.wait_for('The name org.qemu.Monitor1 is owned by .*')
        for part in (self.see, self.pause, self.plug, self.speak, self.back_up, self.save):
            with self.subTest(part.__name__):
                part()
        watch.wait_for(r'/org/qemu/Monitor1/vm/demo: org\.qemu\.Monitor1\.Events\.Stop .*')

    def see(self):
        self.assertRegex(self.run_example('./list.sh'), r'^demo\trunning\t11\.1\.\d+\n$')
        picture = f'{self.directory}/screen.png'
        self.assertRegex(self.run_example('./screenshot.sh', 'demo', picture), rf'{picture}: \d+ bytes\n$')
        with open(picture, 'rb') as file:
            self.assertEqual(file.read(4), b'\x89PNG')

    def pause(self):
        self.assertEqual(self.run_example('./pause.sh', 'demo'), 's "paused"\n')
        self.assertEqual(self.run_example('./pause.sh', 'demo'), 's "running"\n')

    def plug(self):
        self.assertEqual(self.run_example('./add-disk.sh', 'demo', self.make_disk('second'), 'second'), 'second is in demo\n')

    def speak(self):
        self.assertEqual(self.run_example('./native-session.sh', 'demo', './qmp.py', 'query-name'), "{'return': {'name': 'demo'}}\n")

    def back_up(self):
        copy = self.write('copy', '')
        os.truncate(copy, 4 * MIB)
        self.assertEqual(self.run_example(os.environ['BACKUP_EXAMPLE'], 'demo', 'disk', copy), f'disk of demo is in {copy}\n')
        with open(copy, 'rb') as file, open(f'{self.directory}/disk', 'rb') as disk:
            self.assertEqual(file.read(), disk.read())

    def save(self):
        self.assertEqual(self.run_example('./migrate-to-file.sh', 'demo', self.write('saved', '')), 's "postmigrate"\n')
        self.assertGreater(os.path.getsize(f'{self.directory}/saved'), MIB // 16)


class Lists(ExamplesTest):
    def wait_all(self, pattern):
        """Of every list a line that is that."""
        for each in self.lists:
            each.wait_for(pattern)

    def test_all_that_a_list_shows_comes_by_signals(self):
        self.lists = [self.start_example('list.py'), self.start_example('thumbnails.js')]
        # The VM comes when both are there, or nearly so.
        wait_until(lambda: self.count_listeners() == len(self.lists), 'the lists on the bus')
        self.start_vm()
        self.wait_all(r'demo.*machine x86_64.* running')
        self.vm.qmp('Stop')
        self.wait_all(r'demo.*paused')
        self.show_progress()
        self.show_trouble()
        self.qemu.stop()
        self.wait_all(f'{ROOT}/vm/demo has gone')

    def count_listeners(self):
        """Connections of others than the test and the agent."""
        names = self.caller.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'ListNames')[0]
        others = {self.caller.name, self.caller.owner('org.qemu.Monitor1')}
        return len([name for name in names if name.startswith(':') and name not in others])

    def show_progress(self):
        self.add_disks(self.vm, 'a', 'b')
        # A quarter of the disk is not empty: that takes a quarter of a minute.
        self.vm.execute('blockdev-backup', **self.backup('copy', speed=('x', MIB // 4)))
        self.wait_all(r'backup: running [1-9]\d*% ')
        self.vm.execute('block-job-set-speed', device=('s', 'copy'), speed=('x', 0))
        self.wait_all('finished: concluded ')
        self.wait_all(f'{ROOT}/vm/demo/job/copy has gone')

    def show_trouble(self):
        self.add_full_disk(self.vm, 'full')
        self.vm.execute('blockdev-backup', **{**self.backup('sad', speed=('x', 0)), 'target': ('s', 'full'),
                                              'on-target-error': ('s', 'stop')})
        self.wait_all('backup: paused .*no space.*')
        self.vm.execute('job-cancel', id=('s', 'sad'))
        self.wait_all('finished: .*[Cc]ancel.*')
        self.wait_all(f'{ROOT}/vm/demo/job/sad has gone')

    def test_the_window(self):
        server = self.adopt(Process(['Xvfb', '-displayfd', '1', '-screen', '0', '640x480x24', '-fbdir', self.directory]))
        display = wait_until(lambda: server.output.strip(), 'Xvfb')
        self.start_vm()
        self.start_example('thumbnails.js', DISPLAY=f':{display}')
        wait_until(self.count_red_pixels, 'the screen of the VM in the window')

    def count_red_pixels(self):
        with open(f'{self.directory}/Xvfb_screen0', 'rb') as file:
            return file.read().count(bytes(reversed(RED)) + b'\0') > PIXELS


if __name__ == '__main__':
    main()
