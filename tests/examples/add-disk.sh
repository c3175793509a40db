#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# add-disk.sh VM FILE NAME [BUS]: plugs the raw image FILE into the running VM. A machine of type q35 needs a free
# pcie-root-port: its id is BUS.
set -eu
service=org.qemu.Monitor1 path=/org/qemu/Monitor1/vm/$1
call() {
    busctl --user call $service "$path" $service.QMP "$@"
}
call BlockdevAdd 'a{sv}' 4 driver s raw node-name s "$3" discard s unmap \
    file 'a{sv}' 2 driver s file filename s "$(realpath "$2")"
call DeviceAdd 'sa{sv}' virtio-blk-pci $((2 + $# / 4)) id s "$3" drive s "$3" ${4:+bus s "$4"}
call QueryBlock | grep -q "\"$3\"" && echo "$3 is in $1"
