/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON to D-Bus. A value is appended as a signature that the interface declares or, inside a variant, as one that is
 * chosen for it: by the schema's type where there is one and the value is of it, else by what the value is. */
#include "value.h"

#include <string.h>

#include "qmp-json.h"
#include "qmp-place.h"

/* What dbus-daemon and libdbus check on every message (DBUS_MAXIMUM_TYPE_RECURSION_DEPTH): 64 containers inside one
 * another, variants included, and 32 arrays in one signature. */
#define MAX_CONTAINERS 64
#define MAX_ARRAYS 32

typedef struct Walk {
    gsize size; /* bytes of the body so far, as D-Bus marshals it */
    guint depth; /* containers around the value at hand */
    GError **error;
} Walk;

GQuark
value_error_quark(void)
{
    return g_quark_from_string("org-qemu-monitor1-value-error");
}

static gboolean G_GNUC_PRINTF(3, 4) fail(Walk *walk, const QmpPlace *place, const char *format, ...)
{
    g_autofree char *where = qmp_place_to_text(place);
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(walk->error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE, "%s %s; ExecuteJSON has no such limit", where,
                what);
    return FALSE;
}

void
value_append_signature(GString *signature, const QmpType *type)
{
    switch (type->kind) {
    case QMP_TYPE_ANY:
    case QMP_TYPE_ALTERNATE:
        g_string_append_c(signature, DBUS_TYPE_VARIANT);
        break;
    case QMP_TYPE_NULL:
        g_string_append_c(signature, DBUS_TYPE_SIGNATURE);
        break;
    case QMP_TYPE_BOOLEAN:
        g_string_append_c(signature, DBUS_TYPE_BOOLEAN);
        break;
    case QMP_TYPE_INT:
        g_string_append_c(signature, DBUS_TYPE_INT64);
        break;
    case QMP_TYPE_NUMBER:
        g_string_append_c(signature, DBUS_TYPE_DOUBLE);
        break;
    case QMP_TYPE_STRING:
    case QMP_TYPE_ENUM:
        g_string_append_c(signature, DBUS_TYPE_STRING);
        break;
    case QMP_TYPE_ARRAY:
        g_string_append_c(signature, DBUS_TYPE_ARRAY);
        value_append_signature(signature, type->element);
        break;
    case QMP_TYPE_OBJECT:
        g_string_append(signature, "a{sv}");
        break;
    }
}

/* Nearly all variants hold one of these. NULL: an array. */
static const char *
get_simple_signature(const QmpType *type, JsonNode *node)
{
    if (type && type->kind == QMP_TYPE_NUMBER)
        return DBUS_TYPE_DOUBLE_AS_STRING;
    switch (qmp_json_get_type(node)) {
    case QMP_JSON_NULL:
        return DBUS_TYPE_SIGNATURE_AS_STRING;
    case QMP_JSON_BOOLEAN:
        return DBUS_TYPE_BOOLEAN_AS_STRING;
    case QMP_JSON_INT:
        return DBUS_TYPE_INT64_AS_STRING;
    case QMP_JSON_UINT:
        return DBUS_TYPE_UINT64_AS_STRING;
    case QMP_JSON_DOUBLE:
        return DBUS_TYPE_DOUBLE_AS_STRING;
    case QMP_JSON_STRING:
    case QMP_JSON_STRING_WITH_NUL:
        return DBUS_TYPE_STRING_AS_STRING;
    case QMP_JSON_OBJECT:
        return "a{sv}";
    case QMP_JSON_ARRAY:
        break;
    }
    return NULL;
}

/* The type of an array's elements: theirs if all have the same, "v" otherwise. */
static void append_natural_element(GString *signature, JsonNode *array);

static void
append_natural(GString *signature, JsonNode *node)
{
    const char *simple = get_simple_signature(/* type= */ NULL, node);

    if (simple) {
        g_string_append(signature, simple);
        return;
    }
    g_string_append_c(signature, DBUS_TYPE_ARRAY);
    append_natural_element(signature, node);
}

