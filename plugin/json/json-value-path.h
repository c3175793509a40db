/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in a nested value a walk stands: a chain of frames on the stack, turned into text only when there is an
 * error to report. */
#pragma once

#include <glib.h>

typedef struct JsonValuePath JsonValuePath;
struct JsonValuePath {
    const JsonValuePath *up; /* NULL: the outermost value */
    const char *member; /* the outermost value's name, or that of an object's member; NULL: an element */
    guint element;
};

/* "return[3].name"; "arguments" for NULL: all of them. */
char *json_value_path_to_text(const JsonValuePath *place);
