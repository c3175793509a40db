/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs that look at VMs: list, status, show. */
#include <string.h>

#include "ctl-bus.h"
#include "ctl-job.h"
#include "ctl-options.h"
#include "ctl-print.h"
#include "ctl-variant.h"
#include "ctl-verbs.h"

/* ListVMs as an array of dictionaries. */
static GVariant *
call_list_vms(Ctl *ctl, GError **error)
{
    g_autoptr(GVariant) reply = ctl_call(ctl, CTL_ROOT, CTL_MANAGER, "ListVMs", NULL, NULL, NULL, error);

    return reply ? g_variant_get_child_value(reply, 0) : NULL;
}

static const char *
get_string(GVariant *dictionary, const char *key)
{
    const char *text = "";

    if (dictionary)
        g_variant_lookup(dictionary, key, "&s", &text);
    return text;
}

/* The properties of the VM of @entry (ListVMs) in @objects (GetManagedObjects); NULL where it is not connected. */
static GVariant *
find_properties(GVariant *objects, GVariant *entry)
{
    g_autoptr(GVariant) interfaces = NULL;
    const char *path;

    if (!g_variant_lookup(entry, "object", "&o", &path))
        return NULL;
    interfaces = g_variant_lookup_value(objects, path, G_VARIANT_TYPE("a{sa{sv}}"));
    return interfaces ? g_variant_lookup_value(interfaces, CTL_VM, G_VARIANT_TYPE_VARDICT) : NULL;
}

static char *
dup_owner(GVariant *properties)
{
    guint32 uid;

    return properties && g_variant_lookup(properties, "OwnerUID", "u", &uid) ? ctl_format_user(uid) : g_strdup("-");
}

/* What is to be seen of a VM in one word: what its guest does, or what keeps it from being there. */
static const char *
get_state(GVariant *entry, GVariant *properties)
{
    const char *state = get_string(entry, "state"), *status = get_string(properties, "Status");

    return g_str_equal(state, "connected") && *status ? status : state;
}

static const char *
or_dash(const char *text)
{
    return *text ? text : "-";
}

static void
add_row(CtlTable *table, GVariant *entry, GVariant *properties)
{
    g_autofree char *owner = dup_owner(properties), *age = NULL;
    guint64 since = 0;

    g_variant_lookup(entry, "since", "t", &since);
    age = ctl_format_age(since);
    const char *cells[] = { or_dash(get_string(entry, "name")),
                            get_state(entry, properties),
                            or_dash(get_string(properties, "Kind")),
                            or_dash(get_string(properties, "QEMUVersion")),
                            owner,
                            age,
                            get_string(entry, "error"),
                            NULL };
    ctl_table_take_row(table, g_strdupv((char **)cells));
}

static void
print_dictionaries(GVariantBuilder *list)
{
    g_autoptr(GVariant) all = g_variant_ref_sink(g_variant_builder_end(list));
    g_autofree char *json = ctl_variant_to_json(all);

    ctl_print_json(stdout, json);
}

/* @dictionary with one member more, behind those that it has. A GVariantDict would print them in the order of their hashes. */
static GVariant *
append_member(GVariant *dictionary, const char *name, GVariant *value)
{
    GVariantBuilder members;
    GVariantIter iter;
    GVariant *member;

    g_variant_builder_init(&members, G_VARIANT_TYPE_VARDICT);
    g_variant_iter_init(&iter, dictionary);
    while (g_variant_iter_loop(&iter, "@{sv}", &member))
        g_variant_builder_add_value(&members, member);
    g_variant_builder_add(&members, "{sv}", name, value);
    return g_variant_ref_sink(g_variant_builder_end(&members));
}

/* What ListVMs tells of a VM, with its properties where it is connected. */
static GVariant *
merge_properties(GVariant *entry, GVariant *objects)
{
    g_autoptr(GVariant) properties = find_properties(objects, entry);

    return properties ? append_member(entry, "properties", properties) : g_variant_ref(entry);
}

