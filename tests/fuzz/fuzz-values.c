/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values both ways by any schema. Input: a schema (the reply to query-qmp-schema), a newline, a value. The value is what the schema's
 * first command returns: as its own D-Bus type and as a variant.
 * - What is appended is a message that a bus takes, of the signature that was promised.
 * - Read back it is the value; a number may come back as a fraction of the same size.
 * - A value that the schema's first command would take as its arguments is an object of the members that it lists. */
#include <string.h>

#include "fuzz.h"
#include "json-same.h"
#include "json-tree.h"
#include "qmp-arguments.h"
#include "qmp-schema-parse.h"
#include "value.h"

/* As a bus would see it. */
static DBusMessage *
transmit(DBusMessage *message)
{
    DBusError error = DBUS_ERROR_INIT;
    char *bytes = NULL;
    int length;

    dbus_message_set_serial(message, 1);
    g_assert_true(dbus_message_marshal(message, &bytes, &length));
    DBusMessage *copy = dbus_message_demarshal(bytes, length, &error);
    if (!copy)
        fuzz_fail("no message: %s", error.message);
    dbus_free(bytes);
    return copy;
}

static void
check_value(const char *signature, const QmpType *type, const char *text, JsonNode *value)
{
    DBusMessage *message = dbus_message_new_signal("/a", "a.b", "C");
    g_autoptr(GError) error = NULL;

    if (value_append(message, signature, type, text, "return", /* ret_size= */ NULL, &error)) {
        DBusMessage *copy = transmit(message);
        JsonCost cost = { 0 };
        DBusMessageIter iter;
        if (!g_str_equal(dbus_message_get_signature(copy), signature))
            fuzz_fail("%s, not %s", dbus_message_get_signature(copy), signature);
        dbus_message_iter_init(copy, &iter);
        g_autoptr(JsonNode) again = value_read(&iter, "value", &cost, &error);
        if (!again)
            fuzz_fail("not read: %s", error->message);
        if (!json_is_same(value, again))
            fuzz_fail("%s is another value when read back as %s", text, signature);
        dbus_message_unref(copy);
    } else {
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
    }
    dbus_message_unref(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size ? memchr(text, '\n', size) : NULL;
    g_autofree char *value = end ? g_strndup(end + 1, text + size - end - 1) : NULL;
    g_autoptr(JsonNode) node = end ? json_tree_parse(value, strlen(value), NULL) : NULL;
    g_autoptr(QmpSchema) schema = NULL;
    g_autoptr(GError) error = NULL;

    if (!end)
        return 0;
    schema = qmp_schema_parse(text, end - text, &error);
    g_assert_true(schema || g_utf8_validate(error->message, -1, NULL));
    if (!schema || schema->commands->len == 0 || !node)
        return 0;
    const QmpSchemaCommand *command = schema->commands->pdata[0];
    g_autoptr(GString) signature = g_string_new(NULL);
    value_append_signature(signature, command->result);
    g_assert_true(g_variant_type_string_is_valid(signature->str));
    check_value(signature->str, command->result, value, node);
    check_value("v", command->result, value, node);
    if (JSON_NODE_HOLDS_OBJECT(node))
        qmp_arguments_check(command, json_node_get_object(node), NULL);
    return 0;
}
