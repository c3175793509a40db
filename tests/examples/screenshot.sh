#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# screenshot.sh VM FILE.png: what the VM's screen shows. The method returns a descriptor, which busctl cannot take.
set -eu
qemu-monitorctl --user screenshot "$1" "$2"
file=$(wc -c <"$2")
echo "$2: $file bytes"
