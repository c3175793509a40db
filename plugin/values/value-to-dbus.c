/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON to D-Bus. A value is appended as a signature that the interface declares or, inside a variant, as one that is
 * chosen for it: by the schema's type where there is one and the value is of it, else by the value alone.
 *
 * The text is read in order by a cursor, and written as it is read: no tree is made of it. Containers that are open
 * are kept on a stack of frames, not on C's, so that the writer can stop after any value and go on in another turn.
 * Later text decides in two places, where another cursor looks ahead: the tag of a union, and the type of an array, which all
 * of its elements decide on. A step that has looked far enough ends there, and the next one looks on. Each looks at one
 * container, and D-Bus lets 21 objects be nested: the work stays linear in the text. */
#include "value-writer.h"

#include <string.h>

#include "value-type.h"

static gboolean
fail_size(ValueWriter *writer)
{
    return value_fail(writer, "is beyond the %u bytes that a message may have", VALUE_BODY_MAX);
}

/* Where the next value goes. */
static ValueSpot *
get_spot(ValueWriter *writer)
{
    ValueFrame *top = writer->n_frames > 0 ? &writer->frames[writer->n_frames - 1] : NULL;

    if (writer->scalar)
        return writer->scalar;
    if (!top)
        return &writer->root;
    return top->in_entry ? &top->entry : &top->content;
}

/* Opens a container with a content of @signature. NULL: failed. */
static ValueFrame *
push_frame(ValueWriter *writer, char kind, const char *signature)
{
    ValueSpot *parent = get_spot(writer);
    ValueFrame *frame = &writer->frames[writer->n_frames];
    int type = kind == DBUS_TYPE_VARIANT ? DBUS_TYPE_VARIANT : DBUS_TYPE_ARRAY;

    memset(frame, 0, sizeof *frame);
    frame->kind = kind;
    if (!value_sink_open(&writer->sink, parent, type, signature, &frame->content)) {
        fail_size(writer);
        return NULL;
    }
    writer->n_frames++;
    writer->depth++;
    return frame;
}

static void
clear_frame(ValueFrame *frame)
{
    g_clear_pointer(&frame->signature, g_free);
    if (frame->kind == DBUS_TYPE_DICT_ENTRY)
        value_names_end(&frame->names);
}

static void
pop_frame(ValueWriter *writer)
{
    ValueFrame *frame = &writer->frames[--writer->n_frames];

    writer->depth--;
    value_sink_close(&writer->sink, get_spot(writer), &frame->content);
    clear_frame(frame);
}

static gboolean
check_depth(ValueWriter *writer)
{
    return writer->depth < VALUE_MAX_CONTAINERS || value_fail(writer, "is nested deeper than a D-Bus message may be");
}

static gboolean
put_value(ValueWriter *writer, int type, const DBusBasicValue *value)
{
    return value_sink_put(&writer->sink, get_spot(writer), type, value) || fail_size(writer);
}

static gboolean
put_text_value(ValueWriter *writer, int type, const char *text, gsize length)
{
    return value_sink_put_text(&writer->sink, get_spot(writer), type, text, length) || fail_size(writer);
}

/* An `x` may be wanted where QEMU's value needs a `t`, which is a loss, and a `d` where it printed a number without a
 * fraction, which is none. */
static gboolean
write_number(ValueWriter *writer, char type)
{
    JsonCursorNumber number = json_cursor_read_number(&writer->cursor);
    DBusBasicValue value;

    if (type == DBUS_TYPE_DOUBLE && value_type_is_exact_double(&number))
        value.dbl = value_type_get_double(&number);
    else if (type == DBUS_TYPE_INT64 && number.type == JSON_CURSOR_INT)
        value.i64 = number.i64;
    else if (type == DBUS_TYPE_UINT64 && number.type == JSON_CURSOR_UINT)
        value.u64 = number.u64;
    else if (type == DBUS_TYPE_UINT64 && number.type == JSON_CURSOR_INT && number.i64 >= 0)
        value.u64 = (guint64)number.i64;
    else
        return value_fail(writer, "is no `%c`", type);
    return put_value(writer, type, &value);
}

static gboolean
write_string(ValueWriter *writer)
{
    gboolean has_nul;
    gsize length;
    JsonCursorText text = json_cursor_read_string(&writer->cursor);
    const char *string = value_string_unescape(&writer->string, text, &length, &has_nul);

    if (has_nul)
        return value_fail(writer, "holds U+0000, which no D-Bus string can");
    return put_text_value(writer, DBUS_TYPE_STRING, string, length);
}

static gboolean
write_boolean(ValueWriter *writer)
{
    DBusBasicValue value = { .bool_val = !!json_cursor_read_boolean(&writer->cursor) };

    return put_value(writer, DBUS_TYPE_BOOLEAN, &value);
}

static gboolean
write_null(ValueWriter *writer)
{
    json_cursor_skip(&writer->cursor);
    return put_text_value(writer, DBUS_TYPE_SIGNATURE, "", 0);
}

