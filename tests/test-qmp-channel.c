/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Framing on a socket: what breaks here loses or mixes up messages of every caller, or stalls the main loop. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qmp-channel.h"
#include "test-qmp-peer.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    QmpPeer *peer; /* owned */
    int fd; /* owned until the channel takes it */
    QmpChannel *channel; /* owned; NULL when freed */
    GString *received; /* owned; documents, a `|` after each */
    guint n_documents;
    gsize last_length;
    GError *closed; /* owned */
    char *said; /* owned */
    guint n_closed;
    gboolean free_on_document, free_on_closed, pause_on_document, send_on_document;
} Fixture;

static void
free_channel(Fixture *fixture)
{
    g_clear_pointer(&fixture->channel, qmp_channel_free);
}

static void
on_document(const char *text, gsize length, const JsonScan *scan, gpointer user_data)
{
    Fixture *fixture = user_data;
    g_assert_nonnull(fixture->channel);
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    g_assert_cmpuint(scan->offset, ==, length);
    if (length < 1000) {
        g_string_append_len(fixture->received, text, (gssize)length);
        g_string_append_c(fixture->received, '|');
    }
    fixture->n_documents++;
    fixture->last_length = length;
    if (fixture->pause_on_document)
        qmp_channel_pause(fixture->channel);
    if (fixture->send_on_document)
        qmp_channel_send(fixture->channel, "late", 4);
    if (fixture->free_on_document)
        free_channel(fixture);
    /* Valid inside the call, freed or not. */
    g_assert_true(text[0] != ' ' && scan->offset == length);
}

static void
on_closed(const GError *error, const char *said, gpointer user_data)
{
    Fixture *fixture = user_data;
    g_assert_nonnull(fixture->channel);
    fixture->n_closed++;
    fixture->closed = g_error_copy(error);
    fixture->said = g_strdup(said);
    if (fixture->free_on_closed)
        free_channel(fixture);
}

static const QmpChannelFuncs funcs = { .on_document = on_document, .on_closed = on_closed };

/* Begins anew, with a new peer. */
static void
start(Fixture *fixture, GMainContext *context, gsize cap)
{
    free_channel(fixture);
    g_clear_pointer(&fixture->peer, qmp_peer_free);
    fixture->peer = qmp_peer_new(context, &fixture->fd);
    fixture->channel = qmp_channel_new(context, fixture->fd, cap, &funcs, fixture);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    start(fixture, fixture->context, 1000000);
    fixture->received = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    free_channel(fixture);
    qmp_peer_free_with_context(fixture->peer, fixture->context);
    g_string_free(fixture->received, TRUE);
    g_clear_error(&fixture->closed);
    g_free(fixture->said);
}

static void
wait_closed(Fixture *fixture, QmpErrorCode code)
{
    qmp_peer_wait_until(fixture->context, fixture->n_closed > 0);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_closed, ==, 1);
    g_assert_error(fixture->closed, QMP_ERROR, (gint)code);
}

/* One read may bring many documents, one document may need many reads. */
static void
test_framing(Fixture *fixture, gconstpointer unused)
{
    const char *text = " {\"a\": 1}\r\n{\"b\":[]}{\"c\":\"}\"}\r\n\r\n[1]\"x\" null";
    const char *expected = "{\"a\": 1}|{\"b\":[]}|{\"c\":\"}\"}|[1]|\"x\"|null|";
    qmp_peer_send(fixture->peer, text);
    qmp_peer_wait_until(fixture->context, fixture->n_documents == 6);
    g_assert_cmpstr(fixture->received->str, ==, expected);
    g_string_truncate(fixture->received, 0);
    for (gsize i = 0; i < strlen(text); i++) {
        qmp_peer_send_bytes(fixture->peer, text + i, 1);
        qmp_peer_run(fixture->peer);
    }
    g_assert_cmpstr(fixture->received->str, ==, expected);
    for (gsize cut = 1; cut < strlen(text); cut++) {
        g_string_truncate(fixture->received, 0);
        qmp_peer_send_bytes(fixture->peer, text, cut);
        qmp_peer_run(fixture->peer);
        qmp_peer_send(fixture->peer, text + cut);
        qmp_peer_run(fixture->peer);
        g_assert_cmpstr(fixture->received->str, ==, expected);
    }
}

