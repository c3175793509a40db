# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the system tests are written with: processes (agent, message bus, QEMU, a scripted QMP peer) that are ready
when their constructor returns and gone when the test ends, and ways to talk to them. Nothing in here sleeps; see
wait_until.

A test file is a program: classes derived from Test, and main() at its end."""
from .agent import Agent, FdStore
from .bus import Bus, CallError, Connection, busctl
from .deaf import DeafConnection
from .guest import Guest
from .loop import wait_until
from .machine import Machine
from .peer import DIE, GREETING, SILENCE, Flood, Message, Peer, Raw, Steps
from .polkit import AuthenticationAgent, FakeAuthority, Polkitd
from .process import Process
from .qemu import Qemu, QmpClient, QmpError, StorageDaemon
from .tap import Test, main, only_if

__all__ = ['Agent', 'AuthenticationAgent', 'Bus', 'CallError', 'Connection', 'DIE', 'DeafConnection', 'FakeAuthority', 'FdStore', 'Flood', 'GREETING', 'Guest', 'Machine',
           'Message', 'Peer', 'Polkitd', 'Process', 'Qemu', 'QmpClient', 'QmpError', 'Raw', 'SILENCE', 'Steps', 'StorageDaemon', 'Test', 'busctl', 'main', 'only_if', 'wait_until']
