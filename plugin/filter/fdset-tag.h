/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is put before the word (`opaque`) that callers give to descriptors in fdsets, so that those of an agent that was
 * killed are known to the next. It says by which control monitor they were added: QEMU has one client there at a time, so
 * nobody else can be using what was added by the same. */
#pragma once

#include <json-glib/json-glib.h>

#include "qmp-address.h"

/* NULL: there is no address, and the tag is like no other. */
char *fdset_tag_new(const QmpAddress *address);

/* The arguments of add-fd (NULL: none) with the tag in them. The result is a new reference. */
JsonNode *fdset_tag_put(const char *tag, JsonNode *arguments);

/* Whether @opaque is so tagged. */
gboolean fdset_tag_is_on(const char *tag, const char *opaque);

/* @opaque as it was given, without any agent's tag; NULL: none was. */
const char *fdset_tag_skip(const char *opaque);
