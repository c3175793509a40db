/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values between D-Bus and JSON, exact both ways. The table is in design's words: integers are `x`, `t` above 2^63-1;
 * numbers `d`; booleans `b`; strings `s`; objects `a{sv}`; arrays `aT`, or `av` where the elements differ or there are
 * none; null a `g` that is empty. */
#pragma once

#include "bus-libdbus.h"
#include "json-cost.h"
#include "qmp-type.h"

/* The most that the values of a message may measure: dbus-daemon carries 32 MiB on a system bus and disconnects the
 * sender of anything larger; the rest is for the header. */
#define VALUE_BODY_MAX (32u * 1024 * 1024 - 65536u)

/* Appends the D-Bus type that a value of @type always has: "v" for alternates and any. */
void value_append_signature(GString *signature, const QmpType *type);

/* Appends a value to @message as @signature: "v", or a type from the table above. @text: JSON that JsonScan found right, as a
 * JsonCursor needs it. @type, if not NULL, says what is inside: which numbers are `d` although QEMU prints no fraction, what an
 * empty array is an array of. Where a variant holds something else than @type says, or a member that it does not list, the
 * value has its natural type. Fails with VALUE_ERROR_UNREPRESENTABLE, naming the place (`return[3].name`, where @place is the
 * first word): the value is not of @signature, holds U+0000, names a member twice, is too large, or nests deeper than a message
 * may (64 levels of array, entry and variant: 21 of a{sv}). After an error the message is of no use. *@ret_size (may be NULL): bytes
 * of the message. */
gboolean value_append(DBusMessage *message, const char *signature, const QmpType *type, const char *text,
                      const char *place, gsize *ret_size, GError **error);

/* The same as the bytes of a message, for bus_call_assemble_reply(): a fifth of the work where the value has more than a few
 * members. NULL: failed. */
GByteArray *value_marshal(const char *signature, const QmpType *type, const char *text, const char *place,
                          GError **error);

/* The same in steps, for values that would hold the main loop for too long: one takes 1 ms. */
#define VALUE_STEP (16u * 1024)

typedef struct ValueWriter ValueWriter;

typedef enum ValueStep {
    VALUE_MORE,
    VALUE_DONE,
    VALUE_FAILED,
} ValueStep;

/* Borrows all of it until the writer is freed. @message: NULL: the value becomes bytes. */
ValueWriter *value_writer_new(DBusMessage *message, const char *signature, const QmpType *type, const char *text,
                              const char *place);
ValueStep value_writer_step(ValueWriter *writer, GError **error); /* some VALUE_STEP bytes of text */
gsize value_writer_get_size(ValueWriter *writer); /* bytes of the message so far */
gsize value_writer_get_memory(ValueWriter *writer); /* bytes that are held beside the text: those, and names of objects */
GByteArray *value_writer_get_bytes(ValueWriter *writer); /* borrowed */
void value_writer_free(ValueWriter *writer);

/* Reads the value that @iter stands at. @place: what it is called in errors; NULL: an object whose members stand for
 * themselves. Fails with BUS_ERROR_INVALID_ARGS, naming the place: types that JSON has not (structs, fds, dictionaries
 * whose keys are no strings), NaN and the infinities, a key that is there twice; with BUS_ERROR_LIMITS_EXCEEDED past
 * JSON_COST_OF_ARGUMENTS. @cost: of what was read before, to which this value's is added. */
JsonNode *value_read(DBusMessageIter *iter, const char *place, JsonCost *cost, GError **error);

#define VALUE_ERROR (value_error_quark())

typedef enum ValueErrorCode {
    VALUE_ERROR_UNREPRESENTABLE,
} ValueErrorCode;

GQuark value_error_quark(void);
