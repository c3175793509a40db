#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# migrate-to-file.sh VM FILE: saves a running VM (QEMU 8.2 or later). `qemu-system-… -incoming file:FILE` goes on with it.
# ExecuteAndWait returns when the migration has ended, and fails where it has.
set -eu
service=org.qemu.Monitor1 path=/org/qemu/Monitor1/vm/$1
busctl --user --timeout=3600 call $service "$path" $service.VM ExecuteAndWait 'sa{sv}a{sv}' \
    migrate 1 uri s "file:$(realpath "$2")" 0 >/dev/null
busctl --user get-property $service "$path" $service.VM Status
