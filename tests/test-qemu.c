/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-qemu.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json-member.h"
#include "json-print.h"
#include "json-scan.h"
#include "json-tree.h"

typedef struct Monitor {
    TestQemu *qemu; /* weak */
    guint number;
    int fd; /* owned */
    GSource *source; /* owned */
    JsonScan scan; /* of the command that is being read */
    GString *command; /* owned */
} Monitor;

/* A command that is not answered yet. */
typedef struct Withheld {
    Monitor *monitor; /* weak */
    char *command, *id; /* owned */
    int fd; /* owned; of the monitor that the command plugs; -1: none */
} Withheld;

struct TestQemu {
    GMainContext *context; /* ref */
    char *greeting; /* owned */
    GPtrArray *monitors; /* owned, of Monitor */
    guint n_made;
    GHashTable *answers; /* owned */
    GHashTable *silent; /* owned, set; commands that are not answered */
    GPtrArray *withheld; /* owned, of Withheld */
    GString *log; /* owned */
    GArray *fds; /* owned, of int, owned; that came, and whose commands have not been read */
    int passed_fd; /* owned; what getfd or add-fd brought last; -1: nothing */
};

static void
withheld_free(gpointer data)
{
    Withheld *withheld = data;

    g_free(withheld->command);
    g_free(withheld->id);
    if (withheld->fd >= 0)
        close(withheld->fd);
    g_free(withheld);
}

static void
monitor_free(gpointer data)
{
    Monitor *monitor = data;
    GPtrArray *withheld = monitor->qemu->withheld;

    for (guint i = withheld->len; i-- > 0;)
        if (((Withheld *)g_ptr_array_index(withheld, i))->monitor == monitor)
            g_ptr_array_remove_index(withheld, i);
    g_source_destroy(monitor->source);
    g_source_unref(monitor->source);
    close(monitor->fd);
    g_string_free(monitor->command, TRUE);
    g_free(monitor);
}

/* The agent may have closed its end already. Text that the kernel has no room for waits until the agent, which runs in the same
 * context, has read some. */
static void
send_text(Monitor *monitor, const char *text)
{
    gsize length = strlen(text), sent = 0;

    while (sent < length) {
        gssize n = send(monitor->fd, text + sent, length - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0)
            sent += (gsize)n;
        else if (errno == EAGAIN)
            g_main_context_iteration(monitor->qemu->context, FALSE);
        else
            return;
    }
}

static void
answer(Monitor *monitor, const char *command, const char *id)
{
    const char *text = g_hash_table_lookup(monitor->qemu->answers, command);
    g_autofree char *line = g_strdup_printf("{%s%s}\r\n", text ? text : "\"return\": {}", id);

    send_text(monitor, line);
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer user_data);

static void
add_monitor(TestQemu *qemu, int fd)
{
    Monitor *monitor = g_new0(Monitor, 1);

    monitor->qemu = qemu;
    monitor->number = qemu->n_made++;
    monitor->fd = fd;
    monitor->command = g_string_new(NULL);
    json_scan_init(&monitor->scan, JSON_DIALECT_RFC8259);
    monitor->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(monitor->source, G_SOURCE_FUNC(on_readable), monitor, NULL);
    g_source_attach(monitor->source, qemu->context);
    g_ptr_array_add(qemu->monitors, monitor);
    send_text(monitor, qemu->greeting);
}

static char *
print(JsonNode *node)
{
    GString *text = g_string_new(NULL);

    json_print_node(text, node, JSON_PRINT_COMPACT);
    return g_string_free(text, FALSE);
}

static void
drop_passed_fd(TestQemu *qemu)
{
    if (qemu->passed_fd >= 0)
        close(qemu->passed_fd);
    qemu->passed_fd = -1;
}

/* The kernel hands out a descriptor with the text of earlier commands. */
static void
use_fd(TestQemu *qemu, const char *command)
{
    if ((!g_str_equal(command, "getfd") && !g_str_equal(command, "add-fd")) || qemu->fds->len == 0)
        return;
    drop_passed_fd(qemu);
    qemu->passed_fd = g_array_index(qemu->fds, int, 0);
    g_array_remove_index(qemu->fds, 0);
}

/* A monitor object has its connection from the descriptor that came last; -1: no monitor is plugged. */
static int
take_plug_fd(TestQemu *qemu, const char *command, JsonObject *arguments)
{
    const char *type = arguments ? json_member_get_string(arguments, "qom-type") : NULL;
    const char *given = g_hash_table_lookup(qemu->answers, command);

    if (!g_str_equal(command, "object-add") || g_strcmp0(type, "monitor-qmp") != 0 ||
        (given && strstr(given, "\"error\"")))
        return -1;
    return g_steal_fd(&qemu->passed_fd);
}

