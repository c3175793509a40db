/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb wait: ExecuteAndWait, with the bar of the job that the command began on standard error.
 *
 * The job is the one that the arguments name; where they name none (a transaction has its names deep inside) the first that
 * appears after the command was sent. Ctrl-C asks what is meant; a second one, or one where nobody can be asked, ends the waiting
 * and nothing else. */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl-arguments.h"
#include "ctl-bus.h"
#include "ctl-job.h"
#include "ctl-live.h"
#include "ctl-loop.h"
#include "ctl-options.h"
#include "ctl-print.h"
#include "ctl-variant.h"

/* ms between two drawings of the bar, for its time that remains. */
#define DRAW_TIME 500

typedef struct Wait {
    Ctl *ctl; /* weak */
    char *vm; /* owned; its object */
    char *expected; /* owned; the path of the job as the arguments tell; NULL: they do not */
    GDBusObjectManager *objects; /* owned */
    GDBusProxy *job; /* owned; NULL: none has been seen */
    char *id; /* owned; of the job */
    GMainLoop *loop; /* owned */
    GVariant *reply; /* owned */
    GError *error; /* owned */
    gboolean is_stopped; /* by Ctrl-C */
    guint answer; /* source of what is typed after Ctrl-C; 0: nobody is being asked */
    gboolean is_drawn; /* the cursor is behind a bar, or a question */
    char *shown; /* owned; status and tenths of the line printed last, where no bar can be drawn */
} Wait;

static int
get_width(void)
{
    return isatty(STDOUT_FILENO) ? ctl_job_get_width(STDERR_FILENO) : 0;
}

/* A line for each tenth of the work. */
static void
print_progress(Wait *wait)
{
    g_autofree char *status = ctl_job_dup(wait->job, "Status");
    g_autoptr(GVariant) progress = g_dbus_proxy_get_cached_property(wait->job, "Progress");
    char *shown = g_strdup_printf("%s %d", status, progress ? (int)(g_variant_get_double(progress) * 10) : 0);

    if (g_strcmp0(shown, wait->shown) != 0) {
        g_autofree char *line = ctl_job_format(wait->job, wait->id, /* width= */ 0);
        fprintf(stderr, "%s\n", line);
    }
    g_free(wait->shown);
    wait->shown = shown;
}

static void
draw_progress(Wait *wait)
{
    int width = get_width();

    if (!wait->job || wait->answer)
        return;
    if (width == 0) {
        print_progress(wait);
        return;
    }
    g_autofree char *line = ctl_job_format(wait->job, wait->id, width - 1);
    fprintf(stderr, "\r%s\033[K", line);
    wait->is_drawn = TRUE;
}

static void
leave_bar(Wait *wait)
{
    if (wait->is_drawn)
        fputc('\n', stderr);
    wait->is_drawn = FALSE;
}

static gboolean
on_draw_time(gpointer user_data)
{
    draw_progress(user_data);
    return G_SOURCE_CONTINUE;
}

/* -- The job -- */

static void
on_progress(GDBusObjectManagerClient *objects, GDBusObjectProxy *object, GDBusProxy *proxy, GVariant *changed,
            const char *const *invalidated, gpointer user_data)
{
    Wait *wait = user_data;

    if (proxy != wait->job)
        return;
    ctl_job_note(proxy);
    draw_progress(wait);
}

static void
on_wait_object(GDBusObjectManager *objects, GDBusObject *object, gpointer user_data)
{
    Wait *wait = user_data;
    const char *path = g_dbus_object_get_object_path(object);
    g_autoptr(GDBusProxy) job = ctl_job_get_proxy(object);
    g_autofree char *id = job ? ctl_job_get_id(wait->vm, path) : NULL;

    if (!id || wait->job || (wait->expected && !g_str_equal(path, wait->expected)))
        return;
    wait->job = g_steal_pointer(&job);
    wait->id = ctl_dup_printable(id, FALSE);
    ctl_job_note(wait->job);
    draw_progress(wait);
}

