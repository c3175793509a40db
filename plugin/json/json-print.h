/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes JSON text: for QEMU, in as few bytes as its parser takes, or for a client, as QEMU writes it. */
#pragma once

#include <json-glib/json-glib.h>

typedef enum JsonPrintStyle {
    /* No white space, UTF-8, the shortest doubles that read back as the same double (never as an integer). Every byte
     * costs QEMU 2.5 us. */
    JSON_PRINT_COMPACT,
    /* As QEMU writes it (7.2 to 11.1 alike): a blank after every colon and comma, ASCII alone, doubles of 17
     * digits. */
    JSON_PRINT_QEMU,
    /* The same with a line for each value, as QEMU's monitors with pretty=on have it. */
    JSON_PRINT_QEMU_PRETTY,
} JsonPrintStyle;

/* Appends @text as a string with its quotes. The text may hold U+0000, also written C0 80 as QEMU keeps it.
 * JSON_PRINT_COMPACT takes UTF-8; the others make U+FFFD of what is none. */
void json_print_string(GString *json, const char *text, gsize length, JsonPrintStyle style);

/* Appends a tree (json-tree.h). */
void json_print_node(GString *json, JsonNode *node, JsonPrintStyle style);

/* Appends a document anew. @text: RFC 8259's JSON that JsonScan found right, as a JsonCursor needs it. Escapes stay
 * escapes. */
void json_print_text(GString *json, const char *text, JsonPrintStyle style);
