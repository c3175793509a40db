/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A polkit of the test's own on a TestDaemon, which answers when the test says so. */
#pragma once

#include "test-bus-daemon.h"

typedef struct TestPolkit {
    GDBusConnection *connection; /* owned */
    GQueue questions; /* of GDBusMethodInvocation, owned: they wait for test_polkit_answer(); oldest first */
    GPtrArray *texts; /* owned, of char *: the arguments of every CheckAuthorization, as GVariant prints them */
    GPtrArray *cancelled; /* owned, of char *: the cancellation ids of every CancelCheckAuthorization */
} TestPolkit;

TestPolkit *test_polkit_new(TestDaemon *daemon);
void test_polkit_free(TestPolkit *polkit);

/* Runs the default main context until @n questions have come since the beginning. Text of the last. */
const char *test_polkit_wait(TestPolkit *polkit, guint n);

/* Answers the oldest question. */
void test_polkit_answer(TestPolkit *polkit, gboolean is_authorized, gboolean is_challenge);

/* Answers the oldest question with @value, which polkit would never send; floating, consumed. */
void test_polkit_answer_with(TestPolkit *polkit, GVariant *value);