/* Takes @fd. */
static void
carry_out(Monitor *monitor, const char *command, const char *id, int fd)
{
    answer(monitor, command, id);
    if (fd >= 0)
        add_monitor(monitor->qemu, fd);
}

static void
take_command(Monitor *monitor)
{
    TestQemu *qemu = monitor->qemu;
    g_autoptr(JsonNode) node = json_tree_parse(monitor->command->str, monitor->command->len, NULL);
    JsonObject *object = json_node_get_object(node), *arguments = json_member_get_object(object, "arguments");
    const char *name = json_member_get_string(object, "execute");
    JsonNode *id = json_object_get_member(object, "id");
    g_autofree char *id_text = id ? print(id) : NULL;
    g_autofree char *id_member = id ? g_strconcat(", \"id\": ", id_text, NULL) : g_strdup("");
    g_autofree char *text = arguments ? print(json_object_get_member(object, "arguments")) : NULL;
    g_autofree char *line = NULL;
    int fd;

    name = name ? name : json_member_get_string(object, "exec-oob");
    line = g_strconcat(name, text ? " " : "", text, NULL);
    g_string_append_printf(qemu->log, "%u %s\n", monitor->number, line);
    use_fd(qemu, name);
    fd = take_plug_fd(qemu, name, arguments);
    if (g_hash_table_contains(qemu->silent, name)) {
        Withheld *withheld = g_new(Withheld, 1);
        *withheld = (Withheld){ monitor, g_strdup(name), g_steal_pointer(&id_member), fd };
        g_ptr_array_add(qemu->withheld, withheld);
        return;
    }
    carry_out(monitor, g_hash_table_contains(qemu->answers, line) ? line : name, id_member, fd);
}

static void
take_text(Monitor *monitor, const char *text, gsize length)
{
    gsize used;

    for (gsize at = 0; at < length; at += used) {
        JsonScanResult result = json_scan_feed(&monitor->scan, text + at, length - at, &used);
        g_string_append_len(monitor->command, text + at, (gssize)used);
        g_assert_true(result != JSON_SCAN_LOST && !monitor->scan.error);
        if (result != JSON_SCAN_DONE)
            continue;
        take_command(monitor);
        g_string_truncate(monitor->command, 0);
        json_scan_init(&monitor->scan, JSON_DIALECT_RFC8259);
    }
}

static void
take_fd(TestQemu *qemu, struct msghdr *message)
{
    struct cmsghdr *header = message->msg_controllen > 0 ? CMSG_FIRSTHDR(message) : NULL;
    int fd;

    if (!header)
        return;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    g_array_append_val(qemu->fds, fd);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer user_data)
{
    Monitor *monitor = user_data;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    char buffer[65536];
    struct iovec data = { buffer, sizeof buffer };
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    gssize n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0 && errno == EAGAIN)
        return G_SOURCE_CONTINUE;
    if (n <= 0) {
        g_ptr_array_remove(monitor->qemu->monitors, monitor);
        return G_SOURCE_REMOVE;
    }
    take_fd(monitor->qemu, &message);
    take_text(monitor, buffer, (gsize)n);
    return G_SOURCE_CONTINUE;
}

void
test_qemu_set_answer(TestQemu *qemu, const char *command, const char *text)
{
    g_hash_table_insert(qemu->answers, g_strdup(command), g_strdup(text));
}

void
test_qemu_withhold(TestQemu *qemu, const char *command)
{
    g_hash_table_add(qemu->silent, g_strdup(command));
}

void
test_qemu_release(TestQemu *qemu, const char *command)
{
    g_hash_table_remove(qemu->silent, command);
    for (guint i = 0; i < qemu->withheld->len;) {
        Withheld *withheld = g_ptr_array_index(qemu->withheld, i);
        if (!g_str_equal(withheld->command, command)) {
            i++;
            continue;
        }
        carry_out(withheld->monitor, command, withheld->id, g_steal_fd(&withheld->fd));
        g_ptr_array_remove_index(qemu->withheld, i);
    }
}

void
test_qemu_release_all(TestQemu *qemu)
{
    g_hash_table_remove_all(qemu->silent);
    for (guint i = 0; i < qemu->withheld->len; i++) {
        Withheld *withheld = g_ptr_array_index(qemu->withheld, i);
        carry_out(withheld->monitor, withheld->command, withheld->id, g_steal_fd(&withheld->fd));
    }
    g_ptr_array_set_size(qemu->withheld, 0);
}

