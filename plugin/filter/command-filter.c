/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments are looked at as QEMU will read them: each string, and the strings in it where it is JSON or a command
 * line itself. Replies that hold none of the agent's names, nearly all, are passed on as they are. */
#include "command-filter.h"

#include <string.h>

#include "escapes.h"
#include "fd-names.h"
#include "fdset-tag.h"
#include "json-member.h"
#include "json-print.h"
#include "json-tree.h"
#include "monitor-ends.h"
#include "qmp-error.h"
#include "qmp-monitor.h"

#define FDSET_PATH "/dev/fdset/"

struct CommandFilter {
    Fdsets *fdsets; /* weak */
    Secrets *secrets; /* weak */
    StartedMonitors *monitors; /* weak */
};

/* A caller's command. */
typedef struct Check {
    CommandFilter *filter; /* weak */
    const char *caller, *command;
} Check;

CommandFilter *
command_filter_new(Fdsets *fdsets, Secrets *secrets, StartedMonitors *monitors)
{
    CommandFilter *filter = g_new0(CommandFilter, 1);

    filter->fdsets = fdsets;
    filter->secrets = secrets;
    filter->monitors = monitors;
    return filter;
}

void
command_filter_free(CommandFilter *filter)
{
    g_free(filter);
}

static gboolean
refuse_argument(const char *what, const char *whose, GError **error)
{
    g_set_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED, "%s is %s", what, whose);
    return FALSE;
}

static gboolean
check_fdset(CommandFilter *filter, const char *caller, gint64 fdset, GError **error)
{
    g_autofree char *name = NULL;

    if (!fdsets_is_foreign(filter->fdsets, fdset, caller))
        return TRUE;
    name = g_strdup_printf("The fdset %" G_GINT64_FORMAT, fdset);
    return refuse_argument(name, "another caller's", error);
}

/* Whether a path in @text has @part, which begins with a slash, at its end or before another slash. */
static gboolean
has_path_part(const char *text, const char *part)
{
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) {
        char next = at[strlen(part)];
        if (!g_ascii_isalnum(next) && !(next && strchr("_-.", next)))
            return TRUE;
    }
    return FALSE;
}

/* The files of proc_pid_fd(5) and proc_pid_map_files(5), and the names that /dev has for the first of them. */
static gboolean
names_what_is_open(const char *text)
{
    static const char *const parts[] = { "/fd", "/map_files", "/stdin", "/stdout", "/stderr" };
    gboolean is_found = FALSE;

    if (!strstr(text, "proc/") && !strstr(text, "dev/"))
        return FALSE;
    for (guint i = 0; !is_found && i < G_N_ELEMENTS(parts); i++)
        is_found = has_path_part(text, parts[i]);
    return is_found;
}

/* QEMU reads the number behind white space and a sign too. A caller who means no harm writes neither, so both are
 * refused. */
static gboolean
check_paths(CommandFilter *filter, const char *caller, const char *text, GError **error)
{
    for (const char *at = strstr(text, FDSET_PATH); at; at = strstr(at, FDSET_PATH)) {
        at += strlen(FDSET_PATH);
        if (*at && !g_ascii_isdigit(*at))
            return refuse_argument("What begins with " FDSET_PATH " and has no number next", "no fdset", error);
        if (!check_fdset(filter, caller, g_ascii_strtoll(at, NULL, 10), error))
            return FALSE;
    }
    if (names_what_is_open(text))
        return refuse_argument("What is open in QEMU by its number", "everybody's", error);
    return TRUE;
}

static gboolean
refuse_secret(const char *more, GError **error)
{
    g_set_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED,
                "The data of a secret is read out only to the caller who has added it, on the same connection%s",
                more);
    return FALSE;
}

static gboolean
check_line(const Check *check, const char *member, const char *text, GError **error)
{
    return !g_str_equal(check->command, "human-monitor-command") || !g_str_equal(member, "command-line") ||
           !secrets_are_read_by_line(text) || refuse_secret(", and not by HMP", error);
}