/* The path of the job that a command is about, by its arguments; NULL: they do not tell. */
static char *
find_expected(const char *vm, const char *command, GVariant *arguments)
{
    static const char *const members[] = { "job-id", "device", "id" };
    const char *id = NULL;

    if (g_str_has_prefix(command, "migrate"))
        return ctl_job_make_path(vm, "migration", /* is_qemus= */ FALSE);
    if (g_str_equal(command, "dump-guest-memory"))
        return ctl_job_make_path(vm, "dump", /* is_qemus= */ FALSE);
    for (guint i = 0; i < G_N_ELEMENTS(members) && !id; i++)
        g_variant_lookup(arguments, members[i], "&s", &id);
    return id ? ctl_job_make_path(vm, id, /* is_qemus= */ TRUE) : NULL;
}

static gboolean
watch_job(Wait *wait, GError **error)
{
    g_autoptr(GDBusObject) object = NULL;

    if (!(wait->objects = ctl_job_watch(wait->ctl, error)))
        return FALSE;
    g_signal_connect(wait->objects, "object-added", G_CALLBACK(on_wait_object), wait);
    g_signal_connect(wait->objects, "interface-proxy-properties-changed", G_CALLBACK(on_progress), wait);
    object = wait->expected ? g_dbus_object_manager_get_object(wait->objects, wait->expected) : NULL;
    if (object)
        on_wait_object(wait->objects, object, wait);
    return TRUE;
}

/* -- Ctrl-C -- */

static void
stop_waiting(Wait *wait)
{
    wait->is_stopped = TRUE;
    g_main_loop_quit(wait->loop);
}

static void
on_cancelled(GObject *job, GAsyncResult *result, gpointer user_data)
{
    Wait *wait = user_data;
    GError *error = NULL;
    g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(job), result, &error);

    if (reply)
        return;
    leave_bar(wait);
    ctl_fail(wait->ctl, error);
}

static gboolean
on_answer(int fd, GIOCondition condition, gpointer user_data)
{
    Wait *wait = user_data;
    char answer[256];
    gssize length = read(fd, answer, sizeof answer);

    wait->answer = 0;
    wait->is_drawn = length <= 0; /* an answer ends the line */
    if (length <= 0 || g_ascii_tolower(*answer) == 's')
        stop_waiting(wait);
    else if (g_ascii_tolower(*answer) == 'c')
        g_dbus_proxy_call(wait->job, "Cancel", NULL, G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, NULL,
                          on_cancelled, wait);
    return G_SOURCE_REMOVE;
}

static gboolean
on_wait_interrupt(gpointer user_data)
{
    Wait *wait = user_data;

    if (wait->answer || !wait->job || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        stop_waiting(wait);
        return G_SOURCE_CONTINUE;
    }
    wait->is_drawn = TRUE;
    fprintf(stderr, "\nCancel the job %s (c), only stop waiting for it (s), or go on (Enter)? ", wait->id);
    wait->answer = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_answer, wait);
    return G_SOURCE_CONTINUE;
}

/* -- The command -- */

static void
on_reply(GObject *bus, GAsyncResult *result, gpointer user_data)
{
    Wait *wait = user_data;

    wait->reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &wait->error);
    g_main_loop_quit(wait->loop);
}

static void
print_result(Ctl *ctl, GVariant *reply)
{
    g_autoptr(GVariant) result = NULL;

    g_variant_get(reply, "(v)", &result);
    g_autofree char *json = ctl_variant_to_json(result);
    if (ctl->is_json || !g_str_equal(json, "{}"))
        ctl_print_json(stdout, json);
}

/* What came of it. The reply that nobody waits for any more is never read. */
static int
finish_wait(Wait *wait, int status)
{
    if (wait->reply) {
        print_result(wait->ctl, wait->reply);
        return CTL_OK;
    }
    if (wait->error)
        return ctl_fail(wait->ctl, g_steal_pointer(&wait->error));
    if (wait->is_stopped)
        status = CTL_INTERRUPTED;
    fprintf(stderr, "qemu-monitorctl: waits no more; what was begun goes on\n");
    return status;
}

