/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes and descriptors on a socket: what breaks here loses a part of a message, gives a descriptor to another command, or
 * lets one peer fill the agent's memory. */
#include "qmp-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test-qmp-peer.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    QmpSocket *socket; /* owned; NULL when freed */
    int peer; /* owned; -1 when closed */
    GString *got; /* owned; what was read */
    GError *closed; /* owned */
    guint n_closed, n_ended, n_fds;
    gsize takes; /* bytes at once; 0: all */
    gboolean frees; /* from inside the next callback */
    gboolean pauses; /* likewise */
} Fixture;

static void
free_if_asked(Fixture *fixture)
{
    if (fixture->frees)
        g_clear_pointer(&fixture->socket, qmp_socket_free);
}

static gsize
on_bytes(const char *text, gsize length, const int *fds, guint n_fds, gpointer user_data)
{
    Fixture *fixture = user_data;
    gsize used = fixture->takes ? MIN(fixture->takes, length) : length;

    g_assert_cmpint(text[length], ==, '\0');
    g_string_append_len(fixture->got, text, (gssize)used);
    fixture->n_fds += n_fds;
    for (guint i = 0; i < n_fds; i++)
        close(fds[i]);
    if (fixture->pauses)
        qmp_socket_set_paused(fixture->socket, TRUE);
    fixture->pauses = FALSE;
    free_if_asked(fixture);
    return used;
}

static void
on_end(gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_ended++;
    free_if_asked(fixture);
}

static void
on_closed(const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_closed++;
    fixture->closed = g_error_copy(error);
    free_if_asked(fixture);
}

static const QmpSocketFuncs funcs = { .on_bytes = on_bytes, .on_closed = on_closed };
static const QmpSocketFuncs funcs_with_end = { on_bytes, on_end, on_closed };

static void
set_up(Fixture *fixture, gconstpointer data)
{
    int fds[2];

    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    fixture->context = g_main_context_new();
    fixture->got = g_string_new(NULL);
    fixture->peer = fds[1];
    fixture->socket = qmp_socket_new(fixture->context, fds[0], /* max_outgoing= */ 1024 * 1024, data, fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->socket, qmp_socket_free);
    if (fixture->peer >= 0)
        close(fixture->peer);
    g_assert_false(g_main_context_pending(fixture->context));
    g_main_context_unref(fixture->context);
    g_string_free(fixture->got, TRUE);
    g_clear_error(&fixture->closed);
}

static void
say(Fixture *fixture, const char *text)
{
    g_assert_cmpint(send(fixture->peer, text, strlen(text), MSG_NOSIGNAL), ==, (gssize)strlen(text));
}

static void
close_peer(Fixture *fixture)
{
    close(fixture->peer);
    fixture->peer = -1;
}

/* What has arrived at the peer, without waiting, `+` before a byte that brought a descriptor. Read by the byte: the kernel
 * hands out a descriptor with the text before it as well. */
static void
assert_sent(Fixture *fixture, const char *expected)
{
    g_autoptr(GString) all = g_string_new(NULL);

    qmp_peer_settle(fixture->context);
    for (;;) {
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(4 * sizeof(int))];
        } control;
        char buffer[1];
        struct iovec data = { buffer, sizeof buffer };
        struct msghdr message = {
            .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        gssize n = recvmsg(fixture->peer, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        struct cmsghdr *header = n > 0 && message.msg_controllen > 0 ? CMSG_FIRSTHDR(&message) : NULL;
        if (n <= 0)
            break;
        if (header) {
            int fd;
            memcpy(&fd, CMSG_DATA(header), sizeof fd);
            close(fd);
        }
        g_string_append_printf(all, "%s%.*s", header ? "+" : "", (int)n, buffer);
    }
    g_assert_cmpstr(all->str, ==, expected);
}

static int
open_null(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* A reader that uses a part: the rest comes again, in order, until all is used. */
static void
test_partial(Fixture *fixture, gconstpointer unused)
{
    fixture->takes = 2;
    say(fixture, "abcde");
    qmp_peer_wait_until(fixture->context, fixture->got->len == 5);
    say(fixture, "f");
    qmp_peer_wait_until(fixture->context, fixture->got->len == 6);
    g_assert_cmpstr(fixture->got->str, ==, "abcdef");
}

/* A bus that is behind: nothing is read during a pause, the rest of what was read included, and all of it after. */
static void
test_pause(Fixture *fixture, gconstpointer unused)
{
    fixture->takes = 2;
    fixture->pauses = TRUE;
    say(fixture, "abcde");
    qmp_peer_wait_until(fixture->context, fixture->got->len > 0);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->got->str, ==, "ab");
    say(fixture, "fg");
    close_peer(fixture);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->got->str, ==, "ab");
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    qmp_socket_set_paused(fixture->socket, FALSE);
    qmp_peer_wait_until(fixture->context, fixture->n_closed == 1);
    g_assert_cmpstr(fixture->got->str, ==, "abcdefg");
    g_assert_error(fixture->closed, QMP_ERROR, QMP_ERROR_DISCONNECTED);
}

