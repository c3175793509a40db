/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema-maker.h"

#include <string.h>

/* Types that are numbered; builtins come on top. */
#define MAX_TYPES 10
#define N_OBJECTS 5 /* of them, the first ones */
#define MAX_VALUE_DEPTH 6

#define LONG_NAME                                                                                                     \
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

static const char *const builtins[] = { "str", "int", "number", "bool", "null", "any" };
static const char *const member_names[] = { "a",   "b",       "type",     "options", "arguments", "a-b",
                                            "a_b", "a.b",     "options_", "id",      "fd",        "in",
                                            "A",   "device",  "0",        "a_",      "-",         "return",
                                            "_",   "fdname_", LONG_NAME,  "result" };
static const char *const words[] = { "on", "off", "", "a b", "type", "\\u00e9", "on" };
static const char *const command_names[] = {
    "query-a", "query_a",   "query.a", "a",     "device_add",   "getfd",        "add-fd",     "stop",    "0a",
    "-",       "__org.a-b", "a-sync",  "eject", "blockdev-add", "query-status", "object-add", LONG_NAME, "QUERY-A"
};

/* One of the types, also one that stands around it; rarely one that is not there. */
static void
append_type_name(MakerBytes *bytes, GString *json)
{
    guint n = maker_choose(bytes, 256);

    if (n < 100)
        g_string_append_printf(json, "\"%s\"", builtins[n % G_N_ELEMENTS(builtins)]);
    else
        g_string_append_printf(json, "\"%u\"", n == 255 ? MAX_TYPES + 1 : n % MAX_TYPES);
}

/* Of arguments or data: one of the types that are objects for sure; rarely any other. */
static void
append_object_name(MakerBytes *bytes, GString *json)
{
    guint n = maker_choose(bytes, 256);

    if (n == 255)
        append_type_name(bytes, json);
    else
        g_string_append_printf(json, "\"%u\"", n % N_OBJECTS);
}

static void
append_member(MakerBytes *bytes, GString *json)
{
    g_string_append_printf(
        json, "{\"name\":\"%s\",\"type\":", maker_choose_text(bytes, member_names, G_N_ELEMENTS(member_names)));
    append_type_name(bytes, json);
    g_string_append(json, maker_choose(bytes, 2) ? ",\"default\":null}" : "}");
}

static void
append_case(MakerBytes *bytes, GString *json)
{
    g_string_append_printf(json, "{\"case\":\"%s\",\"type\":", maker_choose_text(bytes, words, G_N_ELEMENTS(words)));
    append_type_name(bytes, json);
    g_string_append_c(json, '}');
}

static void
append_branch(MakerBytes *bytes, GString *json)
{
    g_string_append(json, "{\"type\":");
    append_type_name(bytes, json);
    g_string_append_c(json, '}');
}

static void
append_word(MakerBytes *bytes, GString *json)
{
    g_string_append_printf(json, "\"%s\"", maker_choose_text(bytes, words, G_N_ELEMENTS(words)));
}

typedef void (*AppendFunc)(MakerBytes *bytes, GString *json);

static void
append_list(MakerBytes *bytes, GString *json, const char *name, guint max, AppendFunc append)
{
    guint n = maker_choose(bytes, max + 1);

    g_string_append_printf(json, ",\"%s\":[", name);
    for (guint i = 0; i < n; i++) {
        if (i > 0)
            g_string_append_c(json, ',');
        append(bytes, json);
    }
    g_string_append_c(json, ']');
}

static void
append_type(MakerBytes *bytes, GString *json, guint number)
{
    guint kind = maker_choose(bytes, number < N_OBJECTS ? 4 : 8);
    const char *names[] = { "object", "object", "object", "object", "enum", "array", "alternate", "future" };

    g_string_append_printf(json, "{\"name\":\"%u\",\"meta-type\":\"%s\"", number, names[kind]);
    if (kind < 4)
        append_list(bytes, json, "members", 5, append_member);
    if (kind == 3) {
        g_string_append_printf(json, ",\"tag\":\"%s\"", maker_choose_text(bytes, member_names, 4));
        append_list(bytes, json, "variants", 4, append_case);
    }
    if (kind == 4)
        append_list(bytes, json, "values", 5, append_word);
    if (kind == 5) {
        g_string_append(json, ",\"element-type\":");
        append_type_name(bytes, json);
    }
    if (kind == 6)
        append_list(bytes, json, "members", 4, append_branch);
    g_string_append(json, "},");
}

static void
append_command(MakerBytes *bytes, GString *json)
{
    g_string_append_printf(json, "{\"name\":\"%s\",\"meta-type\":\"command\",\"arg-type\":",
                           maker_choose_text(bytes, command_names, G_N_ELEMENTS(command_names)));
    append_object_name(bytes, json);
    g_string_append(json, ",\"ret-type\":");
    append_type_name(bytes, json);
    g_string_append_printf(json, ",\"allow-oob\":%s,\"features\":[%s]},", maker_choose(bytes, 2) ? "true" : "false",
                           maker_choose(bytes, 2) ? "\"unstable\",\"deprecated\"" : "");
}

static void
append_event(MakerBytes *bytes, GString *json)
{
    g_string_append_printf(json, "{\"name\":\"%s\",\"meta-type\":\"event\",\"arg-type\":",
                           maker_choose_text(bytes, command_names, G_N_ELEMENTS(command_names)));
    append_object_name(bytes, json);
    g_string_append(json, "},");
}

