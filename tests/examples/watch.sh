#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# watch.sh: what happens to all VMs of the user's bus, until Ctrl-C: VMs and jobs that come and go, states, events.
exec gdbus monitor --session --dest org.qemu.Monitor1
