/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs that go on until they are ended, and those whose call gives a descriptor; ctl.c has their table. */
#pragma once

#include "ctl.h"

CtlStatus ctl_run_wait(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_jobs(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_job(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_watch(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_open(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_display(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_screenshot(Ctl *ctl, int argc, char **argv);
CtlStatus ctl_run_shell(Ctl *ctl, int argc, char **argv);