static void
append_natural_element(GString *signature, JsonNode *array)
{
    JsonArray *elements = json_node_get_array(array);
    guint n = json_array_get_length(elements);
    gsize start = signature->len;
    g_autoptr(GString) other = NULL;

    if (n > 0)
        append_natural(signature, json_array_get_element(elements, 0));
    for (guint i = 1; i < n; i++) {
        if (!other)
            other = g_string_new(NULL);
        g_string_truncate(other, 0);
        append_natural(other, json_array_get_element(elements, i));
        if (!g_str_equal(other->str, signature->str + start)) {
            g_string_truncate(signature, start);
            break;
        }
    }
    if (signature->len == start)
        g_string_append_c(signature, DBUS_TYPE_VARIANT);
}

/* Whether a number, which QEMU may have printed without a fraction, is the same as a double. */
static gboolean
is_exact_double(JsonNode *node)
{
    double value = qmp_json_get_double(node);

    switch (qmp_json_get_type(node)) {
    case QMP_JSON_INT:
        return value < 0x1p63 && (gint64)value == qmp_json_get_int(node);
    case QMP_JSON_UINT:
        return value < 0x1p64 && (guint64)value == qmp_json_get_uint(node);
    default:
        return TRUE;
    }
}

/* Whether @node can be appended by the signature of @type. Variants and dictionaries hold anything. */
static gboolean
fits(const QmpType *type, JsonNode *node)
{
    JsonArray *elements;

    if (type->kind == QMP_TYPE_ALTERNATE)
        return TRUE;
    if (!qmp_type_matches(type, node))
        return FALSE;
    if (type->kind == QMP_TYPE_INT)
        return qmp_json_get_type(node) == QMP_JSON_INT;
    if (type->kind == QMP_TYPE_NUMBER)
        return is_exact_double(node);
    if (type->kind != QMP_TYPE_ARRAY)
        return TRUE;
    elements = json_node_get_array(node);
    for (guint i = 0; i < json_array_get_length(elements); i++)
        if (!fits(type->element, json_array_get_element(elements, i)))
            return FALSE;
    return TRUE;
}

/* What the content of a variant around @node is a value of; NULL: of nothing in particular. */
static const QmpType *
choose_type(const QmpType *type, JsonNode *node)
{
    if (type && type->kind == QMP_TYPE_ALTERNATE)
        type = qmp_type_find_branch(type, node);
    return type && type->kind != QMP_TYPE_ANY && fits(type, node) ? type : NULL;
}

static char *
dup_array_signature(const QmpType *type, JsonNode *node)
{
    GString *signature = g_string_sized_new(16);

    if (type)
        value_append_signature(signature, type);
    else
        append_natural(signature, node);
    return g_string_free(signature, FALSE);
}

/* Counts a value of @length bytes that is aligned to @alignment. Called before libdbus is given the value, so that a
 * reply that no message can hold costs no memory either. */
static gboolean
count(Walk *walk, gsize alignment, gsize length, const QmpPlace *place)
{
    walk->size = (walk->size + alignment - 1) / alignment * alignment + length;
    if (walk->size <= VALUE_BODY_MAX)
        return TRUE;
    return fail(walk, place, "is beyond the %u bytes that a message may have", VALUE_BODY_MAX);
}

static gboolean append_value(Walk *walk, DBusMessageIter *iter, const char *signature, const QmpType *type,
                             JsonNode *node, const QmpPlace *place);

static gboolean
append_variant(Walk *walk, DBusMessageIter *iter, const QmpType *type, JsonNode *node, const QmpPlace *place)
{
    const QmpType *chosen = choose_type(type, node);
    const char *signature = get_simple_signature(chosen, node);
    g_autofree char *built = NULL;
    DBusMessageIter content;

    if (!signature)
        signature = built = dup_array_signature(chosen, node);
    if (strspn(signature, DBUS_TYPE_ARRAY_AS_STRING) > MAX_ARRAYS)
        return fail(walk, place, "has more than %d arrays inside one another", MAX_ARRAYS);
    if (!count(walk, 1, 1 + strlen(signature) + 1, place))
        return FALSE;
    dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, signature, &content);
    if (!append_value(walk, &content, signature, chosen, node, place)) {
        dbus_message_iter_abandon_container(iter, &content);
        return FALSE;
    }
    dbus_message_iter_close_container(iter, &content);
    return TRUE;
}

