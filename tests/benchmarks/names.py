# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of the bus, and calls that several rows make."""

NAME = 'org.qemu.Monitor1'
ROOT = '/org/qemu/Monitor1'
ECHO = 'org.qemu.Bench'
OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager'
INTROSPECT = ('org.freedesktop.DBus.Introspectable', 'Introspect')
GET_STATUS = ('org.freedesktop.DBus.Properties', 'Get', f'{NAME}.VM', 'Status')
QUERY_STATUS = (f'{NAME}.QMP', 'QueryStatus')
