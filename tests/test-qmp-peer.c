/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-qmp-peer.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json-scan.h"

/* What commands are answered with that need no other answer. */
#define DONE "\"return\": {}"

typedef enum StepType {
    STEP_SEND,
    STEP_EXPECT,
    STEP_CLOSE,
    STEP_ECHO,
    STEP_AGREE,
    STEP_REFUSE,
} StepType;

typedef struct Step {
    StepType type;
    char *text; /* owned */
    gsize length;
    gsize done; /* bytes of it sent or met */
} Step;

struct QmpPeer {
    GMainContext *context; /* ref */
    int fd; /* owned; -1 when closed */
    GSource *source; /* owned; of the step under way; NULL: none */
    GQueue steps; /* Step, owned */
    JsonScan scan; /* of the command that is being echoed */
    GString *command; /* owned */
    GString *answers; /* owned; echoes on their way out */
    guint n_echoed;
};

static gboolean on_ready(int fd, GIOCondition condition, gpointer user_data);

static void
step_free(gpointer data)
{
    Step *step = data;
    g_free(step->text);
    g_free(step);
}

/* Polls for what the first step needs. */
static void
watch(QmpPeer *peer)
{
    if (peer->source)
        g_source_destroy(peer->source);
    g_clear_pointer(&peer->source, g_source_unref);
    Step *step = g_queue_peek_head(&peer->steps);
    if (!step || peer->fd < 0)
        return;
    GIOCondition condition = step->type == STEP_SEND || step->type == STEP_CLOSE ? G_IO_OUT : G_IO_IN;
    if (peer->answers->len > 0)
        condition |= G_IO_OUT;
    peer->source = g_unix_fd_source_new(peer->fd, condition);
    g_source_set_callback(peer->source, G_SOURCE_FUNC(on_ready), peer, NULL);
    g_source_attach(peer->source, peer->context);
}

