# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a reload of the key file costs and brings: nothing to VMs that it does not speak of."""
import os
import signal

from harness import SILENCE, CallError, Peer, Qemu, main, wait_until
from monitor import ANSWERS, DISCONNECTED, NAME, OBJECT_MANAGER, ROOT, MonitorTest, VM


class ReloadTest(MonitorTest):
    def reload(self, key_file):
        """The log of the reload."""
        self.write('qemu-monitor.conf', key_file)
        self.agent.read_notifications()
        self.agent.messages.clear()
        before = len(self.agent.output)
        self.agent.kill(signal.SIGHUP)
        wait_until(lambda: self.agent.read_notifications() and any('READY' in told for told in self.agent.messages), 'READY=1')
        return self.agent.output[before:]

    def vm(self, name):
        return VM(self.caller, f'{ROOT}/vm/{name}')

    def monitor(self, vm):
        """The caller's own monitor in @vm."""
        return [monitor['id'] for monitor in vm.start('VM', 'ListMonitors')()[0]]


class Groups(ReloadTest):
    def test_new_removed_changed_and_unchanged(self):
        qemus = [self.start(Qemu, '11.1', monitors=2) for _ in range(4)]
        group = '[vm {}]\naddress=unix:{}\n'.format
        same, gone, changed, new = [qemu.path for qemu in qemus]
        self.start_agent(key_file=group('same', same) + group('gone', gone) + group('changed', changed))
        wait_until(lambda: len(self.paths()) == 3)
        vms = {name: self.vm(name) for name in ('same', 'gone', 'changed', 'new')}
        for name in ('same', 'gone', 'changed'):
            vms[name].qmp('QueryStatus')
        monitor = self.monitor(vms['same'])
        came = self.caller.record(interface=OBJECT_MANAGER, member='InterfacesAdded')
        left = self.caller.record(interface=OBJECT_MANAGER, member='InterfacesRemoved')
        before = len(qemus[0].raw().list_chardevs())

        self.reload(group('changed', qemus[2].paths[1]) + group('new', new) + group('same', same))
        wait_until(lambda: sorted(self.paths()) == [f'{ROOT}/vm/{name}' for name in ('changed', 'new', 'same')])
        wait_until(lambda: len(came) == 2, 'the new one and the changed one')
        self.assertEqual({path for _, _, _, (path, _) in left}, {f'{ROOT}/vm/gone', f'{ROOT}/vm/changed'})
        self.assertEqual({path for _, _, _, (path, _) in came}, {f'{ROOT}/vm/new', f'{ROOT}/vm/changed'})
        self.assertTrue(vms['changed'].get('Address').endswith(qemus[2].paths[1]))
        # The caller's monitor is the one from before, and so is the connection.
        self.assertEqual(self.monitor(vms['same']), monitor)
        self.assertEqual(len(qemus[0].raw().list_chardevs()), before)
        self.assertNotIn('VM "same" is', self.agent.output.split('Reloading')[1])
        # Nothing is left in the one that was let go.
        wait_until(lambda: not [label for label in qemus[1].raw().list_chardevs() if 'org.qemu.Monitor1' in label])

    def test_whoever_waits_for_one_that_goes_is_told_once(self):
        peer = self.start(Peer, {**ANSWERS, 'stop': SILENCE})
        self.start_agent(key_file=f'[vm web]\naddress=unix:{peer.path}\n')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])
        finish = self.vm('web').start_execute('stop')
        wait_until(lambda: any(command['execute'] == 'stop' for command in peer.commands), 'the command')
        self.reload('')
        with self.assertRaises(CallError) as caught:
            finish()
        self.assertEqual(caught.exception.name, DISCONNECTED)
        self.assertEqual(self.paths(), [])

    def test_vms_from_elsewhere_stay(self):
        added, listening = self.start(Peer, ANSWERS), f'{self.directory}/listening'
        self.start_agent(key_file=f'[vm listens]\naddress=unix:{listening},server=on\n')
        self.add('added', f'unix:{added.path}')
        self.start(Qemu, '7.2', '-qmp', f'unix:{self.run_directory}/found.sock,server=on,wait=off')
        wait_until(lambda: len(self.paths()) == 2)
        inode = os.stat(listening).st_ino
        before = self.paths()
        self.reload(f'[vm listens]\naddress=unix:{listening},server=on\n[qemu-monitor]\nmax-monitors=5\n')
        self.assertEqual(self.paths(), before)
        self.assertEqual(os.stat(listening).st_ino, inode)

    def test_a_mistake_costs_its_own_vm(self):
        web, db = self.start(Peer, ANSWERS), self.start(Peer, ANSWERS)
        self.start_agent(key_file='')
        said = self.reload(f'[vm db]\nadress=unix:{db.path}\n[vm web]\naddress=unix:{web.path}\n')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])
        file = f'{self.directory}/qemu-monitor.conf'
        self.assertIn(f'warning: qemu-monitor: {file}:2: [vm db] adress: there is no such key; there are ', said)
        self.assertIn('did you mean address?', said)
        self.assertIn(f'error: qemu-monitor: {file}:1: [vm db]: its `address` is missing; the keys are ', said)
        self.reload(f'[vm db]\naddress=unix:{db.path}\n[vm web]\naddress=unix:{web.path}\n')
        wait_until(lambda: len(self.paths()) == 2)

    def test_what_protects_leaves_all_as_it_was(self):
        web, db = self.start(Peer, ANSWERS), self.start(Peer, ANSWERS)
        groups = f'[vm web]\naddress=unix:{web.path}\n'
        self.start_agent(key_file=groups)
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])
        for wrong, line in ((f'[qemu-monitor]\nowner=nobody\n[vm db]\naddress=unix:{db.path}\n', 2),
                            (f'[vm db]\naddress=unix:{db.path}\nisolation=yes\n', 3), ('[vm db]\nnonsense\n', 2)):
            said = self.reload(wrong)
            self.assertIn('error: management-agent: qemu-monitor keeps its old configuration: '
                          f'{self.directory}/qemu-monitor.conf:{line}: ', said)
            self.assertEqual(self.paths(), [f'{ROOT}/vm/web'])
            self.assertTrue(self.vm('web').is_there())


