/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which calls a method takes: one that is refused wrongly breaks programs that leave an argument out, and one that is taken
 * wrongly gives a function values of another type. */
#include "bus-member.h"

static BusMember *
new_member(const char *arguments)
{
    g_autofree char *xml =
        g_strdup_printf("<node><interface name='a.b'><method name='M'>%s</method></interface></node>", arguments);
    g_autoptr(GError) error = NULL;
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);
    static const BusMethod method = { "M", BUS_ACCESS_PUBLIC, NULL };
    BusMember *member;

    g_assert_no_error(error);
    member = bus_member_new(&method, node->interfaces[0]->methods[0]);
    g_dbus_node_info_unref(node);
    return member;
}

#define IN(type) "<arg direction='in' type='" type "'/>"
#define OPTIONAL(type)                                                                                                \
    "<arg direction='in' type='" type "'><annotation name='" BUS_OPTIONAL_ANNOTATION "' value='true'/></arg>"

static void
test_takes(void)
{
    static const struct {
        const char *arguments, *taken[5], *refused[5];
    } cases[] = {
        { "", { "" }, { "s", "a{sv}" } },
        { IN("s"), { "s" }, { "", "o", "ss" } },
        /* busctl and most bindings leave an empty dictionary out. */
        { IN("s") IN("a{sv}"), { "s", "sa{sv}", "sa{ss}" }, { "", "a{sv}", "sa{sv}s", "sa{us}" } },
        { IN("a{sv}") IN("s"), { "a{sv}s", "a{ss}s" }, { "s", "a{sv}" } },
        { IN("s") OPTIONAL("u"), { "s", "su" }, { "", "ss", "suu" } },
        /* An argument in front of a required one cannot be left out. */
        { OPTIONAL("u") IN("s"), { "us" }, { "s", "u" } },
        { IN("a{ss}"), { "a{ss}" }, { "", "a{sv}" } },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        BusMember *member = new_member(cases[i].arguments);
        for (guint j = 0; cases[i].taken[j]; j++)
            if (!bus_member_takes(member, cases[i].taken[j]))
                g_error("%s refuses \"%s\"", member->signature, cases[i].taken[j]);
        for (guint j = 0; cases[i].refused[j]; j++)
            if (bus_member_takes(member, cases[i].refused[j]))
                g_error("%s takes \"%s\"", member->signature, cases[i].refused[j]);
        bus_member_free(member);
    }
}

/* A client keeps what it has read of a property that does not say when it changes. */
static void
test_emits(void)
{
    static const char key[] = "org.freedesktop.DBus.Property.EmitsChangedSignal";
    static const struct {
        const char *interface, *property; /* values of the annotation; NULL: it is not there */
        BusEmits emits;
    } cases[] = {
        { NULL, NULL, BUS_EMITS_VALUE },
        { NULL, "true", BUS_EMITS_VALUE },
        { NULL, "invalidates", BUS_EMITS_INVALIDATION },
        { NULL, "const", BUS_EMITS_NOTHING },
        { NULL, "false", BUS_EMITS_NOTHING },
        { "const", NULL, BUS_EMITS_NOTHING },
        { "const", "true", BUS_EMITS_VALUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        GDBusAnnotationInfo ours = { -1, (char *)key, (char *)cases[i].interface, NULL };
        GDBusAnnotationInfo its = { -1, (char *)key, (char *)cases[i].property, NULL };
        GDBusAnnotationInfo *of_interface[] = { cases[i].interface ? &ours : NULL, NULL };
        GDBusAnnotationInfo *of_property[] = { cases[i].property ? &its : NULL, NULL };
        GDBusInterfaceInfo interface = { .ref_count = -1, .annotations = of_interface };
        GDBusPropertyInfo property = { .ref_count = -1, .signature = (char *)"u", .annotations = of_property };
        BusValue value = bus_value_make(NULL, &interface, &property);
        g_assert_cmpint(value.emits, ==, cases[i].emits);
        g_assert_cmpstr(value.signature, ==, "u");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus-member/takes", test_takes);
    g_test_add_func("/bus-member/emits", test_emits);
    return g_test_run();
}
