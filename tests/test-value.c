/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values between JSON and D-Bus: nothing is cut, rounded or wrapped on the way, and nothing is sent that would make
 * the bus throw the agent out. */
#include <math.h>
#include <time.h>

#include "bus-error.h"
#include "json-print.h"
#include "value.h"

static DBusMessage *
new_message(void)
{
    return dbus_message_new_signal("/a", "a.b", "C");
}

/* The message as the bus would see it: marshalled, validated, read again. NULL where it is not valid. */
static DBusMessage *
transmit(DBusMessage *message)
{
    DBusError error = DBUS_ERROR_INIT;
    char *bytes = NULL;
    int length;
    DBusMessage *copy;

    dbus_message_set_serial(message, 1);
    g_assert_true(dbus_message_marshal(message, &bytes, &length));
    copy = dbus_message_demarshal(bytes, length, &error);
    dbus_error_free(&error);
    dbus_free(bytes);
    return copy;
}

/* The body of a message that has values is 8-byte aligned, behind everything else. */
static void
assert_body(DBusMessage *message, const GByteArray *body)
{
    char *bytes = NULL;
    int length;

    dbus_message_set_serial(message, 1);
    g_assert_true(dbus_message_marshal(message, &bytes, &length));
    g_assert_cmpint(length, >, (int)body->len);
    g_assert_cmpint(length % 8, ==, (int)(body->len % 8));
    g_assert_cmpmem(bytes + length - body->len, body->len, body->data, body->len);
    dbus_free(bytes);
    dbus_message_set_serial(message, 0);
}

/* By libdbus's iterators and by the bytes: the same, byte for byte, and the same errors. */
static DBusMessage *
append_typed(const char *signature, const QmpType *type, const char *json, GError **error)
{
    DBusMessage *message = new_message();
    g_autoptr(GError) other = NULL, own = NULL;
    gsize size;
    gboolean is_right = value_append(message, signature, type, json, "return", &size, &own);
    g_autoptr(GByteArray) body = value_marshal(signature, type, json, "return", &other);

    g_assert_cmpint(body != NULL, ==, is_right);
    g_assert_cmpstr(own ? own->message : NULL, ==, other ? other->message : NULL);
    if (is_right) {
        g_assert_cmpuint(body->len, ==, size);
        assert_body(message, body);
        return message;
    }
    g_propagate_error(error, g_steal_pointer(&own));
    dbus_message_unref(message);
    return NULL;
}

static DBusMessage *
append(const char *signature, const char *json, GError **error)
{
    return append_typed(signature, /* type= */ NULL, json, error);
}

static char *
read_back(DBusMessage *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = NULL;
    GString *text = g_string_new(NULL);
    DBusMessageIter iter;
    JsonCost cost = { 0 };

    dbus_message_iter_init(message, &iter);
    node = value_read(&iter, "arguments", &cost, &error);
    g_assert_no_error(error);
    json_print_node(text, node, JSON_PRINT_COMPACT);
    return g_string_free(text, FALSE);
}

static void
assert_round_trip(const char *type, const char *json)
{
    DBusMessage *message = append(type, json, NULL);
    g_assert_nonnull(message);
    DBusMessage *received = transmit(message);
    g_assert_nonnull(received);
    g_autofree char *text = read_back(received);

    g_assert_cmpstr(dbus_message_get_signature(received), ==, type);
    g_assert_cmpstr(text, ==, json);
    dbus_message_unref(message);
    dbus_message_unref(received);
}

static void
test_round_trips(void)
{
    static const char *const values[] = {
        "null",
        "true",
        "false",
        "0",
        "-9223372036854775808",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "0.1",
        "1.7976931348623157e308",
        "4.94065645841247e-324",
        "\"\"",
        "\"caf\xc3\xa9 \\\" \\\\ \xf0\x9f\x90\xa7\"",
        "[]",
        "{}",
        "[1,2,3]",
        "[1,9223372036854775808]",
        "[1,\"a\",null,[],{}]",
        "[[1,2],[3]]",
        "[[1],[\"a\"]]",
        "[[],[1]]",
        "[{\"a\":1},{\"b\":{\"c\":[true]}}]",
        "{\"a\":{\"b\":{\"c\":[[{}]]}},\"d\":null}",
    };

    for (guint i = 0; i < G_N_ELEMENTS(values); i++)
        assert_round_trip("v", values[i]);
}

