/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-value-path.h"

static void
append_place(GString *text, const JsonValuePath *place)
{
    if (place->up)
        append_place(text, place->up);
    if (!place->member)
        g_string_append_printf(text, "[%u]", place->element);
    else
        g_string_append_printf(text, "%s%s", place->up ? "." : "", place->member);
}

char *
json_value_path_to_text(const JsonValuePath *place)
{
    GString *text = g_string_new(place ? NULL : "arguments");

    if (place)
        append_place(text, place);
    return g_string_free(text, FALSE);
}