static char *
document_of(gsize length)
{
    char *text = g_malloc(length + 1);
    memset(text, 'x', length);
    memcpy(text, "{\"a\":\"", 6);
    strcpy(text + length - 2, "\"}");
    return text;
}

/* A cap that is one off either refuses what was promised or lets a peer grow the agent. */
static void
test_cap(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *fits = document_of(1000000);
    g_autofree char *too_long = document_of(1000001);
    qmp_peer_send(fixture->peer, fits);
    qmp_peer_wait_until(fixture->context, fixture->n_documents == 1);
    g_assert_cmpuint(fixture->last_length, ==, 1000000);
    qmp_peer_send(fixture->peer, too_long);
    wait_closed(fixture, QMP_ERROR_LIMIT);
    g_assert_cmpuint(fixture->n_documents, ==, 1);
}

static void
test_cap_in_one_read(Fixture *fixture, gconstpointer unused)
{
    start(fixture, fixture->context, 7);
    qmp_peer_send(fixture->peer, "{\"a\":1}  \n {\"a\":12}");
    wait_closed(fixture, QMP_ERROR_LIMIT);
    g_assert_cmpstr(fixture->received->str, ==, "{\"a\":1}|");
}

/* A QEMU that floods: others have their turn of the main loop after 64 documents. */
static void
test_turns(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < 1000; i++)
        g_string_append(text, "{}");
    qmp_peer_send(fixture->peer, text->str);
    for (guint before = 0; fixture->n_documents < 1000; before = fixture->n_documents) {
        g_main_context_iteration(fixture->context, FALSE);
        g_assert_cmpuint(fixture->n_documents - before, <=, 64);
    }
}

static guint
count_fds(void)
{
    guint n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* A QEMU that sends descriptors, which none does: they are closed, else the agent runs out of them. */
static void
test_descriptors(Fixture *fixture, gconstpointer unused)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
    char document[] = "{}";
    struct iovec part = { document, 2 };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    free_channel(fixture);
    fixture->channel = qmp_channel_new(fixture->context, pair[0], 1000, &funcs, fixture);
    guint before = count_fds();
    memcpy(CMSG_DATA(&control.header), &pair[1], sizeof(int));
    for (guint i = 1; i <= 10; i++) {
        g_assert_cmpint(sendmsg(pair[1], &message, 0), ==, 2);
        qmp_peer_wait_until(fixture->context, fixture->n_documents == i);
    }
    g_assert_cmpuint(count_fds(), ==, before);
    free_channel(fixture);
    close(pair[1]);
}

/* The largest reply that is promised, with what QEMU's pretty-printing may look like. */
static void
test_32_mib(Fixture *fixture, gconstpointer unused)
{
    gsize length = 32 * 1024 * 1024;
    start(fixture, fixture->context, length);
    g_autofree char *fits = document_of(length);
    qmp_peer_send(fixture->peer, fits);
    qmp_peer_send(fixture->peer, "\r\n{}");
    qmp_peer_wait_until(fixture->context, fixture->n_documents == 2);
    g_autofree char *too_long = document_of(length + 1);
    qmp_peer_send(fixture->peer, too_long);
    wait_closed(fixture, QMP_ERROR_LIMIT);
}

/* What is there instead of QMP must be told to the user. */
static void
test_lost(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_send(fixture->peer, "{}\r\nQEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ");
    wait_closed(fixture, QMP_ERROR_PROTOCOL);
    g_assert_cmpuint(fixture->n_documents, ==, 1);
    g_assert_true(g_str_has_prefix(fixture->said, "QEMU 7.2.22 monitor - type 'help'"));
}

