# SPDX-License-Identifier: LGPL-2.1-or-later
"""management-agent as whoever runs it sees it: systemd, a desktop session, somebody with a module of their own. The
modules it is given here, clocks, have nothing to do with QEMU."""
import os
import re
import resource
import signal
import subprocess
import time

from harness import Agent, FdStore, Test, main, only_if, wait_until

BUILD = os.environ['TEST_MODULES']
CLOCK, SECOND = f'{BUILD}/clock.so', f'{BUILD}/second-clock.so'
UNDER_VALGRIND = bool(os.environ.get('AGENT_WRAPPER'))


class Readiness(Test):
    def test_ready_when_all_modules_are(self):
        agent = self.start(Agent, modules=[CLOCK, SECOND])
        self.assertEqual(agent.notified['STATUS'], '2 modules ready')
        for name in ('clock', 'second-clock'):
            self.assertIn(f'info: {name}: started', agent.output)

    def test_abstract_notify_socket(self):
        self.start(Agent, modules=[CLOCK], abstract=True)

    def test_runs_without_a_notify_socket(self):
        agent = self.start(Agent, modules=[CLOCK], ready=False, environment={'NOTIFY_SOCKET': None})
        agent.wait_output('clock is ready')

    def test_useless_notify_socket_is_no_reason_to_end(self):
        for path in ('relative', '/nonexistent/socket', '/' + 'x' * 200, '@'):
            agent = self.start(Agent, modules=[CLOCK], ready=False, environment={'NOTIFY_SOCKET': path})
            agent.wait_output('clock is ready')
            self.assertIn('Cannot notify', agent.output)

    def test_the_same_module_twice(self):
        agent = self.start(Agent, modules=[CLOCK, CLOCK])
        self.assertEqual(agent.notified['STATUS'], '2 modules ready')


class Process(Test):
    def test_each_signal_ends_it_in_good_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            agent = self.start(Agent, modules=[CLOCK, SECOND])
            agent.kill(number)
            self.assertEqual(agent.wait(), 0, agent.output)
            self.assertEqual(agent.read_notifications()['STOPPING'], '1')
            self.assertEqual(agent.output.count('clock: stopped'), 2)

    def test_modules_may_prepare_for_their_stop(self):
        self.write('second-clock.conf', '[clock]\nlinger=1\n')
        agent = self.start(Agent, 'unix:', [CLOCK, SECOND], f'--config-dir={self.directory}')
        agent.kill(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0, agent.output)
        self.assertEqual(agent.read_notifications()['STOPPING'], '1')
        said = re.findall('info: second-clock: (\\w+)', agent.output)
        self.assertEqual(said[-3:], ['preparing', 'prepared', 'stopped'])

    def test_a_second_signal_waits_for_nobody(self):
        self.write('second-clock.conf', '[clock]\nlinger=1000000\n')
        agent = self.start(Agent, 'unix:', [CLOCK, SECOND], f'--config-dir={self.directory}')
        agent.kill(signal.SIGTERM)
        agent.wait_output('second-clock: preparing')
        agent.kill(signal.SIGINT)
        self.assertEqual(agent.wait(), 0, agent.output)
        self.assertEqual(agent.output.count('clock: stopped'), 2)
        self.assertNotIn('in time', agent.output)

    def test_nor_is_anybody_waited_for_without_end(self):
        self.write('clock.conf', '[clock]\nlinger=1000000\n')
        agent = self.start(Agent, 'unix:', [CLOCK], f'--config-dir={self.directory}')
        agent.kill(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0, agent.output)
        self.assertIn('in time', agent.output)
        self.assertIn('clock: stopped', agent.output)

    def test_one_that_has_failed_may_prepare_too(self):
        self.write('second-clock.conf', f'[clock]\ninterval=1\nfail-on={self.directory}/go\nlinger=1\n')
        agent = self.start(Agent, 'unix:', [CLOCK, SECOND], f'--config-dir={self.directory}')
        self.write('go', '')
        agent.wait_output('second-clock: prepared')
        agent.wait_output('second-clock: stopped')
        agent.kill(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0, agent.output)
        self.assertIn('info: clock: stopped', agent.output)

    def test_ignored_signals_stay_ignored(self):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGHUP, before)
        agent = self.start(Agent, modules=[CLOCK])
        agent.kill(signal.SIGHUP)
        agent.kill(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0)
        self.assertNotIn('SIGHUP', agent.output)

    def test_one_thread_that_sleeps(self):
        agent = self.start(Agent, modules=[CLOCK, SECOND])
        if agent.is_asleep() is None:
            self.skipTest('/proc/PID/syscall cannot be read here')
        wait_until(agent.is_asleep, 'the agent to sleep without a time limit')
        self.assertEqual(agent.count_threads(), 1)

    @only_if(not UNDER_VALGRIND)  # which keeps some for itself
    def test_all_the_descriptors_it_may_have(self):
        agent = self.start(Agent, modules=[CLOCK])
        soft, hard = resource.prlimit(agent.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(soft, hard)

    def test_nothing_for_others_to_read(self):
        agent = self.start(Agent, modules=[CLOCK])
        with open(f'/proc/{agent.pid}/status', encoding='ascii') as file:
            status = dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)
        self.assertEqual(status['Umask'], '0077')
        self.assertTrue(int(status['SigIgn'], 16) & 1 << signal.SIGPIPE - 1)

    def test_closed_standard_files_are_nobody_elses(self):
        agent = self.start(Agent, modules=[CLOCK], wrapper=['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh'])
        self.assertEqual([os.readlink(f'/proc/{agent.pid}/fd/{fd}') for fd in range(3)], ['/dev/null'] * 3)

    @only_if(not UNDER_VALGRIND and not os.environ.get('AGENT_SANITIZED'))  # valgrind runs neither itself nor ASan
    def test_leaves_nothing_in_memory(self):
        valgrind = ['valgrind', '-q', '--error-exitcode=99', '--leak-check=full', '--keep-debuginfo=yes']
        self.write('second-clock.conf', f'[clock]\ninterval=1\nfail-on={self.directory}/go\n')
        agent = self.start(Agent, 'unix:path=/nonexistent', [CLOCK, SECOND], f'--config-dir={self.directory}',
                           wrapper=valgrind)
        self.write('go', '')
        agent.wait_output('second-clock: stopped')
        agent.kill(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0, agent.output)