class Settings(ReloadTest):
    def test_limits_hold_from_now_on(self):
        qemu = self.start(Qemu, '11.1', monitors=2)
        group = f'[vm web]\naddress=unix:{qemu.path}\n'
        self.start_agent(key_file=f'{group}[qemu-monitor]\nidle-timeout=3600\n')
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])
        vm = self.vm('web')
        vm.qmp('QueryStatus')
        self.assertEqual(len(self.monitor(vm)), 1)
        self.reload(f'{group}[qemu-monitor]\nidle-timeout=0.05\n')
        raw = qemu.raw()
        wait_until(lambda: not [label for label in raw.list_chardevs() if 'Monitor1-' in label],
                   "the idle caller's monitor to go")
        self.assertEqual(self.paths(), [f'{ROOT}/vm/web'])

    def test_isolation_becomes_required(self):
        peer = self.start(Peer, ANSWERS)
        group = f'[vm web]\naddress=unix:{peer.path}\n'
        self.start_agent(key_file=group)
        wait_until(lambda: self.paths() == [f'{ROOT}/vm/web'])
        left = self.caller.record(interface=OBJECT_MANAGER, member='InterfacesRemoved')
        self.vm('web').execute('query-status')
        self.reload(f'{group}[qemu-monitor]\nisolation=required\n')
        other = VM(self.connect(), f'{ROOT}/vm/web')
        self.assert_fails(f'{NAME}.Error.NotSupported', 'a monitor of their own', other.execute, 'query-status')
        self.reload(group)
        other.execute('query-status')
        self.assertEqual(left, [])


if __name__ == '__main__':
    main()
