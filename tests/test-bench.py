# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every row of tests/bench can be measured, with so little that nothing is said of its figures. A row that has come to fail would show only
when somebody wants to know."""
import contextlib
import io

from benchmarks import PARTS, Bench
from benchmarks.loads import TINY
from benchmarks.table import WIDTH
from harness import Test, main


class Rows(Test):
    def setUp(self):
        super().setUp()
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.bench = Bench(stack, self.directory, TINY)

    def measure(self, part):
        """The rows that it prints."""
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            self.bench.run(part)
        return [line for line in output.getvalue().splitlines() if line.startswith('  ') and line[2] != ' ']

    def test_every_row(self):
        for part in PARTS:
            with self.subTest(part.__name__):
                rows = self.measure(part)
                self.assertTrue(rows)
                for row in rows:
                    self.assertRegex(row[WIDTH:], r' \d')
        whats = [verdict.what for verdict in self.bench.table.verdicts]
        self.assertEqual(sorted(set(whats)), sorted(whats))
        self.assertEqual([what for what in whats if len(what) > WIDTH], [])


if __name__ == '__main__':
    main()
