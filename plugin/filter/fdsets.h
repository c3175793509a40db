/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which fdset of a QEMU is whose. QEMU keeps them for all monitors alike; here callers are kept apart, and what one has
 * put into a set is taken out when they leave.
 *
 * QEMU says that it has removed a descriptor, but does so only if the guest runs (7.2 to 11.1); and it gives the number of
 * a set that has gone to the next one. So what is not there any more is learnt from query-fdsets alone. */
#pragma once

#include <json-glib/json-glib.h>

#include "qmp-message.h"

typedef struct Fdsets Fdsets;

/* @tag: what is on our callers' descriptors. Copied. */
Fdsets *fdsets_new(const char *tag);
void fdsets_free(Fdsets *fdsets);

const char *fdsets_get_tag(Fdsets *fdsets);

/* The reply to query-fdsets, before any caller has made one: these are everybody's, but for what is tagged as our callers'
 * and not known: that was left by an agent that was killed, and is to be removed. */
void fdsets_note_common(Fdsets *fdsets, const QmpText *reply);

/* The reply to @caller's add-fd: the descriptor is theirs, and the fdset if it is nobody's. */
void fdsets_note_added(Fdsets *fdsets, const QmpText *reply, const char *caller);

/* The arguments of a remove-fd that has succeeded. */
void fdsets_note_removed(Fdsets *fdsets, JsonNode *arguments);

/* The reply to a query-fdsets that was sent when fdsets_get_serial() was @serial: what is not in it is not there. */
guint64 fdsets_get_serial(Fdsets *fdsets);
void fdsets_note_all(Fdsets *fdsets, const QmpText *reply, guint64 serial);

/* Whether @fdset is another one's than @caller's. */
gboolean fdsets_is_foreign(Fdsets *fdsets, gint64 fdset, const char *caller);

/* Whether @caller has so many descriptors in there that one more is refused. */
gboolean fdsets_is_full(Fdsets *fdsets, const char *caller);

/* @caller has left: what they have added is to be removed from now on. Until it is gone it is foreign to everybody. */
void fdsets_leave(Fdsets *fdsets, const char *caller);

/* Calls @func for @max of what is to be removed, at most, and gives for how many it did. @fd: -1: the whole set. Each is
 * tried once, until fdsets_retry(), and then not for ever: a QEMU may say that it has removed one and go on listing it. */
typedef void (*FdsetsFunc)(gint64 fdset, gint64 fd, gpointer user_data);
guint fdsets_remove_left(Fdsets *fdsets, guint max, FdsetsFunc func, gpointer user_data);
void fdsets_retry(Fdsets *fdsets);
