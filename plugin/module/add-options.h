/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The `options` of AddVM() and AddVMFromFD(). */
#pragma once

#include "bus-libdbus.h"
#include "config.h"

typedef struct AddOptions {
    guint64 timeout; /* us */
    GPtrArray *spares; /* owned, of QmpAddress; NULL: none */
    gboolean isolation_required, isolation_is_default;
    char *user_text; /* owned; as the caller has named a user; NULL: none */
    guint32 user; /* uid: see VmSpec; of @user_text once it is found */
} AddOptions;

/* Reads the dictionary at @iter, which may be missing; what it does not say is by @config, or the default. @address: of the VM;
 * NULL where a descriptor is given. Fails with BUS_ERROR_INVALID_ARGS or QMP_ERROR_INVALID, naming the option. @options is to be cleared in either case. */
gboolean add_options_read(AddOptions *options, DBusMessageIter *iter, const Config *config, const QmpAddress *address,
                          GError **error);

/* Finds the user who is named. A name is looked up in the loop, which it holds for as long as the system's database of users
 * takes (libc has no other way, and agent and module are one thread): only for a caller who has leave. A uid is looked up
 * nowhere. Fails with BUS_ERROR_INVALID_ARGS. */
gboolean add_options_find_user(AddOptions *options, GError **error);

void add_options_clear(AddOptions *options);
