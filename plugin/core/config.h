/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The administrator's settings, in the module's key file:
 *
 *   [qemu-monitor]
 *   max-reply=33554432     bytes of one reply of QEMU's, 64 KiB to 1 GiB
 *   idle-timeout=10        seconds, 0.001 to a day: a caller's monitor is removed after so long without a command
 *   max-monitors=16        that callers have in one QEMU at once, 1 to 1000: each slows it down
 *   isolation=preferred    or `required`: whether callers may share a monitor where there are too few
 *   audit=changes          or `all`: whether allowed calls that only observe are in the log
 *   owner=allow            or `polkit`: whether the user that a QEMU runs as may do everything to it without polkit
 *
 *   [vm NAME]
 *   address=unix:/run/vm/web.sock
 *   spares=unix:/run/vm/web-2.sock;unix:/run/vm/web-3.sock    monitors that this QEMU has for callers
 *   isolation=required     for this VM
 *   user=alice             or a uid; with `,server=on` at a Unix address: whose QEMU may connect
 *
 * A mistake in a [vm NAME] group costs that VM, a wrong number the default in its place, and a name that does not exist is
 * passed over; each is a ConfigProblem. A wrong value of `isolation` or `owner`, which protect, fails the whole, and so does a
 * key that probably means one of them and is misspelt or in another group. */
#pragma once

#include "qmp-address.h"

typedef struct ConfigVm {
    char *name; /* owned */
    QmpAddress *address; /* owned */
    GPtrArray *spares; /* owned, of QmpAddress */
    gboolean isolation_required;
    gboolean has_user; /* the group names one */
    guint32 user; /* uid: see VmSpec */
    gboolean isolation_is_default; /* its group says nothing */
} ConfigVm;

/* A mistake that the rest of the key file does without. */
typedef struct ConfigProblem {
    gboolean is_error; /* something is not as it was meant; otherwise a warning */
    char *vm; /* owned; the VM whose group it is in; NULL: none */
    char *text; /* owned; names group, key and what is wrong, and before them file and line where they are known */
} ConfigProblem;

typedef struct Config {
    gsize max_reply;
    guint64 idle_timeout; /* us */
    guint max_monitors;
    gboolean isolation_required; /* where nothing else is said of a VM */
    gboolean owner_needs_polkit;
    gboolean audit_all; /* not only what changes something or is refused */
    GPtrArray *vms; /* owned, of ConfigVm */
    GPtrArray *problems; /* owned, of ConfigProblem; in the order of the key file, the main group first */
} Config;

/* @key_file may be NULL: the defaults. @path: the file that it was read from, for errors; NULL: not known. Fails with
 * BUS_ERROR_INVALID_ARGS for a wrong value of a key that protects, or for such a key misspelt, with a text as a problem's. */
Config *config_new(GKeyFile *key_file, const char *path, GError **error);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)
