/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "started-names.h"

#include <string.h>

/* Nobody starts a QEMU with as many monitors; one that has more devices in use is none to be taken apart. */
#define MAX_NAMES 256u

static StartedName *
find_name(const StartedNames *names, const char *text)
{
    for (StartedName *name = names->first; name; name = name->next)
        if (g_str_equal(name->text, text))
            return name;
    return NULL;
}

gboolean
started_names_have(const StartedNames *names, const char *text, guint kinds)
{
    const StartedName *name = find_name(names, text);

    return name && (name->kinds & kinds);
}

guint
started_names_count(const StartedNames *names, guint kinds)
{
    guint n = 0;

    for (const StartedName *name = names->first; name; name = name->next)
        n += (name->kinds & kinds) != 0;
    return n;
}

/* NULL: there is no room. */
static StartedName *
add_name(StartedNames *names, const char *text, guint kinds)
{
    guint counted = kinds & MONITOR_KINDS ? MONITOR_KINDS : kinds;
    gsize length = strlen(text);
    StartedName *name;

    if (length > STARTED_NAMES_MAX_LENGTH || started_names_count(names, counted) >= MAX_NAMES) {
        names->unreadable |= counted;
        return NULL;
    }
    name = g_malloc0(sizeof(StartedName) + length + 1);
    memcpy(name->text, text, length);
    name->next = names->first;
    names->first = name;
    return name;
}

StartedName *
started_names_note(StartedNames *names, const char *text, guint kinds)
{
    StartedName *name = find_name(names, text);

    if (!name)
        name = add_name(names, text, kinds);
    if (name)
        name->kinds |= kinds;
    return name;
}

void
started_names_forget(StartedNames *names, const char *text, guint kinds)
{
    StartedName *name = find_name(names, text);

    if (name)
        name->kinds &= ~kinds;
}

void
started_names_clear(StartedNames *names)
{
    for (StartedName *name = names->first, *next; name; name = next) {
        next = name->next;
        g_free(name->file);
        g_free(name);
    }
    *names = (StartedNames){ 0 };
}
