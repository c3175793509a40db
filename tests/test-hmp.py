# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lines of HMP are read here as QEMU reads them: what passes as harmless must be harmless there. Generated lines are
thrown at the splitter and at real monitors, and what these say they have read is compared."""
import json
import os
import random
import re
import subprocess

from harness import Qemu, Test, main
from harness.qemu import QmpError

VERSIONS = ('7.2', '10.0', '11.1')
WORDS = os.environ['HMP_WORDS']

# Of these the lines are made: C's white space and what looks like it, quotes and escapes good and bad, signs that other
# languages separate by, and commands with aliases, abbreviations, and the other spelling.
PIECES = [' ', '\t', '\n', '\v', '\f', '\r', ' \v', '\x1c', '\x1f', '\x7f', '\u0085', '\u00a0', '\u2003', '"', '"', '\\', '\\"',
          '\\\\', '\\n', '\\r', '\\t', '\\u0066', "\\'", "'", ';', '|', '/', '#', '&', '$x', '-', '-j', ',', ',,', '=', '\0',
          'foo', 'compat_monitor7', 'object_del', 'object_de', 'object-del', 'chardev-remove', 'chardev_remove',
          'chardev-send-break', 'x' * 300, 'y' * 1100]
COMMANDS = ['object_del', 'object_del', 'chardev-remove', 'chardev-send-break', 'object_de', 'object-del', 'chardev_remove']
SPACES = [' ', '\t', '\n', '\v', '\f', '\r', '/', '"', '', '\u00a0', '\u0085', ';']
N_LINES = 1500

# A name that no object has: QEMU says so, with the name as it has read it.
SAYS = (
    (re.compile(r"Error: object '(?P<word>.*)' not found\r\n", re.S), 'word'),
    (re.compile(r"Error: Chardev '(?P<word>.*)' not found\r\n", re.S), 'word'),
    (re.compile(r"unknown command: '(?P<command>.*)'\r\n", re.S), 'command'),
)


def make_line(chance):
    pieces = [chance.choice(PIECES) for _ in range(chance.randrange(5))]
    if chance.random() < 0.8:
        lead = chance.choice(SPACES) * chance.randrange(2)
        pieces = [lead, chance.choice(COMMANDS), chance.choice(SPACES), *pieces]
    return ''.join(pieces)


def read_here(lines):
    """What the module takes the lines for."""
    text = ''.join(json.dumps(line) + '\n' for line in lines)
    output = subprocess.run([WORDS], input=text.encode(), capture_output=True, check=True).stdout
    # U+0000 is in QEMU what no UTF-8 is.
    return [json.loads(line.replace(b'\xc0\x80', b'\\u0000').decode(errors='replace'))
            for line in output.split(b'\n')[:-1]]


def cut(text, size):
    """What is left of a long text where QEMU has no room for more, less a character that may be cut in two."""
    return text.encode().replace(b'\0', b'\xc0\x80')[:size - 8]


class Hmp(Test):
    def ask(self, raw, line):
        try:
            return raw.execute('human-monitor-command', {'command-line': line})
        except QmpError as error:
            self.fail(f'{line!r}: {error}')

    def compare(self, line, words, said):
        if not words:
            self.assertEqual(said, '', line)
            return
        for pattern, what in SAYS:
            match = pattern.fullmatch(said)
            if match and what == 'word':
                # QEMU writes each \n as \r\n.
                heard = match['word'].replace('\r\n', '\n')
                self.assertEqual([cut(word, 1023) for word in words[1:]], [cut(heard, 1023)], repr((line, said))[:400])
                return
            if match:
                # QEMU shows the line up to the name's end, and of the name what it does not look at.
                heard = match['command'].replace('\r\n', '\n').lstrip(' \t\n\v\f\r')
                self.assertEqual(cut(words[0], 255), cut(heard, 255), repr((line, said))[:400])
                return
        if 'string expected' in said:
            self.assertIn(words[1:], ([], [None]), repr((line, said))[:400])
        else:
            self.assertIn('extraneous characters', said, repr((line, words))[:400])
            self.assertGreater(len(words), 2, repr((line, words))[:400])

    def test_generated_lines(self):
        seed = int(os.environ.get('HMP_SEED', random.randrange(1 << 32)))
        chance = random.Random(seed)
        lines = [make_line(chance) for _ in range(N_LINES)]
        here = read_here(lines)
        self.assertEqual(len(here), len(lines))
        for version in VERSIONS:
            with self.subTest(version, seed=seed):
                qemu = self.start(Qemu, version)
                raw = self.adopt(qemu.raw())
                for line, words in zip(lines, here):
                    self.compare(line, words, self.ask(raw, line))

    def test_words_that_are_too_long(self):
        """QEMU takes what fits for the whole."""
        lines = [f'object_del {quote}{"x" * length}{quote}' for quote in ('', '"') for length in range(1020, 1030)]
        here = read_here(lines)
        for version in VERSIONS:
            raw = self.adopt(self.start(Qemu, version).raw())
            for line, words in zip(lines, here):
                self.assertIn(f"'{words[1]}'", self.ask(raw, line))


if __name__ == '__main__':
    main()
