/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of a QMP client become messages, and complaints about bytes that are none, in QEMU's class and first words. */
#pragma once

#include <json-glib/json-glib.h>

#include "json-framer.h"

/* Called for each message of a feed, in order. @value: given; NULL: @complaint says (borrowed) why there is none. @size: the
 * bytes of text. The reader may not be cleared from inside. */
typedef void (*QmpReaderFunc)(JsonNode *value, const char *complaint, gsize size, gpointer user_data);

typedef struct QmpReader {
    JsonFramer framer;
    QmpReaderFunc func;
    gpointer user_data; /* weak */
} QmpReader;

/* @max_command: the bytes that one message may have. */
void qmp_reader_init(QmpReader *reader, gsize max_command, QmpReaderFunc func, gpointer user_data);
void qmp_reader_clear(QmpReader *reader);

/* Reads up to the end of the next message, and returns how many bytes of @text that were, so that the caller can stop after
 * any message. */
gsize qmp_reader_feed(QmpReader *reader, const char *text, gsize length);
