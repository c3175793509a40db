# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a call costs, in instructions of the agent: a gain that somebody loses by mistake shows here, and not in times that
differ by ten per cent from run to run. tests/bench tells the numbers."""
from harness import Agent, Peer, main
from harness.instructions import Counter
from monitor import ANSWERS, MODULE, NAME, PROPERTIES, MonitorTest

CALLS = 300

# A tenth above what was counted with GLib 2.74 and libdbus 1.14 (gcc -O2). 52,000 of a typed call are libdbus's own.
MOST = {'QueryStatus': 87000, 'Get': 65000}


class Instructions(MonitorTest):
    def setUp(self):
        super().setUp()
        self.counter = Counter(self.directory)
        self.agent = self.start(Agent, self.bus.address, [MODULE], f'--config-dir={self.directory}',
                                wrapper=self.counter.wrapper, environment={'XDG_RUNTIME_DIR': self.directory, 'G_SLICE': None})
        self.addCleanup(self.end_agent, self.agent)
        self.caller = self.connect()
        self.vm = self.add('vm', f'unix:{self.start(Peer, ANSWERS).path}')

    def check(self, name, call):
        def work(times):
            for _ in range(times):
                call()
        counted = self.counter.count(self.agent, work, CALLS)
        print(f'# {name}: {counted:,} instructions')
        self.assertLess(counted, MOST[name])

    def test_a_typed_call(self):
        self.check('QueryStatus', lambda: self.vm.qmp('QueryStatus'))

    def test_a_property(self):
        self.check('Get', lambda: self.caller.call(NAME, self.vm.path, PROPERTIES, 'Get', '(ss)', f'{NAME}.VM', 'Status'))


if __name__ == '__main__':
    main()
