/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports of the loopback interface, which a build machine may not have, or not for IPv6. @family: AF_INET or AF_INET6. */
#pragma once

#include <glib.h>

/* Skips the running test where there is no such interface, and says so. */
gboolean test_tcp_skip_without(int family);

/* A socket that is bound to a free port: nobody else gets it while the socket is open, and it refuses connections.
 * But who reuses addresses, as the connector does, can listen there. -1: there is no such interface. */
int test_tcp_reserve(int family, guint16 *ret_port);

/* One that listens. */
int test_tcp_new_listener(int family, guint16 *ret_port);
