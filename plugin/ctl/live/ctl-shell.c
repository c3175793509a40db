/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb shell: QMP or HMP, a command a line, on a native session. At a terminal there is a prompt, and events are printed above it. From
 * a pipe commands are run one after the other until one fails, which the exit status tells. */
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <gio/gunixinputstream.h>

#include "ctl-arguments.h"
#include "ctl-bus.h"
#include "ctl-live.h"
#include "ctl-loop.h"
#include "ctl-options.h"
#include "ctl-print.h"
#include "ctl-prompt.h"
#include "ctl-stream.h"

typedef struct Shell {
    Ctl *ctl; /* weak */
    char *vm; /* owned; its object */
    char *prompt; /* owned */
    gboolean is_hmp;
    gboolean is_terminal;
    CtlSchema *schema; /* owned; NULL: has not been needed yet */
    GIOStream *session; /* owned */
    GDataInputStream *replies; /* owned */
    GDataInputStream *lines; /* owned; of standard input that is no terminal */
    GMainLoop *loop; /* owned */
    gboolean is_ready; /* the negotiation is over */
    gboolean is_quitting; /* the last command was quit, after which the end is no failure */
    int status;
} Shell;

static void
end_shell(Shell *shell, int status)
{
    shell->status = status;
    g_main_loop_quit(shell->loop);
}

static const CtlSchema *
need_schema(Shell *shell, GError **error)
{
    if (!shell->schema)
        shell->schema = ctl_schema_load(shell->ctl, shell->vm, error);
    return shell->schema;
}

/* -- What QEMU says -- */

/* The value in `{"return": VALUE}`, as QEMU wrote it, so that no number is rounded. Free with g_free(). */
static char *
cut_value(const char *line)
{
    static const char before[] = "{\"return\": ";
    gsize length = strlen(line);

    if (!g_str_has_prefix(line, before) || length < sizeof before || line[length - 1] != '}')
        return g_strdup(line);
    return g_strndup(line + strlen(before), length - strlen(before) - 1);
}

static void
print_shell_value(const char *line, JsonObject *reply)
{
    JsonNode *value = json_object_get_member(reply, "return");
    /* A reply with the id of a command that was typed as JSON is shown whole. */
    g_autofree char *text = json_object_get_size(reply) == 1 ? cut_value(line) : g_strdup(line);

    if (JSON_NODE_HOLDS_VALUE(value) && json_node_get_value_type(value) == G_TYPE_STRING && !strstr(text, "\\u0000")) {
        g_autofree char *printable = ctl_dup_printable(json_node_get_string(value), /* is_text= */ TRUE);
        printf("%s%s", printable, *printable == '\0' || g_str_has_suffix(printable, "\n") ? "" : "\n");
    } else if (!g_str_equal(text, "{}")) {
        ctl_print_json(stdout, text);
    }
}

/* The data are what an event's line ends with. */
static void
print_event(const char *line, JsonObject *event)
{
    const char *name = json_object_get_string_member_with_default(event, "event", "");
    g_autofree char *before = g_strdup_printf("\"event\": \"%s\", \"data\": ", name);
    const char *found = strstr(line, before), *data = found ? found + strlen(before) : NULL;
    g_autofree char *text = data && *data ? g_strndup(data, strlen(data) - 1) : g_strdup("");

    ctl_print_line(stdout, "%s %s", name, text);
}

static void
print_failure(const Shell *shell, JsonObject *reply)
{
    JsonNode *error = json_object_get_member(reply, "error");
    const char *text = error && JSON_NODE_HOLDS_OBJECT(error)
                           ? json_object_get_string_member_with_default(json_node_get_object(error), "desc", "")
                           : "is no QMP";

    ctl_print_line(shell->is_terminal ? stdout : stderr, "Error: %s", text);
}

static void read_input(Shell *shell);

/* The next command may come. */
static void
take_session_reply(Shell *shell, gboolean is_failure)
{
    if (is_failure && !shell->is_terminal)
        end_shell(shell, CTL_FAILED);
    else
        read_input(shell);
}

