/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by value-to-dbus.c where a value cannot go on: the error, with the place in the value. */
#include "json-value-path.h"
#include "value-writer.h"

GQuark
value_error_quark(void)
{
    return g_quark_from_string("org-qemu-monitor1-value-error");
}

/* Appends what the frames stand for; an element is counted before it is written. */
static char *
dup_place(const ValueWriter *writer)
{
    JsonValuePath paths[VALUE_MAX_CONTAINERS + 2] = { { .member = writer->place } };
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    guint n = 0;

    for (guint i = 0; i < writer->n_frames; i++) {
        const ValueFrame *frame = &writer->frames[i];
        if (frame->kind == DBUS_TYPE_VARIANT || (frame->kind == DBUS_TYPE_DICT_ENTRY && !frame->in_entry))
            continue;
        paths[n + 1] = (JsonValuePath){ .up = &paths[n] };
        n++;
        if (frame->kind == DBUS_TYPE_ARRAY) {
            paths[n].element = frame->element - 1;
            continue;
        }
        g_ptr_array_add(names, json_cursor_text_dup(frame->name, /* ret_length= */ NULL));
        paths[n].member = names->pdata[names->len - 1];
    }
    return json_value_path_to_text(&paths[n]);
}

gboolean
value_fail(ValueWriter *writer, const char *format, ...)
{
    g_autofree char *where = dup_place(writer);
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *problem = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(writer->error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE, "%s %s; ExecuteJSON has no such limit", where,
                problem);
    return FALSE;
}
