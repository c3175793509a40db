/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/* Whether two trees (json-tree.h) are the same value. An integer and a fraction of the same size are, as QEMU prints them alike. */
gboolean json_is_same(JsonNode *a, JsonNode *b);
