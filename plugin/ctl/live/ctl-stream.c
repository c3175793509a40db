/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections to a VM; see ctl-stream.h. To another host (-H) no descriptor passes: the connection is ssh's standard input and
 * output, which are those of a qemu-monitorctl there. */
#include "ctl-stream.h"

#include <errno.h>
#include <gio/gunixinputstream.h>
#include <unistd.h>

#include "ctl-bus.h"

/* Of the stream's data: the ssh that it is. */
#define SSH_KEY "ssh"

/* In seconds. An ssh whose output has ended ends in the time of one message; one that does not has something else to do, for which
 * nobody here waits. */
#define SSH_PATIENCE 10

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

gboolean
ctl_stream_await_first(GIOStream *stream)
{
    GUnixInputStream *output = G_UNIX_INPUT_STREAM(g_io_stream_get_input_stream(stream));
    GPollFD poll = { .fd = g_unix_input_stream_get_fd(output), .events = G_IO_IN };

    while (g_poll(&poll, 1, -1) < 0 && errno == EINTR)
        ;
    return (poll.revents & G_IO_IN) != 0;
}

static gboolean
on_ssh_late(gpointer user_data)
{
    g_subprocess_force_exit(user_data);
    return G_SOURCE_CONTINUE;
}

static void
on_ssh_end(GObject *ssh, GAsyncResult *result, gpointer user_data)
{
    g_subprocess_wait_finish(G_SUBPROCESS(ssh), result, NULL);
    g_main_loop_quit(user_data);
}

int
ctl_stream_await_ssh(GSubprocess *ssh)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    guint timer = g_timeout_add_seconds(SSH_PATIENCE, on_ssh_late, ssh);

    g_subprocess_wait_async(ssh, /* cancellable= */ NULL, on_ssh_end, loop);
    g_main_loop_run(loop);
    g_source_remove(timer);
    return g_subprocess_get_if_exited(ssh) ? g_subprocess_get_exit_status(ssh) : CTL_FAILED;
}

/* All that @input has until it ends. Takes it. */
static GBytes *
read_picture(GInputStream *input, GError **error)
{
    G_GNUC_UNUSED g_autoptr(GInputStream) owned = input;
    g_autoptr(GOutputStream) memory = g_memory_output_stream_new_resizable();

    if (g_output_stream_splice(memory, input, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, error) < 0)
        return NULL;
    return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(memory));
}

/* The verb at the other host tells by itself why there is nothing. */
static GBytes *
read_there(const CtlStreamSource *source, int *ret_status, GError **error)
{
    g_autoptr(GSubprocess) ssh = start_there(source, G_SUBPROCESS_FLAGS_STDIN_INHERIT, error);
    g_autoptr(GBytes) bytes = ssh ? read_picture(g_object_ref(g_subprocess_get_stdout_pipe(ssh)), error) : NULL;

    if (bytes && (*ret_status = ctl_stream_await_ssh(ssh)) != CTL_OK)
        return NULL;
    return g_steal_pointer(&bytes);
}

GBytes *
ctl_stream_read(const CtlStreamSource *source, int *ret_status)
{
    GError *error = NULL;
    GBytes *bytes = NULL;

    if (source->there) {
        bytes = read_there(source, ret_status, &error);
    } else {
        int fd = call_for_fd(source, &error);
        if (fd >= 0)
            bytes = read_picture(g_unix_input_stream_new(fd, /* close_fd= */ TRUE), &error);
    }
    if (error)
        *ret_status = ctl_fail(source->ctl, error);
    return bytes;
}
