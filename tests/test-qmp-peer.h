/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A scripted QMP server at the other end of a socketpair, in the same main context as what is tested. Its script runs
 * one step after the other; a step that expects text waits for exactly that text. */
#pragma once

#include <glib.h>

#define QMP_PEER_VERSION                                                                                              \
    "{\"version\": {\"qemu\": {\"micro\": 2, \"minor\": 1, \"major\": 11}, \"package\": \"test\"}, "                  \
    "\"capabilities\": "
#define QMP_PEER_GREETING "{\"QMP\": " QMP_PEER_VERSION "[]}}\r\n"
#define QMP_PEER_GREETING_OOB "{\"QMP\": " QMP_PEER_VERSION "[\"oob\"]}}\r\n"

typedef struct QmpPeer QmpPeer;

/* @ret_fd: our side's end. */
QmpPeer *qmp_peer_new(GMainContext *context, int *ret_fd);
void qmp_peer_free(QmpPeer *peer);

/* For the end of a fixture: also settles its context and drops the fixture's reference. Nothing of what was tested
 * may be left in it. */
void qmp_peer_free_with_context(QmpPeer *peer, GMainContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpPeer, qmp_peer_free)

/* Steps, taken in this order. Expectations must be met byte by byte, else the test fails. */
void qmp_peer_send(QmpPeer *peer, const char *text);
void qmp_peer_send_bytes(QmpPeer *peer, const char *data, gsize length);
void qmp_peer_expect(QmpPeer *peer, const char *text);
void qmp_peer_close(QmpPeer *peer);

/* Answers qmp_capabilities, after @before; or refuses it: @error: `"error": {…}`. */
void qmp_peer_agree(QmpPeer *peer, const char *before);
void qmp_peer_refuse(QmpPeer *peer, const char *error);

/* Greets and agrees: QMP_PEER_GREETING or the one with oob, and the answer to qmp_capabilities. */
void qmp_peer_negotiate(QmpPeer *peer, gboolean oob);

/* All steps are done. */
gboolean qmp_peer_is_done(QmpPeer *peer);

/* Runs the context until all steps are done and what they led to has happened. */
void qmp_peer_run(QmpPeer *peer);

/* The last step: reads whatever comes and answers each command with `{}` and its id, in order. */
void qmp_peer_echo(QmpPeer *peer);

guint qmp_peer_get_n_echoed(QmpPeer *peer);

/* Runs the context until the condition holds. Fails the test after a minute. */
#define qmp_peer_wait_until(context, condition)                                                                       \
    G_STMT_START                                                                                                      \
    {                                                                                                                 \
        gint64 wait_end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;                                               \
        while (!(condition)) {                                                                                        \
            qmp_peer_turn(context, wait_end, #condition);                                                             \
        }                                                                                                             \
    }                                                                                                                 \
    G_STMT_END
void qmp_peer_turn(GMainContext *context, gint64 end, const char *condition);

/* Runs the context as long as it has anything to do at once. What should not happen has had its chance then. */
void qmp_peer_settle(GMainContext *context);