static gboolean
write_scalar(ValueWriter *writer, char type)
{
    switch (type) {
    case DBUS_TYPE_STRING:
        return write_string(writer);
    case DBUS_TYPE_BOOLEAN:
        return write_boolean(writer);
    case DBUS_TYPE_SIGNATURE:
        return write_null(writer);
    default:
        return write_number(writer, type);
    }
}

/* Most variants hold no container: they need no frame. */
static gboolean
write_scalar_variant(ValueWriter *writer, const char *signature)
{
    ValueSpot *parent = get_spot(writer), content;
    gboolean is_right;

    if (!value_sink_open(&writer->sink, parent, DBUS_TYPE_VARIANT, signature, &content))
        return fail_size(writer);
    writer->scalar = &content;
    is_right = write_scalar(writer, signature[0]);
    writer->scalar = NULL;
    if (is_right)
        value_sink_close(&writer->sink, parent, &content);
    else
        value_sink_abandon(&writer->sink, parent, &content);
    return is_right;
}

static gboolean
open_variant_of_container(ValueWriter *writer, const char *signature, const QmpType *type)
{
    ValueFrame *frame = push_frame(writer, DBUS_TYPE_VARIANT, signature);

    if (!frame)
        return FALSE;
    frame->type = type;
    frame->element_signature = signature;
    return TRUE;
}

/* Its elements have been looked at. */
static gboolean
open_variant_of_array(ValueWriter *writer)
{
    g_autofree char *signature = value_look_dup_signature(&writer->look);

    if (strspn(signature, DBUS_TYPE_ARRAY_AS_STRING) > VALUE_MAX_ARRAYS)
        return value_fail(writer, "has more than %d arrays inside one another", VALUE_MAX_ARRAYS);
    if (!open_variant_of_container(writer, signature, writer->look.type))
        return FALSE;
    writer->frames[writer->n_frames - 1].signature = g_steal_pointer(&signature);
    return TRUE;
}

/* What comes next needs more of the text than what has been written. */
static gboolean
look_ahead(ValueWriter *writer)
{
    gboolean is_array = writer->looking == VALUE_LOOKS_AT_ARRAY;
    gsize left = VALUE_STEP;
    gboolean is_over =
        is_array ? value_look_part(&writer->look, &left)
                 : qmp_types_search_part(&writer->frames[writer->n_frames - 1].types, &writer->search, &left);

    writer->looked_ahead += VALUE_STEP - left;
    if (!is_over)
        return TRUE;
    writer->looking = VALUE_LOOKS_NOWHERE;
    if (is_array)
        return open_variant_of_array(writer);
    json_cursor_enter(&writer->cursor);
    return TRUE;
}

static gboolean
open_variant(ValueWriter *writer, const QmpType *type)
{
    const QmpType *chosen = value_type_choose(type, writer->cursor);
    const char *signature = value_type_get_simple_signature(chosen, json_cursor_get_type(&writer->cursor));

    if (signature && signature[0] != DBUS_TYPE_ARRAY)
        return write_scalar_variant(writer, signature);
    if (signature)
        return open_variant_of_container(writer, signature, chosen);
    value_look_begin(&writer->look, chosen, writer->cursor);
    writer->looking = VALUE_LOOKS_AT_ARRAY;
    return look_ahead(writer);
}

static gboolean
open_object_of_type(ValueWriter *writer, ValueFrame *frame, const QmpType *type)
{
    qmp_types_search_begin(&frame->types, &writer->search, type, writer->cursor);
    writer->looking = VALUE_LOOKS_FOR_TAG;
    return look_ahead(writer);
}

static gboolean
open_array(ValueWriter *writer, const char *signature, const QmpType *type)
{
    gboolean is_object = signature[1] == DBUS_DICT_ENTRY_BEGIN_CHAR;
    ValueFrame *frame = push_frame(writer, is_object ? DBUS_TYPE_DICT_ENTRY : DBUS_TYPE_ARRAY, signature + 1);

    if (!frame)
        return FALSE;
    frame->element_signature = signature + 1;
    if (is_object)
        value_names_begin(&frame->names, &writer->names);
    if (is_object && type && type->kind == QMP_TYPE_OBJECT)
        return open_object_of_type(writer, frame, type);
    if (!is_object && type && type->kind == QMP_TYPE_ARRAY)
        frame->type = type->element;
    json_cursor_enter(&writer->cursor);
    return TRUE;
}

/* Writes the value that the cursor stands at, or opens it. */
static gboolean
begin_value(ValueWriter *writer, const char *signature, const QmpType *type)
{
    if (!value_type_may_be(json_cursor_get_type(&writer->cursor), signature))
        return value_fail(writer, "is no `%s`", signature);
    switch (signature[0]) {
    case DBUS_TYPE_VARIANT:
        return check_depth(writer) && open_variant(writer, type);
    case DBUS_TYPE_ARRAY:
        return check_depth(writer) && open_array(writer, signature, type);
    default:
        return write_scalar(writer, signature[0]);
    }
}

