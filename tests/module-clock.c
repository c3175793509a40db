/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A module that has nothing to do with QEMU or D-Bus, to show that the agent does not either: it ticks. Loaded by
 * test-agent.py, under two names (CLOCK_NAME). Its key file, all of it optional:
 *
 *     [clock]
 *     interval=MILLISECONDS   between the ticks that are logged; 0, the default, is no tick
 *     refuse=TEXT             do not start
 *     fail-on=FILE            fail at the first tick that finds this file
 *     fail-early=true         fail instead of getting ready
 *     refuse-reload=TEXT      do not take this key file at a reload
 *     keep=FILE               let the next process read it; what this one was let read is logged
 *     linger=MILLISECONDS     how long it takes to prepare for its stop; 0, the default: nothing is to be prepared */
#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

#include "management-module.h"

typedef struct Clock {
    const ManagementHost *host; /* weak */
    GSource *source; /* owned; NULL: nothing comes any more */
    guint interval;
} Clock;

static void
say(Clock *clock, const char *text)
{
    g_autofree char *interval = g_strdup_printf("%u", clock->interval);
    const GLogField fields[] = {
        { "MESSAGE", text, -1 },
        { "CLOCK_INTERVAL", interval, -1 },
    };

    clock->host->log(clock->host->data, G_LOG_LEVEL_INFO, fields, G_N_ELEMENTS(fields));
}

static char *
get_text(const ManagementHost *host, const char *key)
{
    return host->key_file != NULL ? g_key_file_get_string(host->key_file, "clock", key, /* error= */ NULL) : NULL;
}

static void
fail(Clock *clock)
{
    g_autoptr(GError) error = g_error_new(G_IO_ERROR, G_IO_ERROR_FAILED, "out of time");

    clock->host->failed(clock->host->data, clock, error);
}

static void
set_source(Clock *clock, GSource *source, GSourceFunc func)
{
    if (clock->source != NULL) {
        g_source_destroy(clock->source);
        g_source_unref(clock->source);
    }
    clock->source = source;
    if (source == NULL)
        return;
    g_source_set_callback(source, func, clock, /* notify= */ NULL);
    g_source_attach(source, clock->host->context);
}

/* The file that the process before has kept for this one is not kept any longer. */
static void
use_store(Clock *clock)
{
    const ManagementHost *host = clock->host;
    g_autofree char *path = get_text(host, "keep"), *text = NULL;
    int kept = host->take_fd(host->data, "file"), fd;
    char buffer[64] = "";

    if (kept >= 0) {
        if (read(kept, buffer, sizeof buffer - 1) < 0)
            buffer[0] = '?';
        text = g_strdup_printf("was kept: %s", buffer);
        say(clock, text);
        close(kept);
        host->drop_fd(host->data, "file");
    }
    if (path == NULL)
        return;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    say(clock, host->keep_fd(host->data, "file", fd, /* is_only_one= */ FALSE) ? "keeps a file" : "has no store");
    close(fd);
}

static gboolean
on_tick(gpointer user_data)
{
    Clock *clock = user_data;
    g_autofree char *file = get_text(clock->host, "fail-on");

    if (file != NULL && g_file_test(file, G_FILE_TEST_EXISTS)) {
        fail(clock);
        return G_SOURCE_REMOVE;
    }
    say(clock, "tick");
    return G_SOURCE_CONTINUE;
}

static gboolean
on_started(gpointer user_data)
{
    Clock *clock = user_data;
    g_autofree char *fail_early = get_text(clock->host, "fail-early");
    GSource *next = clock->interval > 0 ? g_timeout_source_new(clock->interval) : NULL;

    set_source(clock, next, on_tick);
    use_store(clock);
    if (clock->interval > 0)
        clock->host->status(clock->host->data, clock, "ticks");
    if (fail_early != NULL)
        fail(clock);
    else
        clock->host->ready(clock->host->data, clock);
    return G_SOURCE_REMOVE;
}

static gpointer
start(const ManagementHost *host, GError **error)
{
    g_autofree char *refusal = get_text(host, "refuse");
    Clock *clock;

    if (refusal != NULL) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, refusal);
        return NULL;
    }
    clock = g_new0(Clock, 1);
    clock->host = host;
    if (host->key_file != NULL)
        clock->interval = (guint)g_key_file_get_integer(host->key_file, "clock", "interval", /* error= */ NULL);
    set_source(clock, g_idle_source_new(), on_started);
    say(clock, host->bus == MANAGEMENT_BUS_SYSTEM ? "started\nfor a system bus" : "started\nfor a session bus");
    return clock;
}

static gboolean
on_prepared(gpointer user_data)
{
    Clock *clock = user_data;

    say(clock, "prepared");
    clock->host->stopped(clock->host->data, clock);
    return G_SOURCE_REMOVE;
}

static gboolean
prepare_stop(gpointer instance)
{
    Clock *clock = instance;
    g_autofree char *linger = get_text(clock->host, "linger");

    if (linger == NULL)
        return FALSE;
    set_source(clock, g_timeout_source_new((guint)g_ascii_strtoull(linger, NULL, 10)), on_prepared);
    say(clock, "preparing");
    return TRUE;
}

static void
stop(gpointer instance)
{
    Clock *clock = instance;

    set_source(clock, /* source= */ NULL, /* func= */ NULL);
    say(clock, "stopped");
    g_free(clock);
}

static gboolean
reload(gpointer instance, GKeyFile *key_file, const char *key_file_path, GError **error)
{
    Clock *clock = instance;
    g_autofree char *refusal = NULL;

    if (key_file != NULL)
        refusal = g_key_file_get_string(key_file, "clock", "refuse-reload", /* error= */ NULL);
    if (refusal != NULL) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", key_file_path, refusal);
        return FALSE;
    }
    clock->interval =
        key_file != NULL ? (guint)g_key_file_get_integer(key_file, "clock", "interval", /* error= */ NULL) : 0;
    say(clock, "reloaded");
    return TRUE;
}

/* A module that is older than reload() ends before it. */
#ifdef CLOCK_IS_OLD
#define CLOCK_SIZE G_STRUCT_OFFSET(ManagementModule, reload)
#else
#define CLOCK_SIZE sizeof(ManagementModule)
#endif

G_MODULE_EXPORT const ManagementModule management_module = {
    .abi = MANAGEMENT_MODULE_ABI,
    .size = CLOCK_SIZE,
    .name = CLOCK_NAME,
    .description = "Ticks",
    .start = start,
    .stop = stop,
    .prepare_stop = prepare_stop,
    .reload = reload,
};
