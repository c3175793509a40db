/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by signalfd; see agent-signals.h. Used by agent.c. The source owns the descriptor.
 *
 * g_unix_signal_add() would start GLib's worker thread, and the agent is to have one thread only. */
#include "agent-signals.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

typedef struct Signals {
    int fd; /* owned */
    AgentSignalFunc func;
    gpointer user_data;
} Signals;

static void
signals_free(gpointer user_data)
{
    Signals *signals = user_data;

    close(signals->fd);
    g_free(signals);
}

static gboolean
on_signal(int fd, GIOCondition condition, gpointer user_data)
{
    Signals *signals = user_data;
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != sizeof info)
        return G_SOURCE_CONTINUE;
    g_autofree char *name = g_strconcat("SIG", sigabbrev_np((int)info.ssi_signo), NULL);
    signals->func(name, signals->user_data);
    return G_SOURCE_CONTINUE;
}

static sigset_t
choose_signals(void)
{
    const int candidates[] = { SIGINT, SIGTERM, SIGHUP };
    sigset_t chosen;

    sigemptyset(&chosen);
    for (guint i = 0; i < G_N_ELEMENTS(candidates); i++) {
        struct sigaction action;
        if (sigaction(candidates[i], /* act= */ NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&chosen, candidates[i]);
    }
    return chosen;
}

GSource *
agent_signals_attach(GMainContext *context, AgentSignalFunc func, gpointer user_data, GError **error)
{
    sigset_t chosen = choose_signals();
    int fd = signalfd(-1, &chosen, SFD_CLOEXEC | SFD_NONBLOCK);
    Signals *signals;
    GSource *source;

    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "No signals can be taken: %s", g_strerror(errno));
        return NULL;
    }
    sigprocmask(SIG_BLOCK, &chosen, /* oldset= */ NULL);
    signals = g_new0(Signals, 1);
    *signals = (Signals){ .fd = fd, .func = func, .user_data = user_data };
    source = g_unix_fd_source_new(signals->fd, G_IO_IN);
    g_source_set_static_name(source, "signals");
    g_source_set_callback(source, G_SOURCE_FUNC(on_signal), signals, signals_free);
    g_source_attach(source, context);
    return source;
}
