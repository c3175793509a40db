/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* management-agent, the reference host: loads modules, gives each a main context, the address of a bus, its key file
 * and a log, and runs them in one thread until a signal comes or none is left. Knows nothing of what they do. SIGHUP makes it
 * read the key files again.
 *
 * The agent is up when every module is ready; a module that fails before is a start that failed and ends the agent.
 * One that fails later is stopped, and the others go on. */
#include <fcntl.h>
#include <gio/gio.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent-config.h"
#include "agent-log.h"
#include "agent-module.h"
#include "agent-notify.h"
#include "agent-options.h"
#include "agent-signals.h"

#define EXIT_USAGE 2

/* ms; a module may take 2 s to leave in good order. */
#define STOP_TIME 3000

/* ms from a change to its STATUS= line. */
#define STATUS_DELAY 200

typedef struct Agent {
    const AgentOptions *options; /* weak */
    GMainContext *context; /* owned */
    GMainLoop *loop; /* owned */
    AgentNotify *notify; /* owned */
    AgentStore *store; /* owned */
    GSource *status_timer; /* owned; while the status is another than was told */
    GPtrArray *modules; /* owned AgentModules: those not failed */
    GPtrArray *
        ended; /* owned AgentModules: the others; unloaded in the end, as nothing can be while the context dispatches */
    guint n_stopping; /* of them, those that prepare to be stopped */
    GSource *stop_timer; /* owned; NULL: not ending yet */
    GSource *signals; /* owned */
    char *complaint; /* owned; what went wrong last, until a reload goes well; NULL: nothing */
    guint n_ready;
    gboolean is_up;
    int exit_status; /* -1: not ending yet */
} Agent;

static Agent *
agent_new(const AgentOptions *options)
{
    Agent *agent = g_new0(Agent, 1);

    agent->options = options;
    agent->context = g_main_context_new();
    agent->loop = g_main_loop_new(agent->context, /* is_running= */ FALSE);
    agent->notify = agent_notify_new(agent->context);
    agent->store = agent_store_new(agent->notify);
    agent->modules = g_ptr_array_new_with_free_func((GDestroyNotify)agent_module_free);
    agent->ended = g_ptr_array_new_with_free_func((GDestroyNotify)agent_module_free);
    agent->exit_status = -1;
    return agent;
}

static void
free_source(GSource *source)
{
    if (source == NULL)
        return;
    g_source_destroy(source);
    g_source_unref(source);
}

static void
agent_free(Agent *agent)
{
    g_ptr_array_unref(agent->modules);
    g_ptr_array_unref(agent->ended);
    free_source(agent->signals);
    free_source(agent->stop_timer);
    free_source(agent->status_timer);
    agent_store_free(agent->store);
    agent_notify_free(agent->notify);
    g_free(agent->complaint);
    g_main_loop_unref(agent->loop);
    g_main_context_unref(agent->context);
    g_free(agent);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Agent, agent_free)

/* Takes @complaint. */
static void
set_complaint(Agent *agent, char *complaint)
{
    g_free(agent->complaint);
    agent->complaint = complaint;
}

/* A failure goes before the modules' own words, and where they have none their number must do. */
static char *
describe_status(Agent *agent)
{
    guint n = agent->modules->len;
    GString *text = g_string_new(agent->complaint);

    for (guint i = 0; i < n; i++) {
        AgentModule *module = g_ptr_array_index(agent->modules, i);
        const char *status = agent_module_get_status(module);
        if (status != NULL)
            g_string_append_printf(text, "%s%s: %s", text->len > 0 ? "; " : "", agent_module_get_name(module), status);
    }
    if (text->len == 0)
        g_string_append_printf(text, "%u module%s ready", n, n == 1 ? "" : "s");
    return g_string_free(text, /* free_segment= */ FALSE);
}

static void
tell_status(Agent *agent)
{
    g_autofree char *status = describe_status(agent);

    agent_notify_status(agent->notify, status);
}

static gboolean
on_status_time(gpointer user_data)
{
    Agent *agent = user_data;

    free_source(g_steal_pointer(&agent->status_timer));
    if (agent->is_up && agent->exit_status < 0)
        tell_status(agent);
    return G_SOURCE_REMOVE;
}

