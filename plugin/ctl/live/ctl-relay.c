/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies between a client (a program, or standard input and output) and a VM's side; see ctl-stream.h. The client's end is passed on
 * as such, so that what was asked before is answered still. The end of the VM's side is the end of both. */
#include <errno.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

#include "ctl-bus.h"
#include "ctl-loop.h"
#include "ctl-stream.h"

typedef struct Relay {
    GIOStream *client; /* owned */
    GIOStream *vm; /* owned */
    GCancellable *from_client; /* owned */
    GMainLoop *loop; /* weak; quits when the VM's side has ended; NULL: none */
    GError **error; /* weak; that its client cannot be written to is told there; NULL: to nobody */
    guint n_directions; /* that are open */
} Relay;

static void
end_direction(Relay *relay)
{
    if (--relay->n_directions > 0)
        return;
    g_object_unref(relay->client);
    g_object_unref(relay->vm);
    g_object_unref(relay->from_client);
    g_free(relay);
}

/* Nothing more is written to @stream. */
static void
end_output(GIOStream *stream)
{
    if (G_IS_SOCKET_CONNECTION(stream))
        g_socket_shutdown(g_socket_connection_get_socket(G_SOCKET_CONNECTION(stream)), /* shutdown_read= */ FALSE,
                          /* shutdown_write= */ TRUE, NULL);
    else
        g_output_stream_close(g_io_stream_get_output_stream(stream), NULL, NULL);
}

static void
on_relay_client_end(GObject *output, GAsyncResult *result, gpointer user_data)
{
    Relay *relay = user_data;

    g_output_stream_splice_finish(G_OUTPUT_STREAM(output), result, NULL);
    end_output(relay->vm);
    end_direction(relay);
}

static void
on_relay_vm_end(GObject *output, GAsyncResult *result, gpointer user_data)
{
    Relay *relay = user_data;
    g_autoptr(GError) error = NULL;

    g_output_stream_splice_finish(G_OUTPUT_STREAM(output), result, &error);
    /* A client that has left, or a VM, is no failure. */
    if (error && relay->error && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
        g_propagate_error(relay->error, g_steal_pointer(&error));
    end_output(relay->client);
    g_cancellable_cancel(relay->from_client);
    if (relay->loop)
        g_main_loop_quit(relay->loop);
    end_direction(relay);
}

/* Takes both streams. @error: as in Relay; NULL where @loop is. */
static void
start_relay(GIOStream *client, GIOStream *vm, GMainLoop *loop, GError **error)
{
    Relay *relay = g_new0(Relay, 1);

    *relay = (Relay){
        .client = client, .vm = vm, .from_client = g_cancellable_new(), .loop = loop, .error = error, .n_directions = 2
    };
    g_output_stream_splice_async(g_io_stream_get_output_stream(vm), g_io_stream_get_input_stream(client),
                                 G_OUTPUT_STREAM_SPLICE_NONE, G_PRIORITY_DEFAULT, relay->from_client,
                                 on_relay_client_end, relay);
    g_output_stream_splice_async(g_io_stream_get_output_stream(client), g_io_stream_get_input_stream(vm),
                                 G_OUTPUT_STREAM_SPLICE_NONE, G_PRIORITY_DEFAULT, NULL, on_relay_vm_end, relay);
}

int
ctl_relay_stdio(const CtlStreamSource *source)
{
    GError *error = NULL;
    g_autoptr(GSubprocess) ssh = NULL;
    CtlStatus status;
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GInputStream) input = g_unix_input_stream_new(STDIN_FILENO, /* close_fd= */ FALSE);
    g_autoptr(GOutputStream) output = g_unix_output_stream_new(STDOUT_FILENO, /* close_fd= */ FALSE);
    GIOStream *vm = ctl_stream_open(source, &error);

    if (!vm)
        return ctl_fail(source->ctl, error);
    ssh = ctl_stream_dup_ssh(vm);
    start_relay(g_simple_io_stream_new(input, output), vm, loop, &error);
    status = ctl_loop_run(source->ctl, loop, NULL, NULL);
    if (error) {
        g_prefix_error(&error, "Cannot write the output: ");
        return ctl_fail(source->ctl, error);
    }
    return ssh && status == CTL_OK ? ctl_stream_await_ssh(ssh) : (int)status;
}

/* -- A program that connects -- */

typedef struct SocketProgram {
    const CtlStreamSource *source; /* weak */
    GIOStream *first; /* owned; had before the program starts, for its first connection; NULL: given away */
    GSubprocess *process; /* owned */
    GMainLoop *loop; /* owned */
    char *directory; /* owned; NULL: not made */
    char *path; /* owned; of the socket in it */
} SocketProgram;