/* A command that waits is told to have failed when the peer breaks the rules: then it is not done either. */
static void
test_lost_sends_nothing(Fixture *fixture, gconstpointer unused)
{
    static const char text[] = "{\"a\":1}{]";
    char byte;
    int ends[2];

    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    free_channel(fixture);
    fixture->channel = qmp_channel_new(fixture->context, ends[0], 1000, &funcs, fixture);
    fixture->send_on_document = TRUE;
    g_assert_cmpint(send(ends[1], text, strlen(text), 0), ==, (gssize)strlen(text));
    wait_closed(fixture, QMP_ERROR_PROTOCOL);
    g_assert_cmpuint(fixture->n_documents, ==, 1);
    g_assert_cmpint(recv(ends[1], &byte, 1, 0), ==, 0);
    close(ends[1]);
}

static void
test_eof(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_send(fixture->peer, "{} {\"half");
    qmp_peer_close(fixture->peer);
    wait_closed(fixture, QMP_ERROR_DISCONNECTED);
    g_assert_cmpstr(fixture->received->str, ==, "{}|");
    g_assert_cmpstr(fixture->said, ==, "{\"half");
    qmp_channel_send(fixture->channel, "{}", 2);
}

/* QEMU's last words must be read although it is gone already. */
static void
test_send_to_the_dead(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_send(fixture->peer, "{\"last\":1}");
    qmp_peer_close(fixture->peer);
    qmp_channel_pause(fixture->channel);
    qmp_peer_wait_until(fixture->context, qmp_peer_is_done(fixture->peer));
    qmp_channel_send(fixture->channel, "{}", 2);
    qmp_channel_send(fixture->channel, "{}", 2);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(qmp_channel_get_outgoing_size(fixture->channel), ==, 0);
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    qmp_channel_resume(fixture->channel);
    wait_closed(fixture, QMP_ERROR_DISCONNECTED);
    g_assert_cmpstr(fixture->received->str, ==, "{\"last\":1}|");
}

/* The peer reads no more but stays: nobody would ever be answered. */
static void
test_send_refused(Fixture *fixture, gconstpointer unused)
{
    free_channel(fixture);
    int fds[2];
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    fixture->channel = qmp_channel_new(fixture->context, fds[1], 1000, &funcs, fixture);
    shutdown(fds[0], SHUT_RD);
    qmp_channel_send(fixture->channel, "{}", 2);
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    wait_closed(fixture, QMP_ERROR_DISCONNECTED);
    close(fds[0]);
}

/* Everything arrives, in order, though the socket takes a little at a time, whatever the flags of the file say. */
static void
test_send_much(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) all = g_string_new(NULL);
    fcntl(fixture->fd, F_SETFL, 0);
    for (guint i = 0; i < 40000; i++) {
        g_autofree char *text = g_strdup_printf("{\"execute\":\"query-status\",\"id\":%u}", i);
        qmp_channel_send(fixture->channel, text, strlen(text));
        g_string_append(all, text);
    }
    g_assert_cmpuint(qmp_channel_get_outgoing_size(fixture->channel), >, 0);
    qmp_peer_expect(fixture->peer, all->str);
    qmp_peer_wait_until(fixture->context, qmp_peer_is_done(fixture->peer));
    g_assert_cmpuint(qmp_channel_get_outgoing_size(fixture->channel), ==, 0);
    qmp_channel_send(fixture->channel, "{}", 2);
    qmp_peer_expect(fixture->peer, "{}");
    qmp_peer_wait_until(fixture->context, qmp_peer_is_done(fixture->peer));
}

/* What arrives at @fd with a descriptor beside it; nothing in front of that. */
static void
assert_arrives_with_fd(int fd, const char *expected)
{
    char text[100], control[CMSG_SPACE(sizeof(int))];
    struct iovec data = { text, sizeof(text) };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control };
    message.msg_controllen = sizeof(control);
    gssize n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    g_assert_cmpmem(text, (gsize)n, expected, strlen(expected));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    g_assert_nonnull(header);
    g_assert_cmpint(header->cmsg_type, ==, SCM_RIGHTS);
    int received;
    memcpy(&received, CMSG_DATA(header), sizeof(int));
    close(received);
}

