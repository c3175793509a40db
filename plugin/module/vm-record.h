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

/* The end of every record, and of what is before the first: an empty line, and no other is in one. */
#define VM_RECORD_END "\n"

/* Takes all but @spec, of which it makes a copy. */
VmRecord *vm_record_new(const VmSpec *spec, char *descriptor, char *session);
void vm_record_free(VmRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VmRecord, vm_record_free)

/* As text. */
char *vm_record_print(const VmRecord *record);

/* The record of a VM that nobody wants any more, likewise. */
char *vm_record_print_end(VmOrigin origin, const char *name);

/* NULL with an error that says what is wrong. Keys that a later agent may have written besides are passed over. */
VmRecord *vm_record_parse(const char *text, GError **error);

/* Once for each record of a file, in order. @record is taken; NULL: the record of this @number, counted from 1, is broken, by @error. */
typedef void (*VmRecordFunc)(VmRecord *record, guint number, const GError *error, gpointer user_data);

typedef enum VmRecordsFaults {
    VM_RECORDS_TORN = 1, /* the last record was not written to its end, and does not count */
    VM_RECORDS_BROKEN = 2, /* text that no agent writes: a broken record, or something before the first */
    VM_RECORDS_TOO_MANY = 4, /* those beyond VM_RECORDS_MAX were not read */
} VmRecordsFaults;

/* Three of each VM that the registry has room for (10,000): a file is written anew 100 ms after the first record that nobody needs.
 * So many take 0.2 s to read, in which the agent has not begun to answer anybody. */
#define VM_RECORDS_MAX 30000u

/* Reads the text of a file; each record by itself, in time linear in the text. */
VmRecordsFaults vm_records_read(const char *text, VmRecordFunc func, gpointer user_data);
