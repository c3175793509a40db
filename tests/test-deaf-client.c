/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-deaf-client.h"

#include <string.h>
#include <unistd.h>

struct TestDeaf {
    GSocketConnection *stream; /* owned */
    guint32 serial;
    char *name; /* owned */
};

static void
write_all(TestDeaf *deaf, const void *bytes, gsize size)
{
    GOutputStream *output = g_io_stream_get_output_stream(G_IO_STREAM(deaf->stream));
    g_autoptr(GError) error = NULL;

    g_output_stream_write_all(output, bytes, size, NULL, NULL, &error);
    g_assert_no_error(error);
}

static void
read_all(TestDeaf *deaf, void *bytes, gsize size)
{
    GInputStream *input = g_io_stream_get_input_stream(G_IO_STREAM(deaf->stream));
    g_autoptr(GError) error = NULL;

    g_input_stream_read_all(input, bytes, size, NULL, NULL, &error);
    g_assert_no_error(error);
}

/* D-Bus spec, "Authentication Protocol". The bus says OK and its id. */
static void
authenticate(TestDeaf *deaf)
{
    g_autofree char *uid = g_strdup_printf("%u", (guint)getuid());
    g_autoptr(GString) text = g_string_new("AUTH EXTERNAL ");
    char c = '\0';

    write_all(deaf, "", 1);
    for (const char *p = uid; *p; p++)
        g_string_append_printf(text, "%02x", (guint)*p);
    g_string_append(text, "\r\n");
    write_all(deaf, text->str, text->len);
    while (c != '\n')
        read_all(deaf, &c, 1);
    write_all(deaf, "BEGIN\r\n", 7);
}

/* The reply to Hello is the first message there is. */
static void
read_name(TestDeaf *deaf)
{
    guint8 header[16];
    g_autofree guint8 *blob = NULL;
    g_autoptr(GDBusMessage) message = NULL;
    g_autoptr(GError) error = NULL;
    gssize size;
    const char *name;

    read_all(deaf, header, sizeof header);
    size = g_dbus_message_bytes_needed(header, sizeof header, &error);
    g_assert_no_error(error);
    blob = g_malloc((gsize)size);
    memcpy(blob, header, sizeof header);
    read_all(deaf, blob + sizeof header, (gsize)size - sizeof header);
    message = g_dbus_message_new_from_blob(blob, (gsize)size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    g_assert_no_error(error);
    g_variant_get(g_dbus_message_get_body(message), "(&s)", &name);
    deaf->name = g_strdup(name);
}

TestDeaf *
test_deaf_new(TestDaemon *daemon)
{
    TestDeaf *deaf = g_new0(TestDeaf, 1);
    g_autoptr(GError) error = NULL;

    deaf->stream = G_SOCKET_CONNECTION(
        g_dbus_address_get_stream_sync(test_daemon_get_address(daemon), NULL, NULL, &error));
    g_assert_no_error(error);
    authenticate(deaf);
    test_deaf_call(deaf, 1, DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "Hello");
    read_name(deaf);
    return deaf;
}

void
test_deaf_free(TestDeaf *deaf)
{
    g_io_stream_close(G_IO_STREAM(deaf->stream), NULL, NULL);
    g_object_unref(deaf->stream);
    g_free(deaf->name);
    g_free(deaf);
}

const char *
test_deaf_get_name(TestDeaf *deaf)
{
    return deaf->name;
}

static void
append_message(TestDeaf *deaf, GByteArray *calls, GDBusMessage *message)
{
    g_autofree guint8 *blob = NULL;
    gsize size;

    g_dbus_message_set_serial(message, ++deaf->serial);
    blob = g_dbus_message_to_blob(message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
    g_byte_array_append(calls, blob, (guint)size);
}

void
test_deaf_call(TestDeaf *deaf, guint n, const char *name, const char *path, const char *interface,
               const char *member)
{
    g_autoptr(GByteArray) calls = g_byte_array_new();

    for (guint i = 0; i < n; i++) {
        g_autoptr(GDBusMessage) message = g_dbus_message_new_method_call(name, path, interface, member);
        append_message(deaf, calls, message);
    }
    write_all(deaf, calls->data, calls->len);
}

void
test_deaf_listen(TestDeaf *deaf, const char *rule)
{
    g_autoptr(GByteArray) calls = g_byte_array_new();
    g_autoptr(GDBusMessage) message =
        g_dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "AddMatch");

    g_dbus_message_set_body(message, g_variant_new("(s)", rule));
    append_message(deaf, calls, message);
    write_all(deaf, calls->data, calls->len);
}

gsize
test_deaf_read(TestDeaf *deaf, gsize most)
{
    GSocket *socket = g_socket_connection_get_socket(deaf->stream);
    g_autofree char *bytes = g_malloc(65536);
    gsize got = 0;
    gssize n;

    while (got < most && (n = g_socket_receive_with_blocking(socket, bytes, MIN(65536, most - got), FALSE, NULL, NULL)) > 0)
        got += (gsize)n;
    return got;
}