/* A descriptor belongs to one command: QEMU would give it to whatever command stands where it arrives. */
static void
test_send_fd(Fixture *fixture, gconstpointer unused)
{
    int fds[2];
    free_channel(fixture);
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
    fixture->channel = qmp_channel_new(fixture->context, fds[1], 1000, &funcs, fixture);
    /* More than the socket takes: the descriptor waits where its command does. */
    g_autofree char *before = document_of(1024 * 1024);
    qmp_channel_send(fixture->channel, before, 1024 * 1024);
    qmp_channel_send_with_fd(fixture->channel, "{\"a\":1}", 7, dup(fds[0]));
    qmp_channel_send(fixture->channel, "{}", 2);
    for (gsize n = 0; n < 1024 * 1024;) {
        char buffer[4096];
        qmp_peer_settle(fixture->context);
        gssize got = recv(fds[0], buffer, MIN(sizeof(buffer), 1024 * 1024 - n), 0);
        g_assert_cmpint(got, >, 0);
        n += (gsize)got;
    }
    qmp_peer_settle(fixture->context);
    assert_arrives_with_fd(fds[0], "{\"a\":1}{}");
    /* One that never gets that far is closed with the rest: fds[0] would not be told of an end otherwise. */
    qmp_channel_send(fixture->channel, before, 1024 * 1024);
    qmp_channel_send_with_fd(fixture->channel, "{}", 2, fds[0]);
    qmp_peer_settle(fixture->context);
    free_channel(fixture);
    g_assert_cmpint(fcntl(fds[0], F_GETFD), ==, -1);
    g_assert_cmpint(errno, ==, EBADF);
}

/* A peer that does not read must not grow the agent; whether it is read from or not. */
static void
test_never_reads(Fixture *fixture, gconstpointer paused)
{
    g_autofree char *text = document_of(1024 * 1024);
    if (paused)
        qmp_channel_pause(fixture->channel);
    for (guint i = 0; i < 65; i++)
        qmp_channel_send(fixture->channel, text, 1024 * 1024);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    qmp_channel_send(fixture->channel, text, 1024 * 1024);
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    g_assert_cmpuint(qmp_channel_get_outgoing_size(fixture->channel), ==, 0);
    wait_closed(fixture, QMP_ERROR_LIMIT);
}

/* Back-pressure holds from the very next document, also of those that were read already. */
static void
test_pause(Fixture *fixture, gconstpointer unused)
{
    fixture->pause_on_document = TRUE;
    qmp_peer_send(fixture->peer, "{\"a\":1}{\"b\":2}{\"c\":");
    qmp_peer_send(fixture->peer, "3}");
    qmp_peer_close(fixture->peer);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->received->str, ==, "{\"a\":1}|");
    qmp_channel_resume(fixture->channel);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->received->str, ==, "{\"a\":1}|{\"b\":2}|");
    qmp_channel_pause(fixture->channel);
    qmp_channel_resume(fixture->channel);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_documents, ==, 2);
    qmp_channel_resume(fixture->channel);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->received->str, ==, "{\"a\":1}|{\"b\":2}|{\"c\":3}|");
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    qmp_channel_resume(fixture->channel);
    wait_closed(fixture, QMP_ERROR_DISCONNECTED);
}

/* A paused channel whose peer hangs up must not turn the main loop into a busy one. */
static void
test_pause_sleeps(Fixture *fixture, gconstpointer unused)
{
    qmp_channel_pause(fixture->channel);
    qmp_peer_close(fixture->peer);
    qmp_peer_run(fixture->peer);
    g_assert_false(g_main_context_iteration(fixture->context, FALSE));
}

