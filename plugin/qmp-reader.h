/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client of a QMP server says, a byte at a time: values, and the complaints that QEMU would make of what is none, in
 * its words. Part of the native session. */
#pragma once

#include <json-glib/json-glib.h>

typedef struct QmpReader QmpReader;

/* Which QEMU it is to sound like. */
typedef enum QmpDialect {
    QMP_DIALECT_OLD, /* 7.2 and 10.0 */
    QMP_DIALECT_NEW, /* 11.1: complaints name line and column, and are made at once */
} QmpDialect;

/* A value (taken by the callback) or a complaint (borrowed), and how many bytes of text it was about. Never both, and never
 * from outside qmp_reader_feed(). */
typedef void (*QmpReaderFunc)(JsonNode *value, const char *complaint, gsize size, gpointer user_data);

/* @max: bytes of one value. What is longer is complained about and skipped. */
QmpReader *qmp_reader_new(QmpDialect dialect, gsize max, QmpReaderFunc func, gpointer user_data);
void qmp_reader_free(QmpReader *reader);

/* Takes one byte. Calls @func any number of times; the reader must stay. */
void qmp_reader_feed(QmpReader *reader, char c);