static void
test_declared_types(void)
{
    static const struct {
        const char *type, *json;
    } fits[] = {
        { "x", "-1" },    { "t", "1" },           { "d", "3.0" },     { "d", "0.5" },
        { "b", "true" },  { "s", "\"s\"" },       { "ax", "[]" },     { "as", "[\"a\",\"b\"]" },
        { "aax", "[[1],[]]" }, { "a{sv}", "{}" }, { "aa{sv}", "[]" }, { "aa{sv}", "[{\"a\":[]}]" },
        { "av", "[1,2]" },
    }, misfits[] = {
        { "x", "9223372036854775808" }, { "t", "-1" },  { "x", "0.5" },   { "b", "1" },      { "s", "1" },
        { "a{sv}", "[]" },              { "as", "{}" }, { "as", "[1]" }, { "aa{sv}", "[1]" }, { "x", "null" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(fits); i++)
        assert_round_trip(fits[i].type, fits[i].json);
    for (guint i = 0; i < G_N_ELEMENTS(misfits); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(append(misfits[i].type, misfits[i].json, &error));
        g_assert_error(error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE);
    }
}

/* The D-Bus type of what a variant of @type around @json holds. */
static void
assert_content(const QmpType *type, const char *json, const char *expected)
{
    DBusMessage *message = append_typed("v", type, json, NULL);
    g_assert_nonnull(message);
    DBusMessage *received = transmit(message);
    g_assert_nonnull(received);
    g_autofree char *text = read_back(received);
    DBusMessageIter iter, content;

    dbus_message_iter_init(received, &iter);
    dbus_message_iter_recurse(&iter, &content);
    char *signature = dbus_message_iter_get_signature(&content);
    g_assert_cmpstr(signature, ==, expected);
    dbus_free(signature);
    g_assert_cmpstr(text, ==, json);
    dbus_message_unref(message);
    dbus_message_unref(received);
}

/* What the schema says counts, unless QEMU's value is something else: then nothing of it may be lost. */
static void
test_types_of_the_schema(void)
{
    static const QmpType integer = { .kind = QMP_TYPE_INT }, number = { .kind = QMP_TYPE_NUMBER },
                         string = { .kind = QMP_TYPE_STRING }, null = { .kind = QMP_TYPE_NULL },
                         any = { .kind = QMP_TYPE_ANY };
    static const QmpType integers = { .kind = QMP_TYPE_ARRAY, .element = &integer },
                         numbers = { .kind = QMP_TYPE_ARRAY, .element = &number },
                         anything = { .kind = QMP_TYPE_ARRAY, .element = &any },
                         matrix = { .kind = QMP_TYPE_ARRAY, .element = &integers };
    static const QmpMember branches[] = { { .type = &string }, { .type = &numbers }, { .type = &null } };
    static const QmpType alternate = { .kind = QMP_TYPE_ALTERNATE, .members = branches, .n_members = 3 };
    static const QmpType alternates = { .kind = QMP_TYPE_ARRAY, .element = &alternate };
    static const struct {
        const QmpType *type;
        const char *json, *signature;
    } rows[] = {
        { &integer, "1", "x" },
        { &integer, "18446744073709551615", "t" },
        { &integer, "0.5", "d" },
        { &number, "0.5", "d" },
        { &string, "1", "x" },
        { &null, "null", "g" },
        { &any, "[1]", "ax" },
        { &any, "[]", "av" },
        { &integers, "[]", "ax" },
        { &integers, "[9223372036854775808]", "at" },
        { &integers, "[9223372036854775808,-1]", "av" },
        { &integers, "[1,\"a\"]", "av" },
        { &integers, "{}", "a{sv}" },
        { &matrix, "[]", "aax" },
        { &matrix, "[[],[1]]", "aax" },
        { &matrix, "[[],[\"a\"]]", "av" },
        { &anything, "[1,2]", "av" },
        { &alternate, "\"a\"", "s" },
        { &alternate, "[]", "ad" },
        { &alternate, "true", "b" },
        { &alternates, "[\"a\",\"b\"]", "av" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_content(rows[i].type, rows[i].json, rows[i].signature);
}

static void
test_place(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(append("v", "{\"a\":[0,{\"b\":\"x\\u0000y\"}]}", &error));
    g_assert_error(error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE);
    g_assert_true(g_str_has_prefix(error->message, "return.a[1].b holds U+0000"));
}

static char *
nest(const char *open, const char *close, guint depth)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < depth; i++)
        g_string_append(text, open);
    g_string_append(text, "1");
    for (guint i = 0; i < depth; i++)
        g_string_append(text, close);
    return g_string_free(text, FALSE);
}

/* Every depth is either carried or refused by us; libdbus, which judges as the daemon does, never has to. */
static void
assert_depth(const char *type, const char *open, const char *close, guint deepest)
{
    for (guint depth = 1; depth < 70; depth++) {
        g_autofree char *text = nest(open, close, depth);
        g_autoptr(GError) error = NULL;
        DBusMessage *message = append(type, text, &error);

        g_assert_cmpint(message != NULL, ==, depth <= deepest);
        if (!message)
            continue;
        DBusMessage *received = transmit(message);
        g_assert_nonnull(received);
        dbus_message_unref(received);
        dbus_message_unref(message);
    }
}

static void
test_depth(void)
{
    assert_depth("a{sv}", "{\"a\":", "}", 21);
    assert_depth("v", "{\"a\":", "}", 21);
    assert_depth("v", "[", "]", 32);
    assert_depth("v", "[1,\"a\",", "]", 31);
    assert_depth("av", "[1,\"a\",", "]", 32);
}

static void
test_size(void)
{
    static const guint room = VALUE_BODY_MAX;
    /* A string's length, its bytes, its end. */
    for (guint size = room - 2; size <= room + 2; size++) {
        g_autofree char *bytes = g_strnfill(size - 5, 'a');
        g_autofree char *text = g_strdup_printf("\"%s\"", bytes);
        g_autoptr(GError) error = NULL;
        DBusMessage *message = append("s", text, &error);
        g_assert_cmpint(message != NULL, ==, size <= room);
        g_clear_pointer(&message, dbus_message_unref);
    }
}

/* A reply of many small values grows by up to eight times. */
static void
test_size_of_many(void)
{
    GString *text = g_string_new("[1");
    g_autoptr(GError) error = NULL;

    while (text->len < 9 * 1024 * 1024)
        g_string_append(text, ",1");
    g_string_append_c(text, ']');
    g_assert_null(append("v", text->str, &error));
    g_assert_error(error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE);
    g_string_free(text, TRUE);
}

static void
append_all_integers(DBusMessageIter *iter)
{
    static const struct {
        char type;
        DBusBasicValue value;
    } integers[] = {
        { 'y', { .byt = 255 } },         { 'n', { .i16 = -32768 } },      { 'q', { .u16 = 65535 } },
        { 'i', { .i32 = G_MININT32 } },  { 'u', { .u32 = G_MAXUINT32 } }, { 'x', { .i64 = G_MININT64 } },
        { 't', { .u64 = G_MAXUINT64 } },
    };
    DBusMessageIter array, variant;

    dbus_message_iter_open_container(iter, 'a', "v", &array);
    for (guint i = 0; i < G_N_ELEMENTS(integers); i++) {
        const char type[] = { integers[i].type, 0 };
        dbus_message_iter_open_container(&array, 'v', type, &variant);
        dbus_message_iter_append_basic(&variant, type[0], &integers[i].value);
        dbus_message_iter_close_container(&array, &variant);
    }
    dbus_message_iter_close_container(iter, &array);
}

static void
test_any_integer(void)
{
    DBusMessage *message = new_message();
    DBusMessageIter iter;

    dbus_message_iter_init_append(message, &iter);
    append_all_integers(&iter);
    g_autofree char *text = read_back(message);
    g_assert_cmpstr(text, ==, "[255,-32768,65535,-2147483648,4294967295,-9223372036854775808,18446744073709551615]");
    dbus_message_unref(message);
}

static void
assert_refused(DBusMessage *message, const char *text)
{
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;
    JsonCost cost = { 0 };

    dbus_message_iter_init(message, &iter);
    g_assert_null(value_read(&iter, "arguments", &cost, &error));
    g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    g_assert_cmpstr(error->message, ==, text);
    dbus_message_unref(message);
}

/* @n members with names of their own, or @n elements; the error names where it became too much. */
static void
assert_too_much(const char *signature, guint n, const char *place, const char *excess)
{
    gboolean is_object = g_str_has_prefix(signature, "a{");
    g_autoptr(GString) json = g_string_new(is_object ? "{" : "[");
    g_autofree char *text = g_strdup_printf("%s is beyond what a command may have: %s", place, excess);
    g_autoptr(GError) error = NULL;
    JsonCost cost = { 0 };
    DBusMessageIter iter;
    DBusMessage *message;

    for (guint i = 0; i < n; i++) {
        g_string_append(json, i > 0 ? "," : "");
        if (is_object)
            g_string_append_printf(json, "\"%u\":", i);
        g_string_append(json, "true");
    }
    g_string_append_c(json, is_object ? '}' : ']');
    message = append(signature, json->str, NULL);
    dbus_message_iter_init(message, &iter);
    g_assert_null(value_read(&iter, "arguments", &cost, &error));
    g_assert_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED);
    g_assert_cmpstr(error->message, ==, text);
    dbus_message_unref(message);
}

