/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by PolicyQueue, which tells polkit whose QEMU a question is about; owns the names.
 *
 * libc looks a user up in one blocking call. The call stands in the loop's thread all the same: a thread of ours would end the promise
 * that agent and module are one thread, and a child process would need SIGCHLD, which is the host's. polkitd looks the same
 * users up in its own loop at every question, and so does dbus-daemon with the groups of a new connection, so that a
 * directory that hangs holds the question in any case. The table sees to it that the calls that ask polkit nothing are held at most
 * once in a lifetime for each user whose QEMU is asked about. */
#include "user-names.h"

/* Users whose QEMUs are asked about in one lifetime. A host mostly has a few; with more, the oldest name is looked up again. */
#define MAX_NAMES 64u

/* As long as nscd keeps a user. A user whose name changes meanwhile is told to polkit's rules by the old one. */
#define NAME_TIME (10 * G_TIME_SPAN_MINUTE)

/* A directory that could not be reached is back soon; until then each attempt may take its whole time-out. */
#define NO_NAME_TIME G_TIME_SPAN_MINUTE

typedef struct UserName {
    guint32 uid;
    char *name; /* owned; NULL: the user has none */
    gint64 until; /* the name is looked up again from then on */
} UserName;

struct UserNames {
    UserNameFunc look_up;
    UserName names[MAX_NAMES]; /* a ring, by the time of the first look-up */
    guint n, next;
};

UserNames *
user_names_new(UserNameFunc look_up)
{
    UserNames *names = g_new0(UserNames, 1);

    names->look_up = look_up;
    return names;
}

void
user_names_free(UserNames *names)
{
    for (guint i = 0; i < names->n; i++)
        g_free(names->names[i].name);
    g_free(names);
}

static UserName *
find_user_name(UserNames *names, guint32 uid)
{
    for (guint i = 0; i < names->n; i++)
        if (names->names[i].uid == uid)
            return &names->names[i];
    return NULL;
}

/* It takes the place of the oldest name where there is no other. */
static UserName *
add_user_name(UserNames *names, guint32 uid)
{
    UserName *added = &names->names[names->next];

    names->next = (names->next + 1) % MAX_NAMES;
    names->n = MIN(names->n + 1, MAX_NAMES);
    g_clear_pointer(&added->name, g_free);
    *added = (UserName){ .uid = uid };
    return added;
}

const char *
user_names_get(UserNames *names, guint32 uid, gint64 now)
{
    UserName *known = find_user_name(names, uid);

    if (known && now < known->until)
        return known->name;
    if (!known)
        known = add_user_name(names, uid);
    g_free(known->name);
    known->name = names->look_up(uid);
    known->until = now + (known->name ? NAME_TIME : NO_NAME_TIME);
    return known->name;
}
