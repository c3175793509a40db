/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU's schema, as it says it or as schema-maker.c makes it, and all that is made from one. Input: a byte of flags, the schema (text
 * up to U+0000, or bytes for the maker), bytes for values.
 * - The interfaces are XML that GLib reads, with members, arguments and signatures that D-Bus takes, each name once.
 * - A result is what value-check.h says, with the signature that was promised.
 * - Arguments that the schema takes reach QEMU as they were when a caller gives them as the method declares; of anything else that a
 *   caller gives only what the schema takes. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bus-call.h"
#include "bus-error.h"
#include "contract.h"
#include "fuzz.h"
#include "introspection.h"
#include "json-print.h"
#include "json-same.h"
#include "json-tree.h"
#include "message-maker.h"
#include "names.h"
#include "qmp-arguments.h"
#include "qmp-method.h"
#include "qmp-schema-parse.h"
#include "schema-maker.h"
#include "value-check.h"
#include "value.h"

#define FLAG_TEXT 1
#define FLAG_CONTRACT 2 /* what it promises is promised */
#define FLAG_ALL_IN_ONE 4 /* the caller gives one dictionary */
#define FLAG_ANY_CALL 8 /* a caller gives anything */

/* The bus's own call is not linked: a message that was never sent is enough. */
struct BusCall {
    DBusMessage *message;
};

DBusMessage *
bus_call_get_message(BusCall *call)
{
    return call->message;
}

const char *
bus_call_get_signature(BusCall *call)
{
    return dbus_message_get_signature(call->message);
}

static const char *
get_action(const char *command, gboolean is_unstable)
{
    return "org.qemu.monitor1.host";
}

static void
check_arg_infos(GDBusArgInfo **args)
{
    g_autoptr(GHashTable) taken = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) signature = g_string_new(NULL);

    for (; args && *args; args++) {
        if (!g_hash_table_add(taken, (*args)->name))
            fuzz_fail("two arguments are called %s", (*args)->name);
        g_assert_true(*(*args)->name &&
                      strspn((*args)->name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_") == strlen((*args)->name));
        g_string_append(signature, (*args)->signature);
    }
    g_assert_true(dbus_signature_validate(signature->str, NULL));
}

static void
check_member_name(GHashTable *taken, const char *name)
{
    if (!dbus_validate_member(name, NULL) || !g_hash_table_add(taken, (gpointer)name))
        fuzz_fail("the member %s is none, or there twice", name);
}

static void
check_interface(GDBusInterfaceInfo *info)
{
    g_autoptr(GHashTable) taken = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) xml = g_string_new("<node>");
    g_autoptr(GError) error = NULL;
    guint n = 0;

    for (GDBusMethodInfo **method = info->methods; method && *method; method++, n++) {
        check_member_name(taken, (*method)->name);
        check_arg_infos((*method)->in_args);
        check_arg_infos((*method)->out_args);
    }
    for (GDBusSignalInfo **signal = info->signals; signal && *signal; signal++)
        check_member_name(taken, (*signal)->name);
    g_dbus_interface_info_generate_xml(info, 2, xml);
    g_string_append(xml, "</node>");
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml->str, &error);
    if (!node)
        fuzz_fail("%s: %s", error->message, xml->str);
    for (guint i = 0; i < n; i++)
        g_assert_cmpstr(node->interfaces[0]->methods[i]->name, ==, info->methods[i]->name);
    g_dbus_node_info_unref(node);
}

static char *
print_value(JsonNode *node)
{
    GString *text = g_string_new(NULL);

    json_print_node(text, node, JSON_PRINT_COMPACT);
    return g_string_free(text, FALSE);
}

static void
check_result(const QmpType *type, const char *signature, const char *text)
{
    g_autoptr(JsonNode) value = json_tree_parse(text, strlen(text), NULL);

    if (value)
        value_check(signature, type, text, value);
}

