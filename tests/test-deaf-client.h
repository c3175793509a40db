/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client of a message bus that reads only when it is told to: no D-Bus library leaves that to its user. */
#pragma once

#include "test-bus-daemon.h"

typedef struct TestDeaf TestDeaf;

/* Has joined the bus, and has read everything so far. */
TestDeaf *test_deaf_new(TestDaemon *daemon);
void test_deaf_free(TestDeaf *deaf);

const char *test_deaf_get_name(TestDeaf *deaf);

/* Sends @n calls without arguments, of which nothing is read. */
void test_deaf_call(TestDeaf *deaf, guint n, const char *name, const char *path, const char *interface,
                    const char *member);

/* Has the bus keep for it the signals that @rule matches. */
void test_deaf_listen(TestDeaf *deaf, const char *rule);

/* Takes what has arrived, up to @most bytes, without waiting: how much it was. */
gsize test_deaf_read(TestDeaf *deaf, gsize most);
