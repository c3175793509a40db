/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb watch: events, run states, and VMs that come and go, a line each. It follows as `tail -F` does: VMs that go may come back,
 * and so may the service; what happened meanwhile is not known. On the system bus events go to those alone who have subscribed. */
#include <stdio.h>
#include <string.h>

#include "ctl-bus.h"
#include "ctl-job.h"
#include "ctl-live.h"
#include "ctl-loop.h"
#include "ctl-options.h"
#include "ctl-print.h"

typedef struct Watch {
    Ctl *ctl; /* weak */
    GHashTable *vms; /* owned: paths of those that are watched; empty: all */
    GPtrArray *events; /* owned: QMP names of those that are shown; empty: all */
    GDBusObjectManager *objects; /* owned */
    GMainLoop *loop; /* owned */
    gboolean is_meeting; /* the VMs that are there already, of which the state alone is told */
    int status; /* of a subscription that failed; CTL_OK: none has */
} Watch;

static GDBusProxy *
get_watched_vm(GDBusObject *object)
{
    return (GDBusProxy *)g_dbus_object_get_interface(object, CTL_VM);
}

static gboolean
is_watched(const Watch *watch, GDBusObject *object)
{
    return g_hash_table_size(watch->vms) == 0 || g_hash_table_contains(watch->vms, g_dbus_object_get_object_path(object));
}

/* -- What is printed -- */

/* The words of @data, `name=value`, for people. */
static char *
format_data(GVariant *data)
{
    GString *text = g_string_new(NULL);
    GVariantIter iter;
    GVariant *value;
    const char *name;

    g_variant_iter_init(&iter, data);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autofree char *word = ctl_variant_to_text(value);
        g_string_append_printf(text, " %s=%s", name, word);
    }
    return g_string_free(text, FALSE);
}

static void
print_json_line(guint64 time, const char *vm, const char *what, const char *name, GVariant *data)
{
    g_autoptr(GVariant) line = NULL;
    GVariantBuilder members;

    g_variant_builder_init(&members, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&members, "{sv}", "timestamp", g_variant_new_uint64(time));
    if (vm)
        g_variant_builder_add(&members, "{sv}", "vm", g_variant_new_string(vm));
    g_variant_builder_add(&members, "{sv}", what, g_variant_new_string(name));
    if (data)
        g_variant_builder_add(&members, "{sv}", "data", data);
    line = g_variant_ref_sink(g_variant_builder_end(&members));
    ctl_job_print_json(line);
}

/* @time: microseconds since the epoch; @vm: NULL: the service itself; @what: `event`, `state`, `presence` or `service`; @data: NULL:
 * none. */
static void
print_happening(const Watch *watch, guint64 time, const char *vm, const char *what, const char *name, GVariant *data)
{
    if (watch->ctl->is_json) {
        print_json_line(time, vm, what, name, data);
    } else {
        g_autoptr(GDateTime) local = g_date_time_new_from_unix_local((gint64)(time / G_USEC_PER_SEC));
        g_autofree char *clock = g_date_time_format(local, "%b %d %H:%M:%S");
        g_autofree char *words = data ? format_data(data) : g_strdup("");
        const char *noun = g_str_equal(what, "state") ? "is " : g_str_equal(what, "event") ? "" : "has ";
        ctl_print_line(stdout, "%s.%03u %s %s%s%s", clock, (guint)(time / 1000 % 1000), vm ? vm : CTL_SERVICE, noun, name, words);
    }
    ctl_loop_flush(watch->ctl, watch->loop);
}

static void
print_now(const Watch *watch, GDBusProxy *vm, const char *what, const char *name)
{
    g_autofree char *vm_name = ctl_job_dup(vm, "Name");

    print_happening(watch, (guint64)g_get_real_time(), vm_name, what, name, NULL);
}

/* -- Events -- */

/* `BLOCK_IO_ERROR` of `BlockIoError`: how the contract makes the names of signals. */
static char *
make_event_name(const char *signal)
{
    GString *name = g_string_new(NULL);

    for (const char *at = signal; *at; at++) {
        if (at != signal && g_ascii_isupper(*at))
            g_string_append_c(name, '_');
        g_string_append_c(name, g_ascii_toupper(*at));
    }
    return g_string_free(name, FALSE);
}

