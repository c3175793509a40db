/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by value-to-dbus.c for an array in a variant; owns nothing. Two questions are put, one after the other: whether the
 * array is of QEMU's type, and, where it is not or there is none, whether its elements have one D-Bus type in common. Both are
 * put in one walk from element to element, which keeps the arrays that it is in on a stack of its own, so that it can stop
 * anywhere. */
#include "value-look.h"

#include "bus-libdbus.h"
#include "value-type.h"
#include "value.h"

static void
enter_array(ValueLook *look, const QmpType *element)
{
    look->levels[look->n_levels++] = (ValueLookLevel){ .element = element };
    json_cursor_enter(&look->cursor);
}

/* @type: QEMU's; NULL: the elements' own is looked for. */
static void
begin_walk(ValueLook *look, const QmpType *type)
{
    look->type = type;
    look->cursor = look->array;
    look->skip_depth = 0;
    look->is_skipping = FALSE;
    look->n_levels = 0;
    enter_array(look, type ? type->element : NULL);
}

void
value_look_begin(ValueLook *look, const QmpType *type, JsonCursor array)
{
    look->array = array;
    begin_walk(look, type);
}

/* An element of the array at hand is @n_arrays arrays around an @inner. FALSE: not as those before it. */
static gboolean
note_element(ValueLookLevel *level, guint n_arrays, const char *inner)
{
    if (!level->inner) {
        level->inner = inner;
        level->n_arrays = n_arrays;
    }
    return level->n_arrays == n_arrays && g_str_equal(level->inner, inner);
}

static gboolean
may_hold_array(const ValueLook *look, const ValueLookLevel *level)
{
    return look->n_levels < VALUE_LOOK_DEPTH && (!level->inner || level->n_arrays > 0);
}

/* The elements of the array at hand are of several types, so that it is an `av` in the array around it, whose elements may be of
 * several types for that; the rest of all these is left behind. FALSE: the outermost is among them, and nobody needs its end. */
static gboolean
mix_elements(ValueLook *look)
{
    ValueLookLevel *level;

    look->is_skipping = TRUE;
    do {
        level = &look->levels[look->n_levels - 1];
        *level = (ValueLookLevel){ .inner = DBUS_TYPE_VARIANT_AS_STRING };
        if (look->n_levels == 1)
            return FALSE;
        look->n_levels--;
        look->skip_depth++;
    } while (!note_element(level - 1, 1, DBUS_TYPE_VARIANT_AS_STRING));
    return TRUE;
}

/* Behind the last element, the array at hand is an element of the one around it. FALSE: the look is over. */
static gboolean
leave_array(ValueLook *look)
{
    ValueLookLevel *level = &look->levels[look->n_levels - 1];

    if (!level->inner)
        level->inner = DBUS_TYPE_VARIANT_AS_STRING;
    if (look->n_levels == 1)
        return FALSE;
    look->n_levels--;
    return level[-1].element || note_element(&level[-1], level->n_arrays + 1, level->inner) || mix_elements(look);
}

/* The element that the cursor stands at, where its own type counts. FALSE: nothing changes the array's type any more. */
static gboolean
look_at_any_element(ValueLook *look, ValueLookLevel *level)
{
    const char *simple = value_type_get_simple_signature(/* type= */ NULL, json_cursor_get_type(&look->cursor));

    if (!simple && may_hold_array(look, level)) {
        enter_array(look, /* element= */ NULL);
        return TRUE;
    }
    if (note_element(level, simple ? 0 : 1, simple ? simple : DBUS_TYPE_VARIANT_AS_STRING)) {
        look->is_skipping = TRUE;
        return TRUE;
    }
    return mix_elements(look);
}

/* The same where it has to be of QEMU's type. */
static void
look_at_typed_element(ValueLook *look, const ValueLookLevel *level)
{
    if (!value_type_fits(level->element, look->cursor) ||
        (level->element->kind == QMP_TYPE_ARRAY && look->n_levels == VALUE_LOOK_DEPTH))
        begin_walk(look, /* type= */ NULL);
    else if (level->element->kind == QMP_TYPE_ARRAY)
        enter_array(look, level->element->element);
    else
        look->is_skipping = TRUE;
}

/* FALSE: the look is over. */
static gboolean
look_at_next(ValueLook *look)
{
    ValueLookLevel *level = &look->levels[look->n_levels - 1];

    if (!json_cursor_next_element(&look->cursor))
        return leave_array(look);
    if (!level->element)
        return look_at_any_element(look, level);
    look_at_typed_element(look, level);
    return TRUE;
}

gboolean
value_look_part(ValueLook *look, gsize *left)
{
    const char *begin;

    while (*left > 0) {
        begin = look->cursor.at;
        if (look->is_skipping) {
            look->is_skipping = !json_cursor_skip_part(&look->cursor, &look->skip_depth, left);
            continue;
        }
        if (!look_at_next(look))
            return TRUE;
        *left -= MIN(*left, 1 + (gsize)(look->cursor.at - begin));
    }
    return FALSE;
}

char *
value_look_dup_signature(const ValueLook *look)
{
    GString *signature = g_string_sized_new(16);

    if (look->type) {
        value_append_signature(signature, look->type);
        return g_string_free(signature, FALSE);
    }
    for (guint i = 0; i <= look->levels[0].n_arrays; i++)
        g_string_append_c(signature, DBUS_TYPE_ARRAY);
    g_string_append(signature, look->levels[0].inner);
    return g_string_free(signature, FALSE);
}
