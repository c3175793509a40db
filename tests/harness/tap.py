# SPDX-License-Identifier: LGPL-2.1-or-later
"""unittest with its results as TAP, so that meson counts every test method, and a scratch directory for each of
them."""
import signal
import sys
import tempfile
import traceback
import unittest

from .loop import interrupt


def only_if(condition):
    """A test that makes no sense in this run is left out; skipped means that something is missing."""
    return lambda method: method if condition else None


class Test(unittest.TestCase):
    """A test case with self.directory: its own, short (a Unix socket's path ends at 107 bytes), removed at the end. What explain()
    gives, if it has that, is printed where it fails."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='qm-', dir='/tmp')
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def adopt(self, thing):
        """Has something of the harness stopped when this test ends, whatever comes of it."""
        self.addCleanup(thing.stop)
        return thing

    def start(self, cls, *arguments, **options):
        """The same, with a process or peer made in this test's directory."""
        return self.adopt(cls(self.directory, *arguments, **options))

    def write(self, name, text):
        path = f'{self.directory}/{name}'
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.points = 0

    def point(self, ok, test, directive=''):
        self.points += 1
        print(f'{"ok" if ok else "not ok"} {self.points} {test.id().removeprefix("__main__.")}{directive}', flush=True)

    def bad(self, test, error):
        explain = getattr(test, 'explain', str)
        for line in (''.join(traceback.format_exception(*error)) + explain()).splitlines():
            print('#', line)
        self.point(False, test)

    def addSuccess(self, test):
        self.point(True, test)

    def addSkip(self, test, reason):
        self.point(True, test, f' # SKIP {reason}')

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.bad(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.bad(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.bad(subtest, error)


def main():
    """Runs the tests of the calling program; those named as Class.method in its arguments, if any are."""
    module = sys.modules['__main__']
    loader = unittest.defaultTestLoader
    names = sys.argv[1:]
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    result = TapResult()

    def on_signal(number, frame):
        # Ctrl-C or meson's timeout. As an exception, so that what the test started ends with it.
        result.stop()
        interrupt(SystemExit(f'ended by {signal.Signals(number).name}'))
    # SIGHUP too: what is ignored here, as under nohup, would be ignored by the processes under test.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    suite.run(result)
    # At the end, because every subtest that failed is a point of its own.
    print(f'1..{result.points}')
    sys.exit(not result.wasSuccessful())
