/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which D-Bus error a caller gets for what went wrong. */
#pragma once

#include "bus-call.h"
#include "qmp-interfaces.h"
#include "qmp-message.h"

/* Answer, and consume the call: with an error of any domain of ours … */
void errors_fail(BusCall *call, const GError *error);

/* … or with the one that QEMU returned: `org.qemu.Monitor1.Error.` and QMP's class, QEMU's own text … */
void errors_fail_qmp(BusCall *call, const QmpReply *reply);

/* … to @command; where there is no such command, with the nearest name that @interfaces have behind QEMU's text. */
void errors_fail_command(BusCall *call, const QmpReply *reply, QmpInterfaces *interfaces, const char *command);