/* The name of a member, whose value the cursor stands at; and the value. */
static gboolean
begin_member(ValueWriter *writer, ValueFrame *frame, JsonCursorText name)
{
    gboolean is_new = value_names_add(&frame->names, name), has_nul;
    const QmpMember *member = qmp_types_find_member(&frame->types, name);
    const char *string;
    gsize length;

    frame->name = name;
    if (!value_sink_open(&writer->sink, &frame->content, DBUS_TYPE_DICT_ENTRY, NULL, &frame->entry))
        return fail_size(writer);
    frame->in_entry = TRUE;
    writer->depth++;
    if (!is_new)
        return value_fail(writer, "is there twice");
    string = value_string_unescape(&writer->string, name, &length, &has_nul);
    if (has_nul)
        return value_fail(writer, "has U+0000 in its name, which no D-Bus string can");
    return put_text_value(writer, DBUS_TYPE_STRING, string, length) &&
           begin_value(writer, DBUS_TYPE_VARIANT_AS_STRING, member ? member->type : NULL);
}

static void
end_member(ValueWriter *writer, ValueFrame *frame)
{
    value_sink_close(&writer->sink, &frame->content, &frame->entry);
    frame->in_entry = FALSE;
    writer->depth--;
}

static gboolean
go_on_with_object(ValueWriter *writer, ValueFrame *frame)
{
    JsonCursorText name;

    if (frame->in_entry)
        end_member(writer, frame);
    if (json_cursor_next_member(&writer->cursor, &name))
        return begin_member(writer, frame, name);
    pop_frame(writer);
    return TRUE;
}

static gboolean
go_on_with_elements(ValueWriter *writer, ValueFrame *frame)
{
    gboolean has_more =
        frame->kind == DBUS_TYPE_VARIANT ? frame->element == 0 : json_cursor_next_element(&writer->cursor);

    if (!has_more) {
        pop_frame(writer);
        return TRUE;
    }
    frame->element++;
    return begin_value(writer, frame->element_signature, frame->type);
}

/* The next value of the container that is open, or its end. */
static gboolean
write_step(ValueWriter *writer)
{
    ValueFrame *top;

    if (writer->looking)
        return look_ahead(writer);
    top = &writer->frames[writer->n_frames - 1];
    return top->kind == DBUS_TYPE_DICT_ENTRY ? go_on_with_object(writer, top) : go_on_with_elements(writer, top);
}

static gboolean
is_under_way(const ValueWriter *writer)
{
    return writer->n_frames > 0 || writer->looking;
}

ValueStep
value_writer_step(ValueWriter *writer, GError **error)
{
    const char *begin = writer->cursor.at;
    gboolean is_right = TRUE;

    writer->error = error;
    writer->looked_ahead = 0;
    if (!is_under_way(writer)) {
        writer->cursor = json_cursor_at(writer->text);
        is_right = begin_value(writer, writer->signature, writer->type);
    }
    while (is_right && is_under_way(writer) &&
           (gsize)(writer->cursor.at - begin) + writer->looked_ahead < VALUE_STEP)
        is_right = write_step(writer);
    if (!is_right)
        return VALUE_FAILED;
    return is_under_way(writer) ? VALUE_MORE : VALUE_DONE;
}

void
value_writer_init(ValueWriter *writer, DBusMessage *message, const char *signature, const QmpType *type,
                  const char *text, const char *place)
{
    /* The rest, 20 kB, is written when it is needed. */
    memset(writer, 0, G_STRUCT_OFFSET(ValueWriter, string));
    writer->text = text;
    writer->cursor.at = text;
    writer->signature = signature;
    writer->type = type;
    writer->place = place;
    value_string_init(&writer->string);
    value_name_stack_init(&writer->names);
    value_sink_init(&writer->sink, message, &writer->root);
}

ValueWriter *
value_writer_new(DBusMessage *message, const char *signature, const QmpType *type, const char *text, const char *place)
{
    ValueWriter *writer = g_new(ValueWriter, 1);

    value_writer_init(writer, message, signature, type, text, place);
    return writer;
}

/* Containers that an error has left open hold memory of libdbus's. */
static void
abandon_frame(ValueWriter *writer)
{
    ValueFrame *frame = &writer->frames[--writer->n_frames];

    if (frame->in_entry)
        value_sink_abandon(&writer->sink, &frame->content, &frame->entry);
    value_sink_abandon(&writer->sink, get_spot(writer), &frame->content);
    clear_frame(frame);
}

void
value_writer_clear(ValueWriter *writer)
{
    while (writer->n_frames > 0)
        abandon_frame(writer);
    value_name_stack_clear(&writer->names);
    value_string_clear(&writer->string);
    value_sink_clear(&writer->sink);
}

void
value_writer_free(ValueWriter *writer)
{
    value_writer_clear(writer);
    g_free(writer);
}

gsize
value_writer_get_size(ValueWriter *writer)
{
    return writer->sink.size;
}

gsize
value_writer_get_memory(ValueWriter *writer)
{
    return writer->sink.size + writer->names.size * sizeof *writer->names.all + writer->names.more;
}

GByteArray *
value_writer_get_bytes(ValueWriter *writer)
{
    return value_sink_get_bytes(&writer->sink);
}
