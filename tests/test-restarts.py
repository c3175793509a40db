# SPDX-License-Identifier: LGPL-2.1-or-later
"""Start, take up three VMs or have them from the agent before, stop: nothing may be left of it, however often. Under valgrind (suite valgrind-system) a
leak or an error makes the exit status."""
import os
import signal

from harness import Qemu, main, wait_until
from monitor import ROOT, VERSIONS, VM, MonitorTest

ROUNDS = 100


def encode(qemu):
    """The last part of the path of its VM."""
    return f'vm-{qemu.version}'.replace('-', '_2d').replace('.', '_2e')


class Restarts(MonitorTest):
    def test_start_add_three_stop(self):
        qemus = [self.start(Qemu, version, name=f'vm-{version}') for version in VERSIONS]
        for number in range(ROUNDS):
            agent = self.start_agent()
            for qemu in qemus:
                # Each second agent has them from the one before, and forgets them.
                is_new = number % 2 == 0
                vm = self.add('', f'unix:{qemu.path}') if is_new else VM(self.caller, f'{ROOT}/vm/{encode(qemu)}')
                wait_until(vm.is_there)
                self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
                if not is_new:
                    self.manager('RemoveVM', '(o)', vm.path)
            agent.kill(signal.SIGTERM)
            self.assertEqual(agent.wait(), 0, agent.output)
            agent.stop()
            self.caller.stop()
        self.assertLess(len(os.listdir('/proc/self/fd')), 100)


if __name__ == '__main__':
    main()