static void
test_cost(void)
{
    assert_too_much("ab", 5000, "arguments[4999]", "more than 5000 values");
    assert_too_much("av", 5000, "arguments[4999]", "more than 5000 values");
    assert_too_much("a{sv}", 600, "arguments.512", "too many members in one object");
}

/* Text, a member's name or one long string, counts by its bytes: QEMU reads 400 kB a second. */
static void
assert_too_long(DBusMessage *message, const char *excess)
{
    g_autoptr(GError) error = NULL;
    JsonCost cost = { 0 };
    DBusMessageIter iter;

    dbus_message_iter_init(message, &iter);
    g_assert_null(value_read(&iter, "arguments", &cost, &error));
    g_assert_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED);
    g_assert_nonnull(strstr(error->message, excess));
    dbus_message_unref(message);
}

static void
test_bytes(void)
{
    g_autofree char *text = g_strnfill(256 * 1024, 'x');
    g_autofree char *member = g_strdup_printf("{\"%s\": 1}", text), *string = g_strdup_printf("\"%s\"", text);
    g_autofree char *fits = g_strdup_printf("\"%.*s\"", 256 * 1024 - 100, text);
    DBusMessage *message = append("s", fits, NULL);
    JsonCost cost = { 0 };
    DBusMessageIter iter;

    dbus_message_iter_init(message, &iter);
    g_autoptr(JsonNode) node = value_read(&iter, "arguments", &cost, NULL);
    g_assert_nonnull(node);
    dbus_message_unref(message);
    assert_too_long(append("s", string, NULL), "more than 262144 bytes of JSON");
    assert_too_long(append("a{sv}", member, NULL), "more than 262144 bytes of JSON");
}

