/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-error.h"

GQuark
qmp_error_quark(void)
{
    return g_quark_from_string("org-qemu-monitor1-qmp-error");
}
