/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The classes of block drivers, wherever a command names one (as a node, as a format, in a file's name), and of exports. */
#pragma once

#include "type-class.h"

extern const PolicyTypes policy_block_types;
extern const PolicyTypes policy_export_types;

/* Of @arguments of the command @qmp_name as far as block drivers are in them; 0: there are none. */
PolicyClasses policy_classes_of_block(const char *qmp_name, JsonObject *arguments);