static void
print_list_json(GVariant *vms, GVariant *objects)
{
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; i < g_variant_n_children(vms); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(vms, i), merged = merge_properties(entry, objects);
        g_variant_builder_add_value(&list, merged);
    }
    print_dictionaries(&list);
}

CtlStatus
ctl_run_list(Ctl *ctl, int argc, char **argv)
{
    g_autoptr(GVariant) vms = NULL, objects = NULL;
    GError *error = NULL;

    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 0, 0))
        return CTL_USAGE;
    ctl->asks_no_password = TRUE;
    if (!ctl_connect(ctl, &error) || !(vms = call_list_vms(ctl, &error)) || !(objects = ctl_get_objects(ctl, &error)))
        return ctl_fail(ctl, error);
    if (ctl->is_json) {
        print_list_json(vms, objects);
        return CTL_OK;
    }
    CtlTable *table = ctl_table_new("NAME", "STATE", "KIND", "QEMU", "OWNER", "SINCE", "ERROR", NULL);
    for (gsize i = 0; i < g_variant_n_children(vms); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(vms, i), properties = find_properties(objects, entry);
        add_row(table, entry, properties);
    }
    ctl_table_print(table, /* is_json= */ FALSE);
    return CTL_OK;
}

static void
print_field(const char *name, const char *text)
{
    if (*text)
        ctl_print_line(stdout, "%11s: %s", name, text);
}

/* NULL: the VM has gone, or its monitors are not to be seen by this caller. */
static GVariant *
call_list_monitors(Ctl *ctl, const char *path, GError **error)
{
    g_autoptr(GVariant) reply = ctl_call(ctl, path, CTL_VM, "ListMonitors", NULL, NULL, NULL, error);

    return reply ? g_variant_get_child_value(reply, 0) : NULL;
}

static void
print_monitors(Ctl *ctl, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) list = call_list_monitors(ctl, path, &error);

    if (error)
        g_dbus_error_strip_remote_error(error);
    print_field("Monitors", error ? error->message : "");
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(list, i);
        guint32 uid = 0, pending = 0;
        gboolean is_native = FALSE;
        g_variant_lookup(entry, "uid", "u", &uid);
        g_variant_lookup(entry, "pending", "u", &pending);
        g_variant_lookup(entry, "native", "b", &is_native);
        g_autofree char *user = ctl_format_user(uid);
        g_autofree char *text = g_strdup_printf("%s %s of %s, %s, %u pending", is_native ? "native session" : "caller",
                                                get_string(entry, "caller"), user, get_string(entry, "mode"), pending);
        print_field(i == 0 ? "Monitors" : "", text);
    }
}

/* The properties of the jobs of the VM at @path, by their ids. */
static GVariant *
find_jobs(GVariant *objects, const char *path)
{
    const char *object;
    GVariant *interfaces;
    GVariantBuilder jobs;
    GVariantIter iter;

    g_variant_builder_init(&jobs, G_VARIANT_TYPE("a{sa{sv}}"));
    g_variant_iter_init(&iter, objects);
    while (g_variant_iter_loop(&iter, "{&o@a{sa{sv}}}", &object, &interfaces)) {
        g_autoptr(GVariant) job = g_variant_lookup_value(interfaces, CTL_JOB, G_VARIANT_TYPE_VARDICT);
        g_autofree char *id = job ? ctl_job_get_id(path, object) : NULL;
        if (id)
            g_variant_builder_add(&jobs, "{s@a{sv}}", id, job);
    }
    return g_variant_ref_sink(g_variant_builder_end(&jobs));
}

/* One line each. */
static void
print_jobs(GVariant *objects, const char *path)
{
    g_autoptr(GVariant) jobs = find_jobs(objects, path);
    const char *id, *name = "Jobs";
    GVariant *job;
    GVariantIter iter;

    g_variant_iter_init(&iter, jobs);
    while (g_variant_iter_loop(&iter, "{&s@a{sv}}", &id, &job)) {
        double progress = 0;
        g_variant_lookup(job, "Progress", "d", &progress);
        g_autofree char *text = g_strdup_printf("%s %s %s, %.0f %% %s", id, get_string(job, "Type"), get_string(job, "Status"),
                                                progress * 100, get_string(job, "Error"));
        print_field(name, g_strchomp(text));
        name = "";
    }
}