/* A client that has closed its socket while it is not read: that is noticed all the same, so that it is not kept for
 * ever. */
static void
test_hangup_in_pause(Fixture *fixture, gconstpointer unused)
{
    qmp_socket_set_paused(fixture->socket, TRUE);
    say(fixture, "abc");
    close_peer(fixture);
    qmp_peer_wait_until(fixture->context, fixture->n_closed == 1);
    g_assert_cmpstr(fixture->got->str, ==, "");
    g_assert_cmpuint(fixture->n_ended, ==, 0);
}

/* A client that sends its commands and shuts its end down: it still gets the answers. */
static void
test_half_closed(Fixture *fixture, gconstpointer unused)
{
    say(fixture, "abc");
    shutdown(fixture->peer, SHUT_WR);
    qmp_peer_wait_until(fixture->context, fixture->n_ended == 1);
    g_assert_cmpstr(fixture->got->str, ==, "abc");
    qmp_socket_send(fixture->socket, "answer", 6);
    assert_sent(fixture, "answer");
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    qmp_socket_finish(fixture->socket);
    qmp_peer_wait_until(fixture->context, fixture->n_closed == 1);
    g_assert_cmpuint(fixture->n_ended, ==, 1);
}

/* A caller who passes a descriptor between other commands: it is with its own, neither earlier nor later. */
static void
test_fd_out(Fixture *fixture, gconstpointer unused)
{
    qmp_socket_send(fixture->socket, "one ", 4);
    qmp_socket_send_with_fd(fixture->socket, "two ", 4, open_null());
    qmp_socket_send(fixture->socket, "three ", 6);
    assert_sent(fixture, "one +two three ");
    qmp_socket_send_with_fd(fixture->socket, "four ", 5, open_null());
    assert_sent(fixture, "+four ");
}

/* A user who passes a second descriptor before the first has gone: neither command goes without its own, and the connection ends. */
static void
test_second_fd(Fixture *fixture, gconstpointer unused)
{
    int fd = open_null(), other = open_null();

    qmp_socket_send_with_fd(fixture->socket, "one ", 4, fd);
    qmp_socket_send_with_fd(fixture->socket, "two ", 4, other);
    qmp_peer_wait_until(fixture->context, fixture->n_closed == 1);
    g_assert_error(fixture->closed, QMP_ERROR, QMP_ERROR_LIMIT);
    g_assert_nonnull(strstr(fixture->closed->message, "a descriptor was to be sent before another had gone"));
    assert_sent(fixture, "");
    g_assert_true(fcntl(fd, F_GETFD) < 0 && fcntl(other, F_GETFD) < 0);
}

/* Whoever asks whether a command has gone: it has when the kernel has taken its last byte, and has not after the connection has failed. */
static void
test_taken(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *text = g_strnfill(8 * 1024 * 1024, 'x');

    qmp_socket_send(fixture->socket, "abc", 3);
    g_assert_cmpuint(qmp_socket_get_n_given(fixture->socket), ==, 3);
    g_assert_cmpuint(qmp_socket_get_n_taken(fixture->socket), ==, 0);
    assert_sent(fixture, "abc");
    g_assert_cmpuint(qmp_socket_get_n_taken(fixture->socket), ==, 3);
    qmp_socket_send(fixture->socket, text, strlen(text));
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(qmp_socket_get_n_taken(fixture->socket) + qmp_socket_get_outgoing_size(fixture->socket), ==,
                     3 + strlen(text));
    qmp_socket_send(fixture->socket, "y", 1);
    qmp_socket_send(fixture->socket, "z", 1);
    g_assert_cmpuint(qmp_socket_get_n_given(fixture->socket), ==, 3 + strlen(text) + 2);
    g_assert_cmpuint(qmp_socket_get_n_taken(fixture->socket), <, 3 + strlen(text));
    qmp_peer_wait_until(fixture->context, fixture->n_closed == 1);
}

/* A client that passes descriptors: they come with the first bytes, once. */
static void
test_fd_in(Fixture *fixture, gconstpointer unused)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control = { .header = { CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
    int fds[2] = { open_null(), open_null() };
    struct iovec data = { (char[]){ 'a', 'b', 'c', 'd' }, 4 };
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_LEN(2 * sizeof(int))
    };

    memcpy(CMSG_DATA(&control.header), fds, sizeof fds);
    g_assert_cmpint(sendmsg(fixture->peer, &message, MSG_NOSIGNAL), ==, 4);
    close(fds[0]);
    close(fds[1]);
    fixture->takes = 1;
    qmp_peer_wait_until(fixture->context, fixture->got->len == 4);
    g_assert_cmpuint(fixture->n_fds, ==, 2);
}

