/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The classes of devices that `device_add` plugs, and of their properties. */
#pragma once

#include "type-class.h"

/* The names, for tests: a space between them. */
typedef struct PolicyDevices {
    const char *names; /* of types, without what transport a virtio device has */
    PolicyClasses classes;
} PolicyDevices;

/* The @n-th group of devices, counted from 0; NULL: there is none. */
const PolicyDevices *policy_devices_get_nth(guint n);

/* All properties that may be text, a list or an object. */
const char *policy_devices_get_properties(void);

/* The group that the type or alias @name belongs to; NULL: no table names it. */
const PolicyDevices *policy_devices_find(const char *name);

/* Of `device_add` with @arguments. */
PolicyClasses policy_classes_of_device(JsonObject *arguments);
