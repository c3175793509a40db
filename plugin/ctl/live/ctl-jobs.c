/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs jobs (what a VM has under way) and job (what is done about one). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl-bus.h"
#include "ctl-job.h"
#include "ctl-live.h"
#include "ctl-loop.h"
#include "ctl-options.h"
#include "ctl-print.h"

typedef struct JobsView {
    Ctl *ctl; /* weak */
    const char *vm; /* weak; its object */
    GDBusObjectManager *objects; /* owned */
    GMainLoop *loop; /* owned */
    int n_drawn; /* lines on the terminal that the next drawing replaces */
} JobsView;

static int
compare_objects(gconstpointer a, gconstpointer b)
{
    return strcmp(g_dbus_object_get_object_path((GDBusObject *)a), g_dbus_object_get_object_path((GDBusObject *)b));
}

static void
print_job_json(GDBusProxy *job, const char *id)
{
    static const char *const names[] = { "Type", "Status", "Current", "Total", "Progress", "Error" };
    g_autoptr(GVariant) line = NULL;
    GVariantBuilder members;

    g_variant_builder_init(&members, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&members, "{sv}", "id", g_variant_new_string(id));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GVariant) property = g_dbus_proxy_get_cached_property(job, names[i]);
        g_autofree char *name = g_ascii_strdown(names[i], -1);
        if (property)
            g_variant_builder_add(&members, "{sv}", name, property);
    }
    line = g_variant_ref_sink(g_variant_builder_end(&members));
    ctl_job_print_json(line);
}

/* Returns whether @object is a job of the VM's. */
static gboolean
print_job(const JobsView *view, GDBusObject *object, int width)
{
    g_autoptr(GDBusProxy) job = ctl_job_get_proxy(object);
    g_autofree char *id = job ? ctl_job_get_id(view->vm, g_dbus_object_get_object_path(object)) : NULL;

    if (!id)
        return FALSE;
    if (view->ctl->is_json) {
        print_job_json(job, id);
    } else {
        g_autofree char *line = ctl_job_format(job, id, width);
        printf("%s\n", line);
    }
    return TRUE;
}

static void
print_all_jobs(JobsView *view, int width)
{
    GList *objects = g_list_sort(g_dbus_object_manager_get_objects(view->objects), compare_objects);

    if (view->n_drawn > 0)
        printf("\033[%dA\033[J", view->n_drawn);
    view->n_drawn = 0;
    for (GList *at = objects; at; at = at->next)
        view->n_drawn += print_job(view, at->data, width);
    ctl_loop_flush(view->ctl, view->loop);
    g_list_free_full(objects, g_object_unref);
}

/* On a terminal all jobs are drawn again; elsewhere the one that changed has a line. */
static void
show_change(JobsView *view, GDBusObject *object)
{
    int width = view->ctl->is_json ? 0 : ctl_job_get_width(STDOUT_FILENO);

    if (width > 0)
        print_all_jobs(view, width - 1);
    else
        print_job(view, object, /* width= */ 0);
    ctl_loop_flush(view->ctl, view->loop);
}

static void
on_job_properties(GDBusObjectManagerClient *objects, GDBusObjectProxy *object, GDBusProxy *job, GVariant *changed,
              const char *const *invalidated, gpointer user_data)
{
    JobsView *view = user_data;
    g_autofree char *id = ctl_job_get_id(view->vm, g_dbus_object_get_object_path(G_DBUS_OBJECT(object)));

    if (!id || !g_str_equal(g_dbus_proxy_get_interface_name(job), CTL_JOB))
        return;
    ctl_job_note(job);
    show_change(view, G_DBUS_OBJECT(object));
}

static void
on_job_added(GDBusObjectManager *objects, GDBusObject *object, gpointer user_data)
{
    JobsView *view = user_data;
    g_autofree char *id = ctl_job_get_id(view->vm, g_dbus_object_get_object_path(object));

    if (id)
        show_change(view, object);
}

/* The VM is an object too. */
static void
on_job_removed(GDBusObjectManager *objects, GDBusObject *object, gpointer user_data)
{
    JobsView *view = user_data;
    g_autofree char *id = ctl_job_get_id(view->vm, g_dbus_object_get_object_path(object));

    if (id && !view->ctl->is_json && ctl_job_get_width(STDOUT_FILENO) > 0)
        show_change(view, object);
    if (g_str_equal(g_dbus_object_get_object_path(object), view->vm))
        g_main_loop_quit(view->loop);
}

