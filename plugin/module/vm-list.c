/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by the Manager. Owns nothing. */
#include "vm-list.h"

#include "bus-dictionary.h"
#include "names.h"

static const char *
describe_origin(VmOrigin origin)
{
    switch (origin) {
    case VM_FROM_CALL:
        return "call";
    case VM_FROM_FD:
        return "descriptor";
    case VM_FROM_KEY_FILE:
        return "key-file";
    case VM_FROM_DIRECTORY:
        return "directory";
    }
    g_return_val_if_reached("");
}

static const char *
describe_state(VmEntryState state)
{
    switch (state) {
    case VM_ENTRY_REFUSED:
        return "refused";
    case VM_ENTRY_CONNECTING:
        return "connecting";
    case VM_ENTRY_WAITING:
        return "waiting";
    case VM_ENTRY_CONNECTED:
        return "connected";
    case VM_ENTRY_STUCK:
        return "stuck";
    }
    g_return_val_if_reached("");
}

static gboolean
may_see_all(VmEntry *entry, const BusPeer *peer)
{
    Vm *vm = vm_entry_get_vm(entry);
    const VmSpec *spec = vm_get_spec(vm);

    if (peer->uid == 0 || peer->uid == context_get_uid() || bus_peer_is_user(peer, spec->added_by))
        return TRUE;
    if (spec->origin == VM_FROM_DIRECTORY && bus_peer_is_user(peer, spec->made_by))
        return TRUE;
    return vm_is_owner_known(vm) && bus_peer_is_user(peer, vm_get_owner_uid(vm));
}

static void
append_text(DBusMessageIter *dictionary, const char *key, const char *text)
{
    bus_dictionary_append(dictionary, key, DBUS_TYPE_STRING_AS_STRING, &text);
}

/* A text that cannot be a name is no name here either, and an address that ends with it is in plain ASCII, so that nobody's terminal is
 * turned by a file's name. */
static void
append_entry(DBusMessageIter *list, VmEntry *entry, const BusPeer *peer)
{
    Vm *vm = vm_entry_get_vm(entry);
    const QmpAddress *address = vm_get_address(vm);
    const char *given = vm_get_name(vm) ? vm_get_name(vm) : vm_entry_get_wanted_name(entry);
    gboolean is_name = given && names_check_vm(given, /* error= */ NULL), sees_all = may_see_all(entry, peer);
    g_autofree char *shown = is_name || !given || !address ? NULL : g_strescape(address->text, NULL);
    const char *path = vm_entry_get_path(entry);
    dbus_uint64_t since = vm_entry_get_since(entry);
    DBusMessageIter dictionary;

    dbus_message_iter_open_container(list, DBUS_TYPE_ARRAY, "{sv}", &dictionary);
    append_text(&dictionary, "name", is_name ? given : "");
    if (vm_entry_is_connected(entry))
        bus_dictionary_append(&dictionary, "object", DBUS_TYPE_OBJECT_PATH_AS_STRING, &path);
    if (sees_all || vm_entry_is_connected(entry))
        append_text(&dictionary, "address", shown ? shown : address ? address->text : "fd");
    append_text(&dictionary, "origin", describe_origin(vm_get_origin(vm)));
    append_text(&dictionary, "state", describe_state(vm_entry_get_state(entry)));
    if (sees_all)
        append_text(&dictionary, "error", vm_entry_get_error(entry));
    bus_dictionary_append(&dictionary, "since", DBUS_TYPE_UINT64_AS_STRING, &since);
    dbus_message_iter_close_container(list, &dictionary);
}

void
vm_list_append(DBusMessageIter *iter, VmTable *table, const BusPeer *peer)
{
    g_autoptr(GPtrArray) entries = vm_table_list(table);
    DBusMessageIter list;

    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "a{sv}", &list);
    for (guint i = 0; i < entries->len; i++)
        append_entry(&list, entries->pdata[i], peer);
    dbus_message_iter_close_container(iter, &list);
}
