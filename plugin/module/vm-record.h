/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM in words, from which the next agent makes it again: one group of the state file. */
#pragma once

#include "vm-spec.h"

typedef struct VmRecord {
    VmSpec *spec; /* owned; has a name */
    char *descriptor; /* owned; by which name its connection is in the host's store; NULL: it is not there */
    char *session; /* owned; of the connection, see qmp_client_dup_session(); with @descriptor */
    gboolean has_ended; /* nobody wants the VM any more: only its name and origin are told */
} VmRecord;

/* The beginning of every record, on a line of its own, and nowhere else in one. */
#define VM_RECORD_HEADER "[vm]\n"

/* Takes all but @spec, of which it makes a copy. */
VmRecord *vm_record_new(const VmSpec *spec, char *descriptor, char *session);
void vm_record_free(VmRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VmRecord, vm_record_free)

/* As text that ends with a newline. */
char *vm_record_print(const VmRecord *record);

/* The record of a VM that nobody wants any more, likewise. */
char *vm_record_print_end(VmOrigin origin, const char *name);

/* NULL with an error that says what is wrong. Keys that a later agent may have written besides are passed over. */
VmRecord *vm_record_parse(const char *text, GError **error);

/* An agent that is killed, or has no room, while it adds a record leaves a part of it behind, the last line of which has no end. Of a
 * number there the rest may be missing: nothing of that record counts. The record before it is whole. Whether there was one; @text,
 * which begins with a newline, ends before it then. */
gboolean vm_record_cut_torn(char *text);
