# SPDX-License-Identifier: LGPL-2.1-or-later
"""A control monitor that is removed from its QEMU, which leaves the connection as it is: nobody waits for ever. On a real QEMU,
started as libvirt starts it."""
import signal
import socket

from harness import CallError, Qemu, main, wait_until
from monitor import DISCONNECTED, UNKNOWN_OBJECT, VM
from monitors import MonitorsTest
from native import Wire, open_fd

MONITOR = {'qom-type': 'monitor-qmp', 'id': 'monitor', 'chardev': 'charmonitor'}


class Removed(MonitorsTest):
    def start_libvirts(self):
        """Its monitor has a name of its own, and there is another to look behind the agent's back by."""
        path = f'{self.directory}/libvirt'
        self.start_agent()
        self.qemu = self.start(Qemu, '11.1', '-chardev', f'socket,id=charmonitor,path={path},server=on,wait=off',
                               '-mon', 'chardev=charmonitor,id=monitor,mode=control', machine='none')
        self.raw = self.adopt(self.qemu.raw())
        vm = self.add('vm', f'unix:{path}')
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
        return vm

    def test_nobody_waits_for_ever(self):
        vm = self.start_libvirts()
        native = self.adopt(Wire(socket.socket(fileno=open_fd(vm))))
        newcomer = self.other(vm)
        # What QEMU has got to of a monitor that is half plugged, nobody can take back before the next control monitor comes.
        wait_until(lambda: len(self.ours()) == 4, "two callers' monitors")
        self.raw.execute('object-del', {'id': 'monitor'})
        # The reply to one waits for the run state, which the control monitor is asked; the other has no monitor yet.
        for finish in (vm.start('QMP', 'Stop'), newcomer.start('QMP', 'QueryStatus')):
            with self.assertRaises(CallError) as caught:
                finish()
            self.assertIn(caught.exception.name, (DISCONNECTED, UNKNOWN_OBJECT))
        self.assertFalse(vm.is_there())
        self.assertNotIn(b'error', native.until_end())
        self.agent.wait_output('it was removed')
        # Nothing of the callers' is left there, and where there is a monitor again the VM is taken up again.
        self.wait_clean()
        self.raw.execute('object-add', MONITOR)
        again = VM(self.caller, vm.path)
        wait_until(again.is_there)
        self.assertEqual(again.qmp('QueryStatus')['status'], 'paused')

    def test_one_that_was_stopped_for_a_while_is_kept(self):
        vm = self.start_libvirts()
        self.qemu.kill(signal.SIGSTOP)
        finish = vm.start('QMP', 'Stop')
        other = self.other(vm).start('QMP', 'QueryStatus')
        self.caller.owner('org.qemu.Monitor1')
        self.qemu.kill(signal.SIGCONT)
        finish()
        self.assertEqual(other()[0]['status'], 'paused')
        self.assertEqual(vm.get('Status'), 'paused')


if __name__ == '__main__':
    main()
