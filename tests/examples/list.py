#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""list.py: a live list of the VMs and jobs on the user's bus. One call of GetManagedObjects, then signals alone."""
from gi.repository import Gio, GLib

VM, JOB = 'org.qemu.Monitor1.VM', 'org.qemu.Monitor1.Job'


def show(proxy):
    value = {name: proxy.get_cached_property(name).unpack() for name in proxy.get_cached_property_names()}
    if proxy.get_interface_name() == VM:
        print(f"{value['Name']}: {value['Kind']} {value['Target']}, {value['Status'] or 'ready'}", flush=True)
    elif proxy.get_interface_name() == JOB:
        print(f"  {value['Type']}: {value['Status']} {value['Progress']:.0%} {value['Error']}", flush=True)


def on_added(manager, thing):
    for proxy in thing.get_interfaces():
        show(proxy)


def on_changed(manager, thing, proxy, changed, invalidated):
    show(proxy)


def on_signal(manager, thing, proxy, sender, name, arguments):
    if name == 'Finished':
        status, error = arguments.unpack()
        print(f"  finished: {status} {error}", flush=True)


def on_removed(manager, thing):
    print(f'{thing.get_object_path()} has gone', flush=True)


client = Gio.DBusObjectManagerClient.new_for_bus_sync(
    Gio.BusType.SESSION, Gio.DBusObjectManagerClientFlags.NONE, 'org.qemu.Monitor1', '/org/qemu/Monitor1', None, None, None)
client.connect('object-added', on_added)
client.connect('interface-proxy-properties-changed', on_changed)
client.connect('interface-proxy-signal', on_signal)
client.connect('object-removed', on_removed)
for there in client.get_objects():
    on_added(client, there)
GLib.MainLoop().run()