void
test_qemu_send_to_all(TestQemu *qemu, const char *text)
{
    for (guint i = 0; i < qemu->monitors->len; i++)
        send_text(g_ptr_array_index(qemu->monitors, i), text);
}

static Monitor *
find_monitor(TestQemu *qemu, guint number)
{
    for (guint i = 0; i < qemu->monitors->len; i++)
        if (((Monitor *)g_ptr_array_index(qemu->monitors, i))->number == number)
            return g_ptr_array_index(qemu->monitors, i);
    g_error("there is no monitor %u", number);
}

void
test_qemu_send(TestQemu *qemu, guint number, const char *text)
{
    send_text(find_monitor(qemu, number), text);
}

void
test_qemu_close(TestQemu *qemu, guint number)
{
    g_ptr_array_remove(qemu->monitors, find_monitor(qemu, number));
}

gboolean
test_qemu_has_monitor(TestQemu *qemu, guint number)
{
    for (guint i = 0; i < qemu->monitors->len; i++)
        if (((Monitor *)g_ptr_array_index(qemu->monitors, i))->number == number)
            return TRUE;
    return FALSE;
}

guint
test_qemu_get_newest(TestQemu *qemu)
{
    guint newest = 0;

    for (guint i = 0; i < qemu->monitors->len; i++)
        newest = MAX(newest, ((Monitor *)g_ptr_array_index(qemu->monitors, i))->number);
    return newest;
}

guint
test_qemu_get_n_plugged(TestQemu *qemu)
{
    guint n = 0;

    for (guint i = 0; i < qemu->monitors->len; i++)
        n += ((Monitor *)g_ptr_array_index(qemu->monitors, i))->number > 0;
    return n;
}

guint
test_qemu_count(TestQemu *qemu, const char *line)
{
    guint n = 0;

    for (const char *at = qemu->log->str; *at; at = strchr(at, '\n') + 1)
        n += g_str_has_prefix(at, line);
    return n;
}

const char *
test_qemu_get_log(TestQemu *qemu)
{
    return qemu->log->str;
}

TestQemu *
test_qemu_new(GMainContext *context, guint major, guint minor, int *ret_fd)
{
    static const char *const answers[][2] = {
        { "query-name", "\"return\": {\"name\": \"web\"}" },
        { "query-uuid", "\"return\": {\"UUID\": \"12345678-1234-1234-1234-123456789abc\"}" },
        { "query-target", "\"return\": {\"arch\": \"x86_64\"}" },
        { "query-status", "\"return\": {\"status\": \"running\", \"running\": true}" },
        { "query-commands", "\"return\": []" },
        { "query-fdsets", "\"return\": []" },
        { "query-chardev", "\"return\": []" },
        { "qom-list", "\"return\": []" },
    };
    TestQemu *qemu = g_new0(TestQemu, 1);
    int fds[2];

    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    qemu->context = g_main_context_ref(context);
    qemu->greeting =
        g_strdup_printf("{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 2, \"minor\": %u, \"major\": %u}, "
                        "\"package\": \"test\"}, \"capabilities\": [\"oob\"]}}\r\n",
                        minor, major);
    qemu->monitors = g_ptr_array_new_with_free_func(monitor_free);
    qemu->answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    qemu->silent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    qemu->withheld = g_ptr_array_new_with_free_func(withheld_free);
    qemu->log = g_string_new(NULL);
    qemu->fds = g_array_new(FALSE, FALSE, sizeof(int));
    qemu->passed_fd = -1;
    for (guint i = 0; i < G_N_ELEMENTS(answers); i++)
        test_qemu_set_answer(qemu, answers[i][0], answers[i][1]);
    add_monitor(qemu, fds[0]);
    *ret_fd = fds[1];
    return qemu;
}

void
test_qemu_free(TestQemu *qemu)
{
    g_ptr_array_unref(qemu->monitors);
    g_ptr_array_unref(qemu->withheld);
    g_hash_table_unref(qemu->answers);
    g_hash_table_unref(qemu->silent);
    drop_passed_fd(qemu);
    for (guint i = 0; i < qemu->fds->len; i++)
        close(g_array_index(qemu->fds, int, i));
    g_array_unref(qemu->fds);
    g_string_free(qemu->log, TRUE);
    g_free(qemu->greeting);
    g_main_context_unref(qemu->context);
    g_free(qemu);
}
