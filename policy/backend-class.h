/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The classes of what stands behind a device of the guest's: network and character devices of the host, and displays. (No
 * command of QMP makes an audio back end.) */
#pragma once

#include "type-class.h"

extern const PolicyTypes policy_netdev_types;
extern const PolicyTypes policy_chardev_types;
extern const PolicyTypes policy_display_types;

/* Of `netdev_add` with @arguments. */
PolicyClasses policy_classes_of_netdev(JsonObject *arguments);

/* Of `chardev-add` and `chardev-change` with @arguments. */
PolicyClasses policy_classes_of_chardev(JsonObject *arguments);

/* Of `display-reload` with @arguments. */
PolicyClasses policy_classes_of_display(JsonObject *arguments);
