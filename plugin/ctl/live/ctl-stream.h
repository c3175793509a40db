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
    const char *const *there; /* weak; with -H: the verb and its arguments that make standard input and output one there */
} CtlStreamSource;

GIOStream *ctl_stream_open(const CtlStreamSource *source, GError **error);

/* The ssh that such a connection is; owned. NULL: it is none to another host. */
GSubprocess *ctl_stream_dup_ssh(GIOStream *stream);

/* All that a picture's descriptor, or the verb at the other host, gives. */
GBytes *ctl_stream_read(const CtlStreamSource *source, GError **error);

/* Makes standard input and output a connection, until the VM's side ends. What was refused at another host, which has told why,
 * has the exit status that it has there. */
int ctl_relay_stdio(const CtlStreamSource *source);

/* Runs @argv, with the path of a socket in place of each `{}` and in the environment as @variable. Only this user reaches the socket;
 * each connection to it is a new one of @source's. Returns the program's exit status, 128 and the signal's number where one ended it. */
int ctl_relay_program(const CtlStreamSource *source, char **argv, const char *variable);
