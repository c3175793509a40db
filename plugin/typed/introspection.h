/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU's schema in D-Bus's words: a method for every command, a signal for every event. Here are the rules by which
 * names and types are mapped. */
#pragma once

#include <gio/gio.h>

#include "qmp-schema.h"

/* The name of an argument that holds several members by their QMP names: the optional ones, or all. */
#define DESCRIBE_OPTIONS "options"
#define DESCRIBE_ARGUMENTS "arguments"

/* QMP's own name of what has these annotations; NULL: they do not tell. */
const char *introspection_get_qmp_name(GDBusAnnotationInfo **annotations);

/* The polkit action that stands for a command, which QEMU calls unstable or not; @command: NULL: for an event. Static. */
typedef const char *(*IntrospectionActionFunc)(const char *command, gboolean is_unstable);

/* org.qemu.Monitor1.QMP: the caller's reference. In: a descriptor where the command is about one; the required members
 * one by one, then `a{sv} options` if there are others; or `a{sv} arguments` alone where the command's arguments are a
 * union, or its only required member is an object, or all would make no D-Bus signature. Out: `result`, or nothing
 * where the result is always `{}`. Left out are commands whose name makes no member, or one that an earlier has.
 *
 * @promised: that interface in the contract. Its methods have their arguments from there, whatever this QEMU's own
 * are: clients check a call against the introspection, and a program could not be written once for all QEMUs
 * otherwise. */
GDBusInterfaceInfo *introspection_commands(const QmpSchema *schema, GDBusInterfaceInfo *promised,
                                           IntrospectionActionFunc get_action);

/* org.qemu.Monitor1.Events, likewise: `(a{sv} data, t timestamp)` each. */
GDBusInterfaceInfo *introspection_events(const QmpSchema *schema, IntrospectionActionFunc get_action);