static gboolean
is_event_shown(const Watch *watch, const char *name)
{
    if (watch->events->len <= 1) /* the NULL at the end */
        return TRUE;
    for (guint i = 0; i + 1 < watch->events->len; i++) {
        g_autofree char *wanted = make_event_name(watch->events->pdata[i]);
        if (g_str_equal(watch->events->pdata[i], name) || g_str_equal(wanted, name))
            return TRUE;
    }
    return FALSE;
}

static void
show_event(const Watch *watch, GDBusObject *object, const char *name, GVariant *data, guint64 time)
{
    g_autoptr(GDBusProxy) vm = get_watched_vm(object);
    g_autofree char *vm_name = vm ? ctl_job_dup(vm, "Name") : NULL;

    if (vm && is_event_shown(watch, name))
        print_happening(watch, time, vm_name, "event", name, data);
}

static void
on_vm_signal(GDBusObjectManagerClient *objects, GDBusObject *object, GDBusProxy *proxy, const char *sender, const char *signal,
          GVariant *values, gpointer user_data)
{
    const Watch *watch = user_data;
    const char *interface = g_dbus_proxy_get_interface_name(proxy), *name;
    g_autoptr(GVariant) data = NULL;
    guint64 time;

    if (!is_watched(watch, object))
        return;
    if (g_str_equal(interface, CTL_EVENTS) && g_variant_is_of_type(values, G_VARIANT_TYPE("(a{sv}t)"))) {
        g_autofree char *made = make_event_name(signal);
        g_variant_get(values, "(@a{sv}t)", &data, &time);
        show_event(watch, object, made, data, time);
    } else if (g_str_equal(interface, CTL_VM) && g_variant_is_of_type(values, G_VARIANT_TYPE("(sa{sv}t)"))) {
        g_variant_get(values, "(&s@a{sv}t)", &name, &data, &time);
        show_event(watch, object, name, data, time);
    }
}

