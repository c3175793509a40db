/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent's tag on descriptors in fdsets, before the word (`opaque`) that callers give to them: by it an agent
 * knows what an agent that was killed has left. The tag tells by which control monitor the descriptors were added:
 * QEMU has one client there at a time, so nobody else can be using descriptors that were added by the same. */
#pragma once

#include <json-glib/json-glib.h>

#include "qmp-address.h"

/* @address: NULL: the VM has none, and the tag is that of @fd, its connection, which an agent may hand on to the next. */
char *fdset_tag_new(const QmpAddress *address, int fd);

/* The arguments of add-fd (NULL: none) with the tag in them, and with the number @fdset where they name no set. The result is a
 * new reference. */
JsonNode *fdset_tag_put(const char *tag, gint64 fdset, JsonNode *arguments);

/* Whether @opaque is so tagged. */
gboolean fdset_tag_is_on(const char *tag, const char *opaque);

/* @opaque as the caller gave it, without any agent's tag; NULL: the caller gave none. */
const char *fdset_tag_skip(const char *opaque);
