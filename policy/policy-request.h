/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the policy is asked. */
#pragma once

#include "bus-peer.h"
#include "command-arguments.h"

/* May @peer do this? Nothing in it is kept. */
typedef struct PolicyRequest {
    const BusPeer *peer; /* the caller, with the uid that the bus vouches for */
    gboolean has_left; /* the caller has left the bus: what was begun in their name goes on */
    gboolean is_interactive; /* they may be asked to authenticate */
    PolicyClasses classes; /* of what they want to do: all of them must be allowed */
    const char *command; /* what it is: a QMP command, or a method's name */
    const char *detail; /* more of what it is, for the log alone: a constant; NULL: nothing */
    /* What it is done to: the VM, and something in it; NULL: none; not told on where it is not plain (shown-name.h). */
    const char *vm, *uuid, *id;
    const char *bus; /* "system" or "session", for rules */
    guint32 owner_uid; /* the user whose thing it is: the owner of a VM could attach a debugger to it */
    guint32 qemu_uid; /* who runs the QEMU, for rules; BUS_PEER_NO_ID: not known */
    guint32 friend_uid; /* another user who may, for example who added the VM; BUS_PEER_NO_ID: nobody */
    gsize size; /* bytes that whoever asks holds meanwhile */
} PolicyRequest;
