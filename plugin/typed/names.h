/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How names cross between QEMU and D-Bus. */
#pragma once

#include <glib.h>

#define MONITOR_BUS_NAME "org.qemu.Monitor1"
#define MONITOR_PATH "/org/qemu/Monitor1"
#define MONITOR_VM_PATH MONITOR_PATH "/vm/"
#define MONITOR_MANAGER_INTERFACE "org.qemu.Monitor1.Manager"
#define MONITOR_VM_INTERFACE "org.qemu.Monitor1.VM"
#define MONITOR_JOB_INTERFACE "org.qemu.Monitor1.Job"
#define MONITOR_QMP_INTERFACE "org.qemu.Monitor1.QMP"
#define MONITOR_EVENTS_INTERFACE "org.qemu.Monitor1.Events"
#define MONITOR_NAME_ANNOTATION "org.qemu.Monitor1.Name"
#define MONITOR_ACTION_ANNOTATION "org.qemu.Monitor1.Action"
#define MONITOR_UNSTABLE_ANNOTATION "org.qemu.Monitor1.Unstable"

/* Bytes. A path of D-Bus has no limit of its own; a name is for people, and stands in every message and log line. */
#define VM_NAME_MAX 255

/* The D-Bus member for a QMP command or event: words at everything that is no letter or digit, each with a capital:
 * query-status → QueryStatus, BLOCK_IO_ERROR → BlockIoError, __com.redhat_drive_add → ComRedhatDriveAdd. NULL where
 * that makes no valid member name (nothing left, a digit in front, more than 255 bytes). */
char *names_member_from_qmp(const char *qmp_name);

/* The name of a method's argument for a member: what no programming language takes in an identifier becomes `_`, so
 * that generated proxies compile. */
char *names_arg_from_qmp(const char *qmp_name);

/* The object path of a VM: every byte of @vm_name outside [A-Za-z0-9] as `_xx`. */
char *names_path_from_vm(const char *vm_name);

/* The object path of a job of that VM, its id escaped in the same way. The migration and the dump have theirs for
 * themselves: of a job of QEMU's (@is_qmp) that is called like one of them the first letter is escaped too. */
char *names_path_from_job(const char *vm_name, const char *id, gboolean is_qmp);

/* Whether a VM can be called that: 1 to VM_NAME_MAX bytes of UTF-8 without control characters and without
 * bidirectional formatting, by which a name would look like another one. Otherwise FALSE with
 * BUS_ERROR_INVALID_ARGS. */
gboolean names_check_vm(const char *vm_name, GError **error);

/* Whether a text is written like a UUID. Such a text means the VM that has the UUID, so no other VM is called that. */
gboolean names_is_uuid(const char *text);

/* Whether a VM of that UUID can be called that: a name written like a UUID is the VM's own one (the nil UUID is no
 * VM's). Otherwise FALSE with BUS_ERROR_INVALID_ARGS. */
gboolean names_check_own_uuid(const char *vm_name, const char *uuid, GError **error);

/* The UUID that QEMU tells when it was started without `-uuid`. */
#define NAMES_NIL_UUID "00000000-0000-0000-0000-000000000000"

/* Whether QAPI's rules let a command be called that: [A-Za-z0-9_.-], 1 to 255 bytes. Otherwise FALSE with
 * BUS_ERROR_INVALID_ARGS. */
gboolean names_check_command(const char *command, GError **error);
