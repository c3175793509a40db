# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian of its own with systemd as its first process, which shares this machine's kernel and nothing else."""
import contextlib
import hashlib
import itertools
import json
import os
import signal
import socket
import subprocess
import unittest

from .bus import Connection
from .guest import TESTS
from .loop import wait_until
from .process import Process, die_with_parent
from .qemu import CACHE

MAKE = f'{TESTS}/make-boot-tree'
BOOT = f'{TESTS}/boot-tree'
# The release that the project is for; any other by hand.
SUITE = os.environ.get('BOOT_SUITE', 'bookworm')
NAMESPACES = ('mount', 'pid', 'uts', 'ipc', 'net')
GROUP_PREFIX = 'org.qemu.Monitor1-boot-'
POWER_OFF = signal.SIGRTMIN + 4  # what systemd(1) takes for `systemctl poweroff`
ENVIRONMENT = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root', 'LANG': 'C.UTF-8',
               'SYSTEMD_COLORS': '0', 'SYSTEMD_PAGER': ''}


def find_tree():
    """The archive of the tree, made where it is not there; None: it cannot be."""
    with open(MAKE, 'rb') as make:
        file = f'{CACHE}/{SUITE}-{hashlib.sha256(make.read()).hexdigest()[:8]}.tar'
    if not os.path.exists(file):
        subprocess.run([MAKE, file, SUITE], stdin=subprocess.DEVNULL, check=False)
    return file if os.path.exists(file) else None


def find_group():
    """The control group (version 2) that this process is in, where groups of machines can be; None: there is none."""
    with open('/proc/self/cgroup', encoding='utf-8') as file:
        paths = [line[3:].strip() for line in file if line.startswith('0::')]
    for root in ('/sys/fs/cgroup/unified', '/sys/fs/cgroup'):
        if paths and os.path.exists(f'{root}/cgroup.procs'):
            return root + paths[0].rstrip('/')
    return None


def find_obstacle():
    """Why no machine can be booted here; None: it can."""
    if os.getuid() != 0:
        return 'booting a machine takes root'
    probe = subprocess.run(['unshare', *(f'--{name}' for name in NAMESPACES), '--cgroup', '--fork', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        return f'no namespaces with mounts of their own here: {probe.stderr.strip()}'
    group = find_group()
    if group is None:
        return 'no control groups of version 2 here'
    if not os.access(group, os.W_OK):
        return f'control groups cannot be made in {group}'
    return None if find_tree() else 'no Debian tree: tests/make-boot-tree makes one with mmdebstrap'


def remove_group(group):
    """With those in it. False: somebody is in them."""
    for directory, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(FileNotFoundError):
            try:
                os.rmdir(directory)
            except OSError:
                return False
    return True


class Machine(Process):
    """Booted when the constructor returns. `bus`: dbus-daemon or dbus-broker. `shown`: (directory of this machine, place in that one), which is
    read-only there. Skips the test where this machine does not let it be."""

    def __init__(self, directory, bus='dbus-daemon', shown=()):
        obstacle = find_obstacle()
        if obstacle:
            raise unittest.SkipTest(obstacle)
        # What a test program left that was killed; all else went with it.
        for name in os.listdir(find_group()):
            if name.startswith(GROUP_PREFIX):
                remove_group(f'{find_group()}/{name}')
        self.group = f'{find_group()}/{GROUP_PREFIX}{os.getpid()}-{id(self):x}'
        os.mkdir(self.group)
        self.init = None
        unit = {'dbus-daemon': 'dbus.service', 'dbus-broker': 'dbus-broker.service'}[bus]
        try:
            # In a session of its own, which a terminal's Ctrl-C does not reach: it ends in stop().
            super().__init__(['unshare', *(f'--{name}' for name in NAMESPACES), '--fork', '--kill-child', '--propagation', 'private',
                              BOOT, directory, find_tree(), self.group, unit, *itertools.chain(*shown)], start_new_session=True)
            self.wait_ready(self.is_up, 'systemd is up')
        except BaseException:
            remove_group(self.group)
            raise

    def find_init(self):
        """Its first process, by our number: unshare's only child."""
        if self.init is None:
            with open(f'/proc/{self.pid}/task/{self.pid}/children', encoding='ascii') as file:
                children = file.read().split()
            self.init = int(children[0]) if children else None
        return self.init

    def is_up(self):
        with contextlib.suppress(OSError):
            # systemd makes this group for itself, and nothing can enter the machine before.
            if self.find_init() and os.path.exists(f'{self.group}/init.scope'):
                state = self.run('systemctl', 'is-system-running', check=False).stdout.strip()
                return state in ('running', 'degraded')
        return False

    def path(self, name):
        """How a file of its is called here."""
        return f'/proc/{self.init}/root{name}'

    def write(self, name, text, mode=0o644):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)

    def enter(self, command):
        """(command, options) for subprocess: a command of root's in the machine, which has no session there."""
        def join():
            die_with_parent()
            with open(f'{self.group}/init.scope/cgroup.procs', 'w', encoding='ascii') as file:
                file.write('0')
        entry = ['nsenter', f'--target={self.init}', '--mount', '--pid', '--uts', '--ipc', '--net', '--cgroup', '--wdns=/', *command]
        return entry, {'env': ENVIRONMENT, 'preexec_fn': join}

    def run(self, *command, check=True, timeout=60, input=None):
        """Runs a command of root's. The finished process, with its output as text."""
        entry, options = self.enter(command)
        result = subprocess.run(entry, input=input or '', capture_output=True, text=True, timeout=timeout, check=False, **options)
        if check and result.returncode != 0:
            raise AssertionError(f'{command} failed in the machine ({result.returncode}): {result.stdout}{result.stderr}')
        return result

    def start(self, *command):
        """The same, to go on for a while."""
        entry, options = self.enter(command)
        return Process(entry, **options)

    def log_in(self, user, *command, seat=False, check=True, environment=(), **options):
        """The same as a user who logs in for it, through PAM: at the machine's seat, so that the session is local and active, or
        from elsewhere."""
        settings = ['XDG_SESSION_TYPE=tty', 'XDG_SESSION_CLASS=user', *(['XDG_SEAT=seat0'] if seat else []), *environment]
        return self.run('systemd-run', '--quiet', '--pipe', '--wait', '--collect', f'--uid={user}', '--property=PAMName=login',
                        '--working-directory=/', *(f'--setenv={setting}' for setting in settings), '--', *command, check=check, **options)

    def connect(self, uid=0):
        """A caller on the machine's system bus, who is a user there and no process of it, so that polkit knows of no session of theirs."""
        def dial():
            client = socket.socket(socket.AF_UNIX)
            client.connect('system_bus_socket')
            return client
        # From within its directory, because users other than root may not look into /proc/PID/root.
        here = os.open('.', os.O_PATH)
        os.chdir(self.path('/run/dbus'))
        try:
            return Connection(dial, uid)
        finally:
            os.fchdir(here)
            os.close(here)

    def journal(self, *matches):
        """Records as dicts, oldest first."""
        self.run('journalctl', '--sync')
        text = self.run('journalctl', '--quiet', '--output=json', *matches).stdout
        return [json.loads(line) for line in text.splitlines()]

    def shut_down(self):
        """As its administrator would; everything in it ends in order."""
        os.kill(self.init, POWER_OFF)
        self.wait()

    def stop(self):
        if self.popen.poll() is None and self.find_init():
            # All that runs in it is gone when its first process is, and unshare ends then.
            os.kill(self.init, signal.SIGKILL)
            self.popen.wait()
        super().stop()
        wait_until(lambda: remove_group(self.group), f'{self.group} to be empty')