static void
take_session_line(Shell *shell, const char *line)
{
    g_autoptr(JsonNode) node = json_from_string(line, NULL);
    JsonObject *object = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    gboolean is_event = object && json_object_has_member(object, "event");
    gboolean is_value = object && json_object_has_member(object, "return");

    if (!object || json_object_has_member(object, "QMP"))
        return;
    if (!shell->is_ready && !is_event) {
        shell->is_ready = TRUE;
        take_session_reply(shell, !is_value);
        return;
    }
    ctl_prompt_begin_output();
    if (shell->ctl->is_json)
        ctl_print_json_line(stdout, line);
    else if (is_event)
        print_event(line, object);
    else if (is_value)
        print_shell_value(line, object);
    else
        print_failure(shell, object);
    ctl_prompt_end_output();
    if (!is_event)
        take_session_reply(shell, !is_value);
}

static void
on_session_line(GObject *replies, GAsyncResult *result, gpointer user_data)
{
    Shell *shell = user_data;
    g_autofree char *line = g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(replies), result, NULL, NULL);

    if (!line) {
        if (!shell->is_quitting)
            fprintf(stderr, "qemu-monitorctl: the session has ended: the VM, or the agent, has gone\n");
        end_shell(shell, shell->is_quitting ? CTL_OK : CTL_NO_VM);
        return;
    }
    take_session_line(shell, line);
    g_data_input_stream_read_line_async(shell->replies, G_PRIORITY_DEFAULT, NULL, on_session_line, shell);
}

/* -- What is typed -- */

static void
send_text(Shell *shell, const char *text)
{
    g_autofree char *line = g_strdup_printf("%s\n", text);

    /* An error shows as the end of the session. */
    g_output_stream_write_all(g_io_stream_get_output_stream(shell->session), line, strlen(line), NULL, NULL, NULL);
}

static char *
make_hmp_command(const char *line)
{
    g_autoptr(JsonNode) text = json_node_init_string(json_node_alloc(), line);
    g_autofree char *json = json_to_string(text, /* pretty= */ FALSE);

    return g_strdup_printf("{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": %s}}", json);
}

/* `COMMAND [ARGUMENT…]`, quoted as for a shell; a JSON object needs no quotes where it is all arguments. */
static char *
make_qmp_command(Shell *shell, const char *line, GError **error)
{
    gsize length = strcspn(line, " \t");
    const char *rest = line + length + strspn(line + length, " \t"), *file = NULL;
    g_autofree char *command = g_strndup(line, length), *arguments = NULL;
    g_auto(GStrv) words = NULL;

    if (*rest == '{')
        arguments = g_strdup(rest);
    else if (*rest && (!g_shell_parse_argv(rest, NULL, &words, error) || !need_schema(shell, error) ||
                       !(arguments = ctl_read_arguments_by(shell->schema, command, words, &file, error))))
        return NULL;
    if (file) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "@%s: a shell hands over no descriptors", file);
        return NULL;
    }
    shell->is_quitting = g_str_equal(command, "quit");
    g_autoptr(JsonNode) name = json_node_init_string(json_node_alloc(), command);
    g_autofree char *quoted = json_to_string(name, /* pretty= */ FALSE);
    return g_strdup_printf("{\"execute\": %s, \"arguments\": %s}", quoted, arguments ? arguments : "{}");
}

static void
print_help(Shell *shell, const char *command)
{
    GError *error = NULL;
    const CtlSchema *schema = need_schema(shell, &error);
    JsonObject *type = schema && *command ? ctl_schema_get_arguments(schema, command) : NULL;
    g_auto(GStrv) words = type ? ctl_schema_list_members(schema, type) : schema ? ctl_schema_list(schema, "command") : NULL;
    g_autofree char *text = words ? g_strjoinv(" ", words) : NULL;

    if (text)
        ctl_print_line(stdout, "%s", text);
    else
        ctl_fail(shell->ctl, error);
}

