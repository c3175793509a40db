/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A polkit whose every answer is a step. It has no source on any main context: the test calls order_polkit_run(). */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

typedef struct OrderPolkit OrderPolkit;

typedef enum OrderPolkitAnswer {
    ORDER_POLKIT_YES,
    ORDER_POLKIT_NO,
    ORDER_POLKIT_CHALLENGE, /* yes, if somebody could be asked for a password */
} OrderPolkitAnswer;

OrderPolkit *order_polkit_new(const char *bus_address);
void order_polkit_free(OrderPolkit *polkit);

/* Reads what has come. */
void order_polkit_run(OrderPolkit *polkit);
DBusConnection *order_polkit_get_connection(OrderPolkit *polkit); /* NULL: it has left */

guint order_polkit_count_questions(OrderPolkit *polkit); /* that wait */
guint64 order_polkit_count_asked(OrderPolkit *polkit); /* ever */

/* The oldest question that has been neither answered nor cancelled. */
void order_polkit_answer(OrderPolkit *polkit, OrderPolkitAnswer answer);

/* Leaves the bus, with every question unanswered; and comes back. */
void order_polkit_leave(OrderPolkit *polkit);
void order_polkit_join(OrderPolkit *polkit);

/* Every question is answered with yes at once. */
void order_polkit_set_obliging(OrderPolkit *polkit, gboolean is_obliging);
