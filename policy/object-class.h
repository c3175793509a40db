/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The classes of QOM objects that `object-add` makes. */
#pragma once

#include "type-class.h"

extern const PolicyTypes policy_object_types;

/* Of `object-add` with @arguments. */
PolicyClasses policy_classes_of_object(JsonObject *arguments);