/* @text: as QEMU reads it. */
static gboolean
check_text_names(const Check *check, const char *member, const char *text, GError **error)
{
    g_autofree char *stripped = strchr(text, '\\') ? escapes_strip(text) : NULL;
    const char *plain = stripped ? stripped : text;

    if (strstr(plain, QMP_MONITOR_PREFIX))
        return refuse_argument("What is called " QMP_MONITOR_PREFIX "…", "the agent's own", error);
    if (fd_names_are_in(plain))
        return refuse_argument("What QEMU calls a descriptor that a caller has named", "no name to call it by", error);
    return check_paths(check->filter, check->caller, plain, error) && check_line(check, member, text, error) &&
           monitor_ends_check(check->filter->monitors, check->command, member, text, error);
}

static gboolean check_node_names(const Check *check, const char *member, JsonNode *node, GError **error);

static gboolean
check_object_names(const Check *check, JsonObject *object, GError **error)
{
    JsonObjectIter members;
    const char *member;
    JsonNode *value;
    gboolean is_right = TRUE;

    json_object_iter_init_ordered(&members, object);
    while (is_right && json_object_iter_next_ordered(&members, &member, &value))
        is_right = check_node_names(check, member, value, error);
    return is_right;
}

/* @member: the name of the member that @node is the value of, or an element of. */
static gboolean
check_node_names(const Check *check, const char *member, JsonNode *node, GError **error)
{
    JsonTreeType type = json_tree_get_type(node);
    gboolean is_right = TRUE;
    gsize length;

    if (type == JSON_TREE_STRING || type == JSON_TREE_STRING_WITH_NUL)
        return check_text_names(check, member, json_tree_get_characters(node, &length), error);
    if (type == JSON_TREE_OBJECT)
        return check_object_names(check, json_node_get_object(node), error);
    for (guint i = 0; type == JSON_TREE_ARRAY && is_right && i < json_array_get_length(json_node_get_array(node)); i++)
        is_right = check_node_names(check, member, json_array_get_element(json_node_get_array(node), i), error);
    return is_right;
}

gboolean
command_filter_check(CommandFilter *filter, const char *caller, const char *command, JsonNode *arguments,
                     GError **error)
{
    const Check check = { .filter = filter, .caller = caller, .command = command };
    gint64 fdset;

    if (!arguments)
        return TRUE;
    if (!check_object_names(&check, json_node_get_object(arguments), error))
        return FALSE;
    if (!g_str_equal(command, "add-fd") && !g_str_equal(command, "remove-fd"))
        return TRUE;
    return !json_member_get_int(arguments, "fdset-id", &fdset) || check_fdset(filter, caller, fdset, error);
}

static gboolean
names_ours(JsonNode *node)
{
    return json_tree_get_type(node) == JSON_TREE_STRING && strstr(json_tree_get_string(node), QMP_MONITOR_PREFIX);
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

/* The text of HMP, without the lines that name objects of the agent's. */
static JsonNode *
clean_text(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) rest = g_string_new(NULL);

    for (guint i = 0; lines[i]; i++)
        if (!strstr(lines[i], QMP_MONITOR_PREFIX))
            g_string_append_printf(rest, "%s%s", rest->len > 0 ? "\n" : "", lines[i]);
    return json_tree_new_string(rest->str);
}

typedef struct View {
    CommandFilter *filter;
    const char *caller;
    gboolean are_fdsets; /* the elements of the list */
    gboolean are_properties; /* the elements of lists in the list's elements */
    gboolean is_for_humans; /* text */
} View;

static gboolean
is_element_hidden(const View *view, JsonNode *element)
{
    gint64 fdset;

    if (view->are_fdsets)
        return json_member_get_int(element, "fdset-id", &fdset) &&
               fdsets_is_foreign(view->filter->fdsets, fdset, view->caller);
    return names_ours(element) ||
           (JSON_NODE_HOLDS_OBJECT(element) && has_member_that_names_ours(json_node_get_object(element)));
}

/* The caller's own word; NULL: the caller has given none. */
static JsonNode *
clean_opaque(JsonNode *node)
{
    const char *opaque = fdset_tag_skip(json_tree_get_string(node));

    return opaque ? json_tree_new_string(opaque) : NULL;
}

static JsonNode *clean_node(const View *view, JsonNode *node);

