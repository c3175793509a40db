/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands and events as D-Bus members: clients are generated from this, so a name or a type that changes breaks programs
 * that somebody has written. */
#include "introspection.h"

#include <string.h>

#include "command-class.h"
#include "names.h"
#include "qmp-schema-parse.h"

#define OBJECT(name, members) ",{\"name\":\"" name "\",\"meta-type\":\"object\",\"members\":[" members "]}"
#define MEMBER(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\"}"
#define OPTIONAL(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\",\"default\":null}"
#define COMMAND_WITH(name, arguments, result, more)                                                                   \
    "{\"name\":\"" name "\",\"meta-type\":\"command\",\"arg-type\":\"" arguments "\",\"ret-type\":\"" result          \
    "\"" more "}"
#define COMMAND(name, arguments, result) COMMAND_WITH(name, arguments, result, "")
#define EVENT(name, more) "{\"name\":\"" name "\",\"meta-type\":\"event\",\"arg-type\":\"0\"" more "}"
#define BUILTIN(name, type) ",{\"name\":\"" name "\",\"meta-type\":\"builtin\",\"json-type\":\"" type "\"}"
#define TYPES                                                                                                         \
    OBJECT("0", "")                                                                                                   \
    BUILTIN("str", "string")                                                                                          \
    BUILTIN("int", "int")                                                                                             \
    BUILTIN("any", "value") ",{\"name\":\"[int]\",\"meta-type\":\"array\",\"element-type\":\"int\"}]"

static const char no_contract[] = "<node><interface name='org.qemu.Monitor1.QMP'/></node>";

static void
append_args(GString *text, GDBusArgInfo **args)
{
    for (guint i = 0; args && args[i]; i++) {
        const char *qmp_name = introspection_get_qmp_name(args[i]->annotations);
        g_string_append_printf(text, "%s%s %s", i > 0 ? ", " : "", args[i]->signature, args[i]->name);
        if (qmp_name)
            g_string_append_printf(text, " <%s>", qmp_name);
    }
}

/* `Name(type argument <QMP name>, …) → type result;` for each method. */
static char *
show_commands(const char *text, const char *contract)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(QmpSchema) schema = qmp_schema_parse(text, strlen(text), &error);
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(contract, NULL);
    GDBusInterfaceInfo *interface;
    GString *shown = g_string_new(NULL);

    g_assert_no_error(error);
    interface = introspection_commands(schema, node->interfaces[0], policy_class_get_command_action);
    for (GDBusMethodInfo **method = interface->methods; method && *method; method++) {
        g_string_append_printf(shown, "%s(", (*method)->name);
        append_args(shown, (*method)->in_args);
        g_string_append(shown, ") → ");
        append_args(shown, (*method)->out_args);
        g_string_append_c(shown, ';');
    }
    g_dbus_interface_info_unref(interface);
    g_dbus_node_info_unref(node);
    return g_string_free(shown, FALSE);
}

typedef struct Case {
    const char *schema, *shown;
} Case;

