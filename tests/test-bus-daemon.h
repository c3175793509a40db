/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message bus of a test's own, and clients on it that are not ours: GDBus, which implements D-Bus independently. */
#pragma once

#include <gio/gio.h>

#include "bus-open.h"

typedef struct TestDaemon TestDaemon;

/* A dbus-daemon that does not outlive the test. */
TestDaemon *test_daemon_new(void);
void test_daemon_free(TestDaemon *daemon);
const char *test_daemon_get_address(TestDaemon *daemon);
void test_daemon_signal(TestDaemon *daemon, int number);

/* A Bus on @context that has joined. */
Bus *test_daemon_open(TestDaemon *daemon, GMainContext *context);

/* A foreign client. test_client_leave() closes its connection, with what it has sent so far on its way. */
GDBusConnection *test_daemon_connect(TestDaemon *daemon);
void test_client_leave(GDBusConnection *client);

/* Waits until the bus has taken what the client has sent so far. */
void test_client_sync(GDBusConnection *client);

/* Calls @name, runs the default main context until it has answered. @parameters: floating, consumed. */
GVariant *test_client_call(GDBusConnection *client, const char *name, const char *path, const char *interface,
                           const char *member, GVariant *parameters, GError **error);

/* Sends a call without waiting for anything. */
void test_client_send(GDBusConnection *client, const char *name, const char *path, const char *interface,
                      const char *member, GVariant *parameters);

/* Runs the default main context until @condition. */
#define test_until(condition)                                                                                         \
    do {                                                                                                              \
        while (!(condition))                                                                                          \
            g_main_context_iteration(NULL, TRUE);                                                                     \
    } while (0)

/* The D-Bus name of @error must be "org.freedesktop.DBus.Error." @name. */
void test_assert_dbus_error(const GError *error, const char *name);
