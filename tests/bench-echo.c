/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers at once, for tests/bench: what is left when all that a call brings about is taken away.
 *
 *   bench-echo bus ADDRESS NAME
 *       a service that answers Status() with the a{sv} that query-status would be, Text(s size) with as long a string,
 *       Flood(s count) with as many signals
 *   bench-echo qmp DIRECTORY COUNT ANSWERS
 *       as many QMP servers, on DIRECTORY/0 and so on. ANSWERS is a file: its first line is the greeting, each of the
 *       others a command, a space and what it returns. `bench-asked` returns how often each of them was asked for,
 *       `bench-flood` (argument `count`) sends as many events first.
 *
 * Commands are read as carelessly as those allow that our agent and tests/bench send. */
#include <dbus/dbus.h>
#include <errno.h>
#include <glib.h>

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct Answer {
    char *result; /* owned; JSON */
    guint asked;
} Answer;

typedef struct Server {
    int epoll;
    char *greeting; /* owned */
    GHashTable *answers; /* owned, of Answer, by the command's name */
} Server;

typedef struct Socket {
    int fd;
    GString *input; /* owned; NULL: it listens */
} Socket;

static void G_GNUC_NORETURN G_GNUC_PRINTF(1, 2) fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("bench-echo: %s\n", text);
    exit(1);
}

static void
append_entry(DBusMessageIter *dictionary, const char *name, int type, const void *value)
{
    const char signature[] = { (char)type, '\0' };
    DBusMessageIter entry, variant;

    dbus_message_iter_open_container(dictionary, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
    dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant);
    dbus_message_iter_append_basic(&variant, type, value);
    dbus_message_iter_close_container(&entry, &variant);
    dbus_message_iter_close_container(dictionary, &entry);
}

static void
append_status(DBusMessage *reply)
{
    const char *status = "running";
    dbus_bool_t running = TRUE;
    DBusMessageIter iter, dictionary;

    dbus_message_iter_init_append(reply, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dictionary);
    append_entry(&dictionary, "status", DBUS_TYPE_STRING, &status);
    append_entry(&dictionary, "running", DBUS_TYPE_BOOLEAN, &running);
    dbus_message_iter_close_container(&iter, &dictionary);
}

static void
append_text(DBusMessage *reply, DBusMessage *call)
{
    const char *size = "0";

    dbus_message_get_args(call, NULL, DBUS_TYPE_STRING, &size, DBUS_TYPE_INVALID);
    g_autofree char *text = g_strnfill((gsize)g_ascii_strtoull(size, NULL, 10), 'x');
    dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
}

/* As large as the agent's signals of `bench-flood` are. */
static void
send_signals(DBusConnection *connection, DBusMessage *call)
{
    const char *count = "";
    guint64 timestamp = 1700000000000000;

    dbus_message_get_args(call, NULL, DBUS_TYPE_STRING, &count, DBUS_TYPE_INVALID);
    for (guint64 i = g_ascii_strtoull(count, NULL, 10); i > 0; i--) {
        DBusMessage *signal = dbus_message_new_signal("/", "org.qemu.Bench", "RtcChange");
        DBusMessageIter iter, dictionary;
        const char *path = "/machine/rtc";
        gint64 offset = 1;

        dbus_message_iter_init_append(signal, &iter);
        dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dictionary);
        append_entry(&dictionary, "offset", DBUS_TYPE_INT64, &offset);
        append_entry(&dictionary, "qom-path", DBUS_TYPE_STRING, &path);
        dbus_message_iter_close_container(&iter, &dictionary);
        dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT64, &timestamp);
        dbus_connection_send(connection, signal, NULL);
        dbus_message_unref(signal);
    }
}

static void
answer_call(DBusConnection *connection, DBusMessage *call)
{
    DBusMessage *reply;

    if (dbus_message_get_type(call) != DBUS_MESSAGE_TYPE_METHOD_CALL)
        return;
    reply = dbus_message_new_method_return(call);
    if (strcmp(dbus_message_get_member(call), "Text") == 0)
        append_text(reply, call);
    else if (strcmp(dbus_message_get_member(call), "Flood") == 0)
        send_signals(connection, call);
    else
        append_status(reply);
    dbus_connection_send(connection, reply, NULL);
    dbus_message_unref(reply);
}

static void
serve_bus(const char *address, const char *name)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *connection = dbus_connection_open_private(address, &error);
    DBusMessage *message;

    if (!connection || !dbus_bus_register(connection, &error) ||
        dbus_bus_request_name(connection, name, DBUS_NAME_FLAG_DO_NOT_QUEUE, &error) < 0)
        fail("%s: %s", address, error.message);
    while (dbus_connection_read_write(connection, -1)) {
        while ((message = dbus_connection_pop_message(connection))) {
            answer_call(connection, message);
            dbus_message_unref(message);
        }
    }
}

static void
read_answers(Server *server, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        fail("%s", error->message);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    server->greeting = g_strconcat(lines[0], "\r\n", NULL);
    server->answers = g_hash_table_new(g_str_hash, g_str_equal);
    for (char **line = lines + 1; *line && **line; line++) {
        Answer *answer = g_new0(Answer, 1);
        char *space = strchr(*line, ' ');
        answer->result = g_strdup(space + 1);
        g_hash_table_insert(server->answers, g_strndup(*line, (gsize)(space - *line)), answer);
    }
}

