/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The class of every QMP command: which polkit action stands for it. */
#pragma once

#include <glib.h>

/* HOST is 0 so that what nobody has set is the strictest. */
typedef enum PolicyClass {
    POLICY_CLASS_HOST, /* runs code on the host, opens a way round the policy, or is unknown */
    POLICY_CLASS_OBSERVE, /* reveals no secret and changes nothing */
    POLICY_CLASS_CONTROL, /* the guest's buttons and reversible changes */
    POLICY_CLASS_DESTROY, /* loses guest state or data */
    POLICY_CLASS_CONFIGURE, /* gives the VM host resources, or others a way to what it has */
    POLICY_CLASS_READ_GUEST, /* copies guest memory, screen or secrets out */
    POLICY_CLASS_MIGRATE, /* moves the guest or its state, and what prepares that */
    POLICY_CLASS_MANAGE, /* of the Manager's methods; no QMP command has it */
} PolicyClass;

/* A set of classes: bit 1 << PolicyClass. Whoever wants to do something needs the leave for all of them. */
typedef guint PolicyClasses;
#define POLICY_CLASSES(policy_class) (1u << (policy_class))

/* The class of a command as such. Its arguments can raise it: `migrate` to exec: is no mere migration. A command that
 * the table does not list is HOST. */
PolicyClass policy_class_of_command(const char *qmp_name);

/* The table's own copy of a command's name; NULL: the table does not list it. */
const char *policy_class_find_command(const char *qmp_name);

/* The action's id, "org.qemu.monitor1.observe" for example. */
const char *policy_class_get_action(PolicyClass policy_class);

/* The action that stands for a command before its arguments are known; NULL: for an event. @is_unstable: QEMU says so of the
 * command, whatever the table says of it. */
const char *policy_class_get_command_action(const char *qmp_name, gboolean is_unstable);

/* The name in row @n of the table, counted from 0; NULL past its end. For tests, which hold the table against QEMU's
 * schemas. */
const char *policy_class_get_nth_command(guint n);
