/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments are looked at as the text that is sent, in which nothing is escaped that need not be: no spelling of a name
 * gets past. Replies that hold none of our names, nearly all, are passed on as they are. */
#include "guard.h"

#include <string.h>

#include "bus-error.h"
#include "qmp-json.h"
#include "qmp-monitor.h"

#define FDSET_PATH "/dev/fdset/"

static gboolean
refuse(const char *what, const char *whose, GError **error)
{
    g_set_error(error, BUS_ERROR, BUS_ERROR_ACCESS_DENIED, "%s is %s", what, whose);
    return FALSE;
}

static gboolean
check_fdset(Fdsets *fdsets, const char *caller, gint64 fdset, GError **error)
{
    g_autofree char *name = NULL;

    if (!fdsets_is_foreign(fdsets, fdset, caller))
        return TRUE;
    name = g_strdup_printf("The fdset %" G_GINT64_FORMAT, fdset);
    return refuse(name, "another caller's", error);
}

static gboolean
check_paths(Fdsets *fdsets, const char *caller, const char *text, GError **error)
{
    for (const char *at = strstr(text, FDSET_PATH); at; at = strstr(at, FDSET_PATH)) {
        at += strlen(FDSET_PATH);
        if (!check_fdset(fdsets, caller, g_ascii_strtoll(at, NULL, 10), error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
get_fdset(JsonNode *node, gint64 *ret_fdset)
{
    JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    JsonNode *value = object ? json_object_get_member(object, "fdset-id") : NULL;

    if (!value || qmp_json_get_type(value) != QMP_JSON_INT)
        return FALSE;
    *ret_fdset = qmp_json_get_int(value);
    return TRUE;
}

gboolean
guard_check(Fdsets *fdsets, const char *caller, const char *command, JsonNode *arguments, const char *text,
            GError **error)
{
    gint64 fdset;

    if (!text)
        return TRUE;
    if (strstr(text, QMP_MONITOR_PREFIX))
        return refuse("What is called " QMP_MONITOR_PREFIX "…", "the agent's own", error);
    if (!check_paths(fdsets, caller, text, error))
        return FALSE;
    if (!g_str_equal(command, "add-fd") && !g_str_equal(command, "remove-fd"))
        return TRUE;
    return !get_fdset(arguments, &fdset) || check_fdset(fdsets, caller, fdset, error);
}

static gboolean
names_ours(JsonNode *node)
{
    return qmp_json_get_type(node) == QMP_JSON_STRING && strstr(qmp_json_get_string(node), QMP_MONITOR_PREFIX);
}

static gboolean
has_member_that_names_ours(JsonObject *object)
{
    JsonObjectIter members;
    const char *name;
    JsonNode *value;

    json_object_iter_init_ordered(&members, object);
    while (json_object_iter_next_ordered(&members, &name, &value))
        if (names_ours(value))
            return TRUE;
    return FALSE;
}

/* What a human reads: without the lines that name ours. */
static JsonNode *
clean_text(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) rest = g_string_new(NULL);

    for (guint i = 0; lines[i]; i++)
        if (!strstr(lines[i], QMP_MONITOR_PREFIX))
            g_string_append_printf(rest, "%s%s", rest->len > 0 ? "\n" : "", lines[i]);
    return qmp_json_new_string(rest->str);
}

typedef struct View {
    Fdsets *fdsets;
    const char *caller;
    gboolean are_fdsets; /* the elements of the list */
} View;

static gboolean
is_hidden(const View *view, JsonNode *element)
{
    gint64 fdset;

    if (view->are_fdsets && get_fdset(element, &fdset) && fdsets_is_foreign(view->fdsets, fdset, view->caller))
        return TRUE;
    return names_ours(element) ||
           (JSON_NODE_HOLDS_OBJECT(element) && has_member_that_names_ours(json_node_get_object(element)));
}

static JsonNode *clean_node(const View *view, JsonNode *node);

static JsonNode *
clean_array(const View *view, JsonArray *array)
{
    g_autoptr(JsonArray) rest = json_array_new();

    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *element = json_array_get_element(array, i);
        if (!is_hidden(view, element))
            json_array_add_element(rest, clean_node(view, element));
    }
    return json_node_init_array(json_node_alloc(), rest);
}

static JsonNode *
clean_object(const View *view, JsonObject *object)
{
    g_autoptr(JsonObject) rest = json_object_new();
    JsonObjectIter members;
    const char *name;
    JsonNode *value;

    json_object_iter_init_ordered(&members, object);
    while (json_object_iter_next_ordered(&members, &name, &value))
        json_object_set_member(rest, name, clean_node(view, value));
    return json_node_init_object(json_node_alloc(), rest);
}

/* Lists without the elements that are not for the caller, texts without such lines. */
static JsonNode *
clean_node(const View *view, JsonNode *node)
{
    if (names_ours(node))
        return clean_text(qmp_json_get_string(node));
    if (JSON_NODE_HOLDS_ARRAY(node))
        return clean_array(view, json_node_get_array(node));
    if (JSON_NODE_HOLDS_OBJECT(node))
        return clean_object(view, json_node_get_object(node));
    return json_node_ref(node);
}

char *
guard_clean(Fdsets *fdsets, const char *caller, gboolean lists_fdsets, const QmpText *value)
{
    View view = { fdsets, caller, lists_fdsets };
    g_autoptr(JsonNode) node = NULL;
    g_autoptr(JsonNode) rest = NULL;
    GString *text;

    if (!view.are_fdsets && !memmem(value->text, value->length, QMP_MONITOR_PREFIX, strlen(QMP_MONITOR_PREFIX)))
        return NULL;
    node = qmp_json_parse(value->text, value->length, NULL);
    if (!node)
        return NULL;
    rest = clean_node(&view, node);
    text = g_string_new(NULL);
    qmp_json_append(text, rest);
    return g_string_free(text, FALSE);
}
