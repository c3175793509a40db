/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "context.h"

#include <unistd.h>

guint32
context_get_uid(void)
{
    return geteuid();
}
