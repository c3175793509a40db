/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value-check.h"

#include <string.h>

#include "bus-error.h"
#include "fuzz.h"
#include "json-cost.h"
#include "json-same.h"
#include "json-tree.h"
#include "value.h"

/* Behind the header, whose beginning tells its length (D-Bus spec, "Message Format"). */
static void
check_body(const char *message, int length, const GByteArray *bytes)
{
    guint32 body;

    memcpy(&body, message + 4, sizeof body);
    if (bytes->len != body || memcmp(message + length - body, bytes->data, body) != 0)
        fuzz_fail("%u bytes that are not the %u of the message", bytes->len, body);
}

/* As a bus would see it. */
static DBusMessage *
transmit(DBusMessage *message, const GByteArray *bytes)
{
    DBusError error = DBUS_ERROR_INIT;
    char *all = NULL;
    int length;

    dbus_message_set_serial(message, 1);
    g_assert_true(dbus_message_marshal(message, &all, &length));
    check_body(all, length, bytes);
    DBusMessage *copy = dbus_message_demarshal(all, length, &error);
    if (!copy)
        fuzz_fail("no message: %s", error.message);
    dbus_free(all);
    return copy;
}

static void add_cost(JsonCost *cost, JsonNode *value);

static void
add_cost_of_object(JsonCost *cost, JsonObject *object)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;
    guint n = 0;

    json_object_iter_init(&iter, object);
    while (json_object_iter_next(&iter, &name, &value)) {
        json_cost_add_member(cost, n++, strlen(name));
        add_cost(cost, value);
    }
}

static void
add_cost(JsonCost *cost, JsonNode *value)
{
    gsize length = 0;

    if (json_tree_get_type(value) == JSON_TREE_STRING)
        json_tree_get_characters(value, &length);
    json_cost_add_value(cost, 2 + length);
    if (JSON_NODE_HOLDS_OBJECT(value))
        add_cost_of_object(cost, json_node_get_object(value));
    for (guint i = 0; JSON_NODE_HOLDS_ARRAY(value) && i < json_array_get_length(json_node_get_array(value)); i++)
        add_cost(cost, json_array_get_element(json_node_get_array(value), i));
}

gboolean
value_check_is_too_much(JsonNode *value)
{
    JsonCost cost = { 0 };

    add_cost(&cost, value);
    g_autofree char *excess = json_cost_find_excess(&cost, &JSON_COST_OF_ARGUMENTS);
    return excess != NULL;
}

static void
check_again(DBusMessage *message, const char *signature, const char *text, JsonNode *value)
{
    g_autoptr(GError) error = NULL;
    JsonCost cost = { 0 };
    DBusMessageIter iter;

    if (!g_str_equal(dbus_message_get_signature(message), signature))
        fuzz_fail("%s, not %s", dbus_message_get_signature(message), signature);
    dbus_message_iter_init(message, &iter);
    g_autoptr(JsonNode) again = value_read(&iter, "value", &cost, &error);
    if (value_check_is_too_much(value) != g_error_matches(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED))
        fuzz_fail("%s is %s", text, error ? error->message : "read, and is too much");
    if (value_check_is_too_much(value))
        return;
    if (!again)
        fuzz_fail("not read: %s", error->message);
    if (!json_is_same(value, again))
        fuzz_fail("%s is another value when read back as %s", text, signature);
}

void
value_check(const char *signature, const QmpType *type, const char *text, JsonNode *value)
{
    DBusMessage *message = dbus_message_new_signal("/a", "a.b", "C");
    g_autoptr(GError) error = NULL, other_error = NULL;
    g_autoptr(GByteArray) bytes = value_marshal(signature, type, text, "return", &other_error);

    if (value_append(message, signature, type, text, "return", /* ret_size= */ NULL, &error)) {
        g_assert_no_error(other_error);
        DBusMessage *copy = transmit(message, bytes);
        check_again(copy, signature, text, value);
        dbus_message_unref(copy);
    } else {
        g_assert_true(g_utf8_validate(error->message, -1, NULL) && !bytes);
        g_assert_cmpstr(other_error->message, ==, error->message);
    }
    dbus_message_unref(message);
}
