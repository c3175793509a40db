/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the administrator has set in the module's key file:
 *
 *   [qemu-monitor]
 *   max-reply=33554432     bytes of one reply of QEMU's, 64 KiB to 1 GiB
 *
 *   [vm NAME]
 *   address=unix:/run/vm/web.sock
 *
 * Anything else in it is an error, so that a misspelt word is noticed. */
#pragma once

#include "qmp-address.h"

typedef struct ConfigVm {
    char *name; /* owned */
    QmpAddress *address; /* owned */
} ConfigVm;

typedef struct Config {
    gsize max_reply;
    GPtrArray *vms; /* owned, of ConfigVm */
} Config;

/* @key_file may be NULL: the defaults. Fails with BUS_ERROR_INVALID_ARGS or QMP_ERROR_INVALID, naming group and
 * key. */
Config *config_new(GKeyFile *key_file, GError **error);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)
