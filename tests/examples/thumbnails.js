#!/usr/bin/gjs
// SPDX-License-Identifier: LGPL-2.1-or-later
// thumbnails.js: a window with a live row for each VM and each job on the user's bus: a small picture of the screen, name, state,
// progress. Where there is no display, the rows are printed each time that they change.
imports.gi.versions.Gtk = '3.0';
const {Gio, GLib, GdkPixbuf, Gtk} = imports.gi;

const VM = 'org.qemu.Monitor1.VM', JOB = 'org.qemu.Monitor1.Job', NOBODY_ASKS = null;
const hasWindow = Gtk.init_check(null)[0];
const rows = new Map();

const client = Gio.DBusObjectManagerClient.new_for_bus_sync(Gio.BusType.SESSION, Gio.DBusObjectManagerClientFlags.NONE,
    'org.qemu.Monitor1', '/org/qemu/Monitor1', null, NOBODY_ASKS);

function describe(proxy) {
    const value = name => proxy.get_cached_property(name).deepUnpack();
    return proxy.g_interface_name === VM
        ? `${value('Name')} (${value('Kind')} ${value('Target')}): ${value('Status')}`
        : `${value('Type')}: ${value('Status')} ${Math.round(100 * value('Progress'))}% ${value('Error')}`;
}

function showPicture(proxy, image) {
    proxy.get_connection().call_with_unix_fd_list(proxy.g_name, proxy.g_object_path, VM, 'Screenshot',
        new GLib.Variant('(a{sv})', [{}]), null, Gio.DBusCallFlags.NONE, -1, null, null, (connection, result) => {
            try {
                const fds = connection.call_with_unix_fd_list_finish(result)[1];
                const stream = Gio.UnixInputStream.new(fds.get(0), true);
                image.set_from_pixbuf(GdkPixbuf.Pixbuf.new_from_stream_at_scale(stream, 160, 100, true, null));
            } catch (error) {
                image.set_tooltip_text(error.message);  // no screen, or the policy says no
            }
        });
}

function addRow(proxy) {
    const row = {label: new Gtk.Label({xalign: 0}), image: new Gtk.Image(), box: new Gtk.Box({spacing: 12})};
    row.box.add(row.image);
    row.box.add(row.label);
    list.add(row.box);
    row.box.show_all();
    return row;
}

function show(proxy) {
    const path = proxy.g_object_path;
    if (proxy.g_interface_name !== VM && proxy.g_interface_name !== JOB)
        return;
    if (!hasWindow)
        return print(describe(proxy));
    if (!rows.has(path))
        rows.set(path, addRow(proxy));
    rows.get(path).label.set_text(describe(proxy));
    if (proxy.g_interface_name === VM)
        showPicture(proxy, rows.get(path).image);
}

// Nothing tells that a screen has changed.
function showPictures() {
    for (const [path, {image}] of rows) {
        const proxy = client.get_interface(path, VM);
        if (proxy)
            showPicture(proxy, image);
    }
    return GLib.SOURCE_CONTINUE;
}

function remove(path) {
    print(`${path} has gone`);
    if (rows.has(path))
        rows.get(path).box.destroy();
    rows.delete(path);
}

const list = hasWindow ? new Gtk.Box({orientation: Gtk.Orientation.VERTICAL, spacing: 6, border_width: 12}) : null;
const loop = new GLib.MainLoop(null, false);
client.connect('object-added', (manager, object) => object.get_interfaces().forEach(show));
client.connect('interface-proxy-properties-changed', (manager, object, proxy) => show(proxy));
client.connect('interface-proxy-signal', (manager, object, proxy, sender, name, values) => {
    if (name === 'Finished')
        print(`finished: ${values.deepUnpack().join(' ')}`);
});
client.connect('object-removed', (manager, object) => remove(object.get_object_path()));
if (hasWindow) {
    const window = new Gtk.Window({title: 'VMs', default_width: 480});
    window.add(list);
    window.connect('destroy', () => loop.quit());
    window.show_all();
    GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, 2, showPictures);
}
client.get_objects().forEach(object => object.get_interfaces().forEach(show));
loop.run();
