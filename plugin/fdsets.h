/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which fdset of a QEMU is whose. QEMU keeps them for all monitors alike; here callers are kept apart, and what one has
 * put into a set is taken out when they leave. */
#pragma once

#include "qmp-message.h"

typedef struct Fdsets Fdsets;

Fdsets *fdsets_new(void);
void fdsets_free(Fdsets *fdsets);

/* The reply to query-fdsets, before any caller has made one: these are everybody's. */
void fdsets_note_common(Fdsets *fdsets, const QmpText *reply);

/* The reply to @caller's add-fd: the descriptor is theirs, and the fdset if it is nobody's. */
void fdsets_note_added(Fdsets *fdsets, const QmpText *reply, const char *caller);

/* Whether @fdset is another one's than @caller's. */
gboolean fdsets_is_foreign(Fdsets *fdsets, gint64 fdset, const char *caller);

/* @caller has left: what they have added is to be removed from now on. */
void fdsets_leave(Fdsets *fdsets, const char *caller);

/* Calls @func for all that is to be removed, and forgets it if @is_final: QEMU says that it has removed a descriptor but
 * does so only if the guest runs (7.2 to 11.1). Until then the set is a foreign one to everybody. */
typedef void (*FdsetsFunc)(gint64 fdset, gint64 fd, gpointer user_data);
void fdsets_remove_left(Fdsets *fdsets, gboolean is_final, FdsetsFunc func, gpointer user_data);

/* Whether there is anything to be removed. */
gboolean fdsets_has_left(Fdsets *fdsets);