char *
schema_maker_make(MakerBytes *bytes)
{
    static const char *const json_types[] = { "string", "int", "number", "boolean", "null", "value" };
    GString *json = g_string_new("[");
    guint n_commands = 1 + maker_choose(bytes, 4), n_events = maker_choose(bytes, 3);

    for (guint i = 0; i < MAX_TYPES; i++)
        append_type(bytes, json, i);
    for (guint i = 0; i < n_commands; i++)
        append_command(bytes, json);
    for (guint i = 0; i < n_events; i++)
        append_event(bytes, json);
    for (guint i = 0; i < G_N_ELEMENTS(builtins); i++)
        g_string_append_printf(json, "%s{\"name\":\"%s\",\"meta-type\":\"builtin\",\"json-type\":\"%s\"}",
                               i > 0 ? "," : "", builtins[i], json_types[i]);
    g_string_append_c(json, ']');
    return g_string_free(json, FALSE);
}

static void
append_number(MakerBytes *bytes, GString *json)
{
    static const char *const numbers[] = { "0",
                                           "1",
                                           "-1",
                                           "2.5",
                                           "-0",
                                           "1e3",
                                           "2147483648",
                                           "9223372036854775807",
                                           "9223372036854775808",
                                           "18446744073709551615",
                                           "-9223372036854775808",
                                           "18446744073709551616",
                                           "1e400",
                                           "5e-324",
                                           "9007199254740993" };

    g_string_append(json, maker_choose_text(bytes, numbers, G_N_ELEMENTS(numbers)));
}

static void
append_string(MakerBytes *bytes, GString *json)
{
    static const char *const strings[] = { "\"\"",
                                           "\"a\"",
                                           "\"\\u0000\"",
                                           "\"\\ud83d\\ude00\"",
                                           "\"\\\"\\\\\\n\"",
                                           "\"\xef\xb7\x90\\\"\"",
                                           "\"0123456789012345678901234567890123456789\"" };

    g_string_append(json, maker_choose_text(bytes, strings, G_N_ELEMENTS(strings)));
}

static void
append_any(MakerBytes *bytes, GString *json, guint depth)
{
    switch (maker_choose(bytes, depth < MAX_VALUE_DEPTH ? 7 : 5)) {
    case 0:
        g_string_append(json, "null");
        break;
    case 1:
        g_string_append(json, maker_choose(bytes, 2) ? "true" : "false");
        break;
    case 2:
    case 3:
        append_number(bytes, json);
        break;
    case 4:
        append_string(bytes, json);
        break;
    case 5:
        g_string_append_c(json, '[');
        for (guint i = 0, n = maker_choose(bytes, 4); i < n; i++) {
            g_string_append(json, i > 0 ? "," : "");
            append_any(bytes, json, depth + 1);
        }
        g_string_append_c(json, ']');
        break;
    default:
        g_string_append(json, "{\"a\":");
        append_any(bytes, json, depth + 1);
        g_string_append_c(json, '}');
        break;
    }
}

/* The members of @type, and those of one of its variants. */
static void
append_members(MakerBytes *bytes, GString *json, const QmpType *type, guint depth)
{
    const char *word = NULL;

    if (type->n_variants > 0)
        word = type->variants[maker_choose(bytes, type->n_variants)].name;
    for (guint i = 0; i < type->n_members; i++) {
        const QmpMember *member = &type->members[i];
        if (member->optional && maker_choose(bytes, 2))
            continue;
        g_string_append_printf(json, "%s\"%s\":", g_str_has_suffix(json->str, "{") ? "" : ",", member->name);
        if (word && g_str_equal(member->name, type->tag))
            g_string_append_printf(json, "\"%s\"", word);
        else
            schema_maker_append_value(bytes, json, member->type, depth + 1);
    }
    for (guint i = 0; i < type->n_variants; i++)
        if (g_str_equal(type->variants[i].name, word) && type->variants[i].type->kind == QMP_TYPE_OBJECT &&
            depth < MAX_VALUE_DEPTH) {
            append_members(bytes, json, type->variants[i].type, depth + 1);
            break;
        }
}

void
schema_maker_append_value(MakerBytes *bytes, GString *json, const QmpType *type, guint depth)
{
    gboolean is_deep = depth >= MAX_VALUE_DEPTH;

    if (!type || is_deep || maker_choose(bytes, 16) == 15) {
        append_any(bytes, json, depth);
        return;
    }
    switch (type->kind) {
    case QMP_TYPE_ANY:
        append_any(bytes, json, depth);
        break;
    case QMP_TYPE_NULL:
        g_string_append(json, "null");
        break;
    case QMP_TYPE_BOOLEAN:
        g_string_append(json, maker_choose(bytes, 2) ? "true" : "false");
        break;
    case QMP_TYPE_INT:
    case QMP_TYPE_NUMBER:
        append_number(bytes, json);
        break;
    case QMP_TYPE_STRING:
        append_string(bytes, json);
        break;
    case QMP_TYPE_ENUM:
        g_string_append_printf(json, "\"%s\"",
                               type->n_values ? type->values[maker_choose(bytes, type->n_values)] : "");
        break;
    case QMP_TYPE_ARRAY:
        g_string_append_c(json, '[');
        for (guint i = 0, n = maker_choose(bytes, 4); i < n; i++) {
            g_string_append(json, i > 0 ? "," : "");
            schema_maker_append_value(bytes, json, type->element, depth + 1);
        }
        g_string_append_c(json, ']');
        break;
    case QMP_TYPE_OBJECT:
        g_string_append_c(json, '{');
        append_members(bytes, json, type, depth);
        g_string_append_c(json, '}');
        break;
    case QMP_TYPE_ALTERNATE:
        schema_maker_append_value(
            bytes, json, type->n_members ? type->members[maker_choose(bytes, type->n_members)].type : NULL, depth + 1);
        break;
    }
}
