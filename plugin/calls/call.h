/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a method call: from the arguments through the policy's gate and a turn on QEMU's monitor to the
 * reply. */
#pragma once

#include <json-glib/json-glib.h>

#include "qmp-message.h"
#include "vm-context.h"

/* A call of any method of org.qemu.Monitor1.QMP, which is consumed; a BusMethodFunc. The data: a VmContext. */
void call_method(BusCall *call, gpointer vm_context);

/* Runs a QMP command for a caller, and consumes @call. @arguments: an object, borrowed; NULL: none. @size: bytes of JSON
 * that they make. @result: the D-Bus type that the reply has, a constant: "v", or NULL for the JSON text as a string. */
void call_execute(VmContext *vm_context, BusCall *call, const char *command, JsonNode *arguments, gsize size,
                  const char *result);

/* The same for a method without a result that stands for a command, of an @object that may go while the caller waits for leave.
 * A call_object_gone() then answers the call, which is not done to another object of that name. */
void call_execute_of(VmContext *vm_context, BusCall *call, const char *command, JsonNode *arguments,
                     gconstpointer object);
void call_object_gone(Context *context, gconstpointer object);

/* A call of Introspect on a VM, which is consumed: it waits until more can be said than what the contract promises. A
 * BusIntrospectFunc. */
void call_introspect(BusCall *call, gpointer vm_context);

/* A method of the VM interface that is no QMP command, which is consumed: goes on with @then once the policy's gate has
 * let the caller through. Its message may be gone by then. @arguments: what was read of it, taken; NULL: nothing. */
typedef void (*CallGatedFunc)(BusCall *call, VmContext *vm_context, char **arguments);
void call_gated(VmContext *vm_context, BusCall *call, char **arguments, CallGatedFunc then);

/* The same before the policy is asked, for what has to be known to read the arguments: goes on with @then once it is known what
 * QEMU understands. @arguments: taken, and gone when @then returns. */
void call_when_described(VmContext *vm_context, BusCall *call, char **arguments, CallGatedFunc then);

/* The calls of one instance. When they are freed all must have been answered. */
Calls *calls_new(void);
void calls_free(Calls *calls);

/* A caller has left: what it had waiting is not sent any more, and replies to the rest are dropped. */
void call_drop_caller(Context *context, const char *unique_name);