static int
watch_jobs(JobsView *view)
{
    view->loop = g_main_loop_new(NULL, FALSE);
    g_signal_connect(view->objects, "interface-proxy-properties-changed", G_CALLBACK(on_job_properties), view);
    g_signal_connect(view->objects, "object-added", G_CALLBACK(on_job_added), view);
    g_signal_connect(view->objects, "object-removed", G_CALLBACK(on_job_removed), view);
    int status = ctl_loop_run(view->ctl, view->loop, NULL, NULL);
    g_main_loop_unref(view->loop);
    if (status == CTL_OK && view->ctl->output_error == 0) {
        fprintf(stderr, "qemu-monitorctl: the VM has gone\n");
        status = CTL_NO_VM;
    }
    return status;
}

CtlStatus
ctl_run_jobs(Ctl *ctl, int argc, char **argv)
{
    gboolean is_watching = FALSE;
    const GOptionEntry entries[] = {
        { "watch", 'w', 0, G_OPTION_ARG_NONE, &is_watching, "Go on showing them until Ctrl-C", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autofree char *path = NULL;
    GError *error = NULL;
    int status = CTL_OK;

    if (!ctl_parse_options(ctl, entries, &argc, &argv, 1, 1))
        return CTL_USAGE;
    JobsView view = { .ctl = ctl };
    if (!ctl_connect(ctl, &error) || !(view.vm = path = ctl_find_vm(ctl, argv[1], &error)) ||
        !(view.objects = ctl_job_watch(ctl, &error)))
        return ctl_fail(ctl, error);
    int width = ctl->is_json ? 0 : ctl_job_get_width(STDOUT_FILENO);
    print_all_jobs(&view, width > 0 ? width - 1 : 0);
    if (is_watching)
        status = watch_jobs(&view);
    g_object_unref(view.objects);
    return status;
}

/* -- job -- */

static const struct {
    const char *word;
    const char *method;
} actions[] = {
    { "pause", "Pause" },       { "resume", "Resume" },   { "cancel", "Cancel" },       { "complete", "Complete" },
    { "finalize", "Finalize" }, { "dismiss", "Dismiss" }, { "set-speed", "SetSpeed" },
};

static const char *
find_method(const char *word)
{
    for (guint i = 0; i < G_N_ELEMENTS(actions); i++)
        if (g_str_equal(actions[i].word, word))
            return actions[i].method;
    return NULL;
}

/* `10M`, as QEMU's command line has sizes. */
static gboolean
parse_speed(const char *word, guint64 *ret_speed)
{
    static const char units[] = "KMGT";
    char *end;
    guint64 number = g_ascii_strtoull(word, &end, 10);
    const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
    guint shift = unit ? 10 * (guint)(unit - units + 1) : 0;

    if (!g_ascii_isdigit(*word) || (*end && (!unit || end[1])) || number > G_MAXUINT64 >> shift)
        return FALSE;
    *ret_speed = number << shift;
    return TRUE;
}

CtlStatus
ctl_run_job(Ctl *ctl, int argc, char **argv)
{
    g_autofree char *vm = NULL, *path = NULL;
    g_autoptr(GVariant) reply = NULL, properties = NULL;
    guint64 speed = 0;
    GError *error = NULL;

    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 3, 4))
        return CTL_USAGE;
    const char *method = find_method(argv[3]);
    if (!method)
        return ctl_usage("job: there is no action \"%s\": pause, resume, cancel, complete, finalize, dismiss, set-speed", argv[3]);
    gboolean has_speed = g_str_equal(method, "SetSpeed");
    if (has_speed != (argc > 4) || (has_speed && !parse_speed(argv[4], &speed)))
        return ctl_usage(has_speed ? "job: set-speed takes bytes a second: 1048576, 10M" : "job: %s takes nothing more", argv[3]);
    if (!ctl_connect(ctl, &error) || !(vm = ctl_find_vm(ctl, argv[1], &error)))
        return ctl_fail(ctl, error);
    path = ctl_job_make_path(vm, argv[2], /* is_qemus= */ FALSE);
    if (!(properties = ctl_get_properties(ctl, path, CTL_JOB, NULL))) {
        g_free(path);
        path = ctl_job_make_path(vm, argv[2], /* is_qemus= */ TRUE);
    }
    reply = ctl_call(ctl, path, CTL_JOB, method, has_speed ? g_variant_new("(t)", speed) : NULL, NULL, NULL, &error);
    if (!reply && ctl_error_is(error, "org.freedesktop.DBus.Error.UnknownObject")) {
        g_clear_error(&error);
        g_set_error(&error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s has no job \"%s\"; `qemu-monitorctl jobs %s` shows all", argv[1],
                    argv[2], argv[1]);
    }
    return reply ? CTL_OK : ctl_fail(ctl, error);
}
