/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that a person gets to see of a decision: in a dialog, in an error, in the log. */
#pragma once

#include <glib.h>

/* Whether @text is what it looks like: 1 to 1,024 bytes of UTF-8 without control characters, ends of lines, and characters
 * that turn or hide others. */
gboolean shown_name_is_plain(const char *text);

/* The name of a user, owned; NULL: they have none, or none that is plain. As polkit does, this asks whatever
 * nsswitch.conf names, and blocks for as long as that takes. */
char *shown_name_dup_user(guint32 uid);