/* A thousand things may change in a second, of which people see the last. */
static void
on_module_status(gpointer user_data)
{
    Agent *agent = user_data;

    if (agent->status_timer != NULL || !agent->is_up)
        return;
    agent->status_timer = g_timeout_source_new(STATUS_DELAY);
    g_source_set_static_name(agent->status_timer, "status");
    g_source_set_callback(agent->status_timer, on_status_time, agent, /* notify= */ NULL);
    g_source_attach(agent->status_timer, agent->context);
}

static void
tell_ready(Agent *agent)
{
    g_autofree char *status = describe_status(agent);

    agent_notify_ready(agent->notify, status);
}

/* The first reason to end is the one that counts. */
static void
set_exit_status(Agent *agent, int exit_status, const char *reason)
{
    if (agent->exit_status >= 0)
        return;
    agent->exit_status = exit_status;
    agent_notify_stopping(agent->notify, reason);
}

static void
on_module_stopped(AgentModule *module, gpointer user_data)
{
    Agent *agent = user_data;

    agent_module_stop(module);
    if (--agent->n_stopping == 0 && agent->exit_status >= 0)
        g_main_loop_quit(agent->loop);
}

/* The module is stopped as soon as it likes. */
static void
stop_module(Agent *agent, AgentModule *module)
{
    guint index;

    if (!g_ptr_array_find(agent->modules, module, &index))
        return;
    g_ptr_array_steal_index(agent->modules, index);
    g_ptr_array_add(agent->ended, module);
    if (agent_module_prepare_stop(module, on_module_stopped, agent))
        agent->n_stopping++;
    else
        agent_module_stop(module);
}

static gboolean
on_stop_time_over(gpointer user_data)
{
    Agent *agent = user_data;

    g_warning("%u modules do not stop in time", agent->n_stopping);
    g_main_loop_quit(agent->loop);
    return G_SOURCE_REMOVE;
}

static void
end_agent(Agent *agent, int exit_status, const char *reason)
{
    if (agent->exit_status >= 0)
        return;
    set_exit_status(agent, exit_status, reason);
    while (agent->modules->len > 0)
        stop_module(agent, g_ptr_array_index(agent->modules, 0));
    if (agent->n_stopping == 0)
        g_main_loop_quit(agent->loop);
    agent->stop_timer = g_timeout_source_new(STOP_TIME);
    g_source_set_callback(agent->stop_timer, on_stop_time_over, agent, /* notify= */ NULL);
    g_source_attach(agent->stop_timer, agent->context);
}

static gboolean
reload_module(Agent *agent, AgentModule *module, GError **error)
{
    g_autoptr(GKeyFile) key_file = NULL;
    g_autofree char *path = NULL;

    return agent_config_load(agent->options->config_dir, agent_module_get_name(module), &key_file, &path, error) &&
           agent_module_reload(module, key_file, path, error);
}

/* Whoever asks for it reads the log: a module that cannot take its new configuration goes on with the old one. */
static void
reload_modules(Agent *agent)
{
    g_autofree char *complaint = NULL;

    for (guint i = 0; i < agent->modules->len; i++) {
        AgentModule *module = g_ptr_array_index(agent->modules, i);
        const char *name = agent_module_get_name(module);
        g_autoptr(GError) error = NULL;
        if (reload_module(agent, module, &error)) {
            g_info("%s has read its configuration again", name);
        } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)) {
            g_info("%s is not reloaded: %s", name, error->message);
        } else {
            g_free(complaint);
            complaint = g_strdup_printf("%s keeps its old configuration: %s", name, error->message);
            g_critical("%s", complaint);
        }
    }
    set_complaint(agent, g_steal_pointer(&complaint));
}

/* An agent that is not up yet says READY=1 for the first time later. */
static void
reload_agent(Agent *agent)
{
    g_info("Reloading");
    if (agent->is_up)
        agent_notify_reloading(agent->notify, "Reloading");
    reload_modules(agent);
    if (agent->is_up)
        tell_ready(agent);
}

static void
on_agent_signal(const char *name, gpointer user_data)
{
    Agent *agent = user_data;

    if (g_str_equal(name, "SIGHUP")) {
        if (agent->exit_status < 0)
            reload_agent(agent);
        return;
    }
    /* A user who asks twice does not want to wait. */
    if (agent->exit_status >= 0)
        g_main_loop_quit(agent->loop);
    g_info("Stopping on %s", name);
    end_agent(agent, EXIT_SUCCESS, "Stopping");
}