static void
watch(Server *server, int fd, GString *input)
{
    Socket *sock = g_new0(Socket, 1);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = sock };

    sock->fd = fd;
    sock->input = input;
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll: %s", g_strerror(errno));
}

static void
listen_on(Server *server, const char *directory, guint number)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/%u", directory, number);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
        fail("%s: %s", address.sun_path, g_strerror(errno));
    watch(server, fd, NULL);
}

/* What is sent fits, or is read: the agent never stops reading. */
static void
send_all(int fd, const char *text, gsize length)
{
    while (length > 0) {
        gssize sent = send(fd, text, length, MSG_NOSIGNAL);
        if (sent < 0)
            return; /* it has hung up, as the next read will tell */
        text += sent;
        length -= (gsize)sent;
    }
}

static void
accept_one(Server *server, Socket *sock)
{
    int fd = accept4(sock->fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        fail("accept: %s", g_strerror(errno));
    watch(server, fd, g_string_new(NULL));
    send_all(fd, server->greeting, strlen(server->greeting));
}

/* The value of a member whose value is a word or a number; NULL: there is no such member. */
static char *
dup_member(const char *command, const char *name)
{
    g_autofree char *quoted = g_strdup_printf("\"%s\":", name);
    const char *begin = strstr(command, quoted);

    if (!begin)
        return NULL;
    begin += strlen(quoted);
    begin += strspn(begin, " \"");
    return g_strndup(begin, strcspn(begin, "\",}"));
}

static void
append_asked(Server *server, GString *output)
{
    GHashTableIter iter;
    gpointer name, answer;
    char separator = '{';

    g_hash_table_iter_init(&iter, server->answers);
    while (g_hash_table_iter_next(&iter, &name, &answer)) {
        g_string_append_printf(output, "%c\"%s\": %u", separator, (char *)name, ((Answer *)answer)->asked);
        separator = ',';
    }
    g_string_append_c(output, '}');
}

static void
append_events(const char *command, GString *output)
{
    g_autofree char *count = dup_member(command, "count");

    for (guint64 i = count ? g_ascii_strtoull(count, NULL, 10) : 0; i > 0; i--)
        g_string_append(output, "{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 1}, \"event\": \"RTC_CHANGE\","
                                " \"data\": {\"offset\": 1, \"qom-path\": \"/machine/rtc\"}}\r\n");
}

static void
answer_command(Server *server, const char *command, GString *output)
{
    g_autofree char *name = dup_member(command, "execute");
    g_autofree char *id = dup_member(command, "id");
    Answer *answer = name ? g_hash_table_lookup(server->answers, name) : NULL;

    if (g_strcmp0(name, "bench-flood") == 0)
        append_events(command, output);
    g_string_append(output, answer || g_strcmp0(name, "bench-asked") == 0 ? "{\"return\": " : "{\"error\": ");
    if (answer) {
        answer->asked++;
        g_string_append(output, answer->result);
    } else if (g_strcmp0(name, "bench-asked") == 0) {
        append_asked(server, output);
    } else {
        g_string_append(output, "{\"class\": \"CommandNotFound\", \"desc\": \"not in ANSWERS\"}");
    }
    if (id)
        g_string_append_printf(output, ", \"id\": %s", id);
    g_string_append(output, "}\r\n");
}

/* Bytes up to where the JSON object at the beginning of @text ends; 0: it does not. */
static gsize
find_end(const char *text)
{
    gboolean in_string = FALSE;
    guint depth = 0;

    for (const char *c = text; *c; c++) {
        if (in_string && *c == '\\' && c[1])
            c++;
        else if (*c == '"')
            in_string = !in_string;
        else if (!in_string && *c == '{')
            depth++;
        else if (!in_string && *c == '}' && --depth == 0)
            return (gsize)(c + 1 - text);
    }
    return 0;
}

static void
answer_commands(Server *server, Socket *sock)
{
    g_autoptr(GString) output = g_string_new(NULL);
    gsize at = 0, length;

    while ((length = find_end(sock->input->str + at)) > 0) {
        g_autofree char *command = g_strndup(sock->input->str + at, length);
        answer_command(server, command, output);
        at += length;
    }
    g_string_erase(sock->input, 0, (gssize)at);
    send_all(sock->fd, output->str, output->len);
}

static void
read_some(Server *server, Socket *sock)
{
    char buffer[65536];
    gssize length = read(sock->fd, buffer, sizeof(buffer));

    if (length > 0) {
        g_string_append_len(sock->input, buffer, length);
        answer_commands(server, sock);
        return;
    }
    close(sock->fd);
    g_string_free(sock->input, TRUE);
    g_free(sock);
}

static void
serve_qmp(const char *directory, const char *count, const char *answers)
{
    struct rlimit files;
    struct epoll_event event;
    Server server = { .epoll = epoll_create1(EPOLL_CLOEXEC) };

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    read_answers(&server, answers);
    for (guint i = 0; i < (guint)g_ascii_strtoull(count, NULL, 10); i++)
        listen_on(&server, directory, i);
    while (epoll_wait(server.epoll, &event, 1, -1) > 0) {
        Socket *sock = event.data.ptr;
        if (sock->input)
            read_some(&server, sock);
        else
            accept_one(&server, sock);
    }
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "bus") == 0)
        serve_bus(argv[2], argv[3]);
    else if (argc == 5 && strcmp(argv[1], "qmp") == 0)
        serve_qmp(argv[2], argv[3], argv[4]);
    else
        fail("bus ADDRESS NAME, or qmp DIRECTORY COUNT ANSWERS");
    return 0;
}
