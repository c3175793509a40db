# SPDX-License-Identifier: LGPL-2.1-or-later
"""A suite of tests, as QEMU's own are: it starts QEMUs one after the other, has each do a little, and ends it.

    python3 -m benchmarks.suite PROGRAM COUNT [ADDRESS]

With the ADDRESS of a bus each QEMU's monitor is given to the agent, and the suite speaks QMP in a native session. A program of its own, so
that several run side by side. Prints a line when it is ready, and begins when it reads one: COUNT QEMUs, one more of which has come and gone
before."""
import os
import socket
import subprocess
import sys

from harness import Connection, QmpClient
from harness.process import die_with_parent

from .names import NAME, ROOT

OPTIONS = ('-machine', 'none', '-nodefaults', '-no-user-config', '-display', 'none', '-S')
COMMANDS = (
    ('query-version', None),
    ('query-status', None),
    ('blockdev-add', {'driver': 'null-co', 'node-name': 'disk', 'size': 1 << 20}),
    ('query-named-block-nodes', {'flat': True}),
    ('object-add', {'qom-type': 'iothread', 'id': 'thread'}),
    ('qom-list', {'path': '/objects'}),
    ('query-block', None),
    ('query-jobs', None),
    ('object-del', {'id': 'thread'}),
    ('blockdev-del', {'node-name': 'disk'}),
    ('quit', None),
)


def start_qemu(program):
    """The process, and our end of its monitor's connection. QEMU 11.1 warns of `-mon`, which is what QEMU's own suites use."""
    ours, its = socket.socketpair()
    with its:
        qemu = subprocess.Popen([program, *OPTIONS, '-chardev', f'socket,id=qmp,fd={its.fileno()}', '-mon', 'chardev=qmp,mode=control'],
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[its.fileno()], preexec_fn=die_with_parent)
    return qemu, ours


def open_native_session(caller, name, monitor):
    """A descriptor that takes the place of that connection."""
    path, = caller.call(NAME, ROOT, f'{NAME}.Manager', 'AddVMFromFD', '(sha{sv})', name, 0, {}, fds=[monitor.fileno()])
    monitor.close()
    _, fds = caller.call(NAME, path, f'{NAME}.VM', 'OpenMonitor', '(a{sv})', {})
    return fds[0]


def run_test(program, caller, number):
    qemu, monitor = start_qemu(program)
    fd = open_native_session(caller, f'suite-{os.getpid()}-{number}', monitor) if caller else monitor.detach()
    client = QmpClient(fd=fd)
    for command, arguments in COMMANDS:
        client.execute(command, arguments)
    client.stop()
    if qemu.wait() != 0:
        sys.exit(f'QEMU has ended with {qemu.returncode}')


def main():
    program, count, *address = sys.argv[1:]
    caller = Connection(address[0]) if address else None
    # What a suite does for the first time takes longer, and a suite goes on for minutes.
    run_test(program, caller, 'first')
    print('ready', flush=True)
    sys.stdin.readline()
    for number in range(int(count)):
        run_test(program, caller, number)


if __name__ == '__main__':
    main()
