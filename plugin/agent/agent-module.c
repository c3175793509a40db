/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading, checking, starting and stopping one module. Used by agent.c. Owns the loaded object, the table that is
 * handed to the instance, and the instance.
 *
 * An instance's news (ready, failed) is kept and handed on from a source of our own: whoever hears of a failure
 * frees the module, and its code must not be on the stack when it is unmapped. */
#include "agent-module.h"

#include <gio/gio.h>
#include <gmodule.h>
#include <string.h>

#include "agent-log.h"

struct AgentModule {
    GModule *object; /* owned; what the descriptor is part of */
    const ManagementModule *descriptor; /* weak */
    ManagementHost host; /* its key_file is owned */
    char *key_file_path; /* owned */
    gpointer instance; /* owned by the module; NULL: not started */
    AgentModuleStart start; /* its members are weak */
    char *status; /* owned; NULL: it has told nothing */
    AgentModuleStoppedFunc stopped_func; /* NULL: it is not to stop */
    gpointer stopped_data;
    GSource *news; /* owned; NULL: nothing to hand on */
    GError *failure; /* owned; NULL: has not failed */
    gboolean is_ready;
};

/* The rest of the descriptor is for modules that have something to prepare. */
#define SIZE_NEEDED G_STRUCT_OFFSET(ManagementModule, prepare_stop)

static gboolean
check_descriptor(const char *file, const ManagementModule *descriptor, GError **error)
{
    if (descriptor->abi != MANAGEMENT_MODULE_ABI)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s: made for module ABI %u, this agent has %u", file,
                    descriptor->abi, MANAGEMENT_MODULE_ABI);
    else if (descriptor->size < SIZE_NEEDED)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "%s: its descriptor has %u bytes, this agent needs %zu", file, descriptor->size,
                    (gsize)SIZE_NEEDED);
    else if (descriptor->name == NULL || descriptor->name[0] == '\0' || strchr(descriptor->name, '/') != NULL)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: its descriptor has no usable name", file);
    else if (descriptor->start == NULL || descriptor->stop == NULL)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: its descriptor lacks start() or stop()", file);
    else
        return TRUE;
    return FALSE;
}