static DBusMessage *
with_basic(char type, const void *value)
{
    DBusMessage *message = new_message();
    DBusMessageIter iter;

    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_append_basic(&iter, type, value);
    return message;
}

static void
test_no_json(void)
{
    double nan_value = NAN, infinity = -INFINITY;
    const char *signature = "s";
    int fd = 0;

    assert_refused(with_basic('d', &nan_value), "arguments is NaN, which JSON has no number for");
    assert_refused(with_basic('d', &infinity), "arguments is infinite, which JSON has no number for");
    assert_refused(with_basic('g', &signature),
                   "arguments is the signature `s`; JSON has only null, which is the empty one");
    assert_refused(with_basic('h', &fd), "arguments is a file descriptor, which JSON has not");
}

static void
test_twice(void)
{
    DBusMessage *message = new_message();
    DBusMessageIter iter, dictionary, entry, variant;
    const char *key = "speed";
    dbus_int32_t value = 1;

    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_open_container(&iter, 'a', "{sv}", &dictionary);
    for (guint i = 0; i < 2; i++) {
        dbus_message_iter_open_container(&dictionary, 'e', NULL, &entry);
        dbus_message_iter_append_basic(&entry, 's', &key);
        dbus_message_iter_open_container(&entry, 'v', "i", &variant);
        dbus_message_iter_append_basic(&variant, 'i', &value);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(&dictionary, &entry);
    }
    dbus_message_iter_close_container(&iter, &dictionary);
    assert_refused(message, "arguments.speed is there twice");
}