static void
assert_shown(const Case *cases, guint n_cases)
{
    for (guint i = 0; i < n_cases; i++) {
        g_autofree char *shown = show_commands(cases[i].schema, no_contract);
        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}

/* Somebody who writes a program: required members come one by one in QEMU's order, the others together, and nothing where
 * there is nothing. */
static void
test_arguments(void)
{
    static const Case cases[] = {
        { "[" COMMAND("stop", "0", "0") TYPES, "Stop() → ;" },
        { "[" COMMAND("a", "1", "0") OBJECT("1", MEMBER("id", "str") "," MEMBER("speed", "int")) TYPES,
          "A(s id, x speed) → ;" },
        { "[" COMMAND("a", "1", "0") OBJECT("1", OPTIONAL("force", "int") "," MEMBER("id", "str")) TYPES,
          "A(s id, a{sv} options) → ;" },
        { "[" COMMAND("a", "1", "0") OBJECT("1", OPTIONAL("force", "int")) TYPES, "A(a{sv} options) → ;" },
        { "[" COMMAND("a", "1", "0") OBJECT("1", MEMBER("v", "any") "," MEMBER("n", "[int]")) TYPES,
          "A(v v, ax n) → ;" },
        { "[" COMMAND("getfd", "1", "0") OBJECT("1", MEMBER("fdname", "str")) TYPES, "Getfd(h fd, s fdname) → ;" },
        { "[" COMMAND("add-fd", "1", "0") OBJECT("1", OPTIONAL("opaque", "str")) TYPES,
          "AddFd(h fd, a{sv} options) → ;" },
    };

    assert_shown(cases, G_N_ELEMENTS(cases));
}

/* A union has other members from case to case, and an only object would be a dictionary in a dictionary: all is in one. */
static void
test_all_in_one(void)
{
    g_autoptr(GString) many = g_string_new("[" COMMAND("many", "1", "0") ",{\"name\":\"1\",\"meta-type\":\"object\","
                                                                         "\"members\":[");
    g_autofree char *shown = NULL;
    static const Case cases[] = {
        { "[" COMMAND("a", "1", "0") ",{\"name\":\"1\",\"meta-type\":\"object\",\"members\":[" MEMBER(
              "kind", "str") "],\"tag\":\"kind\",\"variants\":[{\"case\":\"x\",\"type\":\"0\"}]}" TYPES,
          "A(a{sv} arguments) → ;" },
        { "[" COMMAND("a", "1", "0") OBJECT("1", MEMBER("o", "0") "," OPTIONAL("x", "int")) TYPES,
          "A(a{sv} arguments) → ;" },
        { "[" COMMAND("a", "1", "0") OBJECT("1", MEMBER("o", "0") "," MEMBER("x", "int")) TYPES,
          "A(a{sv} o, x x) → ;" },
    };

    assert_shown(cases, G_N_ELEMENTS(cases));
    /* D-Bus takes no signature of more than 255 letters. */
    for (guint i = 0; i < 250; i++)
        g_string_append_printf(many, "%s" MEMBER("m%u", "int"), i > 0 ? "," : "", i);
    g_string_append(many, "]}" TYPES);
    shown = show_commands(many->str, no_contract);
    g_assert_cmpstr(shown, ==, "Many(a{sv} arguments) → ;");
}

/* Somebody who generates code: every name is an identifier, none comes twice, and QMP's own name stands beside one that
 * had to change. */
static void
test_argument_names(void)
{
    static const Case cases[] = {
        { "[" COMMAND("a", "1", "0") OBJECT("1", MEMBER("node-name", "str") "," MEMBER("node_name", "str")) TYPES,
          "A(s node_name <node-name>, s node_name_ <node_name>) → ;" },
        { "[" COMMAND("a", "1", "0") OBJECT("1", MEMBER("options", "str")) TYPES, "A(s options <options>) → ;" },
        { "[" COMMAND("a", "1", "0") OBJECT("1", MEMBER("options", "str") "," OPTIONAL("x", "str")) TYPES,
          "A(s options_ <options>, a{sv} options) → ;" },
    };

    assert_shown(cases, G_N_ELEMENTS(cases));
}

/* Somebody who reads a result: its type does not depend on its value, and a result that says nothing is none. */
static void
test_results(void)
{
    static const Case cases[] = {
        { "[" COMMAND("a", "0", "int") TYPES, "A() → x result;" },
        { "[" COMMAND("a", "0", "[int]") TYPES, "A() → ax result;" },
        { "[" COMMAND("a", "0", "any") TYPES, "A() → v result;" },
        { "[" COMMAND("a", "0", "1") OBJECT("1", OPTIONAL("x", "int")) TYPES, "A() → a{sv} result;" },
        { "[" COMMAND("a", "0", "0") TYPES, "A() → ;" },
    };

    assert_shown(cases, G_N_ELEMENTS(cases));
}

/* A QEMU whose commands have names that D-Bus cannot tell apart, or not have at all: the first is there, and the rest
 * can still be had by Execute. */
static void
test_member_names(void)
{
    static const Case cases[] = {
        { "[" COMMAND("query-x", "0", "0") "," COMMAND("query_x", "0", "int") "," COMMAND("7up", "0", "0") TYPES,
          "QueryX() → ;" },
        { "[" COMMAND("--", "0", "0") TYPES, "" },
    };

    assert_shown(cases, G_N_ELEMENTS(cases));
}

/* A program that was written for all QEMUs: the contract's arguments stay, whatever this QEMU's are; but only for the
 * same command. */
static void
test_promised(void)
{
    static const char contract[] =
        "<node><interface name='org.qemu.Monitor1.QMP'>"
        "<method name='Eject'><arg name='options' type='a{sv}' direction='in'/>"
        "<annotation name='org.qemu.Monitor1.Name' value='eject'/></method>"
        "<method name='QueryX'><arg name='result' type='s' direction='out'/>"
        "<annotation name='org.qemu.Monitor1.Name' value='query_x'/></method></interface></node>";
    static const char schema[] =
        "[" COMMAND("eject", "1", "int") "," COMMAND("query-x", "0", "int") OBJECT("1", MEMBER("device", "str")) TYPES;
    g_autofree char *shown = show_commands(schema, contract);

    g_assert_cmpstr(shown, ==, "Eject(a{sv} options) → ;QueryX() → x result;");
}

static const char *
get(GDBusAnnotationInfo **annotations, const char *key)
{
    return g_dbus_annotation_info_lookup(annotations, key);
}

/* An administrator who reads which action a method asks for: an unstable command is held to be the most dangerous. */
static void
test_annotations(void)
{
    static const char text[] = "[" COMMAND("stop", "0", "0") "," COMMAND_WITH(
        "query-kvm", "0", "0", ",\"features\":[\"unstable\"]") "," COMMAND_WITH("blockdev-snapshot-sync", "0", "0",
                                                                                ",\"features\":[\"deprecated\"]")
        TYPES;
    g_autoptr(QmpSchema) schema = qmp_schema_parse(text, strlen(text), NULL);
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(no_contract, NULL);
    GDBusInterfaceInfo *interface =
        introspection_commands(schema, node->interfaces[0], policy_class_get_command_action);
    GDBusAnnotationInfo **stop = interface->methods[0]->annotations, **kvm = interface->methods[1]->annotations;
    GDBusAnnotationInfo **sync = interface->methods[2]->annotations;

    g_assert_cmpstr(interface->name, ==, MONITOR_QMP_INTERFACE);
    g_assert_cmpstr(get(stop, MONITOR_NAME_ANNOTATION), ==, "stop");
    g_assert_cmpstr(get(stop, MONITOR_ACTION_ANNOTATION), ==, "org.qemu.monitor1.control");
    g_assert_null(get(stop, MONITOR_UNSTABLE_ANNOTATION));
    g_assert_null(get(stop, "org.freedesktop.DBus.Deprecated"));
    g_assert_cmpstr(get(kvm, MONITOR_ACTION_ANNOTATION), ==, "org.qemu.monitor1.host");
    g_assert_cmpstr(get(kvm, MONITOR_UNSTABLE_ANNOTATION), ==, "true");
    g_assert_cmpstr(get(sync, "org.freedesktop.DBus.Deprecated"), ==, "true");
    g_assert_cmpstr(get(sync, "org.gtk.GDBus.C.Name"), ==, "BlockdevSnapshotSyncCommand");
    g_dbus_interface_info_unref(interface);
    g_dbus_node_info_unref(node);
}

/* Somebody who listens to events: all have the same two arguments, and a name that was taken is not there twice. */
static void
test_events(void)
{
    static const char text[] = "[" EVENT("BLOCK_IO_ERROR", "") "," EVENT("block-io-error", "") "," EVENT(
        "STOP", ",\"features\":[\"deprecated\"]") TYPES;
    g_autoptr(QmpSchema) schema = qmp_schema_parse(text, strlen(text), NULL);
    GDBusInterfaceInfo *interface = introspection_events(schema, policy_class_get_command_action);
    g_autoptr(GString) args = g_string_new(NULL);

    g_assert_cmpstr(interface->name, ==, MONITOR_EVENTS_INTERFACE);
    g_assert_cmpstr(interface->signals[0]->name, ==, "BlockIoError");
    g_assert_cmpstr(get(interface->signals[0]->annotations, MONITOR_ACTION_ANNOTATION), ==,
                    "org.qemu.monitor1.observe");
    append_args(args, interface->signals[0]->args);
    g_assert_cmpstr(args->str, ==, "a{sv} data, t timestamp");
    g_assert_cmpstr(interface->signals[1]->name, ==, "Stop");
    g_assert_cmpstr(get(interface->signals[1]->annotations, "org.freedesktop.DBus.Deprecated"), ==, "true");
    g_assert_null(interface->signals[2]);
    g_dbus_interface_info_unref(interface);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/introspection/arguments", test_arguments);
    g_test_add_func("/introspection/all-in-one", test_all_in_one);
    g_test_add_func("/introspection/argument-names", test_argument_names);
    g_test_add_func("/introspection/results", test_results);
    g_test_add_func("/introspection/member-names", test_member_names);
    g_test_add_func("/introspection/promised", test_promised);
    g_test_add_func("/introspection/annotations", test_annotations);
    g_test_add_func("/introspection/events", test_events);
    return g_test_run();
}