AgentModule *
agent_module_load(const char *file, GError **error)
{
    g_autoptr(AgentModule) module = g_new0(AgentModule, 1);
    /* A path with a slash is never searched for elsewhere. */
    g_autofree char *path = g_canonicalize_filename(file, /* relative_to= */ NULL);
    gpointer symbol = NULL;

    module->object = g_module_open_full(path, G_MODULE_BIND_LOCAL, error);
    if (module->object == NULL) {
        g_prefix_error(error, "Cannot load %s: ", file);
        return NULL;
    }
    if (!g_module_symbol(module->object, MANAGEMENT_MODULE_SYMBOL, &symbol) || symbol == NULL) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: no module of this agent: no symbol `%s'", file,
                    MANAGEMENT_MODULE_SYMBOL);
        return NULL;
    }
    if (!check_descriptor(file, symbol, error))
        return NULL;
    module->descriptor = symbol;
    return g_steal_pointer(&module);
}

static void
stop_news(AgentModule *module)
{
    if (module->news == NULL)
        return;
    g_source_destroy(module->news);
    g_clear_pointer(&module->news, g_source_unref);
}

void
agent_module_stop(AgentModule *module)
{
    if (module->instance != NULL)
        module->descriptor->stop(g_steal_pointer(&module->instance));
    stop_news(module);
}

void
agent_module_free(AgentModule *module)
{
    agent_module_stop(module);
    g_clear_pointer(&module->host.key_file, g_key_file_unref);
    g_clear_pointer(&module->key_file_path, g_free);
    g_clear_pointer(&module->status, g_free);
    g_clear_error(&module->failure);
    if (module->object != NULL && !g_module_close(module->object))
        g_warning("Cannot unload: %s", g_module_error());
    g_free(module);
}

const char *
agent_module_get_name(AgentModule *module)
{
    return module->descriptor->name;
}

static gboolean
on_news(gpointer user_data)
{
    AgentModule *module = user_data;

    stop_news(module);
    if (module->stopped_func) {
        module->stopped_func(module, module->stopped_data);
        return G_SOURCE_REMOVE;
    }
    /* A copy, because the callee may free the module. */
    g_autoptr(GError) failure = module->failure != NULL ? g_error_copy(module->failure) : NULL;
    module->start.func(module, failure, module->start.user_data);
    return G_SOURCE_REMOVE;
}

static void
hand_on(AgentModule *module)
{
    if (module->news != NULL)
        return;
    module->news = g_idle_source_new();
    g_source_set_priority(module->news, G_PRIORITY_DEFAULT);
    g_source_set_static_name(module->news, "module news");
    g_source_set_callback(module->news, on_news, module, /* notify= */ NULL);
    g_source_attach(module->news, module->host.context);
}

static void
on_log(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    AgentModule *module = data;

    agent_log(module->descriptor->name, level, fields, n_fields);
}

/* The contract's "at most once, never from start()" is checked here, because a module that breaks it would otherwise
 * look like a fault of the agent. */
static void
on_module_is_ready(gpointer data, gpointer instance)
{
    AgentModule *module = data;

    g_return_if_fail(module->instance != NULL && instance == module->instance);
    g_return_if_fail(!module->is_ready && module->failure == NULL);
    module->is_ready = TRUE;
    hand_on(module);
}

static void
on_module_has_failed(gpointer data, gpointer instance, const GError *error)
{
    AgentModule *module = data;

    g_return_if_fail(module->instance != NULL && instance == module->instance);
    g_return_if_fail(module->failure == NULL && error != NULL);
    module->failure = g_error_copy(error);
    hand_on(module);
}

static void
on_module_has_stopped(gpointer data, gpointer instance)
{
    AgentModule *module = data;

    g_return_if_fail(module->stopped_func != NULL && instance == module->instance);
    hand_on(module);
}

/* A module of before reload() ends before it. */
static gboolean
can_reload(const ManagementModule *descriptor)
{
    return descriptor->size >= G_STRUCT_OFFSET(ManagementModule, reload) + sizeof descriptor->reload &&
           descriptor->reload != NULL;
}

gboolean
agent_module_reload(AgentModule *module, GKeyFile *key_file, const char *key_file_path, GError **error)
{
    const ManagementModule *descriptor = module->descriptor;

    g_return_val_if_fail(module->instance != NULL, TRUE);
    if (can_reload(descriptor))
        return descriptor->reload(module->instance, key_file, key_file_path, error);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "it reads its configuration only when it is started");
    return FALSE;
}

gboolean
agent_module_prepare_stop(AgentModule *module, AgentModuleStoppedFunc func, gpointer user_data)
{
    const ManagementModule *descriptor = module->descriptor;

    if (descriptor->size < G_STRUCT_OFFSET(ManagementModule, prepare_stop) + sizeof descriptor->prepare_stop ||
        descriptor->prepare_stop == NULL || module->instance == NULL)
        return FALSE;
    stop_news(module);
    module->stopped_func = func;
    module->stopped_data = user_data;
    return descriptor->prepare_stop(module->instance);
}

static void
on_instance_status(gpointer data, gpointer instance, const char *status)
{
    AgentModule *module = data;

    g_free(module->status);
    module->status = g_strdup(status);
    module->start.status_func(module->start.user_data);
}

/* Two modules may call theirs the same. */
static char *
make_stored_name(AgentModule *module, const char *name)
{
    return g_strconcat(module->descriptor->name, ".", name, NULL);
}

static gboolean
on_keep_fd(gpointer data, const char *name, int fd, gboolean is_only_one)
{
    AgentModule *module = data;
    g_autofree char *stored_name = make_stored_name(module, name);

    return agent_store_keep(module->start.store, stored_name, fd, is_only_one);
}

static void
on_drop_fd(gpointer data, const char *name)
{
    AgentModule *module = data;
    g_autofree char *stored_name = make_stored_name(module, name);

    agent_store_drop(module->start.store, stored_name);
}

static int
on_take_fd(gpointer data, const char *name)
{
    AgentModule *module = data;
    g_autofree char *stored_name = make_stored_name(module, name);

    return agent_store_take(module->start.store, stored_name);
}

gboolean
agent_module_start(AgentModule *module, const AgentModuleStart *start, GKeyFile *key_file, char *key_file_path,
                   GError **error)
{
    module->host = (ManagementHost){
        .abi = MANAGEMENT_MODULE_ABI,
        .size = sizeof(ManagementHost),
        .data = module,
        .context = start->context,
        .bus_address = start->bus_address,
        .bus = start->bus,
        .key_file = key_file,
        .log = on_log,
        .ready = on_module_is_ready,
        .failed = on_module_has_failed,
        .stopped = on_module_has_stopped,
        .key_file_path = key_file_path,
        .status = on_instance_status,
        .keep_fd = on_keep_fd,
        .drop_fd = on_drop_fd,
        .take_fd = on_take_fd,
    };
    module->key_file_path = key_file_path;
    module->start = *start;
    module->instance = module->descriptor->start(&module->host, error);
    if (module->instance == NULL)
        g_prefix_error(error, "%s does not start: ", module->descriptor->name);
    return module->instance != NULL;
}

const char *
agent_module_get_status(AgentModule *module)
{
    return module->status;
}
