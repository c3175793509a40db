#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmp.py COMMAND SOCKET: a small QMP program, which knows nothing of D-Bus."""
import json
import socket
import sys

command, path = sys.argv[1:]
connection = socket.socket(socket.AF_UNIX)
connection.connect(path)
qmp = connection.makefile('rw', encoding='utf-8')
qmp.readline()  # the greeting
for execute in ('qmp_capabilities', command):
    qmp.write(json.dumps({'execute': execute}) + '\n')
    qmp.flush()
    # Events may come before the answer.
    while 'event' in (answer := json.loads(qmp.readline())):
        print(answer['event'])
print(answer)
