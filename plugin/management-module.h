/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract between a management agent (the host) and the modules that it loads. A module is a shared object with
 * one symbol, MANAGEMENT_MODULE_SYMBOL, of type ManagementModule. Only GLib is needed on either side; C linkage;
 * everything happens in the one thread that runs host->context.
 *
 * A host loads a module, checks `abi` and `size`, calls start() with its own table, runs its main context, calls reload()
 * when the configuration may have changed, and stop() before it unloads the module. Several modules, and several instances
 * of one, may run side by side. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Changes when something below changes its meaning or place. New members are added at the end of the structs; `size`
 * tells how many of them the other side knows. */
#define MANAGEMENT_MODULE_ABI 1u
#define MANAGEMENT_MODULE_SYMBOL "management_module"

/* The kind of bus that `bus_address` is: who may be on it, and how callers are known to polkit. */
typedef enum ManagementBus {
    MANAGEMENT_BUS_SESSION = 1,
    MANAGEMENT_BUS_SYSTEM = 2,
} ManagementBus;

/* The host's table for a module. Everything in it stays valid and unchanged until stop() has returned. */
typedef struct ManagementHost {
    guint32 abi; /* MANAGEMENT_MODULE_ABI */
    guint32 size; /* sizeof(ManagementHost), as the host was compiled */
    gpointer data; /* the host's own; first argument of its functions */
    GMainContext *context; /* never NULL; the thread that calls start() and stop() runs it */
    const char *bus_address; /* D-Bus address list; the module opens a connection of its own to it */
    ManagementBus bus;
    GKeyFile *key_file; /* the module's configuration; NULL: none. Not to be changed */

    /* Logs @fields (as in g_log_structured_array(); MESSAGE is one of them) at @level, of which G_LOG_LEVEL_CRITICAL
     * stands for an error. Any time from start() to stop(). */
    void (*log)(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields);

    /* The instance does what it is there for: its names are taken, it can be called. At most once, never from
     * start(). */
    void (*ready)(gpointer data, gpointer instance);

    /* The instance cannot go on (its bus is gone, its name was refused). Never from start(). The host calls stop(),
     * not necessarily from inside. */
    void (*failed)(gpointer data, gpointer instance, const GError *error);

    /* The work that prepare_stop() began has come to its end; stop() may be called. At most once, never from inside
     * prepare_stop(). A host that does not know of it does not call prepare_stop(). */
    void (*stopped)(gpointer data, gpointer instance);

    /* The file that `key_file` was read from, for errors; NULL: none, or not known. */
    const char *key_file_path;

    /* NULL: the host shows none. One line for people on how the instance stands, without a newline; in place of the
     * one before. Any time from start() to stop(), and as often as the module likes: the host shows the last one at
     * its leisure. */
    void (*status)(gpointer data, gpointer instance, const char *status);

    /* keep_fd may be NULL, and then the others as well. A store for descriptors that outlives the process, and is
     * handed to the one that is started in its place. Names have letters, digits, `-` and `_` only, are 128 bytes
     * long at most, and are unlike all others of this module's. keep_fd() puts a duplicate of @fd into it. FALSE:
     * there is no store. (TRUE promises nothing: not every manager tells whether it keeps what it is given.)
     * @is_only_one: the like of it cannot be had again, so that it is worth a try where nobody knows whether there is
     * a store. drop_fd() takes it out, if it is there. take_fd(), before ready(): what a process before has kept and
     * not dropped, close-on-exec, for the module to close; it stays in the store. -1: there is none, or it has been
     * taken. A descriptor that nobody has taken when all instances are ready is dropped. */
    gboolean (*keep_fd)(gpointer data, const char *name, int fd, gboolean is_only_one);
    void (*drop_fd)(gpointer data, const char *name);
    int (*take_fd)(gpointer data, const char *name);
} ManagementHost;

/* The descriptor that a module exports under MANAGEMENT_MODULE_SYMBOL. */
typedef struct ManagementModule {
    guint32 abi; /* MANAGEMENT_MODULE_ABI */
    guint32 size; /* sizeof(ManagementModule), as the module was compiled */
    const char *name; /* "qemu-monitor": what its key file is called */
    const char *description; /* one line for people */

    /* Starts an instance, without blocking. NULL with @error: nothing is left of the attempt. */
    gpointer (*start)(const ManagementHost *host, GError **error);

    /* Ends the instance: when it returns, no source, thread, type or bus name of the module is left and the module
     * may be unloaded, once the context does not dispatch (GLib looks once more at sources that have gone). Not from
     * inside a callback of the instance's other than ready(), failed() and stopped(). Also without prepare_stop(). */
    void (*stop)(gpointer instance);

    /* May be NULL. Before stop(), for a host that has the time: the instance leaves the bus, and begins to put in order
     * what it would otherwise leave behind elsewhere, without blocking. FALSE: there is nothing to be done. TRUE: the
     * host runs its context until it is told stopped(), 2 s at most, or for as long as it likes, and then calls stop(),
     * not necessarily from inside. Once, and from where stop() may be called. */
    gboolean (*prepare_stop)(gpointer instance);

    /* May be NULL, and is missing where `size` ends before it: the instance keeps the configuration that it was
     * started with. Takes @key_file (NULL: none any more), which was read from @key_file_path (NULL: none, or not
     * known), in place of the one before; the table keeps what it was started with. Both are valid inside the call
     * only. Without blocking; what is the same in both configurations is not disturbed. FALSE with @error: nothing
     * has changed. Any number of times between start() and prepare_stop() or stop(), from where stop() may be called;
     * also before ready(). */
    gboolean (*reload)(gpointer instance, GKeyFile *key_file, const char *key_file_path, GError **error);
} ManagementModule;

G_END_DECLS
