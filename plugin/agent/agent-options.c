/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line; see agent-options.h. Used by agent.c. Owns nothing beyond what it gives.
 *
 * Compiled in: AGENT_MODULE_DIR, AGENT_CONFIG_DIR. */
#include "agent-options.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

/* The command line as it was given. */
typedef struct Given {
    gboolean session;
    gboolean system;
    gboolean version;
    char *bus_address; /* owned, as the rest */
    char *config_dir;
    char **modules;
    char **surplus;
} Given;

static void
given_clear(Given *given)
{
    g_free(given->bus_address);
    g_free(given->config_dir);
    g_strfreev(given->modules);
    g_strfreev(given->surplus);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Given, given_clear)

static gboolean
parse_given(int argc, char **argv, Given *given, GError **error)
{
    const GOptionEntry entries[] = {
        { "session", 0, 0, G_OPTION_ARG_NONE, &given->session, "Serve the session bus (default)", NULL },
        { "system", 0, 0, G_OPTION_ARG_NONE, &given->system, "Serve the system bus", NULL },
        { "bus-address", 0, 0, G_OPTION_ARG_STRING, &given->bus_address,
          "Serve the bus at this address; its kind is what --session or --system says", "ADDRESS" },
        { "module", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &given->modules,
          "Load this module (may be given again; default: all in the module directory)", "FILE" },
        { "config-dir", 0, 0, G_OPTION_ARG_FILENAME, &given->config_dir,
          "Look here for the modules' key files, NAME.conf", "DIR" },
        { "version", 0, 0, G_OPTION_ARG_NONE, &given->version, "Print the version and exit", NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &given->surplus, NULL, NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(context, "Runs management modules on a D-Bus message bus.");
    g_option_context_set_description(context, "SIGINT and SIGTERM stop all modules and end the agent, SIGHUP makes\n"
                                              "them read their key files again.\n"
                                              "Exit status: 0 ended by a signal, 1 failure, 2 wrong command line.\n");
    g_option_context_add_main_entries(context, entries, /* translation_domain= */ NULL);
    return g_option_context_parse(context, &argc, &argv, error);
}

static gboolean
check_given(const Given *given, GError **error)
{
    if (given->surplus != NULL)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "Surplus argument: %s", given->surplus[0]);
    else if (given->session && given->system)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "--session and --system exclude each other");
    else if (given->bus_address != NULL && given->bus_address[0] == '\0')
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--bus-address is empty");
    else
        return TRUE;
    return FALSE;
}

/* Environment variables that are set to nothing count as not set. */
static const char *
get_environment(const char *name)
{
    const char *value = g_getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The escaping of D-Bus addresses. */
static char *
make_unix_address(const char *directory)
{
    g_autoptr(GString) address = g_string_new("unix:path=");

    for (const char *p = directory; *p != '\0'; p++)
        if (g_ascii_isalnum(*p) || strchr("-_/.\\*", *p) != NULL)
            g_string_append_c(address, *p);
        else
            g_string_append_printf(address, "%%%02x", (guchar)*p);
    g_string_append(address, "/bus");
    return g_string_free(g_steal_pointer(&address), /* free_segment= */ FALSE);
}

static char *
find_bus(ManagementBus bus, GError **error)
{
    const char *address =
        get_environment(bus == MANAGEMENT_BUS_SYSTEM ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS");
    const char *runtime_dir = get_environment("XDG_RUNTIME_DIR");

    if (address != NULL)
        return g_strdup(address);
    if (bus == MANAGEMENT_BUS_SYSTEM)
        return g_strdup("unix:path=/run/dbus/system_bus_socket");
    if (runtime_dir != NULL)
        return make_unix_address(runtime_dir);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                "No session bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set; try --bus-address");
    return NULL;
}

/* An agent in its build tree takes the modules that were built with it, not those that happen to be installed. The
 * agent knows the build tree by its own place in it, so that no path of the machine that builds is in the program. */
static char *
find_module_dir(void)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", /* error= */ NULL);
    g_autofree char *directory = program != NULL ? g_path_get_dirname(program) : g_strdup("");
    g_autofree char *built = g_build_filename(directory, "..", "module", NULL);

    if (g_str_has_suffix(directory, "/plugin/agent") && g_file_test(built, G_FILE_TEST_IS_DIR))
        return g_steal_pointer(&built);
    return g_strdup(AGENT_MODULE_DIR);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **
find_modules(GError **error)
{
    g_autofree char *directory = find_module_dir();
    g_autoptr(GDir) entries = g_dir_open(directory, /* flags= */ 0, error);
    g_autoptr(GPtrArray) modules = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    if (entries == NULL)
        return NULL;
    while ((name = g_dir_read_name(entries)) != NULL)
        if (g_str_has_suffix(name, ".so"))
            g_ptr_array_add(modules, g_build_filename(directory, name, NULL));
    if (modules->len == 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No modules in %s; try --module", directory);
        return NULL;
    }
    g_ptr_array_sort(modules, compare_names);
    g_ptr_array_add(modules, NULL);
    return (char **)g_ptr_array_steal(modules, /* len= */ NULL);
}

static char *
find_config_dir(ManagementBus bus)
{
    if (bus == MANAGEMENT_BUS_SYSTEM)
        return g_strdup(AGENT_CONFIG_DIR);
    return g_build_filename(g_get_user_config_dir(), "management-agent", NULL);
}

gboolean
agent_options_parse(int argc, char **argv, AgentOptions *ret_options, GError **error)
{
    g_auto(Given) given = { 0 };
    g_auto(AgentOptions) options = { 0 };

    if (!parse_given(argc, argv, &given, error) || !check_given(&given, error))
        return FALSE;
    options.show_version = given.version;
    if (!given.version) {
        options.bus = given.system ? MANAGEMENT_BUS_SYSTEM : MANAGEMENT_BUS_SESSION;
        options.bus_address = g_steal_pointer(&given.bus_address);
        if (options.bus_address == NULL)
            options.bus_address = find_bus(options.bus, error);
        if (options.bus_address == NULL)
            return FALSE;
        options.modules = given.modules != NULL ? g_steal_pointer(&given.modules) : find_modules(error);
        if (options.modules == NULL)
            return FALSE;
        options.config_dir = g_steal_pointer(&given.config_dir);
        if (options.config_dir == NULL)
            options.config_dir = find_config_dir(options.bus);
    }
    *ret_options = options;
    options = (AgentOptions){ 0 };
    return TRUE;
}

void
agent_options_clear(AgentOptions *options)
{
    g_free(options->bus_address);
    g_free(options->config_dir);
    g_strfreev(options->modules);
}
