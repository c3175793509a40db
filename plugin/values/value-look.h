/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The type of an array, which all of its elements decide on: they are looked at before the first one is written. An array may
 * be as long as a reply, so the look can be had in parts. A part of value-to-dbus. */
#pragma once

#include "json-cursor.h"
#include "qmp-type.h"

/* Of arrays inside one another. What is deeper is looked at when its turn to be written comes. */
#define VALUE_LOOK_DEPTH 64

/* An array that is being looked at. */
typedef struct ValueLookLevel {
    const QmpType *element; /* what the elements have to be of; NULL: they may be of any type, and have to be of the same */
    const char *inner; /* of the same: what the innermost array holds, a constant; NULL: no element has been seen */
    guint n_arrays; /* of the same: arrays around that */
} ValueLookLevel;

typedef struct ValueLook {
    const QmpType *type; /* QEMU's type of the array; NULL: none, or the array is not of it */
    JsonCursor array, cursor;
    guint skip_depth; /* of what is being left behind */
    gboolean is_skipping;
    guint n_levels;
    ValueLookLevel levels[VALUE_LOOK_DEPTH];
} ValueLook;

/* @type: what the array ought to be of; NULL: nothing in particular. @array: at its bracket. */
void value_look_begin(ValueLook *look, const QmpType *type, JsonCursor array);

/* *@left: as for json_cursor_skip_part(). FALSE: the look goes on. What cannot change the type any more is not looked at. */
gboolean value_look_part(ValueLook *look, gsize *left);

/* Of the array, when the look is over. @look->type says whether it is QEMU's. */
char *value_look_dup_signature(const ValueLook *look);
