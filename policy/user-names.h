/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of users, kept for a while: the system's database of users may be a directory in the network, and a look-up holds the
 * loop for as long as the directory takes. */
#pragma once

#include <glib.h>

typedef struct UserNames UserNames;

/* As shown_name_dup_user(): the name, owned; NULL: the user has none. */
typedef char *(*UserNameFunc)(guint32 uid);

UserNames *user_names_new(UserNameFunc look_up);
void user_names_free(UserNames *names);

/* Valid until the next call; NULL: the user has no name. @now: as from g_get_monotonic_time(). */
const char *user_names_get(UserNames *names, guint32 uid, gint64 now);
