/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-monitorctl: what its files share. It knows the D-Bus contract (org.qemu.Monitor1.xml) and nothing of the module. */
#pragma once

#include <gio/gio.h>

#define CTL_SERVICE "org.qemu.Monitor1"
#define CTL_ROOT "/org/qemu/Monitor1"
#define CTL_MANAGER "org.qemu.Monitor1.Manager"
#define CTL_VM "org.qemu.Monitor1.VM"
#define CTL_QMP "org.qemu.Monitor1.QMP"
#define CTL_EVENTS "org.qemu.Monitor1.Events"
#define CTL_JOB "org.qemu.Monitor1.Job"

/* Exit statuses; the manual page documents them. */
typedef enum CtlStatus {
    CTL_OK = 0,
    CTL_FAILED = 1,    /* the service or QEMU refused, or the answer says no */
    CTL_USAGE = 2,     /* the command line is wrong */
    CTL_DENIED = 3,    /* the policy refused */
    CTL_NO_SERVICE = 4, /* neither the bus nor the service can be reached, or they went */
    CTL_NO_VM = 5,     /* no VM is called so */
    CTL_INTERRUPTED = 130,
} CtlStatus;

typedef struct CtlVerb CtlVerb;

typedef struct Ctl {
    const CtlVerb *verbs; /* borrowed: all, by name; ends with one that has no name */
    const CtlVerb *verb;  /* borrowed: the one that runs */
    GDBusConnection *bus; /* owned; NULL until ctl_connect() */
    char *host;           /* owned; [USER@]HOST that ssh reaches, NULL: this machine */
    gboolean is_user;     /* the user's bus, not the system's */
    gboolean is_json;     /* data are printed as JSON */
    gboolean asks_no_password;
    int output_error;     /* errno of the first line that could not be written; 0: all have been */
} Ctl;

/* Where a verb runs if the command line names another machine. */
typedef enum CtlPlace {
    CTL_BY_BUS,  /* here: the bus is reached over ssh */
    CTL_OVER_THERE, /* there, because descriptors do not pass ssh */
    CTL_OVER_THERE_TTY, /* there, with a terminal if there is one here */
} CtlPlace;

struct CtlVerb {
    const char *name;
    const char *arguments; /* for people */
    const char *help;
    CtlPlace place;
    /* argv[0] is the verb. Returns the exit status, after it has told of what went wrong. */
    CtlStatus (*run)(Ctl *ctl, int argc, char **argv);
};
