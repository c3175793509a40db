# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests/bench compares, judges and prints. A figure that is judged wrongly is believed for months."""
import contextlib
import io

from benchmarks.loads import FULL, QUICK
from benchmarks.probes import IN_FLIGHT, Rounds, keep_in_flight, parse
from benchmarks.table import COUNT, KB, MB, MS, RATIO, SECONDS, Table, at_least, at_most, in_us
from harness import Test, main


class Judging(Test):
    def test_a_limit_that_is_reached_is_met(self):
        for judge, met, missed in ((at_most, 1.08, 1.09), (at_least, 0.85, 0.84)):
            self.assertTrue(judge('x', met, met).is_met)
            self.assertFalse(judge('x', missed, met).is_met)

    def test_what_is_read_is_what_is_judged(self):
        self.assertEqual(at_most('x', 1.0849, 1.08), ('x', '1.08', '<= 1.08', True, ''))
        self.assertEqual(at_most('x', 1.0851, 1.08), ('x', '1.09', '<= 1.08', False, ''))
        self.assertEqual(at_least('x', 0.8449, 0.85), ('x', '0.84', '>= 0.85', False, ''))

    def test_units(self):
        shown = [unit.show(value) for unit, value in ((COUNT, 79045), (RATIO, 1), (SECONDS, 0.304), (MS, 2540), (KB, 5.84), (MB, 8384))]
        self.assertEqual(shown, ['79,045', '1.00', '0.30 s', '2.5 ms', '5.8 kB', '8.2 MB'])
        self.assertEqual([in_us(99.94), in_us(1234.5)], ['99.9 us', '1,234 us'])


class Printing(Test):
    def print_table(self, *verdicts):
        table, output = Table(), io.StringIO()
        with contextlib.redirect_stdout(output):
            table.row('what', '7', verdicts=verdicts)
            table.sum_up()
        return output.getvalue().splitlines()

    def test_each_row_says_its_goal_and_whether_it_is_met(self):
        lines = self.print_table(at_most('one', 7, 8, COUNT), at_least('two', 7, 8, COUNT, asked='asked of 9'))
        self.assertEqual(lines[0].split(), ['what', '7', '<=', '8', 'met,', '>=', '8', 'MISSED'])
        self.assertEqual([line.split() for line in lines[3:5]],
                         [['one', '7', '<=', '8', 'met'], ['two', '7', '>=', '8', 'MISSED,', 'asked', 'of', '9']])
        self.assertEqual(lines[-1], '1 of 2 goals are met')

    def test_another_load_than_the_goal_is_about_is_told(self):
        self.assertEqual(QUICK.asked('events'), 'asked of 100,000')
        self.assertEqual(QUICK.asked('vms'), '')
        self.assertEqual(FULL.asked('events'), '')


class Measuring(Test):
    def test_ratio_is_of_the_same_round(self):
        """A machine that is three times slower in one round has the same ratio in it."""
        speeds = iter((1, 1, 1, 3, 3, 3, 1, 1, 1))
        probes = {name: lambda value=value: {'median': value * next(speeds), 'max': value} for name, value in (('a', 10), ('b', 20), ('c', 60))}
        rounds = Rounds(probes, 3)
        self.assertEqual(rounds.ratio('c', 'a', 'b'), 2)
        self.assertEqual(rounds.get('a'), 10)
        self.assertEqual(rounds.longest('c'), 60)

    def test_one_round_at_least(self):
        self.assertEqual([QUICK.count_rounds(number) for number in (50, 20, 1)], [5, 2, 1])

    def test_as_many_in_flight_as_are_told(self):
        running, most, finished = set(), [], []

        def start(number):
            running.add(number)
            most.append(len(running))

            def finish():
                running.remove(number)
                finished.append(number)
            return finish
        keep_in_flight([lambda number=number: start(number) for number in range(100)])
        self.assertEqual(max(most), IN_FLIGHT)
        self.assertEqual(finished, list(range(100)))

    def test_what_bench_client_prints(self):
        self.assertEqual(parse('n=3 min=0.10 rate=7\n'), {'n': 3, 'min': 0.1, 'rate': 7})


if __name__ == '__main__':
    main()
