/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings of a VM as text, which the key file, AddVM() and the state file take alike. */
#pragma once

#include "qmp-address.h"

/* All fail with BUS_ERROR_INVALID_ARGS, or QMP_ERROR_INVALID for an address. */

/* One of two words: FALSE is @no. */
gboolean config_value_read_word(const char *text, const char *no, const char *yes, gboolean *ret_yes, GError **error);

/* `isolation`: `preferred` or `required`. */
gboolean config_value_read_isolation(const char *word, gboolean *ret_required, GError **error);

/* `spares`: addresses that QEMU listens at. Owned, of QmpAddress. @addresses: NULL: none. */
GPtrArray *config_value_read_spares(const char *const *addresses, GError **error);

/* `user`: a name or a uid. The search for a name blocks for as long as the system's directory of users takes, which may be another
 * machine. It is for a VM at @address, which has to be a Unix socket that the agent listens at. */
gboolean config_value_read_user(const char *text, guint32 *ret_uid, GError **error);
gboolean config_value_check_user(const QmpAddress *address, GError **error);