static gboolean
on_connection(GSocketService *service, GSocketConnection *connection, GObject *listener, gpointer user_data)
{
    SocketProgram *program = user_data;
    GError *error = NULL;
    GIOStream *vm = program->first ? g_steal_pointer(&program->first) : ctl_stream_open(program->source, &error);

    if (vm)
        start_relay(g_object_ref(G_IO_STREAM(connection)), vm, /* loop= */ NULL, /* error= */ NULL);
    else
        ctl_fail(program->source->ctl, error);
    return TRUE;
}

static void
on_program_end(GObject *process, GAsyncResult *result, gpointer user_data)
{
    g_subprocess_wait_finish(G_SUBPROCESS(process), result, NULL);
    g_main_loop_quit(user_data);
}

/* The terminal's Ctrl-C reaches the program too, which decides. */
static gboolean
on_program_interrupt(gpointer user_data)
{
    return G_SOURCE_CONTINUE;
}

static gboolean
on_program_terminate(gpointer user_data)
{
    g_subprocess_send_signal(user_data, SIGTERM);
    return G_SOURCE_CONTINUE;
}

static int
await_program(SocketProgram *program)
{
    guint sources[] = {
        g_unix_signal_add(SIGINT, on_program_interrupt, NULL),
        g_unix_signal_add(SIGTERM, on_program_terminate, program->process),
        g_unix_signal_add(SIGHUP, on_program_terminate, program->process),
    };

    g_subprocess_wait_async(program->process, NULL, on_program_end, program->loop);
    g_main_loop_run(program->loop);
    for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
        g_source_remove(sources[i]);
    return g_subprocess_get_if_exited(program->process) ? g_subprocess_get_exit_status(program->process)
                                                        : 128 + g_subprocess_get_term_sig(program->process);
}

static gboolean
start_program(SocketProgram *program, char **argv, const char *variable, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDIN_INHERIT);
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_auto(GStrv) command = NULL;

    for (; *argv; argv++) {
        g_autoptr(GString) word = g_string_new(*argv);
        g_string_replace(word, "{}", program->path, /* limit= */ 0);
        g_strv_builder_add(words, word->str);
    }
    command = g_strv_builder_end(words);
    g_subprocess_launcher_setenv(launcher, variable, program->path, /* overwrite= */ TRUE);
    program->process = g_subprocess_launcher_spawnv(launcher, (const char *const *)command, error);
    return program->process != NULL;
}

/* In a directory that is this user's alone. */
static gboolean
make_socket(SocketProgram *program, GSocketListener *listener, GError **error)
{
    const char *parent = g_getenv("XDG_RUNTIME_DIR");
    g_autofree char *directory = g_build_filename(parent && access(parent, W_OK) == 0 ? parent : g_get_tmp_dir(),
                                                  "qemu-monitorctl-XXXXXX", NULL);
    g_autoptr(GSocketAddress) address = NULL;

    if (!g_mkdtemp(directory)) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", directory, g_strerror(errno));
        return FALSE;
    }
    program->path = g_build_filename(directory, "socket", NULL);
    program->directory = g_steal_pointer(&directory);
    address = g_unix_socket_address_new(program->path);
    return g_socket_listener_add_address(listener, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL,
                                         NULL, error);
}

static void
clear_program(SocketProgram *program)
{
    if (program->directory) {
        g_unlink(program->path);
        g_rmdir(program->directory);
    }
    g_free(program->path);
    g_free(program->directory);
    g_clear_object(&program->first);
    g_clear_object(&program->process);
    g_main_loop_unref(program->loop);
}

/* Opens the first connection. FALSE: there is an error, or the other host has refused and told why; then *@ret_status is the exit
 * status that this has there. Where it is the client that speaks first (SPICE, D-Bus), a refusal there is the end of a connection
 * that the program has. */
static gboolean
open_first(SocketProgram *program, int *ret_status, GError **error)
{
    g_autoptr(GSubprocess) ssh = NULL;

    program->first = ctl_stream_open(program->source, error);
    if (!program->first)
        return FALSE;
    ssh = ctl_stream_dup_ssh(program->first);
    if (!ssh || !program->source->speaks_first || ctl_stream_await_first(program->first))
        return TRUE;
    *ret_status = ctl_stream_await_ssh(ssh);
    if (*ret_status == CTL_OK)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_CLOSED, "%s has closed the connection", program->source->ctl->host);
    return FALSE;
}

int
ctl_relay_program(const CtlStreamSource *source, char **argv, const char *variable)
{
    SocketProgram program = { .source = source, .loop = g_main_loop_new(NULL, FALSE) };
    g_autoptr(GSocketService) service = g_socket_service_new();
    GError *error = NULL;
    int status = CTL_FAILED;

    g_signal_connect(service, "incoming", G_CALLBACK(on_connection), &program);
    if (open_first(&program, &status, &error) && make_socket(&program, G_SOCKET_LISTENER(service), &error) &&
        start_program(&program, argv, variable, &error))
        status = await_program(&program);
    if (error)
        status = ctl_fail(source->ctl, error);
    g_socket_service_stop(service);
    g_socket_listener_close(G_SOCKET_LISTENER(service));
    clear_program(&program);
    return status;
}