/* Whether all brackets and strings of @text end: QEMU waits for the rest of an object, and the shell for a reply. */
static gboolean
is_whole(const char *text)
{
    gboolean in_string = FALSE;
    int depth = 0;

    for (const char *at = text; *at; at++) {
        if (in_string && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            in_string = !in_string;
        else if (!in_string)
            depth += *at == '{' || *at == '[' ? 1 : *at == '}' || *at == ']' ? -1 : 0;
    }
    return !in_string && depth <= 0;
}

/* What is the shell's own. FALSE: the line is QEMU's. */
static gboolean
run_here(Shell *shell, const char *line)
{
    if (g_str_equal(line, "exit")) {
        end_shell(shell, CTL_OK);
        return TRUE;
    }
    if (shell->is_hmp || (!g_str_equal(line, "help") && !g_str_has_prefix(line, "help ")))
        return *line == '\0';
    print_help(shell, line + strlen("help") + strspn(line + strlen("help"), " "));
    return TRUE;
}

/* Whatever ends @line, the next one is read, unless the shell ends. */
static void
run_line(Shell *shell, const char *line)
{
    g_autofree char *words = g_strstrip(g_strdup(line)), *text = NULL;
    GError *error = NULL;

    if (run_here(shell, words)) {
        if (g_main_loop_is_running(shell->loop))
            read_input(shell);
        return;
    }
    text = *words == '{' ? g_strdup(words) : shell->is_hmp ? make_hmp_command(words) : make_qmp_command(shell, words, &error);
    if (text && !is_whole(text))
        g_set_error(&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: the JSON text ends too early", words);
    if (text && !error) {
        send_text(shell, text);
        return;
    }
    int status = ctl_fail(shell->ctl, error);
    if (shell->is_terminal)
        read_input(shell);
    else
        end_shell(shell, status);
}

static void
on_prompt_line(const char *line, gpointer user_data)
{
    Shell *shell = user_data;

    if (line)
        run_line(shell, line);
    else
        end_shell(shell, CTL_OK);
}

static void
on_input_line(GObject *lines, GAsyncResult *result, gpointer user_data)
{
    g_autofree char *line = g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(lines), result, NULL, NULL);

    on_prompt_line(line, user_data);
}

static void
read_input(Shell *shell)
{
    if (shell->is_terminal)
        ctl_prompt_show(shell->prompt);
    else
        g_data_input_stream_read_line_async(shell->lines, G_PRIORITY_DEFAULT, NULL, on_input_line, shell);
}

/* At a command that is waited for, the prompt comes back, and the reply is printed above it later. */
static gboolean
on_shell_interrupt(gpointer user_data)
{
    Shell *shell = user_data;

    if (!shell->is_terminal) {
        end_shell(shell, CTL_INTERRUPTED);
    } else if (!ctl_prompt_interrupt()) {
        printf("\n");
        read_input(shell);
    }
    return G_SOURCE_CONTINUE;
}

/* -- Completion -- */

/* Words that may be the value of @member; NULL: it is no enumeration. */
static char **
list_values(const Shell *shell, JsonObject *type, const char *member)
{
    JsonObject *value = ctl_schema_get_member(shell->schema, type, member, /* tag= */ NULL);
    JsonArray *values = value && json_object_has_member(value, "values") ? json_object_get_array_member(value, "values") : NULL;
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    for (guint i = 0; values && i < json_array_get_length(values); i++) {
        g_autofree char *word = g_strdup_printf("%s=%s", member, json_array_get_string_element(values, i));
        g_strv_builder_add(words, word);
    }
    if (value && g_str_equal(ctl_schema_get_kind(value), "boolean")) {
        g_autofree char *on = g_strdup_printf("%s=on", member), *off = g_strdup_printf("%s=off", member);
        g_strv_builder_add_many(words, on, off, NULL);
    }
    return g_strv_builder_end(words);
}

static char **
complete_line(const char *before, const char *word, gpointer user_data)
{
    Shell *shell = user_data;
    gsize length = strcspn(before, " \t");
    g_autofree char *command = g_strndup(before, length);
    const char *equals = strchr(word, '=');

    if (shell->is_hmp || !need_schema(shell, NULL))
        return NULL;
    if (length == 0)
        return ctl_schema_list(shell->schema, "command");
    JsonObject *type = ctl_schema_get_arguments(shell->schema, command);
    if (!type)
        return NULL;
    if (equals) {
        g_autofree char *member = g_strndup(word, (gsize)(equals - word));
        return list_values(shell, type, member);
    }
    char **words = ctl_schema_list_members(shell->schema, type);
    for (guint i = 0; words[i]; i++) {
        char *member = g_strdup_printf("%s=", words[i]);
        g_free(words[i]);
        words[i] = member;
    }
    return words;
}

/* -- The verb -- */

static gboolean
open_shell(Shell *shell, const char *name, GError **error)
{
    g_autoptr(GVariant) arguments = g_variant_ref_sink(g_variant_new("(a{sv})", NULL));
    CtlStreamSource source = { .ctl = shell->ctl, .method = "OpenMonitor", .arguments = arguments };
    g_autoptr(GInputStream) input = g_unix_input_stream_new(STDIN_FILENO, /* close_fd= */ FALSE);

    if (!ctl_connect(shell->ctl, error) || !(source.vm = shell->vm = ctl_find_vm(shell->ctl, name, error)) ||
        !(shell->session = ctl_stream_open(&source, error)))
        return FALSE;
    shell->prompt = g_strdup_printf(shell->is_hmp ? "(%s) " : "%s> ", name);
    shell->replies = g_data_input_stream_new(g_io_stream_get_input_stream(shell->session));
    g_data_input_stream_set_newline_type(shell->replies, G_DATA_STREAM_NEWLINE_TYPE_ANY);
    shell->lines = g_data_input_stream_new(input);
    shell->is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    shell->loop = g_main_loop_new(NULL, FALSE);
    return TRUE;
}

static gboolean
on_time_over(gpointer user_data)
{
    end_shell(user_data, CTL_OK);
    return G_SOURCE_CONTINUE;
}

static int
run_shell(Shell *shell, guint64 time)
{
    const CtlPromptUser user = { .on_line = on_prompt_line, .complete = complete_line, .user_data = shell };
    guint timer = time > 0 ? g_timeout_add((guint)(time / 1000), on_time_over, shell) : 0;

    if (shell->is_terminal)
        ctl_prompt_open(&user);
    g_data_input_stream_read_line_async(shell->replies, G_PRIORITY_DEFAULT, NULL, on_session_line, shell);
    send_text(shell, "{\"execute\": \"qmp_capabilities\"}");
    int status = ctl_loop_run(shell->ctl, shell->loop, on_shell_interrupt, shell);
    if (shell->is_terminal)
        ctl_prompt_close();
    if (timer)
        g_source_remove(timer);
    return status != CTL_OK ? status : shell->status;
}

static void
clear_shell(Shell *shell)
{
    g_clear_object(&shell->replies);
    g_clear_object(&shell->lines);
    g_clear_object(&shell->session);
    g_clear_pointer(&shell->schema, ctl_schema_free);
    g_clear_pointer(&shell->loop, g_main_loop_unref);
    g_free(shell->prompt);
    g_free(shell->vm);
}

CtlStatus
ctl_run_shell(Ctl *ctl, int argc, char **argv)
{
    Shell shell = { .ctl = ctl };
    g_autofree char *time = NULL;
    guint64 duration = 0;
    const GOptionEntry entries[] = {
        { "hmp", 0, 0, G_OPTION_ARG_NONE, &shell.is_hmp, "The human monitor's commands", NULL },
        { "for", 0, 0, G_OPTION_ARG_STRING, &time, "End after so long: 90s, 5m, 2h", "TIME" },
        G_OPTION_ENTRY_NULL,
    };
    GError *error = NULL;

    if (!ctl_parse_options(ctl, entries, &argc, &argv, 1, 1))
        return CTL_USAGE;
    if (time && !ctl_loop_parse_time("--for", time, &duration, &error))
        return ctl_fail(ctl, error);
    int status = open_shell(&shell, argv[1], &error) ? run_shell(&shell, duration) : (int)ctl_fail(ctl, error);
    clear_shell(&shell);
    return status;
}