static void
on_module_ready(Agent *agent, AgentModule *module)
{
    g_info("%s is ready", agent_module_get_name(module));
    if (++agent->n_ready < agent->modules->len)
        return;
    agent->is_up = TRUE;
    agent_store_drop_rest(agent->store);
    tell_ready(agent);
}

static void
on_module_failed(Agent *agent, AgentModule *module, const GError *error)
{
    set_complaint(agent, g_strdup_printf("%s failed: %s", agent_module_get_name(module), error->message));
    g_critical("%s", agent->complaint);
    stop_module(agent, module);
    if (!agent->is_up || agent->modules->len == 0)
        end_agent(agent, EXIT_FAILURE, agent->complaint);
    else
        tell_status(agent);
}

static void
on_module_news(AgentModule *module, const GError *error, gpointer user_data)
{
    Agent *agent = user_data;

    if (agent->exit_status >= 0)
        return;
    if (error == NULL)
        on_module_ready(agent, module);
    else
        on_module_failed(agent, module, error);
}

/* Everything is loaded before anything is started: a file that is no module stops nothing that has begun. */
static gboolean
load_modules(Agent *agent, char **files, GError **error)
{
    for (char **file = files; *file != NULL; file++) {
        AgentModule *module = agent_module_load(*file, error);
        if (module == NULL)
            return FALSE;
        g_ptr_array_add(agent->modules, module);
    }
    return TRUE;
}

static gboolean
start_modules(Agent *agent, const AgentOptions *options, GError **error)
{
    const AgentModuleStart start = {
        .context = agent->context,
        .bus_address = options->bus_address,
        .bus = options->bus,
        .store = agent->store,
        .func = on_module_news,
        .status_func = on_module_status,
        .user_data = agent,
    };

    for (guint i = 0; i < agent->modules->len; i++) {
        AgentModule *module = g_ptr_array_index(agent->modules, i);
        GKeyFile *key_file;
        char *path;
        if (!agent_config_load(options->config_dir, agent_module_get_name(module), &key_file, &path, error) ||
            !agent_module_start(module, &start, key_file, path, error))
            return FALSE;
    }
    return TRUE;
}

static int
run_agent(const AgentOptions *options)
{
    g_autoptr(Agent) agent = agent_new(options);
    g_autoptr(GError) error = NULL;

    agent->signals = agent_signals_attach(agent->context, on_agent_signal, agent, &error);
    g_main_context_push_thread_default(agent->context);
    if (agent->signals && load_modules(agent, options->modules, &error) && start_modules(agent, options, &error)) {
        g_main_loop_run(agent->loop);
    } else {
        g_critical("%s", error->message);
        set_exit_status(agent, EXIT_FAILURE, error->message);
    }
    /* Stopped while the context is still theirs. */
    g_ptr_array_set_size(agent->modules, 0);
    g_ptr_array_set_size(agent->ended, 0);
    g_main_context_pop_thread_default(agent->context);
    return agent->exit_status;
}

/* Where whoever starts the agent has closed stdin, stdout or stderr, another file of the agent would get that number, and lines of the log
 * would be written into it. */
static void
open_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static void
prepare_process(void)
{
    struct rlimit files;

    signal(SIGPIPE, SIG_IGN);
    umask(077);
    /* A thousand VMs take a few thousand descriptors; the usual soft limit, 1024, is for the sake of select(). */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int
main(int argc, char **argv)
{
    g_auto(AgentOptions) options = { 0 };
    g_autoptr(GError) error = NULL;

    open_standard_files();
    /* How file names are written in messages; the messages themselves stay in English. */
    setlocale(LC_CTYPE, "");
    g_log_set_writer_func(agent_log_writer, /* user_data= */ NULL, /* user_data_free= */ NULL);
    if (!agent_options_parse(argc, argv, &options, &error)) {
        g_printerr("%s: %s\n", g_get_prgname(), error->message);
        return error->domain == G_OPTION_ERROR ? EXIT_USAGE : EXIT_FAILURE;
    }
    if (options.show_version) {
        g_print("management-agent %s\n", AGENT_VERSION);
        return EXIT_SUCCESS;
    }
    prepare_process();
    return run_agent(&options);
}