/* As much as a message may hold, in as many turns of the main loop as it takes. */
static void
test_steps(void)
{
    g_autoptr(GString) json = g_string_new("[");
    DBusMessage *whole, *steps = new_message();
    ValueWriter *writer;
    ValueStep step;
    guint n = 0;
    char *bytes[2];
    int lengths[2];

    for (guint i = 0; i < 20000; i++)
        g_string_append_printf(json, "%s{\"a\":[%u,[],\"x\"],\"b\":{\"c\":null}}", i > 0 ? "," : "", i);
    g_string_append_c(json, ']');
    whole = append("av", json->str, NULL);
    writer = value_writer_new(steps, "av", /* type= */ NULL, json->str, "return");
    while ((step = value_writer_step(writer, NULL)) == VALUE_MORE)
        n++;
    value_writer_free(writer);
    g_assert_cmpint(step, ==, VALUE_DONE);
    g_assert_cmpuint(n, >, 10);
    dbus_message_set_serial(whole, 1);
    dbus_message_set_serial(steps, 1);
    g_assert_true(dbus_message_marshal(whole, &bytes[0], &lengths[0]));
    g_assert_true(dbus_message_marshal(steps, &bytes[1], &lengths[1]));
    g_assert_cmpmem(bytes[0], (gsize)lengths[0], bytes[1], (gsize)lengths[1]);
    for (guint i = 0; i < 2; i++)
        dbus_free(bytes[i]);
    dbus_message_unref(whole);
    dbus_message_unref(steps);
}

/* A QEMU that names a member twice. */
static void
test_twice_in_json(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(append("a{sv}", "{\"o\":[{\"x\":1},{\"x\":1,\"\\u0078\":2}]}", &error));
    g_assert_error(error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE);
    g_assert_nonnull(strstr(error->message, "return.o[1].x is there twice"));
}

/* A QEMU that puts a large array into arrays inside one another, each of which has to be walked over before its type is known:
 * one at a time, with the main loop free in between. */
static void
test_steps_of_looking_ahead(void)
{
    g_autoptr(GString) json = g_string_new("[0");
    ValueWriter *writer;
    ValueStep step;
    guint n = 0;

    for (guint i = 0; i < VALUE_STEP; i++)
        g_string_append(json, ",0");
    g_string_append_c(json, ']');
    for (guint i = 0; i < 10; i++) {
        g_string_prepend(json, "[[0,");
        g_string_append(json, "]]");
    }
    writer = value_writer_new(/* message= */ NULL, "v", /* type= */ NULL, json->str, "return");
    while ((step = value_writer_step(writer, NULL)) == VALUE_MORE)
        n++;
    value_writer_free(writer);
    g_assert_cmpint(step, ==, VALUE_DONE);
    g_assert_cmpuint(n, >=, 10);
}

/* Somebody who waits while another caller's reply is converted: each step looks at no more text than two steps may write,
 * wherever a large value stands. */
static void
assert_steps(const char *begin, const char *element, const char *end, const QmpType *type)
{
    g_autoptr(GString) text = g_string_new(begin);
    g_autoptr(GError) error = NULL;
    ValueWriter *writer;
    ValueStep step;
    guint n = 0;

    while (text->len < 12 * VALUE_STEP)
        g_string_append_printf(text, "%s,", element);
    g_string_append(text, end);
    writer = value_writer_new(/* message= */ NULL, "v", type, text->str, "return");
    for (; (step = value_writer_step(writer, &error)) == VALUE_MORE; n++)
        g_assert_cmpuint(n, <, 100);
    g_assert_no_error(error);
    g_assert_cmpint(step, ==, VALUE_DONE);
    g_assert_cmpuint(n, >=, 12);
    value_writer_free(writer);
}

