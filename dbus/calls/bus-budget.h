/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much a caller may leave unread. A message bus keeps what its receiver does not read, and dbus-daemon stops reading
 * from the sender when it keeps too much of the sender's: one caller who asks and does not read would take the service
 * away from everybody. So every byte that is sent to a caller is counted until the bus says that the caller has it. Only dbus/
 * includes this. */
#pragma once

#include "bus.h"

/* One a Bus, which owns it. */
typedef struct BusBudget BusBudget;
BusBudget *bus_budget_new(Bus *bus);
void bus_budget_free(BusBudget *budget); /* every account has been closed */

/* Bytes that callers have not read, or may have read since the bus told. */
gsize bus_budget_get_unread(BusBudget *budget);

/* One a caller. @name, a unique name, must outlive it. Its bytes count for its user, too. */
typedef struct BusAccount BusAccount;
BusAccount *bus_account_open(BusBudget *budget, const char *name, guint32 uid);
void bus_account_close(BusAccount *account);

/* Whether the caller may be sent anything, and whether at least the news that they may not. In all three functions @account
 * may be NULL, of a caller of whom nothing is known yet: nothing is counted. */
gboolean bus_account_has_room(BusAccount *account);
gboolean bus_account_has_room_for_refusal(BusAccount *account);

/* Has been called for everything that was sent to the caller, after it was sent. */
void bus_account_add(BusAccount *account, DBusMessage *message);

/* The same where it is known how many bytes the values of the message take: to measure them costs as much as to send them. */
void bus_account_add_bytes(BusAccount *account, gsize size);
