/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections to a VM; see ctl-stream.h. To another host (-H) no descriptor passes: the connection is ssh's standard input and
 * output, which are those of a qemu-monitorctl there. */
#include "ctl-stream.h"

#include <gio/gunixinputstream.h>
#include <unistd.h>

#include "ctl-bus.h"

/* Of the stream's data: the ssh that it is. */
#define SSH_KEY "ssh"

/* Free with g_object_unref(). */
static GSubprocess *
start_there(const CtlStreamSource *source, GSubprocessFlags flags, GError **error)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_auto(GStrv) command = NULL;

    g_strv_builder_add_many(words, "ssh", "-xT", "--", source->ctl->host, "qemu-monitorctl",
                            source->ctl->is_user ? "--user" : "--system", NULL);
    for (guint i = 0; source->there[i]; i++) {
        g_autofree char *quoted = g_shell_quote(source->there[i]);
        g_strv_builder_add(words, quoted);
    }
    command = g_strv_builder_end(words);
    return g_subprocess_newv((const char *const *)command, G_SUBPROCESS_FLAGS_STDOUT_PIPE | flags, error);
}

static int
call_for_fd(const CtlStreamSource *source, GError **error)
{
    return ctl_call_for_fd(source->ctl, source->vm, source->method, source->arguments, error);
}

static GIOStream *
open_there(const CtlStreamSource *source, GError **error)
{
    GSubprocess *ssh = start_there(source, G_SUBPROCESS_FLAGS_STDIN_PIPE, error);
    GIOStream *stream;

    if (!ssh)
        return NULL;
    stream = g_simple_io_stream_new(g_subprocess_get_stdout_pipe(ssh), g_subprocess_get_stdin_pipe(ssh));
    g_object_set_data_full(G_OBJECT(stream), SSH_KEY, ssh, g_object_unref);
    return stream;
}

GSubprocess *
ctl_stream_dup_ssh(GIOStream *stream)
{
    GSubprocess *ssh = g_object_get_data(G_OBJECT(stream), SSH_KEY);

    return ssh ? g_object_ref(ssh) : NULL;
}

GIOStream *
ctl_stream_open(const CtlStreamSource *source, GError **error)
{
    g_autoptr(GSocket) socket = NULL;

    if (source->there)
        return open_there(source, error);
    int fd = call_for_fd(source, error);
    if (fd < 0)
        return NULL;
    socket = g_socket_new_from_fd(fd, error);
    if (socket)
        return G_IO_STREAM(g_socket_connection_factory_create_connection(socket));
    close(fd);
    return NULL;
}

GBytes *
ctl_stream_read(const CtlStreamSource *source, GError **error)
{
    g_autoptr(GOutputStream) memory = g_memory_output_stream_new_resizable();
    g_autoptr(GInputStream) input = NULL;

    if (source->there) {
        GBytes *bytes = NULL;
        g_autoptr(GSubprocess) ssh = start_there(source, G_SUBPROCESS_FLAGS_STDIN_INHERIT, error);
        if (ssh && g_subprocess_communicate(ssh, NULL, NULL, &bytes, NULL, error) &&
            !g_subprocess_wait_check(ssh, NULL, NULL)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s has sent no picture", source->ctl->host);
            g_clear_pointer(&bytes, g_bytes_unref);
        }
        return bytes;
    }
    int fd = call_for_fd(source, error);
    if (fd < 0)
        return NULL;
    input = g_unix_input_stream_new(fd, /* close_fd= */ TRUE);
    if (g_output_stream_splice(memory, input, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, error) < 0)
        return NULL;
    return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(memory));
}
