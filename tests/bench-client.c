/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures round trips, for tests/bench, as an ordinary client makes them: one thread, libdbus or a plain socket.
 *
 *   bench-client call ADDRESS NAME PATH INTERFACE MEMBER N DEPTH [ARGUMENT]...
 *   bench-client qmp SOCKET N DEPTH COMMAND
 *   bench-client listen ADDRESS INTERFACE N [NAME PATH INTERFACE MEMBER [ARGUMENT]...]
 *
 * The last one calls the method, if one is named, and waits until N signals of INTERFACE have come.
 *
 * N of them, DEPTH in flight. An argument is a string, or `{}` for an empty a{sv}; a command is QMP as it is to be
 * sent. Prints one line of NAME=NUMBER, in microseconds but for `rate`, which is a second. An error ends it. */
#include <dbus/dbus.h>
#include <errno.h>
#include <glib.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef struct Run {
    guint n, depth;
    guint sent, done;
    double *times; /* owned; of each call: when it was sent, then how long it took */
    double begin;
} Run;

typedef struct Call {
    Run *run; /* weak */
    guint number;
} Call;

static void G_GNUC_NORETURN G_GNUC_PRINTF(1, 2) fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("bench-client: %s\n", text);
    exit(1);
}

/* Microseconds, with a fraction. */
static double
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static guint
parse_count(const char *text)
{
    guint64 count;

    if (!g_ascii_string_to_unsigned(text, 10, 1, 100000000, &count, NULL))
        fail("%s is no count", text);
    return (guint)count;
}

static void
run_begin(Run *run, const char *n, const char *depth)
{
    run->n = parse_count(n);
    run->depth = parse_count(depth);
    run->times = g_new(double, run->n);
    run->begin = now();
}

static gboolean
run_has_room(const Run *run)
{
    return run->sent < run->n && run->sent - run->done < run->depth;
}

static guint
run_sent(Run *run)
{
    run->times[run->sent] = now();
    return run->sent++;
}

static void
run_done(Run *run, guint number)
{
    run->times[number] = now() - run->times[number];
    run->done++;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void
run_print(Run *run)
{
    double whole = now() - run->begin, *times = run->times;
    guint n = run->n;

    qsort(times, n, sizeof(double), compare);
    g_print("n=%u min=%.2f median=%.2f p99=%.2f max=%.2f rate=%.0f\n", n, times[0], times[n / 2],
            times[(guint64)n * 99 / 100], times[n - 1], n / whole * 1e6);
    g_free(times);
}

static DBusConnection *
connect_bus(const char *address)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *connection = dbus_connection_open_private(address, &error);

    if (!connection || !dbus_bus_register(connection, &error))
        fail("%s: %s", address, error.message);
    /* A reply is as long as what QEMU knows. */
    dbus_connection_set_max_message_size(connection, DBUS_MAXIMUM_MESSAGE_LENGTH);
    return connection;
}

static void
append_argument(DBusMessage *message, const char *argument)
{
    DBusMessageIter iter, dictionary;

    dbus_message_iter_init_append(message, &iter);
    if (strcmp(argument, "{}") != 0) {
        dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &argument);
        return;
    }
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dictionary);
    dbus_message_iter_close_container(&iter, &dictionary);
}

static void
call_replied(DBusPendingCall *pending, void *user_data)
{
    DBusMessage *reply = dbus_pending_call_steal_reply(pending);
    Call *call = user_data;
    const char *text = "";

    if (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR) {
        dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
        fail("%s: %s", dbus_message_get_error_name(reply), text);
    }
    run_done(call->run, call->number);
    dbus_message_unref(reply);
    dbus_pending_call_unref(pending);
}

static void
send_call(DBusConnection *connection, DBusMessage *message, Run *run)
{
    Call *call = g_new(Call, 1);
    DBusPendingCall *pending;

    call->run = run;
    call->number = run_sent(run);
    if (!dbus_connection_send_with_reply(connection, message, &pending, DBUS_TIMEOUT_INFINITE) || !pending)
        fail("the bus has hung up");
    dbus_pending_call_set_notify(pending, call_replied, call, g_free);
    dbus_message_unref(message);
}

