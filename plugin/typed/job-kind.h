/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of slow work that are objects on the bus. */
#pragma once

typedef enum JobKind {
    JOB_QMP, /* QEMU's jobs, which block jobs are some of */
    JOB_MIGRATION, /* the one, in or out */
    JOB_DUMP, /* the one that is detached */
    N_JOB_KINDS,
} JobKind;

/* The names of the one migration and the one dump. A job of QEMU's may have the same name. */
#define JOB_ID_MIGRATION "migration"
#define JOB_ID_DUMP "dump"
