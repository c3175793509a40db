/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the name of a host to its addresses, without blocking. A part of qmp-connector. */
#pragma once

#include <gio/gio.h>

typedef struct QmpResolver QmpResolver;

/* Once, never from inside qmp_resolver_new(). @addresses: GInetAddress, at least one, borrowed; NULL with @error
 * (of GIO) where there is none. The resolver may be freed from inside. */
typedef void (*QmpResolvedFunc)(GList *addresses, const GError *error, gpointer user_data);

QmpResolver *qmp_resolver_new(GMainContext *context, const char *host, QmpResolvedFunc func, gpointer user_data);

/* No callback comes any more, and GIO holds none of ours. */
void qmp_resolver_free(QmpResolver *resolver);
