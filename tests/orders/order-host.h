/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host of the module, as the agent is one: the instance is started and stopped through the module's descriptor. */
#pragma once

#include <dbus/dbus.h>

#include "management-module.h"

typedef struct OrderHost {
    ManagementHost table;
    GKeyFile *key_file; /* owned */
    gpointer instance; /* owned; NULL: stopped */
    GHashTable *store; /* owned; name → int, owned; NULL: there is none */
    gboolean is_ready, is_stopping, has_stopped;
    DBusConnection *connection; /* weak; of the instance, to the bus of its callers */
    gboolean is_cut; /* that is lost */
    gboolean has_failed; /* the instance has said so */
} OrderHost;

/* The key file, as far as orders change it. */
typedef struct OrderConfig {
    gboolean asks_owner; /* polkit is asked about the user of the QEMU as well */
    gboolean requires_isolation;
    guint max_monitors; /* 0: as many as by default */
    gboolean is_system; /* the bus is the system's */
    gboolean has_store; /* of descriptors, and of what the agent writes for the next one */
    gboolean is_foreign; /* the agent is another user's than the callers */
} OrderConfig;

void order_host_init(OrderHost *host, const char *bus_address, const OrderConfig *config);
void order_host_clear(OrderHost *host);

void order_host_start(OrderHost *host);

/* Change the key file, which the instance reads when it starts, or by order_host_reload(). @address: of the VM's group; NULL: it has
 * none. */
void order_host_set_asks_owner(OrderHost *host, gboolean asks_owner);
void order_host_set_group(OrderHost *host, const char *address);
gboolean order_host_has_group(OrderHost *host);
void order_host_reload(OrderHost *host);

/* The connection to the bus ends. The instance fails, and is to be stopped. */
void order_host_cut(OrderHost *host);

/* Begins to stop, and stops if nothing is to be waited for. */
void order_host_prepare_stop(OrderHost *host);

/* Stops now. */
void order_host_stop(OrderHost *host);
