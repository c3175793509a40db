/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guesses at what a caller meant who named something that an object has not: the end of an error's text ("; did you
 * mean QueryStatus?", "; org.qemu.Monitor1.QMP has it"), or "" where nothing is near. To be freed. */
#pragma once

#include "bus-tree.h"

/* @interface: the one that was named and that the object has; NULL: the caller named none. */
char *bus_hint_method(BusTree *tree, const BusNode *node, const char *interface, const char *member);
char *bus_hint_property(BusTree *tree, const BusNode *node, const char *interface, const char *property);

char *bus_hint_interface(BusTree *tree, const BusNode *node, const char *interface);

/* @parent: the path above the one that is not there, if it is; @name: the last word of that one. */
char *bus_hint_object(const BusNode *parent, const char *name);
