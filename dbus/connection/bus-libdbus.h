/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libdbus, to be included in place of <dbus/dbus.h>. Where GLib finds no memory it ends the program with a line; libdbus gives NULL
 * or FALSE, and whoever goes on sends a message that is cut, or none, and a caller waits for ever. Hence every function of
 * libdbus that we use and that may find no memory (nothing else makes these fail) ends the program as well. */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

/* Without memory: on standard error, which is the service's log. */
G_NORETURN void bus_end_without_memory(const char *function);

static inline dbus_bool_t
bus_need_success(dbus_bool_t is_done, const char *function)
{
    if (G_UNLIKELY(!is_done))
        bus_end_without_memory(function);
    return is_done;
}

static inline void *
bus_need_memory(void *result, const char *function)
{
    if (G_UNLIKELY(!result))
        bus_end_without_memory(function);
    return result;
}

static inline DBusDispatchStatus
bus_need_dispatch(DBusDispatchStatus status)
{
    if (G_UNLIKELY(status == DBUS_DISPATCH_NEED_MEMORY))
        bus_end_without_memory("dbus_connection_dispatch");
    return status;
}

#define BUS_NEED_SUCCESS(function, ...) bus_need_success(function(__VA_ARGS__), #function)
#define BUS_NEED_MEMORY(function, ...) bus_need_memory(function(__VA_ARGS__), #function)

#define dbus_bus_set_unique_name(...) BUS_NEED_SUCCESS(dbus_bus_set_unique_name, __VA_ARGS__)
#define dbus_connection_add_filter(...) BUS_NEED_SUCCESS(dbus_connection_add_filter, __VA_ARGS__)
#define dbus_connection_dispatch(...) bus_need_dispatch(dbus_connection_dispatch(__VA_ARGS__))
#define dbus_connection_send(...) BUS_NEED_SUCCESS(dbus_connection_send, __VA_ARGS__)
#define dbus_connection_set_watch_functions(...) BUS_NEED_SUCCESS(dbus_connection_set_watch_functions, __VA_ARGS__)
#define dbus_message_append_args(...) BUS_NEED_SUCCESS(dbus_message_append_args, __VA_ARGS__)
#define dbus_message_copy(...) BUS_NEED_MEMORY(dbus_message_copy, __VA_ARGS__)
#define dbus_message_iter_append_basic(...) BUS_NEED_SUCCESS(dbus_message_iter_append_basic, __VA_ARGS__)
#define dbus_message_iter_close_container(...) BUS_NEED_SUCCESS(dbus_message_iter_close_container, __VA_ARGS__)
#define dbus_message_iter_get_signature(...) ((char *)BUS_NEED_MEMORY(dbus_message_iter_get_signature, __VA_ARGS__))
#define dbus_message_iter_open_container(...) BUS_NEED_SUCCESS(dbus_message_iter_open_container, __VA_ARGS__)
#define dbus_message_new(...) BUS_NEED_MEMORY(dbus_message_new, __VA_ARGS__)
#define dbus_message_new_method_call(...) BUS_NEED_MEMORY(dbus_message_new_method_call, __VA_ARGS__)
#define dbus_message_new_signal(...) BUS_NEED_MEMORY(dbus_message_new_signal, __VA_ARGS__)
#define dbus_message_set_destination(...) BUS_NEED_SUCCESS(dbus_message_set_destination, __VA_ARGS__)
#define dbus_message_set_error_name(...) BUS_NEED_SUCCESS(dbus_message_set_error_name, __VA_ARGS__)
#define dbus_message_set_reply_serial(...) BUS_NEED_SUCCESS(dbus_message_set_reply_serial, __VA_ARGS__)
#define dbus_signature_iter_get_signature(...)                                                                        \
    ((char *)BUS_NEED_MEMORY(dbus_signature_iter_get_signature, __VA_ARGS__))
#define dbus_watch_handle(...) BUS_NEED_SUCCESS(dbus_watch_handle, __VA_ARGS__)

/* Asking is bus_query()'s: libdbus would take any message that has the serial for the reply, whoever sent it, and the loop serves
 * none of the timeouts that only these functions make. */
#pragma GCC poison dbus_connection_send_with_reply dbus_connection_send_with_reply_and_block dbus_bus_register
