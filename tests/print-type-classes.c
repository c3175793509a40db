/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints the tables of types, for test-policy-types.py: a type a line, as "KIND NAME ACTION[,ACTION] [MEMBER...]". The
 * members of all types of a kind stand in a line with NAME `*`. */
#include "backend-class.h"
#include "block-class.h"
#include "device-class.h"
#include "object-class.h"

static void
print_type(const char *kind, const char *name, PolicyClasses classes, const char *members)
{
    g_autoptr(GString) actions = g_string_new(NULL);

    for (PolicyClass class = POLICY_CLASS_HOST; class <= POLICY_CLASS_MANAGE; class ++)
        if (classes & POLICY_CLASSES(class))
            g_string_append_printf(actions, "%s%s", actions->len ? "," : "", policy_class_get_action(class));
    g_print("%s %s %s %s\n", kind, name, actions->str, members);
}

static void
print_types(const PolicyTypes *types)
{
    for (guint i = 0; i < types->n_rows; i++)
        print_type(types->kind, types->rows[i].name, types->rows[i].classes, types->rows[i].members);
    print_type(types->kind, "*", POLICY_CONFIGURE, types->common);
}

/* Those on the command line: QEMU's list has names that the table knows by a rule. Ends with those of the table itself. */
static void
print_devices(char **names)
{
    const PolicyDevices *group = NULL;

    for (char **name = names; *name; name++)
        if ((group = policy_devices_find(*name)))
            print_type("device", *name, group->classes, "");
    for (guint n = 0; (group = policy_devices_get_nth(n)); n++)
        print_type("group", "-", group->classes, group->names);
    print_type("device", "*", POLICY_CONFIGURE, policy_devices_get_properties());
}

int
main(int argc, char **argv)
{
    print_types(&policy_object_types);
    print_types(&policy_block_types);
    print_types(&policy_export_types);
    print_types(&policy_netdev_types);
    print_types(&policy_chardev_types);
    print_types(&policy_display_types);
    print_devices(argv + 1);
    return 0;
}
