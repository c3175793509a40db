/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A method call and its one answer. bus-peers.c makes it of a message; whoever answers it frees it. A call keeps all
 * that its answer needs, so that the object, the caller and the Bus may all be gone by then. */
#include "bus-call.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bus-assemble.h"
#include "bus-connection.h"

/* An error's text can be as long as what a caller sent, and the bus disconnects the sender of a message too large. */
#define MAX_ERROR_TEXT 65536

struct BusCall {
    Bus *bus; /* ref */
    BusPeerRecord *caller; /* ref */
    GDBusInterfaceInfo *interface; /* ref; NULL before the table row is found */
    DBusMessage *message; /* ref; NULL once dropped */
    const char *path; /* borrowed from the message, later from copies; and the next two */
    const char *member;
    const char *signature; /* NULL before it is asked for */
    char *copies; /* owned; NULL while there is a message */
    guint32 serial;
    gboolean reply_expected : 1;
    gboolean interactive : 1;
};

BusCall *
bus_call_new(Bus *bus, BusPeerRecord *caller, DBusMessage *message)
{
    BusCall *call = g_new0(BusCall, 1);

    call->bus = bus_ref(bus);
    call->caller = bus_peer_record_ref(caller);
    call->message = dbus_message_ref(message);
    call->path = dbus_message_get_path(message);
    call->member = dbus_message_get_member(message);
    call->serial = dbus_message_get_serial(message);
    call->reply_expected = !dbus_message_get_no_reply(message);
    call->interactive = !!dbus_message_get_allow_interactive_authorization(message);
    return call;
}

static void
call_free(BusCall *call)
{
    if (call->message)
        dbus_message_unref(call->message);
    if (call->interface)
        g_dbus_interface_info_unref(call->interface);
    bus_peer_record_unref(call->caller);
    bus_unref(call->bus);
    g_free(call->copies);
    g_free(call);
}

void
bus_call_set_interface(BusCall *call, GDBusInterfaceInfo *interface)
{
    call->interface = g_dbus_interface_info_ref(interface);
}

Bus *
bus_call_get_bus(BusCall *call)
{
    return call->bus;
}

const char *
bus_call_get_sender(BusCall *call)
{
    return call->caller->peer.name;
}

const char *
bus_call_get_path(BusCall *call)
{
    return call->path;
}

const char *
bus_call_get_interface(BusCall *call)
{
    return call->interface->name;
}

const char *
bus_call_get_member(BusCall *call)
{
    return call->member;
}

const char *
bus_call_get_signature(BusCall *call)
{
    if (!call->signature)
        call->signature = dbus_message_get_signature(call->message);
    return call->signature;
}

const BusPeer *
bus_call_get_peer(BusCall *call)
{
    return &call->caller->peer;
}

gboolean
bus_call_is_reply_expected(BusCall *call)
{
    return call->reply_expected;
}

gboolean
bus_call_is_interactive(BusCall *call)
{
    return call->interactive;
}

DBusMessage *
bus_call_get_message(BusCall *call)
{
    return call->message;
}

void
bus_call_drop_message(BusCall *call)
{
    if (!call->message)
        return;
    const char *signature = bus_call_get_signature(call);
    gsize path_size = strlen(call->path) + 1, member_size = strlen(call->member) + 1;

    call->copies = g_malloc(path_size + member_size + strlen(signature) + 1);
    call->path = memcpy(call->copies, call->path, path_size);
    call->member = memcpy(call->copies + path_size, call->member, member_size);
    call->signature = strcpy(call->copies + path_size + member_size, signature);
    g_clear_pointer(&call->message, dbus_message_unref);
}

DBusMessage *
bus_call_new_reply(BusCall *call)
{
    return bus_peer_record_new_reply(call->caller, call->serial);
}

DBusMessage *
bus_call_assemble_reply(BusCall *call, const char *signature, const GByteArray *body)
{
    return bus_assemble_reply(call->caller->peer.name, call->serial, signature, body);
}

