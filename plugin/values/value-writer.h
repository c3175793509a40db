/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of a ValueWriter, for value-to-dbus.c and for value-whole.c, which has one on the stack. A part of value-to-dbus. */
#pragma once

#include "json-cursor.h"
#include "value-look.h"
#include "value-names.h"
#include "value-sink.h"
#include "value-string.h"
#include "value.h"

/* The limits that dbus-daemon and libdbus check on every message (DBUS_MAXIMUM_TYPE_RECURSION_DEPTH): 64 containers
 * inside one another, variants included, and 32 arrays in one signature. */
#define VALUE_MAX_CONTAINERS 64
#define VALUE_MAX_ARRAYS 32

/* A container that is open. */
typedef struct ValueFrame {
    char kind; /* DBUS_TYPE_ARRAY, _VARIANT, or _DICT_ENTRY: an a{sv} */
    ValueSpot content;
    char *signature; /* owned; of a variant; NULL: a constant */
    const char *element_signature; /* of an array; in the signature around it */
    const QmpType *type; /* of the elements, or of the variant's content; NULL: not known */
    guint element; /* elements so far */
    QmpTypes types; /* of an object */
    ValueNames names; /* of an object; those so far */
    JsonCursorText name; /* of the member that is being written */
    gboolean in_entry; /* a member is being written */
    ValueSpot entry;
} ValueFrame;

/* What is looked for ahead of the cursor. */
typedef enum ValueLooking {
    VALUE_LOOKS_NOWHERE,
    VALUE_LOOKS_AT_ARRAY, /* its type, before the variant around it is opened */
    VALUE_LOOKS_FOR_TAG, /* of the object that has been opened */
} ValueLooking;

struct ValueWriter {
    const char *text, *signature, *place; /* borrowed; place: what the value is called in errors */
    const QmpType *type;
    ValueSink sink;
    ValueSpot root;
    ValueSpot *scalar; /* the variant of the value that is being written, where it is no container; NULL: none */
    JsonCursor cursor;
    guint depth; /* containers around the value at hand, entries of dictionaries among them */
    guint n_frames;
    ValueLooking looking;
    gsize looked_ahead; /* in this step; bytes */
    GError **error;
    ValueString string;
    ValueNameStack names; /* those of all objects that are open */
    ValueLook look; /* of VALUE_LOOKS_AT_ARRAY */
    QmpTypesSearch search; /* of VALUE_LOOKS_FOR_TAG */
    ValueFrame frames[VALUE_MAX_CONTAINERS + 1];
};

/* As value_writer_new() and value_writer_free(), but the memory is the caller's. */
void value_writer_init(ValueWriter *writer, DBusMessage *message, const char *signature, const QmpType *type,
                       const char *text, const char *place);
void value_writer_clear(ValueWriter *writer);

/* Sets the writer's error: the place of the value at hand, and what is wrong there. FALSE, always. */
gboolean value_fail(ValueWriter *writer, const char *format, ...) G_GNUC_PRINTF(2, 3);