static gboolean
append_entry(Walk *walk, DBusMessageIter *dictionary, const char *name, const QmpType *type, JsonNode *value,
             const QmpPlace *object)
{
    QmpPlace place = { .up = object, .member = name };
    DBusMessageIter entry;

    if (!count(walk, 8, 4 + strlen(name) + 1, &place))
        return FALSE;
    dbus_message_iter_open_container(dictionary, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
    walk->depth++;
    if (!append_value(walk, &entry, DBUS_TYPE_VARIANT_AS_STRING, type, value, &place)) {
        dbus_message_iter_abandon_container(dictionary, &entry);
        return FALSE;
    }
    walk->depth--;
    dbus_message_iter_close_container(dictionary, &entry);
    return TRUE;
}

static gboolean
append_object(Walk *walk, DBusMessageIter *iter, const QmpType *type, JsonNode *node, const QmpPlace *place)
{
    JsonObject *object = json_node_get_object(node);
    QmpTypes types = { .n = 0 };
    DBusMessageIter dictionary;
    JsonObjectIter members;
    const char *name;
    JsonNode *value;

    if (type && type->kind == QMP_TYPE_OBJECT)
        qmp_types_resolve(&types, type, object);
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dictionary);
    json_object_iter_init_ordered(&members, object);
    while (json_object_iter_next_ordered(&members, &name, &value)) {
        const QmpMember *member = qmp_types_find_member(&types, name);
        if (!append_entry(walk, &dictionary, name, member ? member->type : NULL, value, place)) {
            dbus_message_iter_abandon_container(iter, &dictionary);
            return FALSE;
        }
    }
    dbus_message_iter_close_container(iter, &dictionary);
    return TRUE;
}

static gboolean
append_array(Walk *walk, DBusMessageIter *iter, const char *element_signature, const QmpType *type, JsonNode *node,
             const QmpPlace *place)
{
    JsonArray *elements = json_node_get_array(node);
    const QmpType *element_type = type && type->kind == QMP_TYPE_ARRAY ? type->element : NULL;
    DBusMessageIter array;

    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, element_signature, &array);
    for (guint i = 0; i < json_array_get_length(elements); i++) {
        QmpPlace element = { .up = place, .element = i };
        if (!append_value(walk, &array, element_signature, element_type, json_array_get_element(elements, i),
                          &element)) {
            dbus_message_iter_abandon_container(iter, &array);
            return FALSE;
        }
    }
    dbus_message_iter_close_container(iter, &array);
    return TRUE;
}

static gboolean
append_container(Walk *walk, DBusMessageIter *iter, const char *signature, const QmpType *type, JsonNode *node,
                 const QmpPlace *place)
{
    gboolean done;

    if (++walk->depth > MAX_CONTAINERS)
        return fail(walk, place, "is nested deeper than a D-Bus message may be");
    if (signature[0] == DBUS_TYPE_VARIANT)
        done = append_variant(walk, iter, type, node, place);
    /* An array's length, and the padding before its first element. */
    else if (!count(walk, 4, 4, place) || !count(walk, strchr("xtd{", signature[1]) ? 8 : 1, 0, place))
        done = FALSE;
    else if (signature[1] == DBUS_DICT_ENTRY_BEGIN_CHAR)
        done = append_object(walk, iter, type, node, place);
    else
        done = append_array(walk, iter, signature + 1, type, node, place);
    walk->depth--;
    return done;
}

/* An `x` may be wanted where QEMU's value needs a `t`, which is a loss, and a `d` where it printed a number without a
 * fraction, which is none. */
