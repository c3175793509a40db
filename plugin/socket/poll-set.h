/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sockets of one main context, behind one descriptor (epoll). GLib asks every source of its own at each turn of the loop, and
 * hands each descriptor to poll(): with a thousand VMs each call took four times as long. A socket in a set costs nothing while
 * nothing happens on it. */
#pragma once

#include <glib.h>

typedef struct PollSet PollSet;
typedef struct PollMember PollMember;

typedef struct PollMemberFuncs {
    /* Once after each poll_member_flush_later(), before the loop sleeps. Calls nobody back, and frees nothing. */
    void (*flush)(PollMember *member);
    /* @condition: the descriptor is ready for this; 0: after poll_member_wake(). The member may leave from inside. */
    void (*on_ready)(PollMember *member, GIOCondition condition);
} PollMemberFuncs;

/* Part of the socket. */
struct PollMember {
    PollSet *set; /* ref; NULL: not in a set */
    const PollMemberFuncs *funcs; /* weak */
    int fd; /* weak */
    gboolean is_polled;
    GIOCondition polled; /* for this, beside G_IO_HUP and G_IO_ERR */
    GList waking, flushing; /* in the set's queues; their data is NULL otherwise */
};

/* The set of @context: there is one, and it goes with its last member. Nothing is polled for yet. */
void poll_member_join(PollMember *member, GMainContext *context, int fd, const PollMemberFuncs *funcs);

/* Before the descriptor is closed. No function is called any more. */
void poll_member_leave(PollMember *member);

/* Polls for @wanted, G_IO_HUP and G_IO_ERR; or, with @is_polled FALSE, for nothing. FALSE: errno says why not. */
gboolean poll_member_set(PollMember *member, gboolean is_polled, GIOCondition wanted);

/* on_ready() comes in the next turn. */
void poll_member_wake(PollMember *member);

void poll_member_flush_later(PollMember *member);
