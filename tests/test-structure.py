# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules of the source tree that a compiler does not check: no circle of includes, between files or between folders,
and nothing that has outgrown its limit. A rule that is broken once is soon broken everywhere, and a circle of files can
only be read, linked and tested as a whole."""
import os
import re

from harness import Test, main

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TREES = ('dbus', 'policy', 'plugin')
MAX_FILES = 12  # .c files of a folder
MAX_LINES = 450  # of a file
MAX_FUNCTION_LINES = 60
MAX_FLOORS = 9  # of folders: whoever changes the lowest rebuilds, and may have to reread, as many

# What breaks a rule today, and why. The test also fails on an entry that is no longer needed, so that the lists only shrink.
FILE_CIRCLES: dict[frozenset[str], str] = {}
FOLDER_CIRCLES: dict[frozenset[str], str] = {}
FULL_FOLDERS: dict[str, str] = {}
LONG_FILES = {
}
LONG_FUNCTIONS: dict[str, str] = {}
# Static names that stand in two files or more.
SHARED_STATICS: set[str] = set()


INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# Comments and strings may hold braces, and a macro in capitals (G_GNUC_PRINTF) is no name.
NOT_CODE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
STATIC = re.compile(r'^static\b[^;{}=]*?\b([a-z]\w*) ?\([^;{}]*\)\n\{', re.MULTILINE)
FUNCTION = re.compile(r'^(\w+)\(.*?\)\n\{\n(.*?\n)?\}$', re.MULTILINE | re.DOTALL)


def read_sources(root):
    """Path below @root → text, of every .c and .h file."""
    sources = {}
    for tree in TREES:
        for folder, _, names in os.walk(os.path.join(root, tree)):
            for name in names:
                if not name.endswith(('.c', '.h')):
                    continue
                path = os.path.join(folder, name)
                with open(path, encoding='utf-8') as file:
                    sources[os.path.relpath(path, root)] = file.read()
    return sources


def get_stem(path):
    """bus-call.c and bus-call.h are one thing."""
    return os.path.splitext(path)[0]


def resolve(path, name, sources):
    """The file that @path includes as @name; None: it is not ours, or made by the build."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
    if beside in sources:
        return beside
    found = [source for source in sources if source == name or source.endswith('/' + name)]
    if len(found) > 1:
        raise AssertionError(f'{path}: "{name}" may be {" or ".join(sorted(found))}')
    return found[0] if found else None


def read_graph(sources, get_node):
    """Node → the nodes whose headers it includes."""
    graph = {get_node(path): set() for path in sources}
    for path, text in sources.items():
        for name in INCLUDE.findall(text):
            target = resolve(path, name, sources)
            if target and get_node(target) != get_node(path):
                graph[get_node(path)].add(get_node(target))
    return graph


def get_reach(graph, start):
    """What can be reached from @start in one step or more."""
    reach, left = set(), [start]
    while left:
        new = graph[left.pop()] - reach
        reach |= new
        left.extend(new)
    return reach


def find_circles(graph):
    """The sets of nodes that can all be reached from each other."""
    reach = {node: get_reach(graph, node) for node in graph}
    return {frozenset(other for other in reach[node] if node in reach[other]) for node in graph if node in reach[node]}


def find_tallest(graph):
    """The longest chain of nodes, each of which includes the next; @graph has no circle."""
    chains = {}

    def find_chain(node):
        if node not in chains:
            chains[node] = [node] + max(map(find_chain, sorted(graph[node])), key=len, default=[])
        return chains[node]

    return max(map(find_chain, sorted(graph)), key=len)


def find_full_folders(sources):
    folders = [os.path.dirname(path) for path in sources if path.endswith('.c')]
    return {folder for folder in folders if folders.count(folder) > MAX_FILES}


def find_long_files(sources):
    return {path for path, text in sources.items() if text.count('\n') > MAX_LINES}


def find_long_functions(sources):
    return {f'{path}: {match[1]}' for path, text in sources.items() for match in FUNCTION.finditer(text)
            if (match[2] or '').count('\n') > MAX_FUNCTION_LINES}


def find_statics(sources):
    """Name of a static function → the .c files that it stands in."""
    files = {}
    for path, text in sources.items():
        if path.endswith('.c'):
            for name in STATIC.findall(NOT_CODE.sub('""', text)):
                files.setdefault(name, set()).add(path)
    return files


def name_thing(thing):
    return ' <-> '.join(sorted(thing)) if isinstance(thing, frozenset) else thing