static gboolean
run_send(QmpPeer *peer, Step *step)
{
    gssize n = send(peer->fd, step->text + step->done, step->length - step->done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        return TRUE; /* the other side has gone: the rest of the script says what should have happened */
    step->done += n > 0 ? (gsize)n : 0;
    return step->done == step->length;
}

static gboolean
run_expect(QmpPeer *peer, Step *step)
{
    char buffer[65536];
    gssize n = recv(peer->fd, buffer, MIN(sizeof(buffer), step->length - step->done), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        g_error("the connection ended before the peer got: %.200s", step->text + step->done);
    if (n > 0 && memcmp(buffer, step->text + step->done, (gsize)n) != 0)
        g_error("the peer expected: %.200s\nand got: %.*s", step->text + step->done, (int)MIN(n, 200), buffer);
    step->done += n > 0 ? (gsize)n : 0;
    return step->done == step->length;
}

static void
echo_command(QmpPeer *peer, const char *answer)
{
    g_string_append_printf(peer->answers, "{%s", answer);
    for (guint i = 0; i < peer->scan.n_members; i++) {
        const JsonScanMember *member = &peer->scan.members[i];
        if (member->name_length == 2 && memcmp(peer->command->str + member->name, "id", 2) == 0)
            g_string_append_printf(peer->answers, ", \"id\": %.*s", (int)member->value_length,
                                   peer->command->str + member->value);
    }
    g_string_append(peer->answers, "}\r\n");
    peer->n_echoed++;
    g_string_truncate(peer->command, 0);
    json_scan_init(&peer->scan, JSON_DIALECT_RFC8259);
}

static gboolean
run_echo(QmpPeer *peer, Step *step)
{
    char buffer[65536];
    gssize n = recv(peer->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    for (gssize at = 0; at < n;) {
        gsize used;
        JsonScanResult result = json_scan_feed(&peer->scan, buffer + at, (gsize)(n - at), &used);
        g_string_append_len(peer->command, buffer + at, (gssize)used);
        at += (gssize)used;
        g_assert_true(result != JSON_SCAN_LOST && !peer->scan.error);
        if (result == JSON_SCAN_DONE)
            echo_command(peer, DONE);
    }
    gssize sent = send(peer->fd, peer->answers->str, peer->answers->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0)
        g_string_erase(peer->answers, 0, sent);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* The id is the client's, and any. */
static gboolean
run_agree(QmpPeer *peer, Step *step)
{
    char buffer[4096];
    gssize n = recv(peer->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    gsize used;
    if (n < 0 && errno == EAGAIN)
        return FALSE;
    if (n <= 0)
        return TRUE; /* the other side has gone */
    g_string_append_len(peer->command, buffer, n);
    if (json_scan_feed(&peer->scan, buffer, (gsize)n, &used) != JSON_SCAN_DONE)
        return FALSE;
    g_assert_true(g_str_has_prefix(peer->command->str, "{\"execute\":\"qmp_capabilities\",\"id\":"));
    g_assert_cmpuint(used, ==, (gsize)n);
    if (step->type == STEP_AGREE)
        g_string_append(peer->answers, step->text);
    echo_command(peer, step->type == STEP_AGREE ? DONE : step->text);
    peer->n_echoed--;
    g_assert_cmpint(send(peer->fd, peer->answers->str, peer->answers->len, MSG_NOSIGNAL), >, 0);
    g_string_truncate(peer->answers, 0);
    return TRUE;
}

static gboolean
run_step(QmpPeer *peer, Step *step)
{
    switch (step->type) {
    case STEP_SEND:
        return run_send(peer, step);
    case STEP_EXPECT:
        return run_expect(peer, step);
    case STEP_ECHO:
        return run_echo(peer, step);
    case STEP_AGREE:
    case STEP_REFUSE:
        return run_agree(peer, step);
    case STEP_CLOSE:
        close(peer->fd);
        peer->fd = -1;
        return TRUE;
    }
    return TRUE;
}

static gboolean
on_ready(int fd, GIOCondition condition, gpointer user_data)
{
    QmpPeer *peer = user_data;
    if (run_step(peer, g_queue_peek_head(&peer->steps)))
        step_free(g_queue_pop_head(&peer->steps));
    watch(peer);
    return G_SOURCE_REMOVE;
}

static void
add_step(QmpPeer *peer, StepType type, const char *text, gsize length)
{
    Step *step = g_new0(Step, 1);
    step->type = type;
    step->text = g_malloc(length + 1);
    memcpy(step->text, text, length);
    step->text[length] = '\0';
    step->length = length;
    g_queue_push_tail(&peer->steps, step);
    if (peer->steps.length == 1)
        watch(peer);
}

QmpPeer *
qmp_peer_new(GMainContext *context, int *ret_fd)
{
    int fds[2];
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    QmpPeer *peer = g_new0(QmpPeer, 1);
    peer->context = g_main_context_ref(context);
    peer->fd = fds[0];
    peer->command = g_string_new(NULL);
    peer->answers = g_string_new(NULL);
    json_scan_init(&peer->scan, JSON_DIALECT_RFC8259);
    *ret_fd = fds[1];
    return peer;
}

void
qmp_peer_free(QmpPeer *peer)
{
    g_queue_clear_full(&peer->steps, step_free);
    watch(peer);
    if (peer->fd >= 0)
        close(peer->fd);
    g_string_free(peer->command, TRUE);
    g_string_free(peer->answers, TRUE);
    g_main_context_unref(peer->context);
    g_free(peer);
}

void
qmp_peer_free_with_context(QmpPeer *peer, GMainContext *context)
{
    qmp_peer_free(peer);
    qmp_peer_settle(context);
    g_main_context_unref(context);
}

void
qmp_peer_send(QmpPeer *peer, const char *text)
{
    add_step(peer, STEP_SEND, text, strlen(text));
}

void
qmp_peer_send_bytes(QmpPeer *peer, const char *data, gsize length)
{
    add_step(peer, STEP_SEND, data, length);
}

void
qmp_peer_expect(QmpPeer *peer, const char *text)
{
    add_step(peer, STEP_EXPECT, text, strlen(text));
}

void
qmp_peer_agree(QmpPeer *peer, const char *before)
{
    add_step(peer, STEP_AGREE, before, strlen(before));
}

void
qmp_peer_refuse(QmpPeer *peer, const char *error)
{
    add_step(peer, STEP_REFUSE, error, strlen(error));
}

void
qmp_peer_close(QmpPeer *peer)
{
    add_step(peer, STEP_CLOSE, "", 0);
}

void
qmp_peer_negotiate(QmpPeer *peer, gboolean oob)
{
    qmp_peer_send(peer, oob ? QMP_PEER_GREETING_OOB : QMP_PEER_GREETING);
    qmp_peer_agree(peer, "");
}

gboolean
qmp_peer_is_done(QmpPeer *peer)
{
    return peer->steps.length == 0;
}

void
qmp_peer_run(QmpPeer *peer)
{
    qmp_peer_wait_until(peer->context, qmp_peer_is_done(peer));
    qmp_peer_settle(peer->context);
}

void
qmp_peer_echo(QmpPeer *peer)
{
    add_step(peer, STEP_ECHO, "", 0);
}

guint
qmp_peer_get_n_echoed(QmpPeer *peer)
{
    return peer->n_echoed;
}

static gboolean
on_wait_end(gpointer user_data)
{
    return G_SOURCE_CONTINUE;
}

void
qmp_peer_turn(GMainContext *context, gint64 end, const char *condition)
{
    if (g_get_monotonic_time() >= end)
        g_error("waited in vain for: %s", condition);
    /* So that a context without anything to wait for does not wait for ever. */
    g_autoptr(GSource) guard = g_timeout_source_new(1000);
    g_source_set_callback(guard, on_wait_end, NULL, NULL);
    g_source_attach(guard, context);
    g_main_context_iteration(context, TRUE);
    g_source_destroy(guard);
}

void
qmp_peer_settle(GMainContext *context)
{
    for (guint i = 0; i < 1000 && g_main_context_iteration(context, FALSE); i++)
        ;
}