static gboolean
append_number(Walk *walk, DBusMessageIter *iter, char type, JsonNode *node, const QmpPlace *place)
{
    QmpJsonType is = qmp_json_get_type(node);
    DBusBasicValue value;

    if (type == DBUS_TYPE_DOUBLE && is_exact_double(node))
        value.dbl = qmp_json_get_double(node);
    else if (type == DBUS_TYPE_INT64 && is == QMP_JSON_INT)
        value.i64 = qmp_json_get_int(node);
    else if (type == DBUS_TYPE_UINT64 && (is == QMP_JSON_UINT || qmp_json_get_int(node) >= 0))
        value.u64 = qmp_json_get_uint(node);
    else
        return fail(walk, place, "is no `%c`", type);
    return count(walk, 8, 8, place) && dbus_message_iter_append_basic(iter, type, &value);
}

static gboolean
append_string(Walk *walk, DBusMessageIter *iter, JsonNode *node, const QmpPlace *place)
{
    if (qmp_json_get_type(node) == QMP_JSON_STRING_WITH_NUL)
        return fail(walk, place, "holds U+0000, which no D-Bus string can");
    const char *text = qmp_json_get_string(node);
    return count(walk, 4, 4 + strlen(text) + 1, place) &&
           dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &text);
}

static gboolean
append_boolean(Walk *walk, DBusMessageIter *iter, JsonNode *node, const QmpPlace *place)
{
    dbus_bool_t value = json_node_get_boolean(node);
    return count(walk, 4, 4, place) && dbus_message_iter_append_basic(iter, DBUS_TYPE_BOOLEAN, &value);
}

static gboolean
append_null(Walk *walk, DBusMessageIter *iter, const QmpPlace *place)
{
    const char *empty = "";
    return count(walk, 1, 2, place) && dbus_message_iter_append_basic(iter, DBUS_TYPE_SIGNATURE, &empty);
}

/* The first characters of the D-Bus types that a value can become. */
static const char *
get_types(JsonNode *node)
{
    switch (qmp_json_get_type(node)) {
    case QMP_JSON_NULL:
        return "vg";
    case QMP_JSON_BOOLEAN:
        return "vb";
    case QMP_JSON_INT:
    case QMP_JSON_UINT:
        return "vxtd";
    case QMP_JSON_DOUBLE:
        return "vd";
    case QMP_JSON_STRING:
    case QMP_JSON_STRING_WITH_NUL:
        return "vs";
    case QMP_JSON_OBJECT:
    case QMP_JSON_ARRAY:
        return "va";
    }
    g_return_val_if_reached("");
}

static gboolean
append_value(Walk *walk, DBusMessageIter *iter, const char *signature, const QmpType *type, JsonNode *node,
             const QmpPlace *place)
{
    gboolean wants_object = signature[0] == DBUS_TYPE_ARRAY && signature[1] == DBUS_DICT_ENTRY_BEGIN_CHAR;

    if (!strchr(get_types(node), signature[0]) ||
        (signature[0] == DBUS_TYPE_ARRAY && wants_object != JSON_NODE_HOLDS_OBJECT(node)))
        return fail(walk, place, "is no `%s`", signature);
    switch (signature[0]) {
    case DBUS_TYPE_VARIANT:
    case DBUS_TYPE_ARRAY:
        return append_container(walk, iter, signature, type, node, place);
    case DBUS_TYPE_STRING:
        return append_string(walk, iter, node, place);
    case DBUS_TYPE_BOOLEAN:
        return append_boolean(walk, iter, node, place);
    case DBUS_TYPE_SIGNATURE:
        return append_null(walk, iter, place);
    default:
        return append_number(walk, iter, signature[0], node, place);
    }
}

gboolean
value_append(DBusMessageIter *iter, const char *signature, const QmpType *type, JsonNode *node, const char *place,
             GError **error)
{
    Walk walk = { .error = error };
    QmpPlace outermost = { .member = place };

    return append_value(&walk, iter, signature, type, node, &outermost);
}