/* The VM or the service went before it answered, and may come back. */
static gboolean
is_of_departure(const GError *error)
{
    static const char *const names[] = { "org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.NoReply",
                                         "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.UnknownObject",
                                         "Disconnected" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (ctl_error_is(error, names[i]))
            return TRUE;
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
on_subscribed(GObject *proxy, GAsyncResult *result, gpointer user_data)
{
    Watch *watch = user_data;
    GError *error = NULL;
    g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(proxy), result, &error);

    if (reply || is_of_departure(error)) {
        g_clear_error(&error);
        return;
    }
    /* Of all VMs, one may have another QEMU, or be another user's. */
    CtlStatus status = ctl_fail(watch->ctl, error);
    if (g_hash_table_size(watch->vms) == 0)
        return;
    watch->status = status;
    g_main_loop_quit(watch->loop);
}

static void
subscribe_vm(Watch *watch, GDBusProxy *vm)
{
    GVariant *events = g_variant_new_strv((const char *const *)watch->events->pdata, watch->events->len - 1);

    g_dbus_proxy_call(vm, "Subscribe", g_variant_new("(@as)", events),
                      watch->ctl->asks_no_password ? G_DBUS_CALL_FLAGS_NONE : G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
                      G_MAXINT, NULL, on_subscribed, watch);
}

/* -- VMs -- */

static void
on_vm_properties(GDBusObjectManagerClient *objects, GDBusObject *object, GDBusProxy *proxy, GVariant *changed,
              const char *const *invalidated, gpointer user_data)
{
    const Watch *watch = user_data;
    const char *status;

    if (is_watched(watch, object) && g_str_equal(g_dbus_proxy_get_interface_name(proxy), CTL_VM) &&
        g_variant_lookup(changed, "Status", "&s", &status))
        print_now(watch, proxy, "state", status);
}

static void
on_vm_added(GDBusObjectManager *objects, GDBusObject *object, gpointer user_data)
{
    Watch *watch = user_data;
    g_autoptr(GDBusProxy) vm = get_watched_vm(object);

    if (!vm || !is_watched(watch, object))
        return;
    subscribe_vm(watch, vm);
    g_autofree char *status = ctl_job_dup(vm, "Status");
    if (!watch->is_meeting)
        print_now(watch, vm, "presence", "appeared");
    if (*status)
        print_now(watch, vm, "state", status);
}

static void
on_vm_removed(GDBusObjectManager *objects, GDBusObject *object, gpointer user_data)
{
    g_autoptr(GDBusProxy) vm = get_watched_vm(object);

    if (vm && is_watched(user_data, object))
        print_now(user_data, vm, "presence", "disappeared");
}

static void
on_owner(GObject *objects, GParamSpec *property, gpointer user_data)
{
    g_autofree char *owner = g_dbus_object_manager_client_get_name_owner(G_DBUS_OBJECT_MANAGER_CLIENT(objects));

    print_happening(user_data, (guint64)g_get_real_time(), NULL, "service", owner ? "appeared" : "disappeared", NULL);
}

static void
meet_vms(Watch *watch)
{
    GList *objects = g_dbus_object_manager_get_objects(watch->objects);

    watch->is_meeting = TRUE;
    for (GList *at = objects; at; at = at->next)
        on_vm_added(watch->objects, at->data, watch);
    watch->is_meeting = FALSE;
    g_list_free_full(objects, g_object_unref);
}

/* -- The command line -- */

/* The path that a VM which the agent knows has, or will have when it is connected. */
static char *
find_path(Ctl *ctl, const char *word, GError **error)
{
    g_autofree char *path = ctl_find_vm(ctl, word, error);
    g_autoptr(GVariant) reply = path ? NULL : ctl_call(ctl, CTL_ROOT, CTL_MANAGER, "ListVMs", NULL, NULL, NULL, NULL);
    g_autoptr(GVariant) vms = reply ? g_variant_get_child_value(reply, 0) : NULL;

    for (gsize i = 0; vms && i < g_variant_n_children(vms) && !path; i++) {
        g_autoptr(GVariant) vm = g_variant_get_child_value(vms, i);
        const char *name = "";
        if (g_variant_lookup(vm, "name", "&s", &name) && g_str_equal(name, word)) {
            path = ctl_make_path(CTL_ROOT "/vm", word);
            g_clear_error(error);
        }
    }
    return g_steal_pointer(&path);
}

/* `BLOCK_IO_ERROR`: such a word is a VM's name only if a VM is called so. */
static gboolean
is_event_name(const char *word)
{
    return g_ascii_isupper(*word) && strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(word);
}

static gboolean
read_word(Watch *watch, const char *word, GError **error)
{
    g_autoptr(GError) problem = NULL;
    char *path = find_path(watch->ctl, word, &problem);

    if (path)
        g_hash_table_add(watch->vms, path);
    else if (is_event_name(word))
        g_ptr_array_add(watch->events, g_strdup(word));
    else
        g_propagate_error(error, g_steal_pointer(&problem));
    return path || is_event_name(word);
}

static gboolean
start_watch(Watch *watch, char **words, GError **error)
{
    if (!ctl_connect(watch->ctl, error))
        return FALSE;
    for (; *words; words++)
        if (!read_word(watch, *words, error))
            return FALSE;
    g_ptr_array_add(watch->events, NULL);
    if (!(watch->objects = ctl_job_watch(watch->ctl, error)))
        return FALSE;
    g_signal_connect(watch->objects, "interface-proxy-signal", G_CALLBACK(on_vm_signal), watch);
    g_signal_connect(watch->objects, "interface-proxy-properties-changed", G_CALLBACK(on_vm_properties), watch);
    g_signal_connect(watch->objects, "object-added", G_CALLBACK(on_vm_added), watch);
    g_signal_connect(watch->objects, "object-removed", G_CALLBACK(on_vm_removed), watch);
    g_signal_connect(watch->objects, "notify::name-owner", G_CALLBACK(on_owner), watch);
    meet_vms(watch);
    return TRUE;
}

CtlStatus
ctl_run_watch(Ctl *ctl, int argc, char **argv)
{
    GError *error = NULL;
    int status;

    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 0, -1))
        return CTL_USAGE;
    Watch watch = { .ctl = ctl,
                    .vms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                    .events = g_ptr_array_new_with_free_func(g_free),
                    .loop = g_main_loop_new(NULL, FALSE) };
    if (start_watch(&watch, argv + 1, &error))
        status = ctl_loop_run(ctl, watch.loop, NULL, NULL);
    else
        status = ctl_fail(ctl, error);
    g_clear_object(&watch.objects);
    g_main_loop_unref(watch.loop);
    g_ptr_array_unref(watch.events);
    g_hash_table_unref(watch.vms);
    return watch.status != CTL_OK ? watch.status : status;
}