static void
print_state(GVariant *entry, GVariant *properties)
{
    guint64 since = 0;

    g_variant_lookup(entry, "since", "t", &since);
    g_autofree char *age = ctl_format_age(since);
    g_autofree char *text = g_strdup_printf("%s; %s %s", get_state(entry, properties),
                                            properties ? "connected" : "so since", age);
    print_field("State", text);
    print_field("Error", get_string(entry, "error"));
}

static void
print_status(Ctl *ctl, GVariant *entry, GVariant *objects)
{
    g_autoptr(GVariant) properties = find_properties(objects, entry);
    const char *path = "";
    guint32 pid = 0;

    g_variant_lookup(entry, "object", "&o", &path);
    ctl_print_line(stdout, "%s - %s", or_dash(get_string(entry, "name")), *path ? path : "not connected");
    print_state(entry, properties);
    print_field("Address", get_string(entry, "address"));
    print_field("Origin", get_string(entry, "origin"));
    if (!properties)
        return;
    g_autofree char *owner = dup_owner(properties);
    g_variant_lookup(properties, "PID", "u", &pid);
    g_autofree char *number = pid ? g_strdup_printf("%u", pid) : g_strdup("");
    g_autofree char *kind = g_strdup_printf("%s %s", get_string(properties, "Kind"), get_string(properties, "Target"));
    g_autofree char *qemu = g_strdup_printf("%s %s", get_string(properties, "QEMUVersion"), get_string(properties, "QEMUPackage"));
    print_field("Kind", kind);
    print_field("QEMU", qemu);
    print_field("Guest name", get_string(properties, "GuestName"));
    print_field("UUID", get_string(properties, "UUID"));
    print_field("Owner", owner);
    print_field("PID", number);
    print_field("Mode", get_string(properties, "MonitorMode"));
    print_monitors(ctl, path);
    print_jobs(objects, path);
}

/* The same for programs. */
static GVariant *
describe_vm(Ctl *ctl, GVariant *entry, GVariant *objects)
{
    g_autoptr(GVariant) merged = merge_properties(entry, objects), monitors = NULL;
    const char *path;

    if (!g_variant_lookup(entry, "object", "&o", &path))
        return g_steal_pointer(&merged);
    g_autoptr(GVariant) jobs = find_jobs(objects, path), with_jobs = append_member(merged, "jobs", jobs);
    monitors = call_list_monitors(ctl, path, NULL);
    return monitors ? append_member(with_jobs, "monitors", monitors) : g_steal_pointer(&with_jobs);
}

/* The entry of ListVMs that @word names: by its name, or by the object that GetVM finds. */
static GVariant *
find_entry_of(Ctl *ctl, GVariant *vms, const char *word, GError **error)
{
    g_autofree char *path = NULL;

    for (gsize i = 0; i < g_variant_n_children(vms); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(vms, i);
        if (g_str_equal(get_string(entry, "name"), word))
            return g_steal_pointer(&entry);
    }
    path = ctl_find_vm(ctl, word, error);
    for (gsize i = 0; path && i < g_variant_n_children(vms); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(vms, i);
        const char *object = "";
        g_variant_lookup(entry, "object", "&o", &object);
        if (g_str_equal(object, path))
            return g_steal_pointer(&entry);
    }
    if (path)
        g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT, "no VM is at %s", path);
    return NULL;
}

