/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* a{sv}: dictionaries of names and values. */
#pragma once

#include "bus-libdbus.h"

/* Appends an entry to @dictionary, whose container is open. @signature: of a basic type; @value: points to it. */
void bus_dictionary_append(DBusMessageIter *dictionary, const char *name, const char *signature, const void *value);
