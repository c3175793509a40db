/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of the members of an object, as they come, to find one that comes twice: D-Bus forbids two entries with one key. A
 * part of value-to-dbus. */
#pragma once

#include "json-cursor.h"

/* A stack of names that objects inside one another share. Few replies have more names at a time than there is room for. */
typedef struct ValueNameStack {
    JsonCursorText room[48];
    JsonCursorText *all; /* the room, or owned */
    guint n, size;
    gsize more; /* bytes that the names of large objects take beside it */
} ValueNameStack;

void value_name_stack_init(ValueNameStack *stack);
void value_name_stack_clear(ValueNameStack *stack);

typedef struct ValueNameBlocks ValueNameBlocks;

typedef struct ValueNames {
    ValueNameStack *stack; /* weak */
    guint first; /* where this object's begin in it */
    ValueNameBlocks *blocks; /* owned; this object's, where there are many; NULL: there are not */
} ValueNames;

void value_names_begin(ValueNames *names, ValueNameStack *stack);
void value_names_end(ValueNames *names);

/* FALSE: the name is there already, perhaps written with other escapes. Its text is borrowed until value_names_end(). */
gboolean value_names_add(ValueNames *names, JsonCursorText name);
