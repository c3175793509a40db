/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call's arguments as those of a QMP command: what breaks here sends QEMU something else than the caller has said, or loses a
 * descriptor. */
#include "qmp-method.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

#include "command-class.h"
#include "introspection.h"
#include "json-print.h"
#include "names.h"
#include "qmp-schema-parse.h"
#include "test-bus-object-fixture.h"

#define MEMBER(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\"}"
#define OPTIONAL(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\",\"default\":null}"
#define OBJECT(name, members) "{\"name\":\"" name "\",\"meta-type\":\"object\",\"members\":[" members "]},"
#define COMMAND(name, arguments)                                                                                      \
    "{\"name\":\"" name "\",\"meta-type\":\"command\",\"arg-type\":\"" arguments "\",\"ret-type\":\"0\"},"

static const char schema_text[] =
    "[" COMMAND("stop", "0") COMMAND("set-speed", "1") COMMAND("eject", "2") COMMAND("getfd", "3") COMMAND("only", "4")
        COMMAND("all", "5") OBJECT("0", "") OBJECT("1", MEMBER("node-name", "str") "," MEMBER("speed", "int")) OBJECT(
            "2", MEMBER("id", "str") "," OPTIONAL("force", "bool")) OBJECT("3", MEMBER("fdname", "str"))
            OBJECT("4", MEMBER("object", "0")) OBJECT(
                "5", OPTIONAL("x", "int")) "{\"name\":\"str\",\"meta-type\":\"builtin\",\"json-type\":\"string\"},"
                                           "{\"name\":\"int\",\"meta-type\":\"builtin\",\"json-type\":\"int\"},"
                                           "{\"name\":\"bool\",\"meta-type\":\"builtin\",\"json-type\":\"boolean\"}]";

typedef struct Fixture {
    ObjectFixture base;
    QmpSchema *schema; /* owned */
    GDBusInterfaceInfo *info; /* owned */
    gboolean is_known; /* what QEMU says of the command */
    gboolean is_named; /* the values are read with the method at hand */
} Fixture;

static const QmpSchemaCommand *
find_command(Fixture *fixture, const char *name)
{
    for (guint i = 0; i < fixture->schema->commands->len; i++) {
        const QmpSchemaCommand *command = g_ptr_array_index(fixture->schema->commands, i);
        if (g_str_equal(command->name, name))
            return command;
    }
    g_assert_not_reached();
}

static void
answer(BusCall *call, JsonNode *arguments, int fd)
{
    DBusMessage *reply = bus_call_new_reply(call);
    GString *text = g_string_new(NULL);

    if (arguments)
        json_print_node(text, arguments, JSON_PRINT_COMPACT);
    if (fd >= 0)
        g_string_append(text, " and a descriptor");
    dbus_message_append_args(reply, DBUS_TYPE_STRING, &text->str, DBUS_TYPE_INVALID);
    g_string_free(text, TRUE);
    if (fd >= 0)
        close(fd);
    g_clear_pointer(&arguments, json_node_unref);
    bus_call_return(call, reply);
}

/* Answers with what QEMU would be sent. */
static void
on_any(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;
    GDBusMethodInfo *info = g_dbus_interface_info_lookup_method(fixture->info, bus_call_get_member(call));
    const char *name = introspection_get_qmp_name(info->annotations);
    QmpMethod *method = qmp_method_new(info, fixture->is_known ? find_command(fixture, name) : NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(QmpMethodValues) values = qmp_method_values_new(call, fixture->is_named ? method : NULL, &error);
    JsonNode *arguments;
    int fd;

    g_assert_cmpstr(qmp_method_get_command(method), ==, name);
    if (values && qmp_method_get_arguments(method, call, values, &arguments, &fd, &error)) {
        g_assert_false(qmp_method_values_has_fd(values));
        answer(call, arguments, fd);
    } else {
        bus_call_fail(call, "org.example.Error", error->message);
    }
    qmp_method_free(method);
}

static const ObjectTables tables = TABLES_OF_ANY(on_any);

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    GDBusNodeInfo *none = new_node("<node><interface name='org.qemu.Monitor1.QMP'/></node>");

    object_fixture_set_up(&fixture->base, &tables);
    fixture->schema = qmp_schema_parse(schema_text, strlen(schema_text), NULL);
    fixture->info = introspection_commands(fixture->schema, none->interfaces[0], policy_class_get_command_action);
    fixture->is_known = fixture->is_named = TRUE;
    g_dbus_node_info_unref(none);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_dbus_interface_info_unref(fixture->info);
    qmp_schema_free(fixture->schema);
    object_fixture_tear_down(&fixture->base, &tables);
}

/* @parameters: GVariant text. The result is what came of it: the arguments, or `! ` and the error. */
static char *
call(Fixture *fixture, const char *member, const char *parameters)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) values = g_variant_parse(NULL, parameters, NULL, NULL, &error);
    g_autoptr(GVariant) reply = NULL;
    const char *text;

    g_assert_no_error(error);
    reply = call_object(&fixture->base, PATH, ANY, member, values, &error);
    if (error) {
        g_dbus_error_strip_remote_error(error);
        return g_strconcat("! ", error->message, NULL);
    }
    g_variant_get(reply, "(&s)", &text);
    return g_strdup(text);
}

typedef struct Case {
    const char *member, *parameters, *expected;
} Case;

static void
assert_cases(Fixture *fixture, const Case *cases, guint n_cases)
{
    for (guint i = 0; i < n_cases; i++) {
        g_autofree char *text = call(fixture, cases[i].member, cases[i].parameters);
        g_assert_cmpstr(text, ==, cases[i].expected);
    }
}