static JsonNode *
clean_array(const View *view, JsonArray *array)
{
    g_autoptr(JsonArray) rest = json_array_new();

    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *element = json_array_get_element(array, i);
        if (!is_element_hidden(view, element))
            json_array_add_element(rest, clean_node(view, element));
    }
    return json_node_init_array(json_node_alloc(), rest);
}

/* NULL: the caller does not see the member. A property without a value is to QEMU one that cannot be read. */
static JsonNode *
clean_member(const View *view, JsonObject *object, const char *name, JsonNode *value)
{
    if (view->are_fdsets && g_str_equal(name, "opaque") && names_ours(value))
        return clean_opaque(value);
    if (view->are_properties && g_str_equal(name, "value") && secrets_are_listed(object))
        return NULL;
    return clean_node(view, value);
}

static JsonNode *
clean_object(const View *view, JsonObject *object)
{
    g_autoptr(JsonObject) rest = json_object_new();
    JsonObjectIter members;
    const char *name;
    JsonNode *value;

    json_object_iter_init_ordered(&members, object);
    while (json_object_iter_next_ordered(&members, &name, &value)) {
        g_autoptr(JsonNode) shown = clean_member(view, object, name, value);
        if (shown)
            json_object_set_member(rest, name, g_steal_pointer(&shown));
    }
    return json_node_init_object(json_node_alloc(), rest);
}

/* Lists lose the elements that are not for the caller, texts of HMP such lines. */
static JsonNode *
clean_node(const View *view, JsonNode *node)
{
    if (view->is_for_humans && names_ours(node))
        return clean_text(json_tree_get_string(node));
    if (JSON_NODE_HOLDS_ARRAY(node))
        return clean_array(view, json_node_get_array(node));
    if (JSON_NODE_HOLDS_OBJECT(node))
        return clean_object(view, json_node_get_object(node));
    return json_node_ref(node);
}

/* Such a reply is one string. */
static gboolean
check_secret(CommandFilter *filter, const CommandFilterReply *reply, GError **error)
{
    g_autoptr(JsonNode) value = json_tree_parse_answer(reply->value->text, reply->value->length);

    return (value && secrets_may_show(filter->secrets, reply->caller, reply->arguments, value)) ||
           refuse_secret("", error);
}

static gboolean
has_text(const QmpText *value, const char *text)
{
    return memmem(value->text, value->length, text, strlen(text)) != NULL;
}

static gboolean
has_hidden(const View *view, const QmpText *value)
{
    return view->are_fdsets || (view->are_properties && has_text(value, "\"data\"")) ||
           has_text(value, QMP_MONITOR_PREFIX);
}

static char *
clean_reply(const View *view, const QmpText *value)
{
    g_autoptr(JsonNode) node = json_tree_parse_answer(value->text, value->length);
    g_autoptr(JsonNode) rest = NULL;
    GString *text;

    if (!node)
        return NULL;
    rest = clean_node(view, node);
    text = g_string_new(NULL);
    json_print_node(text, rest, JSON_PRINT_COMPACT);
    return g_string_free(text, FALSE);
}

JsonNode *
command_filter_keep_arguments(const char *command, JsonNode *arguments)
{
    return g_str_equal(command, "qom-get") && arguments && secrets_are_read_by(arguments) ? json_node_ref(arguments)
                                                                                          : NULL;
}

gboolean
command_filter_clean(CommandFilter *filter, const CommandFilterReply *reply, char **ret_text, GError **error)
{
    View view = {
        .filter = filter,
        .caller = reply->caller,
        .are_fdsets = g_str_equal(reply->command, "query-fdsets"),
        .are_properties = g_str_equal(reply->command, "qom-list-get"),
        .is_for_humans = g_str_equal(reply->command, "human-monitor-command"),
    };

    *ret_text = NULL;
    if (reply->arguments && !check_secret(filter, reply, error))
        return FALSE;
    if (!has_hidden(&view, reply->value))
        return TRUE;
    *ret_text = clean_reply(&view, reply->value);
    if (!*ret_text)
        g_set_error(error, QMP_ERROR, QMP_ERROR_PROTOCOL,
                    "The reply holds what is not the caller's to see, and is too long (%zu bytes) to take that out",
                    reply->value->length);
    return *ret_text != NULL;
}
