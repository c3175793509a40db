#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# native-session.sh VM PROGRAM [ARGUMENT...]: runs a program that speaks QMP on a socket, whose path is its last argument. Each of
# its commands passes the policy. `keep`: the session outlives this call of busctl.
set -eu
service=org.qemu.Monitor1 path=/org/qemu/Monitor1/vm/$1 name=session-$$
shift
busctl --user call $service "$path" $service.VM OpenMonitor 'a{sv}' 2 path s "$name" keep b true >/dev/null
exec "$@" "$XDG_RUNTIME_DIR/qemu-monitor/native/$name"
