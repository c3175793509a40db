/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb `complete`, for shells: prints the words that may stand next, one a line. Errors print nothing. It has no help, because
 * nobody types it.
 *
 *     complete verbs | vms | known | commands VM | events VM | members VM COMMAND | jobs VM | properties VM */
#include <stdio.h>

#include "ctl-bus.h"
#include "ctl-job.h"
#include "ctl-options.h"
#include "ctl-print.h"
#include "ctl-schema.h"
#include "ctl-verbs.h"

static void
print_verbs(const Ctl *ctl)
{
    for (const CtlVerb *verb = ctl->verbs; verb->name; verb++)
        if (verb->help)
            printf("%s\n", verb->name);
}

/* Those that are connected, or all that the agent knows. */
static void
print_vms(Ctl *ctl, gboolean is_all)
{
    g_autoptr(GVariant) reply = ctl_call(ctl, CTL_ROOT, CTL_MANAGER, "ListVMs", NULL, NULL, NULL, NULL);
    g_autoptr(GVariant) list = reply ? g_variant_get_child_value(reply, 0) : NULL;

    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(list, i);
        const char *name = "", *object;
        g_variant_lookup(entry, "name", "&s", &name);
        if (*name && (is_all || g_variant_lookup(entry, "object", "&o", &object)))
            ctl_print_line(stdout, "%s", name);
    }
}

static void
print_jobs_of(Ctl *ctl, const char *path)
{
    g_autoptr(GVariant) objects = ctl_get_objects(ctl, NULL);
    const char *object;
    GVariantIter iter;

    if (!objects)
        return;
    g_variant_iter_init(&iter, objects);
    while (g_variant_iter_next(&iter, "{&o@a{sa{sv}}}", &object, NULL)) {
        g_autofree char *id = ctl_job_get_id(path, object);
        if (id)
            ctl_print_line(stdout, "%s", id);
    }
}

static void
print_properties_of(Ctl *ctl, const char *path)
{
    g_autoptr(GVariant) properties = ctl_get_properties(ctl, path, CTL_VM, NULL);
    const char *name;
    GVariantIter iter;

    if (!properties)
        return;
    g_variant_iter_init(&iter, properties);
    while (g_variant_iter_next(&iter, "{&sv}", &name, NULL))
        printf("%s\n", name);
}

static void
print_annotated(GDBusAnnotationInfo **annotations)
{
    const char *name = g_dbus_annotation_info_lookup(annotations, "org.qemu.Monitor1.Name");

    if (name)
        ctl_print_line(stdout, "%s", name);
}

/* The schema would take the action `observe`, and a refusal would be in the agent's log at each press of a key. */
static void
print_commands_or_events(Ctl *ctl, const char *path, gboolean is_events)
{
    g_autoptr(GDBusNodeInfo) node = ctl_introspect(ctl, path, NULL);
    GDBusInterfaceInfo *interface = node ? g_dbus_node_info_lookup_interface(node, is_events ? CTL_EVENTS : CTL_QMP) : NULL;

    for (guint i = 0; interface && !is_events && interface->methods && interface->methods[i]; i++)
        print_annotated(interface->methods[i]->annotations);
    for (guint i = 0; interface && is_events && interface->signals && interface->signals[i]; i++)
        print_annotated(interface->signals[i]->annotations);
}

static void
print_members(Ctl *ctl, const char *path, const char *command)
{
    g_autoptr(CtlSchema) schema = ctl_schema_load(ctl, path, NULL);
    JsonObject *type = schema ? ctl_schema_get_arguments(schema, command) : NULL;
    g_auto(GStrv) words = type ? ctl_schema_list_members(schema, type) : NULL;

    for (guint i = 0; words && words[i]; i++)
        ctl_print_line(stdout, "%s=", words[i]);
}

CtlStatus
ctl_run_complete(Ctl *ctl, int argc, char **argv)
{
    g_autofree char *path = NULL;

    ctl->asks_no_password = TRUE;
    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 1, 3))
        return CTL_USAGE;
    if (g_str_equal(argv[1], "verbs"))
        print_verbs(ctl);
    else if (!ctl_connect(ctl, NULL))
        return CTL_FAILED;
    else if (g_str_equal(argv[1], "vms"))
        print_vms(ctl, /* is_all= */ FALSE);
    else if (g_str_equal(argv[1], "known"))
        print_vms(ctl, /* is_all= */ TRUE);
    else if (argc > 2 && (path = ctl_find_vm(ctl, argv[2], NULL)) && g_str_equal(argv[1], "jobs"))
        print_jobs_of(ctl, path);
    else if (path && g_str_equal(argv[1], "properties"))
        print_properties_of(ctl, path);
    else if (path && argc > 3 && g_str_equal(argv[1], "members"))
        print_members(ctl, path, argv[3]);
    else if (path)
        print_commands_or_events(ctl, path, g_str_equal(argv[1], "events"));
    return CTL_OK;
}
