/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two kinds of JSON that are read here, and the whitespace that both have. */
#pragma once

#include <glib.h>

typedef enum JsonDialect {
    /* RFC 8259, and nothing else. QEMU writes it, and callers must. */
    JSON_DIALECT_RFC8259,
    /* QEMU's reading of what its clients write (7.2 to 11.1 alike): strings may stand in single quotes, U+0000 may be
     * written C0 80, an integer that has no room in 64 bits is a fraction; noncharacters are refused, and a control
     * character or the bytes FE and FF end every document at once (a client writes FF to begin anew). */
    JSON_DIALECT_QEMU,
} JsonDialect;

static inline gboolean
json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