/* Makes the message that libdbus would make of the call's own, also when the call has dropped its own. */
static DBusMessage *
new_error(BusCall *call, const char *name, const char *text)
{
    DBusMessage *answer = dbus_message_new(DBUS_MESSAGE_TYPE_ERROR);

    dbus_message_set_no_reply(answer, TRUE);
    dbus_message_set_reply_serial(answer, call->serial);
    dbus_message_set_destination(answer, call->caller->peer.name);
    dbus_message_set_error_name(answer, name);
    dbus_message_append_args(answer, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    return answer;
}

static gboolean
is_awaited(BusCall *call)
{
    return call->reply_expected && !call->caller->peer.is_gone;
}

static void
send_answer(BusCall *call, DBusMessage *answer)
{
    bus_send(call->bus, answer);
    bus_account_add(call->caller->account, answer);
}

static gboolean
caller_has_room(BusCall *call)
{
    return bus_account_has_room(call->caller->account);
}

/* The caller has filled the budget since the call came. */
static void
drop_reply(BusCall *call, DBusMessage *reply)
{
    if (reply)
        dbus_message_unref(reply);
    bus_call_fail_unread(call);
}

void
bus_call_return(BusCall *call, DBusMessage *reply)
{
    if (is_awaited(call) && !caller_has_room(call)) {
        drop_reply(call, reply);
        return;
    }
    if (!reply && is_awaited(call))
        reply = bus_call_new_reply(call);
    if (reply) {
        if (is_awaited(call))
            send_answer(call, reply);
        dbus_message_unref(reply);
    }
    call_free(call);
}

void
bus_call_return_sized(BusCall *call, DBusMessage *reply, gsize size)
{
    if (is_awaited(call) && !caller_has_room(call)) {
        drop_reply(call, reply);
        return;
    }
    if (is_awaited(call)) {
        bus_send(call->bus, reply);
        bus_account_add_bytes(call->caller->account, size);
    }
    dbus_message_unref(reply);
    call_free(call);
}

void
bus_call_fail(BusCall *call, const char *name, const char *text)
{
    if (is_awaited(call) && bus_account_has_room_for_refusal(call->caller->account)) {
        g_autofree char *valid = g_utf8_make_valid(text ? text : "", text ? (gssize)strnlen(text, MAX_ERROR_TEXT) : 0);
        gboolean is_name = name && dbus_validate_error_name(name, NULL);
        DBusMessage *answer = new_error(call, is_name ? name : DBUS_ERROR_FAILED, valid);

        send_answer(call, answer);
        dbus_message_unref(answer);
    }
    call_free(call);
}

void
bus_call_fail_error(BusCall *call, const GError *error)
{
    BusErrorCode code = error->domain == BUS_ERROR ? (BusErrorCode)error->code : BUS_ERROR_FAILED;

    bus_call_fail(call, bus_error_get_name(code), error->message);
}

/* libdbus says of a copy that it could not make what it says where there is no memory, so one is tried first. */
void
bus_call_return_fd(BusCall *call, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DBusMessage *reply;

    if (copy < 0) {
        bus_call_fail_code(call, BUS_ERROR_LIMITS_EXCEEDED, "The agent has no descriptors left: %s",
                           g_strerror(errno));
        return;
    }
    close(copy);
    reply = bus_call_new_reply(call);
    dbus_message_append_args(reply, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);
    bus_call_return(call, reply);
}

void
bus_call_fail_code(BusCall *call, BusErrorCode code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    bus_call_fail(call, bus_error_get_name(code), text);
}

void
bus_call_fail_unread(BusCall *call)
{
    bus_call_fail_code(call, BUS_ERROR_LIMITS_EXCEEDED,
                       "Too much that was sent to %s, or to others of the same user, has not been read yet",
                       bus_call_get_sender(call));
}
