/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queries of a Bus, from its beginning to its end. bus.h has what everybody asks with. */
#pragma once

#include "bus.h"

void bus_queries_open(Bus *bus);
void bus_queries_close(Bus *bus); /* forgets them */
void bus_queries_disconnected(Bus *bus); /* fails them */

/* A method return or an error that has come. The Bus may be closed when it returns. */
void bus_queries_take_reply(Bus *bus, DBusMessage *reply);
