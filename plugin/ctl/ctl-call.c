/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs that do one thing: call, add, add-fd, remove. */
#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl-arguments.h"
#include "ctl-bus.h"
#include "ctl-options.h"
#include "ctl-print.h"
#include "ctl-variant.h"
#include "ctl-verbs.h"

/* A reply that is one string (human-monitor-command's) is shown as a text, but for one with U+0000 in it, which a text cannot have. */
static void
print_reply(const Ctl *ctl, const char *json)
{
    if (ctl->is_json || (json[0] != '"' && strcmp(json, "{}") != 0) || strstr(json, "\\u0000")) {
        ctl_print_json(stdout, json);
    } else if (json[0] == '"') {
        g_autoptr(JsonNode) node = json_from_string(json, NULL);
        g_autofree char *printable = ctl_dup_printable(node ? json_node_get_string(node) : json, TRUE);
        printf("%s%s", printable, g_str_has_suffix(printable, "\n") ? "" : "\n");
    }
}

static int
open_file(const char *name, GError **error)
{
    int fd = open(name, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "@%s: %s", name, g_strerror(errno));
    return fd;
}

/* getfd and add-fd: a descriptor goes before the arguments, which the bus takes as a dictionary. Returns the reply as JSON. */
static char *
call_with_file(Ctl *ctl, const char *path, const char *command, const char *json, const char *file, GError **error)
{
    gboolean is_getfd = g_str_equal(command, "getfd");
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
    g_autoptr(GVariant) arguments = NULL, reply = NULL, result = NULL;

    if (!is_getfd && !g_str_equal(command, "add-fd")) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "@%s: %s takes no descriptor; getfd and add-fd do", file, command);
        return NULL;
    }
    if (ctl->host) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "@%s: no descriptor passes ssh", file);
        return NULL;
    }
    arguments = ctl_variant_from_json(json, error);
    int fd = arguments ? open_file(file, error) : -1;
    if (fd < 0)
        return NULL;
    int at = g_unix_fd_list_append(fds, fd, error);
    close(fd);
    if (at < 0)
        return NULL;
    reply = ctl_call(ctl, path, CTL_QMP, is_getfd ? "Getfd" : "AddFd", g_variant_new("(h@a{sv})", at, g_variant_ref(arguments)),
                     fds, NULL, error);
    if (!reply)
        return NULL;
    result = g_variant_n_children(reply) > 0 ? g_variant_get_child_value(reply, 0) : NULL;
    return result ? ctl_variant_to_json(result) : g_strdup("{}");
}

static char *
call_command(Ctl *ctl, const char *path, const char *command, char **words, GError **error)
{
    const char *file = NULL;
    g_autofree char *json = ctl_read_arguments(ctl, path, command, words, &file, error);
    g_autoptr(GVariant) reply = NULL;
    char *result;

    if (!json)
        return NULL;
    if (file)
        return call_with_file(ctl, path, command, json, file, error);
    reply = ctl_call(ctl, path, CTL_VM, "ExecuteJSON", g_variant_new("(ss)", command, json), NULL, NULL, error);
    if (!reply)
        return NULL;
    g_variant_get(reply, "(s)", &result);
    return result;
}

CtlStatus
ctl_run_call(Ctl *ctl, int argc, char **argv)
{
    g_autofree char *path = NULL, *reply = NULL;
    GError *error = NULL;

    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 2, -1))
        return CTL_USAGE;
    if (!ctl_connect(ctl, &error) || !(path = ctl_find_vm(ctl, argv[1], &error)) ||
        !(reply = call_command(ctl, path, argv[2], argv + 3, &error)))
        return ctl_fail(ctl, error);
    print_reply(ctl, reply);
    return CTL_OK;
}

