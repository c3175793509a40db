/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instead of the network's DNS: `qemu.test` is 127.0.0.1, `silent.test` answers only when cancelled, no other
 * exists. */
#pragma once

#include <gio/gio.h>

/* For g_resolver_set_default(). */
GResolver *test_resolver_new(void);
