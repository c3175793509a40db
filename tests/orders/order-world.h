/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module with everybody around it: a bus, a polkit, a QEMU, callers, the host. All of them run in one thread, and nothing
 * of them moves but inside order_world_settle(), so that the order of what happens is the test's. */
#pragma once

#include "order-caller.h"
#include "order-host.h"
#include "order-polkit.h"
#include "order-qemu.h"
#include "test-bus-daemon.h"

#define ORDER_NAME "org.qemu.Monitor1"
#define ORDER_ROOT "/org/qemu/Monitor1"
#define ORDER_VM_PATH ORDER_ROOT "/vm/web"
#define ORDER_JOB_PATH ORDER_VM_PATH "/job/j0"

/* Of the sockets that clients of native sessions connect to, below the directory. */
#define ORDER_NATIVE "/qemu-monitor/native"

/* The client of a native session, or the descriptor of a caller who has opened one at a path. */
typedef struct OrderClient {
    int fd; /* owned */
    gboolean has_ended; /* the other side has closed */
} OrderClient;

/* How the module is told of the VM. */
typedef enum OrderWay {
    ORDER_WAY_FD, /* by a descriptor */
    ORDER_WAY_SPARES, /* by a descriptor, with the address of a spare monitor */
    ORDER_WAY_GROUP, /* by a group of the key file, with the address where its QEMU listens */
    ORDER_WAY_ADDRESS, /* by AddVM(), with the path of a socket */
} OrderWay;

/* How far the VM is when an order begins. */
typedef enum OrderStage {
    ORDER_STAGE_NOTHING, /* nobody has added one, and no QEMU listens */
    ORDER_STAGE_ADDING, /* it is being added: its QEMU does not answer */
    ORDER_STAGE_ADDED,
} OrderStage;

/* Worlds differ in these. */
typedef struct OrderWorldKind {
    const char *name;
    OrderQemuKind qemu;
    OrderWay way;
    OrderConfig config;
    gboolean is_varied; /* it differs little from another */
} OrderWorldKind;

typedef struct OrderWorld {
    const OrderWorldKind *kind; /* weak */
    TestDaemon *daemon; /* owned */
    OrderPolkit *polkit; /* owned */
    OrderCaller *keeper; /* owned; adds and removes the VM, and hears every signal */
    OrderCaller *a, *b; /* owned; of one order; b: NULL until it calls */
    OrderHost host;
    OrderQemu *qemu; /* owned; of one order */
    OrderQemu *former; /* owned; that had the VM's name before; NULL: none had */
    GPtrArray *clients; /* owned, of OrderClient, owned */
    GHashTable *published; /* owned; paths of objects that the module has added and not removed */
    char *directory; /* owned; that the module may write to; NULL: none */
    char *path; /* owned; of the native session that was opened last with one; NULL: none was */
    char *socket; /* owned; the path that AddVM() gets; NULL: VMs come otherwise */
    guint n_succeeded; /* calls of AddVM() in this order */
    guint n_came; /* times in this order that the VM has come on the bus */
    gboolean is_kept; /* the next agent is to find the VM: AddVM() has succeeded, and nobody and nothing has ended that */
    gint64 asked_at; /* monotonic us; when polkit was last known to have a question */
    guint n_names; /* of sockets, used so far */
    gboolean
        is_removed; /* nobody wants the VM: RemoveVM has been called, its group is out of the key file, the agent has lost it */
    gboolean is_reloaded; /* the configuration is another one than the order began with */
    gboolean has_quit; /* an instance was stopped without any preparation */
    gboolean has_stopped; /* an instance was stopped, or is being stopped */
    gboolean has_picture; /* a screenshot was asked for, whose fdset stays in QEMU as long as the VM */
    guint64 n_asked_before; /* questions to polkit, before the instance was started */
    guint n_heard; /* events, as signals, since the VM was added */
    guint64 n_moves; /* of anybody */
    guint n_turns; /* since everybody was quiet */
    GString *fault; /* owned; empty: none */
    guint n_fds, n_polled; /* with an instance that runs and has nothing to do */
} OrderWorld;

OrderWorld *order_world_new(const OrderWorldKind *kind);
void order_world_free(OrderWorld *world);

/* An instance that is ready, a VM as far as @stage, a caller. Polkit answers at once, and so does QEMU once the VM is added. */
void order_world_begin(OrderWorld *world, OrderStage stage);

/* The instance is stopped: at once, or with a preparation that may take its time, or is over. Another one is started. */
void order_world_quit(OrderWorld *world);
void order_world_stop(OrderWorld *world);
void order_world_end_stop(OrderWorld *world);
void order_world_start(OrderWorld *world);

/* A call of a caller's; @message: taken. */
void order_world_send(OrderWorld *world, OrderCaller *caller, const char *what, DBusMessage *message);

/* Another caller comes. */
OrderCaller *order_world_add_caller(OrderWorld *world, const char *name);

/* From here on QEMU and polkit answer when they are told to. */
void order_world_hold(OrderWorld *world);

/* Runs everybody until nobody has anything to do. */
void order_world_settle(OrderWorld *world);

/* The client's end of a native session; taken. */
void order_world_add_client(OrderWorld *world, int fd);

/* Lets time pass, and everybody run at each moment for which somebody waits. */
void order_world_pass_time(OrderWorld *world, gint64 microseconds);

/* The first fault counts. */
void order_world_fail(OrderWorld *world, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Whether the VM can still be called. */
gboolean order_world_has_vm(OrderWorld *world);

/* The one that has not ended and was opened last; NULL: there is none. */
OrderClient *order_world_get_client(OrderWorld *world);

/* A method call to the module, with types and values as dbus_message_append_args() takes them; ends with
 * DBUS_TYPE_INVALID. */
DBusMessage *order_world_new_call(OrderWorld *world, const char *path, const char *interface, const char *member,
                                  int first_type, ...);

/* us until the main context has something to do; -1: it waits for nobody but @ret_n_polled descriptors. */
gint64 order_world_get_next(guint *ret_n_polled);
