# SPDX-License-Identifier: LGPL-2.1-or-later
"""One allocation of the agent fails, at any time of its life: it ends with a line that says so, or goes on as if nothing had been;
nobody waits for ever, and no answer is cut. ROUNDS (environment): allocations, spread over that life."""
import json
import os
import random

from harness import Agent, Bus, CallError, Connection, Peer, Process, Test, main, wait_until
from monitor import ANSWERS, LIMITS, MODULE, NAME, ROOT, VM

ROUNDS = int(os.environ.get('ROUNDS', '8'))

# Allocations. The loader's and GLib's come first; some 20,000 make the agent ready; a call takes some 100.
FIRST, LAST = 10, 40000
SAID = ('out of memory', 'failed to allocate', 'memory', 'Memory', 'cannot create shared object')


class Starved(Agent):
    """GLib's own complaint is how it ends."""

    def stop(self):
        Process.stop(self)
        self.socket.close()


class Memory(Test):
    def setUp(self):
        super().setUp()
        self.bus = self.start(Bus, extra=LIMITS)
        self.peer = self.start(Peer, {**ANSWERS, 'query-status': {'status': 'running', 'running': True}})
        self.caller = self.adopt(Connection(self.bus.address))

    def start_agent(self, number):
        options = f'{os.environ.get("ASAN_OPTIONS", "")}:verify_asan_link_order=0:detect_leaks=0'
        agent = Starved(self.directory, self.bus.address, [MODULE], f'--config-dir={self.directory}', ready=False,
                        environment={'XDG_RUNTIME_DIR': self.directory, 'LD_PRELOAD': os.environ['MALLOC_FAILS'],
                                     'MALLOC_FAILS_AT': str(number), 'ASAN_OPTIONS': options})
        self.addCleanup(agent.stop)
        return agent

    def use(self, agent):
        """Until it ends, or has done all that there is to do."""
        wait_until(lambda: agent.popen.poll() is not None or agent.is_ready(), 'the agent to be ready, or to end')
        try:
            path = self.caller.call(NAME, ROOT, f'{NAME}.Manager', 'AddVM', '(ssa{sv})', 'vm', f'unix:{self.peer.path}', {})[0]
            vm = VM(self.caller, path)
            for _ in range(20):
                self.assertEqual(json.loads(vm.execute_json('query-status')), ANSWERS['query-status'])
                self.assertEqual(vm.execute('query-status'), ANSWERS['query-status'])
                self.assertEqual(vm.get_all()['Status'], 'running')
            self.caller.call(NAME, ROOT, f'{NAME}.Manager', 'RemoveVM', '(o)', path)
        except CallError as error:
            # Nobody else's patience ends a call: it is answered, or its agent has gone.
            self.assertFalse(error.name.startswith('local.'), f'{error}\n{agent.output}')

    def test_one_allocation(self):
        numbers = random.Random(1)
        for _ in range(ROUNDS):
            number = int(FIRST * (LAST / FIRST) ** numbers.random())
            with self.subTest(number):
                agent = self.start_agent(number)
                self.use(agent)
                if agent.popen.poll() is None:
                    agent.stop()
                    continue
                self.assertTrue(any(word in agent.output for word in SAID), agent.output)


if __name__ == '__main__':
    main()