static int
send_and_wait(Wait *wait, const char *command, GVariant *arguments, guint64 timeout)
{
    GVariantDict options;
    guint timer = g_timeout_add(DRAW_TIME, on_draw_time, wait);
    g_autoptr(GCancellable) cancellable = g_cancellable_new();

    g_variant_dict_init(&options, NULL);
    if (timeout > 0)
        g_variant_dict_insert(&options, "timeout", "t", timeout);
    wait->loop = g_main_loop_new(NULL, FALSE);
    g_dbus_connection_call(wait->ctl->bus, CTL_SERVICE, wait->vm, CTL_VM, "ExecuteAndWait",
                           g_variant_new("(s@a{sv}@a{sv})", command, arguments, g_variant_dict_end(&options)), NULL,
                           wait->ctl->asks_no_password ? G_DBUS_CALL_FLAGS_NONE
                                                       : G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
                           G_MAXINT, cancellable, on_reply, wait);
    int status = ctl_loop_run(wait->ctl, wait->loop, on_wait_interrupt, wait);
    g_source_remove(timer);
    leave_bar(wait);
    gboolean is_answered = wait->reply || wait->error;
    status = finish_wait(wait, status);
    /* The callback runs once more, with an error that nobody asks for. */
    g_cancellable_cancel(cancellable);
    while (!is_answered && !wait->error && !wait->reply)
        g_main_context_iteration(NULL, TRUE);
    return status;
}

static void
clear_wait(Wait *wait)
{
    g_clear_handle_id(&wait->answer, g_source_remove);
    g_clear_object(&wait->job);
    g_clear_object(&wait->objects);
    g_clear_pointer(&wait->loop, g_main_loop_unref);
    g_clear_pointer(&wait->reply, g_variant_unref);
    g_clear_error(&wait->error);
    g_free(wait->vm);
    g_free(wait->expected);
    g_free(wait->id);
    g_free(wait->shown);
}

/* json-glib makes a "maybe" of null, which D-Bus has not; the contract's null is an empty signature. Returns @value or a new
 * one, which is floating. */
static GVariant *
convert_nulls(GVariant *value)
{
    GVariantBuilder builder;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_MAYBE))
        return g_variant_new_signature("");
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_VARIANT) && !g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT) &&
        !g_variant_is_of_type(value, G_VARIANT_TYPE("av")) && !g_variant_is_of_type(value, G_VARIANT_TYPE("{sv}")))
        return value;
    g_variant_builder_init(&builder, g_variant_get_type(value));
    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        g_variant_builder_add_value(&builder, convert_nulls(child));
    }
    return g_variant_builder_end(&builder);
}

/* The arguments as a dictionary, a reference; NULL with @error. */
static GVariant *
read_dictionary(Wait *wait, const char *command, char **words, GError **error)
{
    const char *file = NULL;
    g_autofree char *json = ctl_read_arguments(wait->ctl, wait->vm, command, words, &file, error);

    if (json && file) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "@%s: a command that is waited for takes no descriptor", file);
        return NULL;
    }
    g_autoptr(GVariant) dictionary = json ? ctl_variant_from_json(json, error) : NULL;
    if (!dictionary)
        return NULL;
    g_variant_ref_sink(dictionary);
    return g_variant_ref_sink(convert_nulls(dictionary));
}

CtlStatus
ctl_run_wait(Ctl *ctl, int argc, char **argv)
{
    g_autofree char *time = NULL;
    guint64 timeout = 0;
    const GOptionEntry entries[] = {
        { "timeout", 't', 0, G_OPTION_ARG_STRING, &time, "Stop waiting after so long", "TIME" },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GVariant) arguments = NULL;
    GError *error = NULL;
    int status = CTL_OK;

    if (!ctl_parse_options(ctl, entries, &argc, &argv, 2, -1))
        return CTL_USAGE;
    if (time && !ctl_loop_parse_time("--timeout", time, &timeout, &error))
        return ctl_fail(ctl, error);
    Wait wait = { .ctl = ctl };
    if (ctl_connect(ctl, &error) && (wait.vm = ctl_find_vm(ctl, argv[1], &error)) &&
        (arguments = read_dictionary(&wait, argv[2], argv + 3, &error))) {
        wait.expected = find_expected(wait.vm, argv[2], arguments);
        if (watch_job(&wait, &error))
            status = send_and_wait(&wait, argv[2], arguments, timeout);
    }
    if (error)
        status = ctl_fail(ctl, error);
    clear_wait(&wait);
    return status;
}
