/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The owners of the fdsets of a QEMU. QEMU keeps fdsets for all monitors alike; here callers are kept apart, and
 * descriptors that a caller has put into a set are taken out when the caller leaves.
 *
 * QEMU says that it has removed a descriptor, but does so only if the guest runs (7.2 to 11.1). So only query-fdsets tells
 * that a set has gone, and removing it is tried again until then. QEMU would give the number of a set that has gone to the next
 * one, which such a try would then remove. So every new set gets a number that none has had, and that nobody can guess (fdsets_take_number()). */
#pragma once

#include <json-glib/json-glib.h>

#include "qmp-message.h"

typedef struct Fdsets Fdsets;

/* @tag: of our callers' descriptors (fdset-tag.h). Copied. */
Fdsets *fdsets_new(const char *tag);
void fdsets_free(Fdsets *fdsets);

const char *fdsets_get_tag(Fdsets *fdsets);

/* The reply to query-fdsets, before any caller has made a set: the sets in it are everybody's, but for descriptors
 * with the tag that are not known. An agent that was killed has left those, and they are to be removed. */
void fdsets_note_common(Fdsets *fdsets, const QmpText *reply);

/* The number of a set that is about to be made. */
gint64 fdsets_take_number(Fdsets *fdsets);

/* The reply to @caller's add-fd: the descriptor is theirs, and the fdset if it is nobody's. */
void fdsets_note_added(Fdsets *fdsets, const QmpText *reply, const char *caller);

/* The arguments of a remove-fd that has succeeded. */
void fdsets_note_removed(Fdsets *fdsets, JsonNode *arguments);

/* The reply to a query-fdsets that was sent when fdsets_get_serial() was @serial: a set that is not listed has gone. */
guint64 fdsets_get_serial(Fdsets *fdsets);
void fdsets_note_all(Fdsets *fdsets, const QmpText *reply, guint64 serial);

/* Whether @fdset belongs to another caller than @caller. */
gboolean fdsets_is_foreign(Fdsets *fdsets, gint64 fdset, const char *caller);

/* Whether @caller has so many descriptors in fdsets that one more is refused. */
gboolean fdsets_is_full(Fdsets *fdsets, const char *caller);

/* @caller has left: the caller's descriptors are to be removed from now on. Until a set is gone it is foreign to
 * everybody. */
void fdsets_leave(Fdsets *fdsets, const char *caller);

/* Calls @func for at most @max descriptors that are to be removed; returns how many calls it made. @fd: -1: the whole
 * set. Each descriptor is tried once, until fdsets_retry(), and then not for ever: a QEMU may say that it has removed
 * one and go on listing it. */
typedef void (*FdsetsFunc)(gint64 fdset, gint64 fd, gpointer user_data);
guint fdsets_remove_left(Fdsets *fdsets, guint max, FdsetsFunc func, gpointer user_data);
void fdsets_retry(Fdsets *fdsets);