class Structure(Test):
    def setUp(self):
        super().setUp()
        self.sources = read_sources(ROOT)

    def check(self, found, exceptions, wrong):
        for thing in sorted(found - exceptions.keys(), key=name_thing):
            self.fail(f'{wrong}: {name_thing(thing)}')
        for thing in sorted(exceptions.keys() - found, key=name_thing):
            self.fail(f'an exception is no longer needed: {name_thing(thing)}')

    def test_there_are_sources(self):
        for tree in TREES:
            self.assertTrue(any(path.startswith(tree + '/') for path in self.sources), tree)
        self.assertGreater(sum(map(len, read_graph(self.sources, get_stem).values())), 100)
        self.assertGreater(sum(len(FUNCTION.findall(text)) for text in self.sources.values()), 1000)

    def test_no_circle_of_files(self):
        self.check(find_circles(read_graph(self.sources, get_stem)), FILE_CIRCLES, 'these files include each other')

    def test_no_circle_of_folders(self):
        self.check(find_circles(read_graph(self.sources, os.path.dirname)), FOLDER_CIRCLES,
                   'these folders include each other')

    def test_few_floors(self):
        """A folder stands one floor above the highest that it includes."""
        chain = find_tallest(read_graph(self.sources, os.path.dirname))
        self.assertLessEqual(len(chain), MAX_FLOORS, f'{len(chain)} floors: {" > ".join(chain)}')

    def test_folders_are_small(self):
        self.check(find_full_folders(self.sources), FULL_FOLDERS, f'more than {MAX_FILES} .c files')

    def test_files_are_short(self):
        self.check(find_long_files(self.sources), LONG_FILES, f'more than {MAX_LINES} lines')

    def test_functions_are_short(self):
        self.check(find_long_functions(self.sources), LONG_FUNCTIONS, f'more than {MAX_FUNCTION_LINES} lines')

    def test_static_names_are_unique(self):
        """A backtrace that says `on_timeout`, and `break on_timeout`, tell nothing when four files have one."""
        files = {name: paths for name, paths in find_statics(self.sources).items() if len(paths) > 1}
        new = [f'{name}: {", ".join(sorted(files[name]))}' for name in sorted(files.keys() - SHARED_STATICS)]
        old = sorted(SHARED_STATICS - files.keys())
        self.assertEqual(new, [], 'static functions of one name')
        self.assertEqual(old, [], 'exceptions that are no longer needed')


class Rules(Test):
    """The rules themselves, on sources that break each."""

    def test_circle_of_files(self):
        sources = {'dbus/a.h': '#include "b.h"\n', 'dbus/b.c': ' # include "c.h"\n', 'dbus/b.h': '',
                   'dbus/c.c': '#include "a.h"\n', 'dbus/c.h': '', 'dbus/d.c': '#include "a.h"\n'}
        self.assertEqual(find_circles(read_graph(sources, get_stem)), {frozenset({'dbus/a', 'dbus/b', 'dbus/c'})})

    def test_circle_of_folders(self):
        sources = {'dbus/a.h': '', 'policy/b.h': '', 'dbus/c.c': '#include "b.h"\n', 'policy/d.c': '#include "a.h"\n'}
        self.assertEqual(find_circles(read_graph(sources, get_stem)), set())
        self.assertEqual(find_circles(read_graph(sources, os.path.dirname)), {frozenset({'dbus', 'policy'})})

    def test_floors(self):
        sources = {'plugin/a/a.c': '#include "b.h"\n#include "d.h"\n', 'plugin/b/b.h': '#include "c.h"\n',
                   'plugin/c/c.h': '#include "d.h"\n', 'plugin/d/d.h': '', 'plugin/e/e.c': '#include "c.h"\n'}
        self.assertEqual(find_tallest(read_graph(sources, os.path.dirname)),
                         ['plugin/a', 'plugin/b', 'plugin/c', 'plugin/d'])

    def test_limits(self):
        sources = {f'dbus/{i}.c': 'int\nf(void)\n{\n' + '    x;\n' * (60 + i) + '}\n' for i in range(2)}
        self.assertEqual(find_long_functions(sources), {'dbus/1.c: f'})
        self.assertEqual(find_long_files({'a.c': '\n' * 450, 'b.h': '\n' * 451}), {'b.h'})
        self.assertEqual(find_full_folders({f'{folder}/{i}.c': '' for folder, n in (('a', 12), ('b', 13))
                                            for i in range(n)}), {'b'})

    def test_statics(self):
        sources = {'dbus/a.c': 'static void open_it(void);\nstatic void\nopen_it(void)\n{\n}\nstatic int x = f(1);\n',
                   'dbus/b.c': 'static gboolean G_GNUC_PRINTF(1, 2) open_it(const char *format, ...)\n{\n    f("{");\n}\n'
                               '/* static void\nclose_it(void)\n{ */\nstatic int\ncall_it(int (*f)(void))\n{\n}\n',
                   'dbus/c.c': 'static const int x[] = { f(1) };\nstatic int *\ncall_it(\n    int a)\n{\n}\n'}
        self.assertEqual(find_statics(sources), {'open_it': {'dbus/a.c', 'dbus/b.c'}, 'call_it': {'dbus/b.c', 'dbus/c.c'}})

    def test_exceptions_shrink(self):
        self.check = Structure.check.__get__(self)
        self.check({'a'}, {'a': 'reason'}, 'wrong')
        with self.assertRaisesRegex(AssertionError, 'wrong: b'):
            self.check({'b'}, {}, 'wrong')
        with self.assertRaisesRegex(AssertionError, 'no longer needed: a'):
            self.check(set(), {'a': 'reason'}, 'wrong')


if __name__ == '__main__':
    main()
