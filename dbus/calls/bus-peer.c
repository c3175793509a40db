/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A peer's data. bus-peers.c makes it with a sender's first call; bus-call.c keeps it for as long as an answer takes,
 * also when the caller has left since. A peer owns its account. */
#include "bus-peer.h"

#include <string.h>

BusPeerRecord *
bus_peer_record_new(const char *unique_name)
{
    BusPeerRecord *record = g_new0(BusPeerRecord, 1);

    record->refs = 1;
    record->peer.name = g_strdup(unique_name);
    record->peer.uid = BUS_PEER_NO_ID;
    record->peer.pid = BUS_PEER_NO_ID;
    return record;
}

BusPeerRecord *
bus_peer_record_ref(BusPeerRecord *record)
{
    record->refs++;
    return record;
}

void
bus_peer_record_unref(BusPeerRecord *record)
{
    if (--record->refs > 0)
        return;
    g_clear_pointer(&record->blank, dbus_message_unref);
    g_free(record->peer.name);
    g_free(record);
}

void
bus_peer_record_set_gone(BusPeerRecord *record)
{
    record->peer.is_gone = TRUE;
    g_clear_pointer(&record->account, bus_account_close);
}

gboolean
bus_peer_is_user(const BusPeer *peer, guint32 uid)
{
    return uid != BUS_PEER_NO_ID && uid != BUS_PEER_OVERFLOW_ID && peer->uid == uid;
}

/* libdbus has to look for the fields of a header that was changed, at 1,000 instructions each time. */
static DBusMessage *
new_blank(const BusPeer *peer)
{
    DBusMessage *blank = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);

    dbus_message_set_no_reply(blank, TRUE);
    dbus_message_set_destination(blank, peer->name);
    dbus_message_get_destination(blank); /* copies know where its fields are */
    return blank;
}

DBusMessage *
bus_peer_record_new_reply(BusPeerRecord *record, guint32 serial)
{
    DBusMessage *reply;

    if (!record->blank)
        record->blank = new_blank(&record->peer);
    reply = dbus_message_copy(record->blank);
    dbus_message_set_reply_serial(reply, serial);
    return reply;
}

/* a{sv}; a bus may leave out what it does not know. */
static void
read_credentials(DBusMessage *reply, BusPeer *peer)
{
    DBusMessageIter top, entries;

    if (!dbus_message_has_signature(reply, "a{sv}"))
        return;
    dbus_message_iter_init(reply, &top);
    dbus_message_iter_recurse(&top, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID; dbus_message_iter_next(&entries)) {
        DBusMessageIter entry, value;
        const char *key;

        dbus_message_iter_recurse(&entries, &entry);
        dbus_message_iter_get_basic(&entry, &key);
        dbus_message_iter_next(&entry);
        dbus_message_iter_recurse(&entry, &value);
        if (dbus_message_iter_get_arg_type(&value) != DBUS_TYPE_UINT32)
            continue;
        if (g_str_equal(key, "UnixUserID"))
            dbus_message_iter_get_basic(&value, &peer->uid);
        else if (g_str_equal(key, "ProcessID"))
            dbus_message_iter_get_basic(&value, &peer->pid);
    }
}

/* proc_pid_stat(5): the 22nd field, counted behind the name, which may hold anything. */
gboolean
bus_peer_read_start_time(guint32 pid, guint64 *ret_time)
{
    g_autofree char *path = g_strdup_printf("/proc/%u/stat", pid);
    g_autofree char *line = NULL;
    g_auto(GStrv) fields = NULL;
    const char *after_name;

    if (!g_file_get_contents(path, &line, NULL, NULL) || !(after_name = strrchr(line, ')')))
        return FALSE;
    fields = g_strsplit(after_name + 1, " ", -1);
    return g_strv_length(fields) > 20 && g_ascii_string_to_unsigned(fields[20], 10, 0, G_MAXUINT64, ret_time, NULL);
}

void
bus_peer_record_set_credentials(BusPeerRecord *record, DBusMessage *reply, BusBudget *budget)
{
    BusPeer *peer = &record->peer;

    if (reply)
        read_credentials(reply, peer);
    if (peer->pid != BUS_PEER_NO_ID)
        bus_peer_read_start_time(peer->pid, &peer->start_time);
    record->account = bus_account_open(budget, peer->name, peer->uid);
}
