# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of an installation have in common: a machine that is running when the project is installed on it, users, and
QEMUs of theirs."""
import contextlib
import json
import os
import subprocess
import tempfile
import unittest

from harness import CallError, Machine, Test, wait_until
from harness.qemu import CACHE

BUILD = os.environ['BUILD']
NAME = 'org.qemu.Monitor1'
ROOT = '/org/qemu/Monitor1'
OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager'
SERVICE = 'management-agent'
EXAMPLES = f'/usr/share/doc/{NAME}/examples'
KEY_FILE = '/etc/management-agent/qemu-monitor.conf'
SOCKETS = '/run/qemu-monitor'
DECISIONS = 'MESSAGE_ID=3ab5c81f0be54d5e8d9a2f6a4a3f7d10'
# README's second line for administrators.
SETTLE = 'systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload && systemctl reload dbus'


def run_build(command, **environment):
    """A command of the build's. What it leaves there stays its owner's."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                            env=dict(os.environ, **environment))
    if result.returncode != 0:
        raise AssertionError(f'{command}: {result.stdout}{result.stderr}')
    owner = os.stat(BUILD)
    for name in os.listdir(f'{BUILD}/meson-logs'):
        os.chown(f'{BUILD}/meson-logs/{name}', owner.st_uid, owner.st_gid)


def install(machine):
    if os.environ['PREFIX'] != '/usr':
        raise AssertionError('this takes a build with --prefix=/usr')
    run_build(['meson', 'install', '--quiet', '--no-rebuild', '-C', BUILD, '--destdir', machine.path('')])


def uninstall(machine):
    run_build(['ninja', '-C', BUILD, 'uninstall'], DESTDIR=machine.path(''))


def vm_path(name):
    return f'{ROOT}/vm/{name}'


class BootTest(Test):
    """One machine for all tests of a class, with the project on it, and with the users alice and bob, who may put their QEMUs' sockets into the run
    directory, and carol, who may not."""
    bus = 'dbus-daemon'
    qemu = '11.1'

    @classmethod
    def setUpClass(cls):
        program = f'{CACHE}/qemu-{cls.qemu}'
        if not os.path.exists(program):
            raise unittest.SkipTest(f'no QEMU {cls.qemu} here; tests/run extracts one')
        directory = tempfile.TemporaryDirectory(prefix='qm-', dir='/tmp')
        cls.addClassCleanup(directory.cleanup)
        cls.machine = Machine(directory.name, cls.bus, [(program, '/opt/qemu')])
        cls.addClassCleanup(cls.machine.stop)
        cls.prepare()

    @classmethod
    def prepare(cls):
        install(cls.machine)
        cls.machine.run('sh', '-c', SETTLE)
        for user, groups in {'alice': 'qemu-monitor', 'bob': 'qemu-monitor', 'carol': ''}.items():
            cls.machine.run('useradd', '--create-home', '--groups', groups, user)

    def explain(self):
        """For the report of a test that failed."""
        return self.machine.run('journalctl', '--quiet', '--lines=25', check=False).stdout

    def start_qemu(self, user, name, *arguments, guest_name=None, address=None):
        """A QEMU as a user starts one, and as a transient unit, to be ended with its test. It has run until here when it is on the bus."""
        unit = f'qemu-{user}-{name}'
        address = address or f'unix:{SOCKETS}/{name}.sock,server=on,wait=off'
        self.machine.run('systemd-run', '--quiet', '--collect', f'--unit={unit}', f'--uid={user}', '--', '/opt/qemu/run-qemu',
                         '-nodefaults', '-display', 'none', '-no-user-config', '-m', '16', '-S', '-name', guest_name or name,
                         '-qmp', address, *arguments)
        self.addCleanup(self.remove_qemu, unit, name)
        return unit

    def end_unit(self, unit):
        self.machine.run('systemctl', 'kill', '--signal=KILL', unit, check=False)
        wait_until(lambda: self.machine.run('systemctl', 'is-active', unit, check=False).returncode != 0, f'the end of {unit}')

    def remove_qemu(self, unit, name):
        """With the socket that it leaves, which its user alone could replace."""
        self.end_unit(unit)
        self.machine.run('rm', '--force', f'{SOCKETS}/{name}.sock')
        wait_until(lambda: self.get(name, 'Status') is None, f'{name} to go')

    def call(self, *arguments, user=None, **options):
        """The reply's values, of a call by busctl, as root or as a user who logs in for it. CallError with its text."""
        command = ('busctl', '--json=short', 'call', NAME, *arguments)
        result = self.machine.log_in(user, *command, check=False, **options) if user else self.machine.run(*command, check=False)
        if result.returncode != 0:
            raise CallError('busctl', result.stderr.strip().removeprefix('Call failed: '))
        return json.loads(result.stdout)['data'] if result.stdout.strip() else None

    def qmp(self, name, method, *arguments, **options):
        return self.call(vm_path(name), f'{NAME}.QMP', method, *arguments, **options)

    def list_vms(self):
        """Name → what the Manager tells of it."""
        return {vm['name']['data']: {key: value['data'] for key, value in vm.items()}
                for vm in self.call(ROOT, f'{NAME}.Manager', 'ListVMs')[0]}

    def get(self, name, member):
        with contextlib.suppress(CallError):
            return self.call(vm_path(name), 'org.freedesktop.DBus.Properties', 'Get', 'ss', f'{NAME}.VM', member)[0]['data']

    def wait_vm(self, name):
        """Until it can be called."""
        wait_until(lambda: self.get(name, 'Status'), lambda: f'{name} among {self.list_vms()}')

    def assert_refused(self, text, *arguments, **options):
        with self.assertRaisesRegex(CallError, text):
            self.qmp(*arguments, **options)

    def write_key_file(self, text):
        self.machine.run('mkdir', '--parents', os.path.dirname(KEY_FILE))
        self.machine.write(KEY_FILE, text)

    def restart(self):
        """As an administrator restarts the service, who does so less often than tests do: systemd allows five starts in ten seconds."""
        self.machine.run('systemctl', 'reset-failed', SERVICE, check=False)
        self.machine.run('systemctl', 'restart', SERVICE)

    def show(self, *properties, unit=SERVICE):
        """Properties of a unit, as systemd tells them."""
        text = self.machine.run('systemctl', 'show', *(f'--property={name}' for name in properties), unit).stdout
        return dict(line.split('=', 1) for line in text.splitlines())