/* `timeout=SECONDS`, `spares=ADDRESS` once for each, and the rest as texts: the agent knows the names. */
static GVariant *
read_add_options(char **words, GError **error)
{
    g_autoptr(GPtrArray) spares = g_ptr_array_new();
    GVariantDict options;

    g_variant_dict_init(&options, NULL);
    for (guint i = 0; words[i]; i++) {
        const char *equals = strchr(words[i], '=');
        g_autofree char *name = equals ? g_strndup(words[i], (gsize)(equals - words[i])) : NULL;
        guint64 seconds = 0;
        if (!name || (g_str_equal(name, "timeout") && !g_ascii_string_to_unsigned(equals + 1, 10, 0, G_MAXUINT32, &seconds, NULL))) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: is no OPTION=VALUE%s", words[i],
                        name ? " (timeout is in seconds)" : "");
            g_variant_dict_clear(&options);
            return NULL;
        }
        if (g_str_equal(name, "timeout"))
            g_variant_dict_insert(&options, name, "t", seconds * G_USEC_PER_SEC);
        else if (g_str_equal(name, "spares"))
            g_ptr_array_add(spares, (gpointer)(equals + 1));
        else
            g_variant_dict_insert(&options, name, "s", equals + 1);
    }
    if (spares->len > 0)
        g_variant_dict_insert_value(&options, "spares", g_variant_new_strv((const char *const *)spares->pdata, spares->len));
    return g_variant_ref_sink(g_variant_dict_end(&options));
}

static CtlStatus
finish_add(Ctl *ctl, GVariant *reply, GError *error)
{
    const char *path;

    if (!reply)
        return ctl_fail(ctl, error);
    g_variant_get(reply, "(&o)", &path);
    ctl_print_line(stdout, ctl->is_json ? "\"%s\"" : "%s", path);
    return CTL_OK;
}

CtlStatus
ctl_run_add(Ctl *ctl, int argc, char **argv)
{
    g_autoptr(GVariant) options = NULL, reply = NULL;
    GError *error = NULL;

    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 2, -1))
        return CTL_USAGE;
    if (!(options = read_add_options(argv + 3, &error)))
        return ctl_fail(ctl, error);
    if (!ctl_connect(ctl, &error))
        return ctl_fail(ctl, error);
    reply = ctl_call(ctl, CTL_ROOT, CTL_MANAGER, "AddVM", g_variant_new("(ss@a{sv})", argv[1], argv[2], options), NULL, NULL, &error);
    return finish_add(ctl, reply, error);
}

/* A number is a descriptor that this process was started with; anything else the path of a socket, to which it connects with the
 * caller's own rights. */
static int
get_socket(const char *word, GError **error)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    guint64 number;

    if (g_ascii_string_to_unsigned(word, 10, 0, G_MAXINT, &number, NULL) && fcntl((int)number, F_GETFD) >= 0)
        return (int)number;
    if (strlen(word) >= sizeof name.sun_path) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: is longer than a socket's path may be", word);
        return -1;
    }
    strcpy(name.sun_path, word);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", word, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

CtlStatus
ctl_run_add_fd(Ctl *ctl, int argc, char **argv)
{
    g_autoptr(GVariant) options = NULL, reply = NULL;
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
    GError *error = NULL;
    int fd;

    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 2, -1))
        return CTL_USAGE;
    if (!(options = read_add_options(argv + 3, &error)))
        return ctl_fail(ctl, error);
    if (!ctl_connect(ctl, &error) || (fd = get_socket(argv[2], &error)) < 0)
        return ctl_fail(ctl, error);
    if (g_unix_fd_list_append(fds, fd, &error) < 0)
        return ctl_fail(ctl, error);
    close(fd);
    reply = ctl_call(ctl, CTL_ROOT, CTL_MANAGER, "AddVMFromFD", g_variant_new("(sh@a{sv})", argv[1], 0, options), fds, NULL, &error);
    return finish_add(ctl, reply, error);
}

CtlStatus
ctl_run_remove(Ctl *ctl, int argc, char **argv)
{
    GError *error = NULL;
    CtlStatus status = CTL_OK;

    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 1, -1))
        return CTL_USAGE;
    if (!ctl_connect(ctl, &error))
        return ctl_fail(ctl, error);
    for (int i = 1; i < argc; i++) {
        g_autofree char *path = ctl_find_vm(ctl, argv[i], &error);
        g_autoptr(GVariant) reply =
            path ? ctl_call(ctl, CTL_ROOT, CTL_MANAGER, "RemoveVM", g_variant_new("(o)", path), NULL, NULL, &error) : NULL;
        if (!reply)
            status = ctl_fail(ctl, g_steal_pointer(&error));
    }
    return status;
}