static void
append_passed_fd(DBusMessage *message)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    g_assert_true(dbus_message_append_args(message, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID));
    close(fd);
}

static gboolean
append_json(DBusMessage *message, const char *signature, JsonNode *value)
{
    g_autofree char *text = print_value(value);

    return value_append(message, signature, /* type= */ NULL, text, "a", /* ret_size= */ NULL, /* error= */ NULL);
}

/* What a caller sends who has read the introspection, to have the command executed with @rest, of which nothing is left then.
 * FALSE: it cannot be said so. */
static gboolean
append_call(DBusMessage *message, const GDBusMethodInfo *info, JsonObject *rest, gboolean is_all_in_one)
{
    gboolean has_dictionary = FALSE;

    for (GDBusArgInfo **arg = info->in_args; arg && *arg; arg++) {
        const char *qmp_name = introspection_get_qmp_name((*arg)->annotations),
                   *name = qmp_name ? qmp_name : (*arg)->name;
        gboolean is_dictionary =
            !qmp_name && (g_str_equal(name, DESCRIBE_OPTIONS) || g_str_equal(name, DESCRIBE_ARGUMENTS));
        if (g_str_equal((*arg)->signature, "h")) {
            append_passed_fd(message);
        } else if (is_dictionary) {
            has_dictionary = TRUE;
        } else if (!is_all_in_one) {
            JsonNode *value = json_object_get_member(rest, name);
            if (!value || !append_json(message, (*arg)->signature, value))
                return FALSE;
            json_object_remove_member(rest, name);
        }
    }
    if (!has_dictionary && !is_all_in_one)
        return json_object_get_size(rest) == 0;
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), rest);
    return append_json(message, "a{sv}", node);
}

static void
check_call(const QmpMethod *method, DBusMessage *message, JsonNode *arguments)
{
    BusCall call = { message };
    g_autoptr(GError) error = NULL;
    g_autoptr(QmpMethodValues) values = qmp_method_values_new(&call, method, &error);
    JsonNode *seen = NULL;
    int fd = -1;

    g_autofree char *text = print_value(arguments);
    gboolean is_read = values && qmp_method_get_arguments(method, &call, values, &seen, &fd, &error);
    /* The schema's maker makes such, and the cap comes before the schema. */
    if (!is_read && value_check_is_too_much(arguments) &&
        g_error_matches(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED))
        return;
    if (!is_read)
        fuzz_fail("%s with %s: %s", qmp_method_get_command(method), text, error->message);
    g_autofree char *seen_text = seen ? print_value(seen) : g_strdup("{}");
    if (seen ? !json_is_same(arguments, seen) : json_object_get_size(json_node_get_object(arguments)) > 0)
        fuzz_fail("%s with %s reaches QEMU with %s", qmp_method_get_command(method), text, seen_text);
    if (fd >= 0)
        close(fd);
    g_clear_pointer(&seen, json_node_unref);
}

static void
check_arguments(const QmpMethod *method, const GDBusMethodInfo *info, const QmpSchemaCommand *command,
                const char *text, gboolean is_all_in_one)
{
    g_autoptr(JsonNode) arguments = json_tree_parse(text, strlen(text), NULL);
    g_autoptr(JsonNode) copy = json_tree_parse(text, strlen(text), NULL);
    g_autoptr(GError) error = NULL;

    if (!arguments || !JSON_NODE_HOLDS_OBJECT(arguments))
        return;
    if (qmp_arguments_check(command, json_node_get_object(arguments), &error)) {
        DBusMessage *message = dbus_message_new_method_call(NULL, "/a", "a.b", "C");
        if (append_call(message, info, json_node_get_object(copy), is_all_in_one))
            check_call(method, message, arguments);
        dbus_message_unref(message);
    }
    g_assert_true(!error || g_utf8_validate(error->message, -1, NULL));
}