/* Callers of all languages: the declared form, the same without its options, and one dictionary of everything mean the
 * same. */
static void
test_forms(Fixture *fixture, gconstpointer unused)
{
    static const Case cases[] = {
        { "Stop", "()", "" },
        { "SetSpeed", "('disk', int64 7)", "{\"node-name\":\"disk\",\"speed\":7}" },
        { "SetSpeed", "({'speed': <7>, 'node-name': <'disk'>},)", "{\"speed\":7,\"node-name\":\"disk\"}" },
        { "Eject", "('cd', {'force': <true>})", "{\"id\":\"cd\",\"force\":true}" },
        { "Eject", "('cd', @a{sv} {})", "{\"id\":\"cd\"}" },
        { "Eject", "('cd',)", "{\"id\":\"cd\"}" },
        { "Eject", "({'id': 'cd'},)", "{\"id\":\"cd\"}" },
        { "All", "()", "" },
        { "All", "(@a{sv} {},)", "{}" },
        { "All", "({'x': <1>},)", "{\"x\":1}" },
        { "Only", "({'object': <@a{sv} {}>},)", "{\"object\":{}}" },
    };

    assert_cases(fixture, cases, G_N_ELEMENTS(cases));
    fixture->is_named = FALSE;
    assert_cases(fixture, cases, G_N_ELEMENTS(cases));
}

/* A caller who has made a mistake: the error says which argument, and QEMU is not asked. */
static void
test_mistakes(Fixture *fixture, gconstpointer unused)
{
    static const Case cases[] = {
        { "Stop", "(1,)", "! Stop takes `` or `a{sv}`, the call has `i`" },
        { "SetSpeed", "('disk',)", "! SetSpeed takes `sx` or `a{sv}`, the call has `s`" },
        { "SetSpeed", "()", "! SetSpeed takes `sx` or `a{sv}`, the call has ``" },
        { "SetSpeed", "('disk', 'fast')", "! speed: an integer is expected, a string was given" },
        { "Eject", "({'force': <true>},)", "! id: is missing" },
        { "Eject", "('cd', {'id': <'cd'>})", "! id is there twice" },
        { "Eject", "('cd', {'forze': <true>})", "! forze: no such member; there are: id, force; did you mean force?" },
        { "Getfd", "('tap',)", "! Getfd takes a file descriptor first: `hs`" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = call(fixture, cases[i].member, cases[i].parameters);
        g_assert_cmpstr(text, ==, cases[i].expected);
    }
}

/* A caller who sends what JSON has not: the argument is named as QEMU has it where that is known, and by its number before. */
static void
test_unreadable(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *named = call(fixture, "SetSpeed", "('disk', (1, 2))");
    g_autofree char *numbered = NULL;

    g_assert_cmpstr(named, ==, "! speed is a struct, which JSON has not");
    fixture->is_named = FALSE;
    numbered = call(fixture, "SetSpeed", "('disk', (1, 2))");
    g_assert_cmpstr(numbered, ==, "! argument 2 is a struct, which JSON has not");
}

/* A QEMU that has not told what it understands: what it does not take is its own affair to say. */
static void
test_unknown(Fixture *fixture, gconstpointer unused)
{
    static const Case cases[] = {
        { "Stop", "()", "" },
        { "SetSpeed", "('disk', 'fast')", "{\"node-name\":\"disk\",\"speed\":\"fast\"}" },
        { "SetSpeed", "(@a{sv} {},)", "{}" },
        { "SetSpeed", "('disk',)", "! SetSpeed takes `sx` or `a{sv}`, the call has `s`" },
    };

    fixture->is_known = FALSE;
    assert_cases(fixture, cases, G_N_ELEMENTS(cases));
}

static void
on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    *(GAsyncResult **)user_data = g_object_ref(result);
}

static GVariant *
call_with_fd(Fixture *fixture, const char *member, const char *text, GError **error)
{
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    GDBusMessage *message =
        g_dbus_message_new_method_call(bus_get_unique_name(fixture->base.base.bus), PATH, ANY, member);
    g_autoptr(GAsyncResult) result = NULL;
    GDBusMessage *reply;
    GVariant *body;

    g_unix_fd_list_append(fds, fd, NULL);
    close(fd);
    g_dbus_message_set_unix_fd_list(message, fds);
    g_dbus_message_set_body(message, g_variant_new("(hs)", 0, text));
    g_dbus_connection_send_message_with_reply(fixture->base.base.client, message, 0, -1, NULL, NULL, on_result,
                                              &result);
    test_until(result);
    reply = g_dbus_connection_send_message_with_reply_finish(fixture->base.base.client, result, NULL);
    body = g_dbus_message_to_gerror(reply, error) ? NULL : g_variant_ref(g_dbus_message_get_body(reply));
    g_object_unref(reply);
    g_object_unref(message);
    return body;
}

/* A caller who passes a descriptor: it goes with the command, and is refused and closed where none is taken. */
static void
test_fd(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = call_with_fd(fixture, "Getfd", "tap", &error);
    const char *text;

    g_assert_no_error(error);
    g_variant_get(reply, "(&s)", &text);
    g_assert_cmpstr(text, ==, "{\"fdname\":\"tap\"} and a descriptor");
    g_assert_null(call_with_fd(fixture, "Eject", "cd", &error));
    g_assert_nonnull(strstr(error->message, "Eject takes no file descriptor: `sa{sv}`"));
}

#undef ADD
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-method/forms", test_forms);
    ADD("/qmp-method/mistakes", test_mistakes);
    ADD("/qmp-method/unreadable", test_unreadable);
    ADD("/qmp-method/unknown", test_unknown);
    ADD("/qmp-method/fd", test_fd);
    return g_test_run();
}