static void
test_steps_of_large_values(void)
{
    static const QmpType word = { .kind = QMP_TYPE_ENUM }, number = { .kind = QMP_TYPE_NUMBER };
    static const QmpType numbers = { .kind = QMP_TYPE_ARRAY, .element = &number };
    static const QmpMember members[] = { { .name = "kind", .type = &word } };
    static const QmpMember *sorted[] = { &members[0] };
    static const QmpType variant = { .kind = QMP_TYPE_OBJECT, .members = members, .members_by_name = sorted, .n_members = 1 };
    static const QmpMember variants[] = { { .name = "one", .type = &variant } };
    static const QmpMember *sorted_variants[] = { &variants[0] };
    static const QmpType tagged = {
        .kind = QMP_TYPE_OBJECT,
        .members = members,
        .members_by_name = sorted,
        .n_members = 1,
        .tag = "kind",
        .variants = variants,
        .variants_by_name = sorted_variants,
        .n_variants = 1,
    };

    assert_steps("[", "1", "1]", NULL);
    assert_steps("[", "1", "1]", &numbers);
    assert_steps("[", "1", "true]", NULL);
    assert_steps("[", "{\"a\":[]}", "{}]", NULL);
    assert_steps("[[", "[1]", "[true]]]", NULL);
    assert_steps("{\"a\":[", "1", "1],\"kind\":\"one\"}", &tagged);
    assert_steps("{\"a\":[", "[1,true]", "[]]}", &tagged);
}

/* An object whose members' names are made of @pairs, and so many that all of them differ. */
static char *
make_object_of_pairs(const char *const pairs[2])
{
    GString *json = g_string_new("{");

    for (guint i = 0; i < 1u << 14; i++) {
        g_string_append(json, i > 0 ? ",\"" : "\"");
        for (guint bit = 0; bit < 14; bit++)
            g_string_append(json, pairs[i >> bit & 1]);
        g_string_append(json, "\":1");
    }
    return g_string_free(g_string_append_c(json, '}'), FALSE);
}

/* ns of the CPU's. */
static gint64
time_object_of_pairs(const char *const pairs[2])
{
    g_autofree char *json = make_object_of_pairs(pairs);
    g_autoptr(GByteArray) body = NULL;
    struct timespec begin, end;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    body = value_marshal("a{sv}", /* type= */ NULL, json, "return", /* error= */ NULL);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    g_assert_nonnull(body);
    return (end.tv_sec - begin.tv_sec) * G_GINT64_CONSTANT(1000000000) + end.tv_nsec - begin.tv_nsec;
}

/* A QEMU that chooses names which GLib's hash tables do not tell apart: "Ez" has the hash of "FY". */
static void
test_names_of_one_hash(void)
{
    static const char *const different[] = { "Ez", "Ey" }, *const alike[] = { "Ez", "FY" };

    g_assert_cmpuint(g_str_hash(alike[0]), ==, g_str_hash(alike[1]));
    g_assert_cmpint(time_object_of_pairs(alike), <, 8 * time_object_of_pairs(different));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value/round-trips", test_round_trips);
    g_test_add_func("/value/declared-types", test_declared_types);
    g_test_add_func("/value/types-of-the-schema", test_types_of_the_schema);
    g_test_add_func("/value/place", test_place);
    g_test_add_func("/value/depth", test_depth);
    /* Tens of MiB: minutes under valgrind, which would see nothing there that it does not see in the small. */
    if (!g_getenv("UNDER_VALGRIND")) {
        g_test_add_func("/value/size", test_size);
        g_test_add_func("/value/size-of-many", test_size_of_many);
    }
    g_test_add_func("/value/any-integer", test_any_integer);
    g_test_add_func("/value/no-json", test_no_json);
    g_test_add_func("/value/twice", test_twice);
    g_test_add_func("/value/cost", test_cost);
    g_test_add_func("/value/bytes", test_bytes);
    g_test_add_func("/value/twice-in-json", test_twice_in_json);
    g_test_add_func("/value/names-of-one-hash", test_names_of_one_hash);
    g_test_add_func("/value/steps", test_steps);
    g_test_add_func("/value/steps-of-looking-ahead", test_steps_of_looking_ahead);
    g_test_add_func("/value/steps-of-large-values", test_steps_of_large_values);
    return g_test_run();
}