/* A caller who has not read the introspection, or means no good. What is accepted is what the schema takes. */
static void
check_any_call(const QmpMethod *method, const QmpSchemaCommand *command, MakerBytes *bytes)
{
    DBusMessage *message = dbus_message_new_method_call(NULL, "/a", "a.b", "C");
    g_autoptr(QmpMethodValues) values = NULL;
    g_autoptr(JsonNode) arguments = NULL;
    g_autoptr(GError) error = NULL;
    BusCall call = { message };
    int fd = -1;

    message_maker_append(bytes, message);
    values = qmp_method_values_new(&call, bytes->left % 2 ? method : NULL, &error);
    if (values && qmp_method_get_arguments(method, &call, values, &arguments, &fd, &error) && arguments)
        g_assert_true(qmp_arguments_check(command, json_node_get_object(arguments), NULL));
    g_assert_true(!error || g_utf8_validate(error->message, -1, NULL));
    if (fd >= 0)
        close(fd);
    dbus_message_unref(message);
}

static const QmpSchemaCommand *
find_schema_command(const QmpSchema *schema, const char *name)
{
    for (guint i = 0; i < schema->commands->len; i++)
        if (g_str_equal(((QmpSchemaCommand *)schema->commands->pdata[i])->name, name))
            return schema->commands->pdata[i];
    return NULL;
}

static void
check_method(const QmpSchema *schema, const GDBusMethodInfo *info, guint flags, MakerBytes *bytes)
{
    const QmpSchemaCommand *command = find_schema_command(schema, introspection_get_qmp_name(info->annotations));
    g_autoptr(GString) result = g_string_new(NULL), arguments = g_string_new(NULL);
    const QmpType *type;

    g_assert_nonnull(command);
    QmpMethod *method = qmp_method_new(info, command);
    const char *signature = qmp_method_get_result(method, &type);
    schema_maker_append_value(bytes, result, command->result, /* depth= */ 0);
    if (*signature)
        check_result(type, signature, result->str);
    check_result(type, "v", result->str);
    schema_maker_append_value(bytes, arguments, command->arguments, /* depth= */ 0);
    check_arguments(method, info, command, arguments->str, flags & FLAG_ALL_IN_ONE);
    if (flags & FLAG_ANY_CALL)
        check_any_call(method, command, bytes);
    qmp_method_free(method);
}

static void
check_schema(const QmpSchema *schema, guint flags, MakerBytes *bytes)
{
    static GDBusNodeInfo *promised, *nothing;

    if (!promised) {
        promised = contract_load();
        nothing = g_dbus_node_info_new_for_xml("<node><interface name='" MONITOR_QMP_INTERFACE "'/></node>", NULL);
    }
    GDBusInterfaceInfo *qmp = introspection_commands(
        schema, g_dbus_node_info_lookup_interface(flags & FLAG_CONTRACT ? promised : nothing, MONITOR_QMP_INTERFACE),
        get_action);
    GDBusInterfaceInfo *events = introspection_events(schema, get_action);
    check_interface(qmp);
    check_interface(events);
    for (GDBusMethodInfo **method = qmp->methods; method && *method; method++)
        check_method(schema, *method, flags, bytes);
    g_dbus_interface_info_unref(qmp);
    g_dbus_interface_info_unref(events);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MakerBytes bytes = { data + 1, size - 1 };
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (size < 2)
        return 0;
    if (data[0] & FLAG_TEXT) {
        text = g_strndup((const char *)data + 1, size - 1);
        gsize used = MIN(strlen(text) + 1, bytes.left);
        bytes = (MakerBytes){ data + 1 + used, bytes.left - used };
    } else {
        text = schema_maker_make(&bytes);
    }
    g_autoptr(QmpSchema) schema = qmp_schema_parse(text, strlen(text), &error);
    g_assert_true(schema || g_utf8_validate(error->message, -1, NULL));
    if (schema)
        check_schema(schema, data[0], &bytes);
    return 0;
}
