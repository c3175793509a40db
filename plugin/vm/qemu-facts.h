/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The facts that a QEMU has told of itself. Part of QemuConnection, which asks. */
#pragma once

#include "qmp-message.h"

/* Bytes of a text; longer ones are left out: the properties of thousands of VMs go into one message. `-name` is the longest,
 * and the names of VMs end at 255 anyway. */
#define QEMU_FACTS_MAX_TEXT 512

/* A text that QEMU did not tell is empty. */
typedef struct QemuFacts {
    char *name, *uuid, *target, *status; /* owned */
    gboolean running;
    gboolean has_monitor_add; /* QEMU has the command */
    gboolean is_storage_daemon;
    gboolean has_target; /* QEMU has the command query-target */
} QemuFacts;

void qemu_facts_init(QemuFacts *facts);
void qemu_facts_clear(QemuFacts *facts);

/* Takes the reply to query-name, query-uuid, query-target or query-status; NULL: none came. A reply that lacks a fact, or has it
 * with another type, leaves the fact as it was. */
void qemu_facts_read(QemuFacts *facts, const QmpReply *reply);

/* The same for query-status alone: whether the run state is another now. */
gboolean qemu_facts_read_status(QemuFacts *facts, const QmpReply *reply);

/* Likewise query-commands. */
void qemu_facts_read_commands(QemuFacts *facts, const QmpReply *reply);

/* Whether QEMU's machine is not there yet (`-preconfig`): QEMU tells its name then, and refuses most other questions. */
gboolean qemu_facts_lack_machine(const QemuFacts *facts);
