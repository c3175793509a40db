#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# list.sh: every VM of the user's bus, what it does, and its QEMU.
set -eu
service=org.qemu.Monitor1
for path in $(busctl --user --list tree $service | grep '/vm/[^/]*$'); do
    busctl --user get-property $service "$path" $service.VM Name Status QEMUVersion | cut -d '"' -f 2 | paste -s
done
