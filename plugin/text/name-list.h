/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that a peer tells of, and what bears them, as bits: its user's kinds. For a few: a list of one or two names is searched
 * faster than a table, and takes a tenth of its memory. Of each kind 256 are kept, of at most 512 bytes each. */
#pragma once

#include <glib.h>

/* Bytes. */
#define NAME_LIST_MAX_LENGTH 512u

typedef struct Name {
    struct Name *next; /* owned */
    guint kinds;
    char *detail; /* owned; its user's */
    char text[];
} Name;

/* All zero but for @together: empty. */
typedef struct NameList {
    Name *first; /* owned */
    guint together; /* these kinds have one cap */
    guint unreadable; /* kinds of which more was told than is kept: any name may be of these */
} NameList;

/* Adds @kinds to what bears the name @text. NULL: there is no room, and @kinds are unreadable from now on. */
Name *name_list_note(NameList *names, const char *text, guint kinds);

/* Takes @kinds from the name. */
void name_list_forget(NameList *names, const char *text, guint kinds);

/* Whether the name is of one of @kinds. */
gboolean name_list_has(const NameList *names, const char *text, guint kinds);

/* How many are of one of @kinds. */
guint name_list_count(const NameList *names, guint kinds);

/* Frees the names. */
void name_list_clear(NameList *names);
