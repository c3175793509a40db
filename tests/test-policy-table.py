# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of commands against every QEMU that is supported: a command that was forgotten would ask an administrator
for more than it needs, one that QEMU may change at any time would be allowed for what it did once, and a misspelt row
would protect nothing."""
import os
import subprocess

from harness import Qemu, Test, main
from monitor import VERSIONS

COMMAND_CLASSES = os.environ['COMMAND_CLASSES']
ACTION = 'org.qemu.monitor1.'


class PolicyTable(Test):
    def setUp(self):
        super().setUp()
        output = subprocess.run([COMMAND_CLASSES], capture_output=True, text=True, check=True).stdout
        self.actions = dict(line.split() for line in output.splitlines())

    def commands(self, version):
        """The command's features by its name."""
        qemu = self.start(Qemu, version)
        return {entity['name']: entity.get('features', []) for entity in qemu.raw().execute('query-qmp-schema')
                if entity['meta-type'] == 'command'}

    def test_every_command_is_classed(self):
        for version in VERSIONS:
            with self.subTest(version):
                self.assertEqual(self.commands(version).keys() - self.actions.keys(), set())

    def test_unstable_commands_are_host(self):
        for version in VERSIONS:
            unstable = {name for name, features in self.commands(version).items() if 'unstable' in features}
            self.assertTrue(unstable, version)
            with self.subTest(version):
                self.assertEqual({name for name in unstable if self.actions.get(name) != f'{ACTION}host'}, set())

    def test_experimental_names_are_host(self):
        named = {name: action for name, action in self.actions.items() if name.startswith('x-')}
        self.assertEqual(set(named.values()), {f'{ACTION}host'}, named)

    def test_every_row_is_a_command(self):
        known = set().union(*(self.commands(version) for version in VERSIONS))
        self.assertEqual(self.actions.keys() - known, set())


if __name__ == '__main__':
    main()
