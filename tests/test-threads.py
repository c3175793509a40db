# SPDX-License-Identifier: LGPL-2.1-or-later
"""Agent and module are one thread, so that no two things in them happen at a time: there is nothing for ThreadSanitizer to find. The only
other threads are GLib's, in which it waits for getaddrinfo(3) where an address has a host's name; no code of ours runs there."""
import os
import re
import subprocess

from harness import QmpClient, main, only_if, wait_until
from harness.qemu import Qemu
from monitor import MODULE, VERSIONS, VM, MonitorTest, variants
from native import open_fd
from screens import start_shot

# By which a program gets a thread, in C, in GLib, and in GIO, most of whose asynchronous functions on files use some.
MAKES_THREADS = re.compile(r'(pthread_create|thrd_create|clone3?|g_thread_(try_)?new|g_thread_pool_\w+|g_task_run_in_thread\w*|g_\w+_async)(@.*)?')
# GIO's own threads: that which starts others, and those.
OF_GIO = re.compile(r'pool-.*|gmain')


def list_threads(pid):
    """The names of a process's threads but the first."""
    names = []
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/comm', encoding='ascii') as file:
            names += [file.read().strip()] if int(thread) != pid else []
    return names


class Threads(MonitorTest):
    @only_if(not os.environ.get('AGENT_SANITIZED'))  # which makes threads of its own
    def test_none_is_asked_for(self):
        for program in (os.environ['AGENT'], MODULE):
            symbols = subprocess.run(['nm', '--dynamic', '--undefined-only', program], capture_output=True, text=True, check=True).stdout
            names = [line.split()[-1] for line in symbols.splitlines()]
            self.assertIn('g_main_context_unref', {name.split('@')[0] for name in names}, names)
            makers = [name for name in names if MAKES_THREADS.fullmatch(name)]
            self.assertEqual(makers, ['g_resolver_lookup_by_name_async'] if program == MODULE else [])

    def test_one_in_all_that_it_does(self):
        self.start_agent()
        for version in VERSIONS:
            qemu = self.start(Qemu, version, '-device', 'VGA', '-vnc', 'none', monitors=2)
            vm = self.add(f'vm-{version}', f'unix:{qemu.path}')
            callers = [VM(self.connect(), vm.path) for _ in range(4)]
            waiting = [caller.start('QMP', 'QueryNamedBlockNodes') for caller in callers for _ in range(20)]
            waiting += [caller.start_wait('cont') for caller in callers]
            pictures = [start_shot(caller) for caller in callers]
            native = self.adopt(QmpClient(fd=open_fd(vm)))
            self.assertEqual(list_threads(self.agent.pid), [])
            for finish in waiting:
                finish()
            for finish in pictures:
                os.close(finish())
            native.execute('query-status')
            vm.wait('blockdev-create', **{'job-id': ('s', 'make')}, options=('a{sv}', variants({
                'driver': ('s', 'file'), 'filename': ('s', f'{self.directory}/made'), 'size': ('x', 1 << 20)})))
            vm.execute('query-qmp-schema')
            # GLib's threads stay for some seconds after they were used.
            self.assertEqual(list_threads(self.agent.pid), [])

    def test_those_that_wait_for_names(self):
        qemu = self.start(Qemu, VERSIONS[0], '-qmp', 'tcp:127.0.0.1:0,server=on,wait=off')
        chardevs = [chardev['filename'] for chardev in self.adopt(qemu.raw(0)).execute('query-chardev')]
        port, = [match[1] for name in chardevs if (match := re.search(r'tcp:127\.0\.0\.1:(\d+)', name))]
        self.start_agent()
        self.add('number', f'tcp:127.0.0.1:{port}')
        self.assertEqual(list_threads(self.agent.pid), [])
        self.manager('RemoveVM', '(o)', '/org/qemu/Monitor1/vm/number')
        vm = self.add('name', f'tcp:localhost:{port}')
        self.assertEqual(vm.qmp('QueryStatus')['status'], 'running')
        for name in list_threads(self.agent.pid):
            self.assertRegex(name, OF_GIO)
        # What GIO keeps in reserve it gives up in time; the thread that starts others stays.
        wait_until(lambda: [name for name in list_threads(self.agent.pid) if name not in ('pool-spawner', 'gmain')] == [],
                   lambda: f'the end of {list_threads(self.agent.pid)}', timeout=60)


if __name__ == '__main__':
    main()
