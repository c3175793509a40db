/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All gates of one VM: a question about the run state is a question for the replies of every monitor. */
#pragma once

#include "reply-gate.h"

typedef struct ReplyGates ReplyGates;

ReplyGates *reply_gates_new(void);
void reply_gates_free(ReplyGates *gates);

/* Borrowed. */
void reply_gates_add(ReplyGates *gates, ReplyGate *gate);
void reply_gates_remove(ReplyGates *gates, ReplyGate *gate);

/* As reply_gate_shut() and _open(), for each of them. The gates may be freed from inside reply_gates_open(). */
void reply_gates_shut(ReplyGates *gates, guint64 question);
void reply_gates_open(ReplyGates *gates, guint64 question);

/* As reply_gate_delay(), likewise. */
void reply_gates_delay(ReplyGates *gates, guint64 question);

/* As reply_gate_hold() and _release(), for each of them, those that are added meanwhile included. Not nested. */
void reply_gates_hold(ReplyGates *gates);
void reply_gates_release(ReplyGates *gates);
