/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of an event: from QEMU's words to signals on the bus. */
#pragma once

#include "vm-schema.h"

typedef struct Events Events;

/* The events of a VM, signalled by its object as its schema says. Borrows @vm_context, which must outlive it. */
Events *events_new(VmContext *vm_context);

/* No event comes any more: events that wait for the schema are sent as they can be. Replies that wait for those
 * events go on waiting. */
void events_stop(Events *events);

/* After events_stop(). Replies that waited for events are told. */
void events_free(Events *events);

/* Sends the event: to all on a session bus, to those who subscribed on the system bus. */
void events_publish(Events *events, const QmpEvent *event);

/* Whether somebody has subscribed. */
gboolean events_has_subscribers(Events *events);

/* @names: QMP names, copied; NULL or empty: all. Replaces the names of an earlier call for @unique_name. */
void events_subscribe(Events *events, const char *unique_name, const char *const *names);
void events_unsubscribe(Events *events, const char *unique_name);