/* A peer that does not read: it is cut off once more than the cap waits, and not by one long message alone. */
static void
test_deaf(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *text = g_strnfill(8 * 1024 * 1024, 'x');

    qmp_socket_send(fixture->socket, text, strlen(text));
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    g_assert_cmpuint(qmp_socket_get_outgoing_size(fixture->socket), >, 1024 * 1024);
    g_assert_cmpuint(qmp_socket_get_unread_size(fixture->socket), >, qmp_socket_get_outgoing_size(fixture->socket));
    qmp_socket_send(fixture->socket, "y", 1);
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    qmp_peer_wait_until(fixture->context, fixture->n_closed == 1);
    g_assert_error(fixture->closed, QMP_ERROR, QMP_ERROR_LIMIT);
    qmp_socket_send(fixture->socket, "z", 1);
    qmp_socket_send_with_fd(fixture->socket, "z", 1, open_null());
    g_assert_cmpuint(qmp_socket_get_outgoing_size(fixture->socket), ==, 0);
}

/* A peer that dies as something is sent to it: what it had said before is read first. */
static void
test_broken(Fixture *fixture, gconstpointer unused)
{
    say(fixture, "last words");
    close_peer(fixture);
    qmp_socket_send(fixture->socket, "x", 1);
    qmp_peer_wait_until(fixture->context, fixture->n_closed == 1);
    g_assert_cmpstr(fixture->got->str, ==, "last words");
    g_assert_error(fixture->closed, QMP_ERROR, QMP_ERROR_DISCONNECTED);
}

/* A client that is told why it is sent away: the reason goes out before the end, also a long one. */
static void
test_finish(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *text = g_strnfill(4 * 1024 * 1024, 'x');
    gsize read = 0;

    qmp_socket_send(fixture->socket, text, strlen(text));
    qmp_socket_finish(fixture->socket);
    while (fixture->n_closed == 0) {
        char buffer[65536];
        gssize n = recv(fixture->peer, buffer, sizeof buffer, MSG_DONTWAIT);
        read += n > 0 ? (gsize)n : 0;
        g_main_context_iteration(fixture->context, FALSE);
    }
    for (;;) {
        char buffer[65536];
        gssize n = recv(fixture->peer, buffer, sizeof buffer, 0);
        if (n <= 0)
            break;
        read += (gsize)n;
    }
    g_assert_cmpuint(read, ==, strlen(text));
}

/* An agent that lets a connection go: what was sent in that turn goes out, and its descriptor with it. */
static void
test_free(Fixture *fixture, gconstpointer unused)
{
    qmp_socket_send_with_fd(fixture->socket, "bye", 3, open_null());
    g_clear_pointer(&fixture->socket, qmp_socket_free);
    assert_sent(fixture, "+bye");
    g_assert_cmpuint(fixture->n_closed, ==, 0);
}

/* A user that frees the socket from inside a callback: nothing is called after that. */
static void
test_free_on_bytes(Fixture *fixture, gconstpointer unused)
{
    fixture->frees = TRUE;
    fixture->takes = 1;
    say(fixture, "abc");
    qmp_peer_wait_until(fixture->context, !fixture->socket);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->got->str, ==, "a");
    g_assert_cmpuint(fixture->n_closed, ==, 0);
}

static void
test_free_on_end(Fixture *fixture, gconstpointer unused)
{
    fixture->frees = TRUE;
    shutdown(fixture->peer, SHUT_WR);
    qmp_peer_wait_until(fixture->context, !fixture->socket);
    g_assert_cmpuint(fixture->n_ended, ==, 1);
    g_assert_cmpuint(fixture->n_closed, ==, 0);
}

static void
test_free_on_closed(Fixture *fixture, gconstpointer unused)
{
    fixture->frees = TRUE;
    close_peer(fixture);
    qmp_peer_wait_until(fixture->context, !fixture->socket);
    g_assert_cmpuint(fixture->n_closed, ==, 1);
}

#define ADD(path, functions, test) g_test_add(path, Fixture, functions, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-socket/partial", &funcs, test_partial);
    ADD("/qmp-socket/pause", &funcs, test_pause);
    ADD("/qmp-socket/hangup-in-pause", &funcs_with_end, test_hangup_in_pause);
    ADD("/qmp-socket/half-closed", &funcs_with_end, test_half_closed);
    ADD("/qmp-socket/fd-out", &funcs, test_fd_out);
    ADD("/qmp-socket/second-fd", &funcs, test_second_fd);
    ADD("/qmp-socket/taken", &funcs, test_taken);
    ADD("/qmp-socket/fd-in", &funcs, test_fd_in);
    ADD("/qmp-socket/deaf", &funcs, test_deaf);
    ADD("/qmp-socket/broken", &funcs, test_broken);
    ADD("/qmp-socket/finish", &funcs, test_finish);
    ADD("/qmp-socket/free", &funcs, test_free);
    ADD("/qmp-socket/free-on-bytes", &funcs, test_free_on_bytes);
    ADD("/qmp-socket/free-on-end", &funcs_with_end, test_free_on_end);
    ADD("/qmp-socket/free-on-closed", &funcs, test_free_on_closed);
    return g_test_run();
}