class Reload(Test):
    def start_agent(self, modules=(CLOCK, SECOND), **options):
        return self.start(Agent, 'unix:', modules, f'--config-dir={self.directory}', **options)

    def reload(self, agent):
        """What the manager was told, in this order."""
        agent.read_notifications()
        agent.messages.clear()
        agent.kill(signal.SIGHUP)
        wait_until(lambda: agent.read_notifications() and any('READY' in message for message in agent.messages), 'READY=1')
        return agent.messages

    def test_every_module_is_told_and_the_manager_too(self):
        agent = self.start_agent()
        self.write('clock.conf', '[clock]\ninterval=7\n')
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        reloading, ready = self.reload(agent)
        self.assertEqual(reloading['RELOADING'], '1')
        self.assertTrue(before <= int(reloading['MONOTONIC_USEC']) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
        self.assertEqual((ready['READY'], ready['STATUS']), ('1', '2 modules ready'))
        self.assertIn('info: clock: reloaded CLOCK_INTERVAL=7\n', agent.output)
        self.assertIn('info: second-clock: reloaded CLOCK_INTERVAL=0\n', agent.output)
        os.unlink(f'{self.directory}/clock.conf')
        self.reload(agent)
        agent.wait_output('info: clock: reloaded CLOCK_INTERVAL=0\n')

    def test_a_bad_configuration_is_no_reason_to_end(self):
        agent = self.start_agent()
        for text, said in (('[clock]\nnonsense\n', 'clock.conf:2: '),
                           ('[clock]\nrefuse-reload=not today\n', 'clock.conf: not today')):
            self.write('clock.conf', text)
            status = self.reload(agent)[-1]['STATUS']
            self.assertIn('clock keeps its old configuration: ', status)
            self.assertIn(said, status)
            self.assertIn(f'error: management-agent: {status}\n', agent.output)
        self.assertEqual(agent.output.count('info: second-clock: reloaded'), 2)
        self.assertNotIn('info: clock: reloaded', agent.output)
        self.write('clock.conf', '')
        self.assertEqual(self.reload(agent)[-1]['STATUS'], '2 modules ready')

    def test_a_module_that_cannot_goes_on(self):
        agent = self.start_agent([f'{BUILD}/old-clock.so', CLOCK])
        self.assertEqual(self.reload(agent)[-1]['STATUS'], '2 modules ready')
        self.assertIn('old-clock is not reloaded', agent.output)
        self.assertIn('info: clock: reloaded', agent.output)

    def test_before_it_is_up_and_while_it_ends(self):
        self.write('clock.conf', '[clock]\nlinger=1000000\n')
        agent = self.start_agent([CLOCK], ready=False)
        agent.wait_output('clock: started')
        agent.kill(signal.SIGHUP)
        agent.wait_ready(agent.is_ready, 'READY=1')
        self.assertTrue(all('READY' not in message or 'RELOADING' not in message for message in agent.messages))
        agent.kill(signal.SIGTERM)
        agent.wait_output('clock: preparing')
        agent.kill(signal.SIGHUP)
        agent.kill(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0, agent.output)


class Manager(Test):
    def test_the_main_loop_says_that_it_turns(self):
        agent = self.start(Agent, modules=[CLOCK], environment={'WATCHDOG_USEC': '20000', 'WATCHDOG_PID': None})
        wait_until(lambda: agent.read_notifications() and sum('WATCHDOG' in told for told in agent.messages) > 5, 'WATCHDOG=1')
        with open(f'/proc/{agent.pid}/environ', encoding='ascii') as file:
            self.assertIn('WATCHDOG_USEC', file.read())

    def test_only_who_is_asked_says_so(self):
        for environment in ({'WATCHDOG_USEC': '20000', 'WATCHDOG_PID': '1'}, {'WATCHDOG_USEC': 'x'}, {'WATCHDOG_USEC': '0'}):
            agent = self.start(Agent, modules=[CLOCK], environment=environment)
            wait_until(lambda: agent.is_asleep() is not False, 'the agent to sleep without a time limit')
            self.assertFalse(any('WATCHDOG' in told for told in agent.messages))

    def test_status_is_what_the_modules_say(self):
        self.write('clock.conf', '[clock]\ninterval=100000\n')
        agent = self.start(Agent, 'unix:', [CLOCK, SECOND], f'--config-dir={self.directory}')
        self.assertEqual(agent.notified['STATUS'], 'clock: ticks')

    def test_descriptors_outlive_the_agent(self):
        store = self.adopt(FdStore())
        self.write('clock.conf', f'[clock]\nkeep={self.write("kept", "since yesterday")}\n')
        arguments = ['unix:', [CLOCK, SECOND], f'--config-dir={self.directory}']
        agent = self.start(Agent, *arguments, store=store)
        self.assertEqual(store.names(), ['clock.file'])
        agent.kill()
        agent.wait()
        store.kept.append(('stranger', os.open(self.directory, os.O_RDONLY)))
        self.write('clock.conf', '')
        agent = self.start(Agent, *arguments, store=store)
        agent.wait_output('info: clock: was kept: since yesterday')
        # It is not needed any more, and nobody ever needs the other one.
        self.assertEqual(store.names(), [])
        self.assertEqual([os.readlink(f'/proc/{agent.pid}/fd/{fd}') for fd in os.listdir(f'/proc/{agent.pid}/fd')].count(
            self.directory), 0)

    def test_descriptors_for_somebody_else(self):
        file = self.write('kept', 'not yours')
        with open(file, encoding='ascii') as kept:
            environment = {'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'clock.file', 'LISTEN_PID': '1'}
            agent = self.start(Agent, modules=[CLOCK], environment=environment)
            self.assertNotIn('was kept', agent.output)
            self.assertTrue(kept)

    def test_no_store(self):
        self.write('clock.conf', f'[clock]\nkeep={self.write("kept", "")}\n')
        agent = self.start(Agent, 'unix:', [CLOCK], f'--config-dir={self.directory}', ready=False,
                           environment={'NOTIFY_SOCKET': None})
        agent.wait_output('info: clock: has no store')


class Modules(Test):
    def refused(self, *modules):
        agent = self.start(Agent, modules=modules, ready=False)
        self.assertEqual(agent.wait(), 1, agent.output)
        self.assertNotIn('READY', agent.read_notifications())
        return agent.output

    def test_missing_file(self):
        self.assertIn('/nonexistent/x.so', self.refused('/nonexistent/x.so'))

    def test_text_file(self):
        self.assertIn('no-module.so', self.refused(self.write('no-module.so', 'some text\n')))

    def test_name_is_no_search(self):
        self.assertIn('libdbus-1.so.3', self.refused('libdbus-1.so.3'))

    def test_no_symbol(self):
        self.assertIn("no symbol `management_module'", self.refused(f'{BUILD}/bad-symbol.so'))

    def test_wrong_abi(self):
        self.assertIn('made for module ABI 2, this agent has 1', self.refused(f'{BUILD}/bad-abi.so'))

    def test_too_small(self):
        self.assertIn('its descriptor has 8 bytes', self.refused(f'{BUILD}/bad-size.so'))

    def test_a_bad_one_keeps_the_good_from_starting(self):
        self.assertNotIn('started', self.refused(CLOCK, f'{BUILD}/bad-abi.so'))

    def test_refusal_stops_those_already_started(self):
        self.write('second-clock.conf', '[clock]\nrefuse=not today\n')
        agent = self.start(Agent, 'unix:', [CLOCK, SECOND], f'--config-dir={self.directory}', ready=False)
        self.assertEqual(agent.wait(), 1)
        self.assertIn('second-clock does not start: not today', agent.output)
        self.assertIn('info: clock: stopped', agent.output)

    def test_failure_before_all_are_ready_ends_the_agent(self):
        self.write('second-clock.conf', '[clock]\nfail-early=true\n')
        agent = self.start(Agent, 'unix:', [CLOCK, SECOND], f'--config-dir={self.directory}', ready=False)
        self.assertEqual(agent.wait(), 1)
        self.assertNotIn('READY', agent.read_notifications())
        self.assertIn('second-clock failed: out of time', agent.output)
        self.assertEqual(agent.output.count('clock: stopped'), 2)

    def test_one_fails_later_and_the_other_goes_on(self):
        self.write('second-clock.conf', f'[clock]\ninterval=1\nfail-on={self.directory}/go\n')
        agent = self.start(Agent, 'unix:', [CLOCK, SECOND], f'--config-dir={self.directory}')
        self.write('go', '')
        agent.wait_output('info: second-clock: stopped')
        wait_until(lambda: 'failed' in agent.read_notifications()['STATUS'], 'the status to tell')
        self.assertEqual(agent.notified['STATUS'], 'second-clock failed: out of time')
        agent.kill(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0, agent.output)
        self.assertIn('info: clock: stopped', agent.output)

    def test_the_last_one_that_fails_ends_the_agent(self):
        self.write('clock.conf', f'[clock]\ninterval=1\nfail-on={self.directory}/go\n')
        agent = self.start(Agent, 'unix:', [CLOCK], f'--config-dir={self.directory}')
        self.write('go', '')
        self.assertEqual(agent.wait(), 1)


class Configuration(Test):
    def test_key_file_of_the_session(self):
        os.mkdir(f'{self.directory}/management-agent')
        self.write('management-agent/clock.conf', '[clock]\ninterval=1\n')
        agent = self.start(Agent, modules=[CLOCK, SECOND])
        agent.wait_output('info: clock: tick CLOCK_INTERVAL=1\n')
        self.assertIn(r'info: second-clock: started\x0afor a session bus CLOCK_INTERVAL=0', agent.output)

    def test_bad_key_file(self):
        bad = {'[clock]\ninterval=1\nnonsense\n[more]\n': 3, 'interval=1\n': 1, '# fine\n\n[clock\n': 3}
        for text, line in bad.items():
            with self.subTest(text=text):
                file = self.write('clock.conf', text)
                agent = self.start(Agent, 'unix:', [CLOCK], f'--config-dir={self.directory}', ready=False)
                self.assertEqual(agent.wait(), 1)
                self.assertIn(f'{file}:{line}: ', agent.output)
                self.assertNotIn('started', agent.output)

    @only_if(not UNDER_VALGRIND)
    def test_the_bad_line_of_a_long_key_file(self):
        file = self.write('clock.conf', ''.join(f'[group {i}]\nkey={i}\n\n' for i in range(3000)) + 'nonsense\n')
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        agent = self.start(Agent, 'unix:', [CLOCK], f'--config-dir={self.directory}', ready=False)
        self.assertEqual(agent.wait(), 1)
        self.assertIn(f'{file}:9001: ', agent.output)
        # Of the processor: with one text for each line it took 8 s.
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, 4)

    def test_empty_key_file(self):
        self.write('clock.conf', '')
        self.start(Agent, 'unix:', [CLOCK], f'--config-dir={self.directory}')

    def test_unreadable_key_file(self):
        os.mkdir(f'{self.directory}/clock.conf')
        agent = self.start(Agent, 'unix:', [CLOCK], f'--config-dir={self.directory}', ready=False)
        self.assertEqual(agent.wait(), 1)
        self.assertIn(f'{self.directory}/clock.conf', agent.output)


class CommandLine(Test):
    def run_agent(self, *arguments, **environment):
        env = {'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8', **environment}
        return subprocess.run([os.environ['AGENT'], *arguments], env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)

    def test_usage_errors(self):
        wrong = {('surplus',): 'Surplus argument: surplus', ('--session', '--system'): '--session and --system',
                 ('--bus-address=',): '--bus-address', ('--unknown',): '--unknown', ('--module',): '--module'}
        for arguments, text in wrong.items():
            with self.subTest(arguments=arguments):
                result = self.run_agent(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ''))
                self.assertIn(text, result.stderr)
                self.assertEqual(result.stderr.count('\n'), 1)

    def test_help_and_version(self):
        self.assertRegex(self.run_agent('--version').stdout, r'^management-agent \d+\.\d+\.\d+\n$')
        text = self.run_agent('--help').stdout
        for option in ('--session', '--system', '--bus-address=ADDRESS', '--module=FILE', '--config-dir=DIR'):
            self.assertIn(option, text)

    def test_no_session_bus(self):
        result = self.run_agent(f'--module={CLOCK}')
        self.assertEqual(result.returncode, 1)
        self.assertIn('No session bus', result.stderr)

    def test_kind_of_a_given_address(self):
        agent = self.start(Agent, 'unix:', [CLOCK], '--system', f'--config-dir={self.directory}')
        self.assertIn('for a system bus', agent.output)


if __name__ == '__main__':
    main()
