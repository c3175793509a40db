/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value-place.h"

static void
append(GString *text, const ValuePlace *place)
{
    if (place->up)
        append(text, place->up);
    if (!place->member)
        g_string_append_printf(text, "[%u]", place->element);
    else
        g_string_append_printf(text, "%s%s", place->up ? "." : "", place->member);
}

char *
value_place_to_text(const ValuePlace *place)
{
    GString *text = g_string_new(NULL);

    append(text, place);
    return g_string_free(text, FALSE);
}
