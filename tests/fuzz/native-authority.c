/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "native-authority.h"

#include <gio/gio.h>
#include <unistd.h>

struct Authority {
    GQueue asked; /* of AuthorityCheck, owned, by their links; the oldest first */
    GHashTable *allowed; /* owned, set of strings: see name_question() */
    gboolean fails;
};

struct AuthorityCheck {
    char *name; /* owned */
    AuthorityFunc func;
    gpointer user_data;
    GList link; /* in current->asked */
};

static Authority *current;

static char *
name_question(const char *action, const char *command)
{
    return g_strdup_printf("%s %s", action, command);
}

static AuthorityCheck *
steal_check(AuthorityCheck *check)
{
    g_queue_unlink(&current->asked, &check->link);
    return check;
}

static void
free_check(AuthorityCheck *check)
{
    g_free(check->name);
    g_free(check);
}

gboolean
native_authority_answer(AuthorityAnswer answer, const GError *error)
{
    AuthorityCheck *check = g_queue_peek_head(&current->asked);

    if (!check)
        return FALSE;
    steal_check(check);
    if (answer == AUTHORITY_YES)
        g_hash_table_add(current->allowed, g_strdup(check->name));
    check->func(answer, error, check->user_data);
    free_check(check);
    return TRUE;
}

void
native_authority_set_fails(gboolean fails)
{
    current->fails = fails;
}

gboolean
native_authority_has_allowed(const char *action, const char *command)
{
    g_autofree char *name = name_question(action, command);

    return g_hash_table_contains(current->allowed, name);
}

/* The detail of that name; NULL: there is none. Each text is one that polkit can be sent. */
static const char *
find_detail(const char *const *details, const char *name)
{
    const char *found = NULL;

    for (guint i = 0; details[i]; i += 2) {
        g_assert_true(g_utf8_validate(details[i], -1, NULL) && g_utf8_validate(details[i + 1], -1, NULL));
        found = g_str_equal(details[i], name) ? details[i + 1] : found;
    }
    return found;
}

AuthorityCheck *
authority_check(Authority *authority, const AuthorityQuestion *question, AuthorityFunc func, gpointer user_data,
                GError **error)
{
    AuthorityCheck *check;

    /* Whoever has left the bus cannot be asked about, and the VM's owner needs no leave. */
    g_assert_cmpuint(question->peer->pid, !=, BUS_PEER_NO_ID);
    g_assert_cmpuint(question->peer->uid, !=, getuid());
    if (authority->fails) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, "there is no polkit");
        return NULL;
    }
    check = g_new0(AuthorityCheck, 1);
    check->name = name_question(question->action, find_detail(question->details, "command"));
    check->func = func;
    check->user_data = user_data;
    check->link.data = check;
    g_queue_push_tail_link(&authority->asked, &check->link);
    return check;
}

gboolean
authority_takes_details(Authority *authority)
{
    return TRUE;
}

void
authority_check_cancel(AuthorityCheck *check)
{
    free_check(steal_check(check));
}

Authority *
authority_new(GMainContext *context, Bus *bus, const char *address)
{
    g_assert_null(current);
    current = g_new0(Authority, 1);
    current->allowed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return current;
}

void
authority_free(Authority *authority)
{
    g_assert_true(authority == current && authority->asked.length == 0);
    g_hash_table_unref(authority->allowed);
    g_free(authority);
    current = NULL;
}
