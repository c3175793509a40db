# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of monitors per caller share."""
import os

from harness import Qemu, wait_until
from monitor import NAME, VM, MonitorTest

PREFIX = 'org.qemu.Monitor1-'
DENIED = f'{NAME}.Error.NotAuthorized'
LIMITS_EXCEEDED = 'org.freedesktop.DBus.Error.LimitsExceeded'
GENERIC = f'{NAME}.Error.GenericError'


class MonitorsTest(MonitorTest):
    def setUp(self):
        super().setUp()
        self.null = os.open('/dev/null', os.O_RDWR)
        self.addCleanup(os.close, self.null)

    def start_vm(self, version='11.1', monitors=2, arguments=(), machine='q35', **options):
        """A VM, and a look behind the agent's back at what is in its QEMU."""
        self.qemu = self.start(Qemu, version, *arguments, monitors=monitors, machine=machine)
        self.raw = self.adopt(self.qemu.raw())
        return self.add('vm', f'unix:{self.qemu.path}', **options)

    def other(self, vm):
        """The same VM, as another caller sees it."""
        return VM(self.connect(), vm.path)

    def ours(self):
        """The agent's character devices in QEMU, and its objects."""
        objects = [entry['name'] for entry in self.raw.execute('qom-list', {'path': '/objects'})]
        return [name for name in objects + self.raw.list_chardevs() if name.startswith(PREFIX)]

    def wait_clean(self):
        wait_until(lambda: self.ours() == [], lambda: f'none of {self.ours()}')

    def fds(self, vm, method, signature, *arguments):
        return vm.caller.call(NAME, vm.path, f'{NAME}.QMP', method, signature, *arguments, fds=[self.null])


def list_monitors(vm):
    return {monitor['caller']: monitor for monitor in vm.start('VM', 'ListMonitors')()[0]}
