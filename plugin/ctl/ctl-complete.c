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
print_words(char **words, const char *suffix)
{
    for (guint i = 0; words && words[i]; i++)
        ctl_print_line(stdout, "%s%s", words[i], suffix);
}

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
print_from_schema(Ctl *ctl, const char *path, const char *kind, const char *command)
{
    g_autoptr(CtlSchema) schema = ctl_schema_load(ctl, path, NULL);
    g_auto(GStrv) words = NULL;

    if (!schema)
        return;
    if (g_str_equal(kind, "commands"))
        words = ctl_schema_list(schema, "command");
    else if (g_str_equal(kind, "events"))
        words = ctl_schema_list(schema, "event");
    else if (command && ctl_schema_get_arguments(schema, command))
        words = ctl_schema_list_members(schema, ctl_schema_get_arguments(schema, command));
    print_words(words, g_str_equal(kind, "members") ? "=" : "");
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
    else if (path)
        print_from_schema(ctl, path, argv[1], argv[3]);
    return CTL_OK;
}
