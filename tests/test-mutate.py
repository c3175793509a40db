# SPDX-License-Identifier: LGPL-2.1-or-later
"""The list of checks that tests/mutate removes: a line of it that fits no source any more would protect nothing, and nobody
would see it before the next run of tests/mutate. Builds nothing."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys

from harness import Test, main

LIST = 'tests/mutations/policy'
PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'mutate')
LOADER = importlib.machinery.SourceFileLoader('mutate', PATH)
mutate = importlib.util.module_from_spec(importlib.util.spec_from_loader('mutate', LOADER))
sys.modules['mutate'] = mutate
LOADER.exec_module(mutate)

BLOCK = '''[gate]
file policy/gate.c
test test-one
breaks everybody
- if (is_shut)
- return;
'''


class FakeCopy:
    """Stands for the copy of the tree: @is_caught says of a text whether the test fails for it."""

    def __init__(self, source, is_caught):
        self.source = source
        self.is_caught = is_caught
        self.tests = {'test-one': {}}
        self.timeouts = []
        self.text = mutate.read_file(source, 'policy/gate.c')

    def write(self, _, text):
        self.text = text

    def compile(self, _):
        return 'error: no such name' if 'unknown' in self.text else None

    def run_test(self, _, case, timeout):
        self.timeouts.append(timeout)
        return case == 'other' or not self.is_caught(self.text), 'not ok 1'


class Mutate(Test):
    def make_tree(self, text):
        for name in ('policy', 'tests'):
            os.mkdir(f'{self.directory}/{name}')
        self.write('policy/gate.c', text)
        self.write('tests/test-one.c', 'int main() { test("all", test_all); test("other", test_other); }')
        self.write('tests/meson.build', "unit_tests = {\n  'test-one': dep,\n}\n")

    def find_faults(self, block):
        return mutate.find_faults(mutate.parse_list(block, LIST), self.directory)

    def go(self, block, is_caught):
        """The Run, after it has tried @block."""
        attempt = mutate.Run(FakeCopy(self.directory, is_caught))
        with contextlib.redirect_stdout(io.StringIO()):
            attempt.go(mutate.parse_list(block, LIST))
        return attempt

    def test_every_mutation_applies(self):
        mutations = mutate.read_lists(mutate.ROOT)
        self.assertGreater(len(mutations), 40)
        self.assertEqual(mutate.find_faults(mutations, mutate.ROOT), [])

    def test_a_line_may_be_broken_anew(self):
        self.make_tree('{\n    if (is_shut) return;\n}\n')
        self.assertEqual(self.find_faults(BLOCK), [])

    def test_what_does_not_apply_is_told(self):
        self.make_tree('if (is_shut)\n    return;\nif (is_shut)\n    return;\n')
        self.assertIn('is there 2 times', self.find_faults(BLOCK)[0])
        self.assertEqual(self.find_faults(BLOCK + 'each\n'), [])
        self.assertIn('not there any more', self.find_faults(BLOCK.replace('is_shut', 'is_open'))[0])
        self.assertIn('no test-two', self.find_faults(BLOCK.replace('test-one', 'test-two'))[0])
        self.assertIn('no test-one.py', self.find_faults(BLOCK.replace('test-one', 'test-one.py'))[0])
        self.assertIn('no /none', self.find_faults(BLOCK.replace('test-one', 'test-one /none'))[0])
        self.assertIn('no policy/door.c', self.find_faults(BLOCK.replace('gate.c', 'door.c'))[0])
        self.assertIn('another room', self.find_faults(BLOCK.replace('policy/', 'dbus/'))[0])
        self.assertIn('is there twice', self.find_faults(2 * (BLOCK + 'each\n'))[0])
        self.assertIn('lacks', self.find_faults('[gate]\nfile policy/gate.c\n')[0])

    def test_mutations_are_chosen_by_name_or_room(self):
        other = mutate.Mutation('door', 'tests/mutations/qmp:1', 'plugin/qmp/door.c')
        mutations = mutate.parse_list(BLOCK, LIST) + [other]
        for pattern, names in (('g*', ['gate']), ('policy/', ['gate']), ('qmp/', ['door']), ('*', ['gate', 'door'])):
            self.assertEqual([mutation.name for mutation in mutate.choose(mutations, [pattern])], names)
        with self.assertRaisesRegex(mutate.Fault, 'called dbus/'):
            mutate.choose(mutations, ['dbus/'])

    def test_a_list_that_cannot_be_read_is_told(self):
        for text in ('- nothing before it\n', '[gate]\nsomething else\n'):
            with self.assertRaises(mutate.Fault):
                mutate.parse_list(text, LIST)

    def test_each_place_is_a_mutation(self):
        self.make_tree('a();\nif (is_shut)\n    return;\nb();\nif (is_shut)\n    return;\n')
        attempt = self.go(BLOCK + 'each\n', lambda text: text.startswith('a();\n\nb();'))
        self.assertEqual((attempt.killed, attempt.survived), (['gate-1'], ['gate-2']))

    def test_one_case_of_a_test(self):
        self.make_tree('if (is_shut)\n    return;\n')
        attempt = self.go(BLOCK.replace('test-one', 'test-one other') + BLOCK.replace('gate]', 'same]').replace('test-one', 'test-one all'),
                          lambda text: 'is_shut' not in text)
        self.assertEqual((attempt.killed, attempt.survived), (['same'], ['gate']))

    def test_a_file_becomes_a_folder(self):
        """The copy of a tree that was copied before: it is what the tree is now, and no more."""
        copy = mutate.Copy()
        copy.source = f'{self.directory}/copy'
        for path in ('copy/tests/list', 'copy/old/file', 'copy/policy/gate.c/part'):
            os.makedirs(os.path.dirname(f'{self.directory}/{path}'), exist_ok=True)
            self.write(path, 'old')
        copy.remove_all_but({'tests/list/policy', 'policy/gate.c'})
        self.assertEqual(os.listdir(self.directory), [])

    def test_temporary_files_are_the_tests_own(self):
        """A mutation has changed the mode of /tmp once."""
        copy = mutate.Copy()
        copy.build = self.directory
        self.write('script', f'echo $TMPDIR >{self.directory}/told; touch $TMPDIR/left')
        copy.tests = {'test-one': {'cmd': ['/bin/sh', f'{self.directory}/script'], 'workdir': None, 'env': {}}}
        self.assertTrue(copy.run_test('test-one', '', 30)[0])
        with open(f'{self.directory}/told', encoding='utf-8') as file:
            used = file.read().strip()
        self.assertIn('/m-', used)
        self.assertFalse(os.path.exists(used))

    def test_source_is_restored(self):
        self.make_tree('if (is_shut)\n    return;\n')
        attempt = self.go(BLOCK, lambda text: 'is_shut' not in text)
        self.assertEqual((attempt.killed, attempt.survived), (['gate'], []))
        self.assertIn('is_shut', attempt.copy.text)
        # The first run, without the mutation, may take its time; that makes the measure for the second.
        self.assertEqual(attempt.copy.timeouts, [mutate.TIMEOUT, mutate.LEAST_TIMEOUT])

    def test_a_test_that_always_fails_kills_nothing(self):
        self.make_tree('if (is_shut)\n    return;\n')
        attempt = self.go(BLOCK, lambda text: True)
        self.assertEqual((attempt.killed, len(attempt.faults)), ([], 1))

    def test_what_does_not_compile_kills_nothing(self):
        self.make_tree('if (is_shut)\n    return;\n')
        attempt = self.go(BLOCK + '+ unknown();\n', lambda text: 'is_shut' not in text)
        self.assertEqual((attempt.killed, len(attempt.faults)), ([], 1))


if __name__ == '__main__':
    main()
