/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names in a QEMU that started-monitors.c has been told, and what bears them. QEMU has one or two, so that a list is searched
 * faster than a table, and takes a tenth of its memory. */
#pragma once

#include <glib.h>

/* Bytes of a name. QEMU's have no limit; a path takes 107. */
#define STARTED_NAMES_MAX_LENGTH 512u

typedef enum NameKind {
    NAME_OF_OBJECT = 1 << 0, /* a monitor */
    NAME_OF_CHARDEV = 1 << 1, /* what a monitor is on */
    NAME_IN_USE = 1 << 2, /* a character device that has a user */
    NAME_OF_AUTHZ = 1 << 3, /* an object that says who may connect */
    NAME_LEFT_OVER = 1 << 4, /* a character device of an agent that was killed */
} NameKind;

/* These have one cap, and where it is met no caller ends anything. */
#define MONITOR_KINDS (NAME_OF_OBJECT | NAME_OF_CHARDEV | NAME_IN_USE)

typedef struct StartedName {
    struct StartedName *next; /* owned */
    guint kinds; /* NameKind */
    char *file; /* owned; of a device that has a user, as QEMU writes it; NULL: of no interest */
    char text[];
} StartedName;

/* All zero: empty. */
typedef struct StartedNames {
    StartedName *first; /* owned */
    guint unreadable; /* NameKind: QEMU tells more than is kept, or nothing: any name may be of these */
} StartedNames;

/* Adds @kinds to what bears the name @text. NULL: there is no room, and @kinds are unreadable from now on. */
StartedName *started_names_note(StartedNames *names, const char *text, guint kinds);

/* Takes @kinds from the name. */
void started_names_forget(StartedNames *names, const char *text, guint kinds);

/* Whether the name is of one of @kinds. */
gboolean started_names_have(const StartedNames *names, const char *text, guint kinds);

/* How many are of one of @kinds. */
guint started_names_count(const StartedNames *names, guint kinds);

void started_names_clear(StartedNames *names);