CtlStatus
ctl_run_status(Ctl *ctl, int argc, char **argv)
{
    g_autoptr(GVariant) vms = NULL, objects = NULL;
    GError *error = NULL;
    CtlStatus status = CTL_OK;

    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 1, -1))
        return CTL_USAGE;
    ctl->asks_no_password = TRUE; /* nobody wants to give one for a look */
    if (!ctl_connect(ctl, &error) || !(vms = call_list_vms(ctl, &error)) || !(objects = ctl_get_objects(ctl, &error)))
        return ctl_fail(ctl, error);
    GVariantBuilder found;
    g_variant_builder_init(&found, G_VARIANT_TYPE("aa{sv}"));
    for (int i = 1; i < argc; i++) {
        g_autoptr(GVariant) entry = find_entry_of(ctl, vms, argv[i], &error);
        g_autoptr(GVariant) vm = entry && ctl->is_json ? describe_vm(ctl, entry, objects) : NULL;
        if (!entry)
            status = ctl_fail(ctl, g_steal_pointer(&error));
        else if (vm)
            g_variant_builder_add_value(&found, vm);
        else
            print_status(ctl, entry, objects);
    }
    if (ctl->is_json)
        print_dictionaries(&found);
    g_variant_builder_clear(&found);
    return status;
}

static GVariant *
find_property(GVariant *properties, const char *name, GError **error)
{
    GVariant *value = g_variant_lookup_value(properties, name, NULL);

    if (!value)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "a VM has no property \"%s\"", name);
    return value;
}

static gboolean
print_property(GVariant *properties, const char *name, gboolean is_bare, GError **error)
{
    g_autoptr(GVariant) value = find_property(properties, name, error);

    if (!value)
        return FALSE;
    g_autofree char *text = ctl_variant_to_text(value);
    if (is_bare)
        ctl_print_line(stdout, "%s", text);
    else
        ctl_print_line(stdout, "%s=%s", name, text);
    return TRUE;
}

/* All, or those of @names. */
static gboolean
print_properties(GVariant *properties, char **names, gboolean is_bare, GError **error)
{
    const char *name;
    GVariantIter iter;

    for (guint i = 0; names && names[i]; i++)
        if (!print_property(properties, names[i], is_bare, error))
            return FALSE;
    if (names)
        return TRUE;
    g_variant_iter_init(&iter, properties);
    while (g_variant_iter_next(&iter, "{&sv}", &name, NULL))
        print_property(properties, name, is_bare, NULL);
    return TRUE;
}

/* Those of @names in their order, each once; NULL: all, in the agent's order. */
static GVariant *
pick_properties(GVariant *properties, char **names, GError **error)
{
    g_autoptr(GVariant) picked = names ? g_variant_ref_sink(g_variant_new("a{sv}", NULL)) : g_variant_ref(properties);

    for (guint i = 0; names && names[i]; i++) {
        g_autoptr(GVariant) value = find_property(properties, names[i], error);
        g_autoptr(GVariant) known = g_variant_lookup_value(picked, names[i], NULL), before = picked;
        picked = !value ? NULL : known ? g_variant_ref(before) : append_member(before, names[i], value);
        if (!picked)
            return NULL;
    }
    return g_steal_pointer(&picked);
}

CtlStatus
ctl_run_show(Ctl *ctl, int argc, char **argv)
{
    g_auto(GStrv) names = NULL;
    gboolean is_bare = FALSE;
    const GOptionEntry entries[] = {
        { "property", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &names, "Only this property (may be given again)", "PROPERTY" },
        { "value", 0, 0, G_OPTION_ARG_NONE, &is_bare, "Print values without their names", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autofree char *path = NULL;
    g_autoptr(GVariant) properties = NULL, picked = NULL;
    GError *error = NULL;

    if (!ctl_parse_options(ctl, entries, &argc, &argv, 1, 1))
        return CTL_USAGE;
    ctl->asks_no_password = TRUE;
    if (!ctl_connect(ctl, &error) || !(path = ctl_find_vm(ctl, argv[1], &error)) ||
        !(properties = ctl_get_properties(ctl, path, CTL_VM, &error)))
        return ctl_fail(ctl, error);
    if (!ctl->is_json)
        return print_properties(properties, names, is_bare, &error) ? CTL_OK : ctl_fail(ctl, error);
    if (!(picked = pick_properties(properties, names, &error)))
        return ctl_fail(ctl, error);
    g_autofree char *json = ctl_variant_to_json(picked);
    ctl_print_json(stdout, json);
    return CTL_OK;
}