static void
measure_call(char **args)
{
    DBusConnection *connection = connect_bus(args[0]);
    Run run = { 0 };

    run_begin(&run, args[5], args[6]);
    while (run.done < run.n) {
        while (run_has_room(&run)) {
            DBusMessage *message = dbus_message_new_method_call(args[1], args[2], args[3], args[4]);
            for (char **argument = args + 7; *argument; argument++)
                append_argument(message, *argument);
            send_call(connection, message, &run);
        }
        if (!dbus_connection_read_write_dispatch(connection, -1))
            fail("the bus has hung up");
    }
    run_print(&run);
    dbus_connection_close(connection);
    dbus_connection_unref(connection);
}

/* The method's reply is of no interest: its caller waits for the signals. */
static void
call_method(DBusConnection *connection, char **args)
{
    DBusMessage *message = dbus_message_new_method_call(args[0], args[1], args[2], args[3]);

    for (char **argument = args + 4; *argument; argument++)
        append_argument(message, *argument);
    dbus_message_set_no_reply(message, TRUE);
    dbus_connection_send(connection, message, NULL);
    dbus_message_unref(message);
}

static void
measure_signals(char **args)
{
    DBusConnection *connection = connect_bus(args[0]);
    g_autofree char *rule = g_strdup_printf("type='signal',interface='%s'", args[1]);
    DBusError error = DBUS_ERROR_INIT;
    guint n = parse_count(args[2]), come = 0;
    double begin;

    dbus_bus_add_match(connection, rule, &error);
    if (dbus_error_is_set(&error))
        fail("%s: %s", rule, error.message);
    if (args[3])
        call_method(connection, args + 3);
    begin = now();
    while (come < n) {
        DBusMessage *message = dbus_connection_pop_message(connection);
        if (message) {
            come += dbus_message_has_interface(message, args[1]);
            dbus_message_unref(message);
        } else if (!dbus_connection_read_write(connection, -1)) {
            fail("the bus has hung up");
        }
    }
    g_print("n=%u rate=%.0f\n", n, n / (now() - begin) * 1e6);
    dbus_connection_close(connection);
    dbus_connection_unref(connection);
}

static int
connect_qmp(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path))
        fail("%s is too long", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fail("%s: %s", path, g_strerror(errno));
    return fd;
}

static void
send_command(int fd, const char *command)
{
    gsize length = strlen(command);

    if (send(fd, command, length, MSG_NOSIGNAL) != (gssize)length)
        fail("QEMU has hung up: %s", g_strerror(errno));
}

/* One line, with its end, of what is in @input or comes from @fd. It is gone from @input at the next call. */
static const char *
read_line(int fd, GString *input, gsize *line_length)
{
    char buffer[65536];
    gsize searched = 0;
    const char *end;

    g_string_erase(input, 0, (gssize)*line_length);
    while (!(end = memchr(input->str + searched, '\n', input->len - searched))) {
        gssize length = read(fd, buffer, sizeof(buffer));
        if (length <= 0)
            fail("QEMU has hung up: %s", g_strerror(errno));
        searched = input->len;
        g_string_append_len(input, buffer, length);
    }
    *line_length = (gsize)(end + 1 - input->str);
    return input->str;
}

/* Events come in between. */
static void
read_reply(int fd, GString *input, gsize *line_length)
{
    const char *line;

    do {
        line = read_line(fd, input, line_length);
        if (g_str_has_prefix(line, "{\"error\""))
            fail("%.*s", (int)*line_length, line);
    } while (!g_str_has_prefix(line, "{\"return\""));
}

static void
measure_qmp(char **args)
{
    g_autoptr(GString) input = g_string_new(NULL);
    gsize line_length = 0;
    int fd = connect_qmp(args[0]);
    Run run = { 0 };

    read_line(fd, input, &line_length);
    send_command(fd, "{\"execute\":\"qmp_capabilities\"}");
    read_reply(fd, input, &line_length);
    run_begin(&run, args[1], args[2]);
    while (run.done < run.n) {
        while (run_has_room(&run)) {
            run_sent(&run);
            send_command(fd, args[3]);
        }
        read_reply(fd, input, &line_length);
        run_done(&run, run.done);
    }
    run_print(&run);
    close(fd);
}

int
main(int argc, char **argv)
{
    if (argc >= 9 && strcmp(argv[1], "call") == 0)
        measure_call(argv + 2);
    else if (argc == 6 && strcmp(argv[1], "qmp") == 0)
        measure_qmp(argv + 2);
    else if (argc >= 5 && strcmp(argv[1], "listen") == 0)
        measure_signals(argv + 2);
    else
        fail("call ADDRESS NAME PATH INTERFACE MEMBER N DEPTH [ARGUMENT]..., qmp SOCKET N DEPTH COMMAND, or listen …");
    return 0;
}