/* A peer that floods gets a read a turn, and its neighbours theirs. */
static void
test_flood(Fixture *fixture, gconstpointer unused)
{
    Fixture other = { 0 };
    set_up(&other, NULL);
    start(&other, fixture->context, 1000);
    g_autoptr(GString) flood = g_string_new(NULL);
    for (guint i = 0; i < 1000000; i++)
        g_string_append(flood, "{}\n");
    qmp_peer_send_bytes(fixture->peer, flood->str, flood->len);
    qmp_peer_wait_until(fixture->context, fixture->n_documents > 0);
    guint before = fixture->n_documents;
    qmp_peer_send(other.peer, "{}");
    qmp_peer_wait_until(fixture->context, other.n_documents > 0);
    g_assert_cmpuint(fixture->n_documents - before, <=, 4 * 65536 / 3);
    tear_down(&other, NULL);
}

static void
test_free_in_document(Fixture *fixture, gconstpointer unused)
{
    fixture->free_on_document = TRUE;
    qmp_peer_send(fixture->peer, "{\"a\":1}{\"b\":2}");
    qmp_peer_wait_until(fixture->context, !fixture->channel);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->received->str, ==, "{\"a\":1}|");
}

/* Here the text is on the heap. */
static void
test_free_in_long_document(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *text = document_of(300000);
    fixture->free_on_document = TRUE;
    qmp_peer_send(fixture->peer, text);
    qmp_peer_wait_until(fixture->context, !fixture->channel);
    qmp_peer_settle(fixture->context);
}

static void
test_free_in_closed(Fixture *fixture, gconstpointer unused)
{
    fixture->free_on_closed = TRUE;
    qmp_peer_send(fixture->peer, "{}{\"half\":");
    qmp_peer_close(fixture->peer);
    wait_closed(fixture, QMP_ERROR_DISCONNECTED);
    g_assert_null(fixture->channel);
}

/* The socket goes with the channel: else QEMU would keep a client that nobody is. */
static void
test_free_closes(Fixture *fixture, gconstpointer unused)
{
    qmp_channel_send(fixture->channel, "{}", 2);
    free_channel(fixture);
    g_assert_cmpint(fcntl(fixture->fd, F_GETFD), ==, -1);
    g_assert_cmpint(errno, ==, EBADF);
}

#define ADD(path, test, data) g_test_add(path, Fixture, data, set_up, test, tear_down)

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-channel/framing", test_framing, NULL);
    ADD("/qmp-channel/turns", test_turns, NULL);
    ADD("/qmp-channel/descriptors", test_descriptors, NULL);
    ADD("/qmp-channel/cap", test_cap, NULL);
    ADD("/qmp-channel/cap-in-one-read", test_cap_in_one_read, NULL);
    ADD("/qmp-channel/32-mib", test_32_mib, NULL);
    ADD("/qmp-channel/lost", test_lost, NULL);
    ADD("/qmp-channel/lost-sends-nothing", test_lost_sends_nothing, NULL);
    ADD("/qmp-channel/eof", test_eof, NULL);
    ADD("/qmp-channel/send-to-the-dead", test_send_to_the_dead, NULL);
    ADD("/qmp-channel/send-refused", test_send_refused, NULL);
    ADD("/qmp-channel/send-much", test_send_much, NULL);
    ADD("/qmp-channel/send-fd", test_send_fd, NULL);
    ADD("/qmp-channel/never-reads", test_never_reads, NULL);
    ADD("/qmp-channel/never-reads-paused", test_never_reads, "paused");
    ADD("/qmp-channel/pause", test_pause, NULL);
    ADD("/qmp-channel/pause-sleeps", test_pause_sleeps, NULL);
    ADD("/qmp-channel/flood", test_flood, NULL);
    ADD("/qmp-channel/free-in-document", test_free_in_document, NULL);
    ADD("/qmp-channel/free-in-long-document", test_free_in_long_document, NULL);
    ADD("/qmp-channel/free-in-closed", test_free_in_closed, NULL);
    ADD("/qmp-channel/free-closes", test_free_closes, NULL);
    return g_test_run();
}
