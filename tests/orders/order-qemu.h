/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU whose every answer is a step: commands are read and held until the test has them answered or refused. It keeps
 * what QEMU keeps: character devices, monitor objects, names of descriptors, fdsets, jobs, the run state; so that a test
 * can tell what was left in it. It has no source on any main context: the test calls order_qemu_run(). */
#pragma once

#include <glib.h>

typedef struct OrderQemu OrderQemu;

/* How monitors are plugged into it. */
typedef enum OrderQemuKind {
    ORDER_QEMU_OBJECTS, /* as objects */
    ORDER_QEMU_MONITOR_ADD, /* by commands of their own */
    ORDER_QEMU_SHARED, /* not at all */
} OrderQemuKind;

OrderQemu *order_qemu_new(OrderQemuKind kind);
void order_qemu_free(OrderQemu *qemu);

/* It has a control monitor. The other end, the caller's. */
int order_qemu_connect(OrderQemu *qemu);

/* It has a monitor, which listens at an abstract socket: the control monitor, or a spare one. */
void order_qemu_listen(OrderQemu *qemu, const char *name, gboolean is_spare);

/* It has a control monitor, which listens at a path: whatever is there goes. */
void order_qemu_listen_at(OrderQemu *qemu, const char *path);
gboolean order_qemu_is_listening(OrderQemu *qemu);

/* FALSE, as it begins: everything is answered at once. When holding ends, QEMU goes on, and held commands are answered. */
void order_qemu_set_holding(OrderQemu *qemu, gboolean is_holding);

/* Reads what has come. Whether something had. */
gboolean order_qemu_run(OrderQemu *qemu);

/* Its process is stopped by SIGSTOP, and goes on: it takes no connection, reads nothing and answers nothing meanwhile. */
void order_qemu_stop(OrderQemu *qemu);
void order_qemu_go_on(OrderQemu *qemu);
gboolean order_qemu_is_stopped(OrderQemu *qemu);

guint order_qemu_count_held(OrderQemu *qemu);
guint order_qemu_count_events(OrderQemu *qemu); /* that it has sent since its control monitor was connected */
gboolean order_qemu_is_up(OrderQemu *qemu); /* its control monitor has a client */
gboolean order_qemu_has_gone(OrderQemu *qemu);
gboolean order_qemu_has_job(OrderQemu *qemu);
guint order_qemu_count_plugged(OrderQemu *qemu);

/* Answers all that is held, or the oldest of it; or refuses all of it. */
void order_qemu_answer_all(OrderQemu *qemu);
void order_qemu_answer_one(OrderQemu *qemu);
void order_qemu_refuse_all(OrderQemu *qemu);

/* The agent has ended, or lets go of the VM: commands that are held now are refused no more. A QEMU that is sure to take a monitor refuses nothing of what an agent has left
 * to it (vm/plug-guard.h). */
void order_qemu_leave(OrderQemu *qemu);

/* The guest runs. */
void order_qemu_continue(OrderQemu *qemu);

void order_qemu_end_job(OrderQemu *qemu);

/* An event that nothing has led to. */
void order_qemu_tell_event(OrderQemu *qemu);

/* Tells that it ends, as a QEMU does that may yet stay. And what it was asked in band all the same; NULL: nothing. */
void order_qemu_power_off(OrderQemu *qemu);
const char *order_qemu_get_asked(OrderQemu *qemu);

/* Ends, with all of its connections and what it has; or ends the connections of monitors that are not the control monitor. */
void order_qemu_go(OrderQemu *qemu);
void order_qemu_drop_plugged(OrderQemu *qemu);

/* Whether its guest stood at any time: QEMU removes no fdset then. */
gboolean order_qemu_was_paused(OrderQemu *qemu);

/* Whether the agent has left it with commands that were not answered. */
gboolean order_qemu_was_left(OrderQemu *qemu);

/* Names the left-overs in it; NULL: there is none, or its process has ended, or it has not answered the agent for a while, which
 * then cannot know. */
char *order_qemu_dup_left_over(OrderQemu *qemu, gboolean counts_fdsets);
