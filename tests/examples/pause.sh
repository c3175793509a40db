#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# pause.sh VM: stops the VM, or lets it go on. When the method returns, Status tells the new state.
set -eu
service=org.qemu.Monitor1 path=/org/qemu/Monitor1/vm/$1
running=$(busctl --user get-property $service "$path" $service.VM Running)
case $running in
    "b true") busctl --user call $service "$path" $service.QMP Stop ;;
    *) busctl --user call $service "$path" $service.QMP Cont ;;
esac
busctl --user get-property $service "$path" $service.VM Status
