/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* polkit, spoken as D-Bus: one question at a time about one subject and one action. */
#pragma once

#include "bus-peer.h"

typedef struct Authority Authority;
typedef struct AuthorityCheck AuthorityCheck; /* a question that has not been answered */

/* @bus: the system bus that the callers are on, which must outlive it; or NULL: they are on another one, and polkit is
 * asked by a connection of its own to the system bus at @address, which is opened when it is needed. */
Authority *authority_new(GMainContext *context, Bus *bus, const char *address);

/* Its questions must have been answered or cancelled. */
void authority_free(Authority *authority);

typedef enum AuthorityAnswer {
    AUTHORITY_NO,
    AUTHORITY_YES,
    AUTHORITY_CHALLENGE, /* somebody would have to authenticate */
} AuthorityAnswer;

/* Exactly once unless cancelled; never from inside authority_check(). @error: it could not be asked, or what it said is no
 * answer; @answer is AUTHORITY_NO then. The check is gone when this returns. */
typedef void (*AuthorityFunc)(AuthorityAnswer answer, const GError *error, gpointer user_data);

/* May @peer do @action? Nothing is kept. */
typedef struct AuthorityQuestion {
    const BusPeer *peer;
    const char *action; /* its id */
    const char *const *details; /* names and values by turns, NULL-terminated; NULL: none */
    gboolean is_interactive; /* whoever sits there is asked, for as long as it takes; otherwise 25 s are waited */
} AuthorityQuestion;

/* Whether polkit is told the details of a question, or they are left out. */
gboolean authority_takes_details(Authority *authority);

/* NULL with @error: it cannot even be asked (no system bus, a caller of whom no process is known). */
AuthorityCheck *authority_check(Authority *authority, const AuthorityQuestion *question, AuthorityFunc func,
                                gpointer user_data, GError **error);

/* The callback does not come; the dialog, if there is one, goes. */
void authority_check_cancel(AuthorityCheck *check);
