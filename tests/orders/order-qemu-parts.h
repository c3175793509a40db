/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of the scripted QEMU: its life (order-qemu.c), its monitors (order-monitor.c), its commands
 * (order-qemu-commands.c). */
#pragma once

#include "json-framer.h"
#include "json-tree.h"
#include "order-qemu.h"

typedef struct OrderMonitor OrderMonitor;

/* A monitor that QEMU was started with, and listens for. It takes one client at a time. */
typedef struct OrderListener {
    int fd; /* owned */
    gboolean is_spare; /* not the control monitor */
    OrderMonitor *monitor; /* weak; of its client; NULL: it has none */
} OrderListener;

struct OrderMonitor {
    OrderQemu *qemu; /* weak */
    OrderListener *listener; /* weak; NULL: it came otherwise */
    int fd; /* owned; -1: the other side has gone, and the monitor stays */
    char *id; /* owned; of the monitor and its character device; NULL: QEMU was started with it */
    JsonFramer framer; /* of what comes */
    GArray *fds; /* owned, of int, owned; that came, and whose commands have not been read */
    GHashTable *names; /* owned; name → int, owned; by getfd */
    gboolean is_negotiated, has_capabilities; /* the command has come, and was answered */
    gboolean was_late; /* the last answer, by more than the agent's patience */
};

/* A command that waits for its answer. */
typedef struct OrderCommand {
    OrderMonitor *monitor; /* weak */
    JsonNode *node; /* owned */
    int fd; /* owned; -1: none */
    gint64 since; /* monotonic us */
    gboolean is_left; /* its agent has ended, or has let go of the VM */
} OrderCommand;

/* A set of one descriptor. */
typedef struct OrderFdset {
    int fd; /* owned */
    char *opaque; /* owned; may be NULL */
} OrderFdset;

struct OrderQemu {
    OrderQemuKind kind;
    gboolean is_holding, is_running, was_paused, has_gone;
    gboolean was_left; /* by the agent, with commands to the control monitor that were not answered */
    gboolean was_silent; /* for longer than the agent's patience, on some monitor */
    gboolean is_stopped; /* its process is */
    gint64 stopped_at; /* monotonic us; what is read then has waited since; 0: it runs, and has read all that came meanwhile */
    GPtrArray *monitors; /* owned, of OrderMonitor */
    GPtrArray *listeners; /* owned, of OrderListener */
    GQueue held; /* of OrderCommand, owned */
    GHashTable *chardevs; /* owned; id → int, owned: its connection; -1: a monitor has it */
    GHashTable *fdsets; /* owned; number → OrderFdset, owned */
    char *job; /* owned; id; NULL: none */
    gboolean has_job_ended;
    guint n_events; /* sent */
    guint n_stamps; /* of events */
    gint64 shutdown_at; /* monotonic us; it has told of its end, and nothing since; 0: it has not, or to another agent */
    gboolean has_shut_down;
    char *asked; /* owned; a command that came in band after that; NULL: none */
};

/* A GDestroyNotify of a descriptor; negative: none. */
void order_close_fd(gpointer fd);

gboolean order_monitor_is_control(OrderMonitor *monitor);

/* Reads what has come. FALSE: the other side has gone. */
gboolean order_monitor_read(OrderMonitor *monitor, gboolean *ret_has_read);

/* The connection ends. A monitor object was added with close-action=delete; one of monitor-add stays until it is removed. */
void order_monitor_end(OrderMonitor *monitor);

/* A GDestroyNotify. */
void order_monitor_free(gpointer monitor);

/* The other end of @fd, taken, gets a greeting. Borrowed. */
OrderMonitor *order_qemu_add_monitor(OrderQemu *qemu, int fd, const char *id);

void order_qemu_send_event(OrderQemu *qemu, const char *name, const char *data);

/* JOB_STATUS_CHANGE of its job. */
void order_qemu_tell_job(OrderQemu *qemu, const char *status);

/* Take @command. */
void order_command_answer(OrderCommand *command);
void order_command_refuse(OrderCommand *command);

/* The name of a command that only stands for a text that is none. */
#define ORDER_COMPLAINT "complaint"

/* By `execute` or `exec-oob`. */
const char *order_command_get_name(OrderCommand *command);

/* Does what the command is for. Gives the value that it returns; NULL with @ret_error, static: QEMU cannot. */
char *order_command_run(OrderCommand *command, const char **ret_error);
