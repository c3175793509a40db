# SPDX-License-Identifier: LGPL-2.1-or-later
"""Start, take up three VMs, stop: nothing may be left of it, however often. Under valgrind (suite valgrind-system) a
leak or an error makes the exit status."""
import os
import signal

from harness import Qemu, main
from monitor import VERSIONS, MonitorTest

ROUNDS = 100


class Soak(MonitorTest):
    def test_start_add_three_stop(self):
        qemus = [self.start(Qemu, version, name=f'vm-{version}') for version in VERSIONS]
        for _ in range(ROUNDS):
            agent = self.start_agent()
            for qemu in qemus:
                vm = self.add('', f'unix:{qemu.path}')
                self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
            agent.kill(signal.SIGTERM)
            self.assertEqual(agent.wait(), 0, agent.output)
            agent.stop()
            self.caller.stop()
        self.assertLess(len(os.listdir('/proc/self/fd')), 100)


if __name__ == '__main__':
    main()
