/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections that a VM's object gives as descriptors (native sessions, displays), and programs that use them. */
#pragma once

#include "ctl.h"

/* How a connection is had, as often as a program connects. */
typedef struct CtlStreamSource {
    Ctl *ctl; /* weak */
    const char *vm; /* weak; its object; NULL with -H */
    const char *method; /* weak; of org.qemu.Monitor1.VM */
    GVariant *arguments; /* ref */
    char **there; /* weak; with -H: the verb and its arguments that make standard input and output one there */
    gboolean speaks_first; /* the VM's side does, by its protocol */
} CtlStreamSource;

GIOStream *ctl_stream_open(const CtlStreamSource *source, GError **error);

/* The ssh that such a connection is; owned. NULL: it is none to another host. */
GSubprocess *ctl_stream_dup_ssh(GIOStream *stream);

/* Waits for the first byte of a connection to another host whose far side speaks first. FALSE: there is none, because that side has
 * refused. */
gboolean ctl_stream_await_first(GIOStream *stream);

/* The exit status of the verb at the other host, or of ssh itself, whose output has ended. */
int ctl_stream_await_ssh(GSubprocess *ssh);

/* All that a picture's descriptor, or the verb at the other host, gives. NULL: somebody has told why, and *@ret_status is the exit
 * status. */
GBytes *ctl_stream_read(const CtlStreamSource *source, int *ret_status);

/* Makes standard input and output a connection, until the VM's side ends. What was refused at another host, which has told why,
 * has the exit status that it has there. */
int ctl_relay_stdio(const CtlStreamSource *source);

/* Runs @argv once the first connection is there, with the path of a socket in place of each `{}` and in the environment as @variable. Only this user reaches the socket;
 * each connection to it is a new one of @source's. Returns the program's exit status, 128 and the signal's number where one ended it. */
int ctl_relay_program(const CtlStreamSource *source, char **argv, const char *variable);
