# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done at once, in instructions: while it is done nobody else is served. Times would say the same only on an idle machine."""
import os
import re
import subprocess
import tempfile
import unittest

from harness import main

# Some 3 ms on a slow machine; 10 ms are promised.
MOST = 10_000_000


def count(test, path, function):
    """The instructions of that function, in all, while a C test's path runs."""
    with tempfile.TemporaryDirectory() as directory:
        file = f'{directory}/callgrind'
        # Meson has the C library write over what is freed.
        environment = {name: value for name, value in os.environ.items() if name not in ('MALLOC_PERTURB_', 'G_SLICE')}
        subprocess.run(['valgrind', '-q', '--tool=callgrind', f'--callgrind-out-file={file}', f'--toggle-collect={function}',
                        f"{os.environ['UNIT_TESTS']}/{test}", '-p', path], stdout=subprocess.DEVNULL, env=environment, timeout=100,
                       check=True)
        with open(file, encoding='utf-8', errors='replace') as lines:
            return int(re.search(r'^(?:summary|totals): (\d+)', lines.read(), re.MULTILINE)[1])


class Holds(unittest.TestCase):
    def check(self, what, counted):
        print(f'# {what}: {counted:,} instructions', flush=True)
        self.assertGreater(counted, 0)
        self.assertLess(counted, MOST)

    def test_the_names_of_a_large_object_are_let_go_of(self):
        """A message has room for 1.3 million names of one object; the test has 100,000."""
        self.check('1.3 million names', 13 * count('test-value-names', '/value-names/large', 'value_names_end'))


if __name__ == '__main__':
    main()
