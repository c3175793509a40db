/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of qemu-monitorctl; ctl.c has their table. Each reads its own options, and tells of what goes wrong. */
#pragma once

#include "ctl.h"

CtlStatus ctl_run_list(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_status(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_show(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_call(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_allowed(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_add(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_add_fd(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_remove(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_complete(Ctl *ctl, int argc, char **argv);
