/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values of QEMU's dialect of JSON that stand in one token. */
#pragma once

#include <json-glib/json-glib.h>

#include "qmp-lexer.h"

/* A string as QEMU keeps it, UTF-8 in which U+0000 is C0 80. @token: with its quotes. NULL: *@ret_error (owned) says what is
 * wrong in QEMU's words. */
char *qmp_literal_dup_string(const GString *token, char **ret_error);

/* A string, a number or a word. NULL: likewise. */
JsonNode *qmp_literal_new(QmpToken type, const GString *token, char **ret_error);
