/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A question to the policy. */
#pragma once

#include "bus-peer.h"
#include "command-arguments.h"

/* May @peer do this? Nothing in it is kept. */
typedef struct PolicyRequest {
    const BusPeer *peer; /* the caller, with the uid that the bus vouches for */
    gboolean has_left; /* the caller has left the bus: what was begun in their name goes on */
    gboolean is_interactive; /* they may be asked to authenticate */
    PolicyClasses classes; /* of what they want to do: all of them must be allowed */
    const char *command; /* the name of a QMP command or of a method */
    const char *detail; /* more of the command, for the log alone: a constant; NULL: nothing */
    /* The command's object: the VM, and something in it; NULL: none; a name that is not plain (shown-name.h) is not
     * told on. */
    const char *vm, *uuid, *id;
    const char *bus; /* "system" or "session", for rules */
    guint32 owner_uid; /* the user whose thing it is: the owner of a VM could attach a debugger to it */
    guint32 qemu_uid; /* the user that runs the QEMU, for rules; BUS_PEER_NO_ID: not known */
    guint32 friend_uid; /* another user who may, for example who added the VM; BUS_PEER_NO_ID: nobody */
    gsize size; /* bytes that whoever asks holds meanwhile */
} PolicyRequest;
