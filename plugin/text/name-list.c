/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "name-list.h"

#include <string.h>

#define MAX_NAMES 256u

static Name *
find_name(const NameList *names, const char *text)
{
    for (Name *name = names->first; name; name = name->next)
        if (g_str_equal(name->text, text))
            return name;
    return NULL;
}

gboolean
name_list_has(const NameList *names, const char *text, guint kinds)
{
    const Name *name = find_name(names, text);

    return name && (name->kinds & kinds);
}

guint
name_list_count(const NameList *names, guint kinds)
{
    guint n = 0;

    for (const Name *name = names->first; name; name = name->next)
        n += (name->kinds & kinds) != 0;
    return n;
}

/* NULL: there is no room. */
static Name *
add_name(NameList *names, const char *text, guint kinds)
{
    guint counted = kinds & names->together ? names->together : kinds;
    gsize length = strlen(text);
    Name *name;

    if (length > NAME_LIST_MAX_LENGTH || name_list_count(names, counted) >= MAX_NAMES) {
        names->unreadable |= counted;
        return NULL;
    }
    name = g_malloc0(sizeof(Name) + length + 1);
    memcpy(name->text, text, length);
    name->next = names->first;
    names->first = name;
    return name;
}

Name *
name_list_note(NameList *names, const char *text, guint kinds)
{
    Name *name = find_name(names, text);

    if (!name)
        name = add_name(names, text, kinds);
    if (name)
        name->kinds |= kinds;
    return name;
}

void
name_list_forget(NameList *names, const char *text, guint kinds)
{
    Name *name = find_name(names, text);

    if (name)
        name->kinds &= ~kinds;
}

void
name_list_clear(NameList *names)
{
    for (Name *name = names->first, *next; name; name = next) {
        next = name->next;
        g_free(name->detail);
        g_free(name);
    }
    names->first = NULL;
}
