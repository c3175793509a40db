/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client, its scripted peer and a log of what was called, for the tests of QmpClient. */
#pragma once

#include "qmp-client.h"
#include "test-qmp-peer.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    QmpPeer *peer; /* owned */
    QmpClient *client; /* owned; NULL when freed */
    GString *log; /* owned; what was called, in order, a `;` after each */
    guint n_closing, n_closed;
    guint n_failed; /* commands, by the end of the session */
    GError *closed; /* owned */
    guint64 timestamp;
    const char *free_on; /* the log entry at which the client is freed */
    gboolean starting; /* inside a function that must not call back */
} Fixture;

typedef struct Call {
    Fixture *fixture; /* weak */
    const char *name; /* weak */
    guint id; /* while it is under way */
    struct Call *cancels; /* weak; when it is answered */
} Call;

/* Begins anew, with a new peer. */
void fixture_start(Fixture *fixture, const QmpClientLimits *limits);

void fixture_set_up(Fixture *fixture, gconstpointer unused);
void fixture_tear_down(Fixture *fixture, gconstpointer unused);

/* The log so far, which begins anew. */
void assert_log(Fixture *fixture, const char *expected);

/* Negotiates. */
void get_ready(Fixture *fixture, gboolean oob);

/* Logs what comes of it under @call->name, or @command where it has none. */
void execute(Fixture *fixture, Call *call, const char *command, const char *arguments, QmpExecuteFlags flags);

/* Sends @text and expects the session to end with @code and a message that says @says. */
void expect_end(Fixture *fixture, const char *text, QmpErrorCode code, const char *says);

/* Adds a test to GLib's suite. */
#define ADD(path, test) g_test_add(path, Fixture, NULL, fixture_set_up, test, fixture_tear_down)
