/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb `allowed`: what polkit would say to a command, without doing it. The VM's introspection tells the action of each command;
 * polkit is asked about that action for this process, or, by root, for a process of another user. */
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ctl-bus.h"
#include "ctl-options.h"
#include "ctl-print.h"
#include "ctl-verbs.h"

typedef struct Question {
    Ctl *ctl; /* borrowed */
    GDBusConnection *system; /* owned; where polkit is */
    GVariant *subject, *properties; /* owned */
    guint32 owner; /* G_MAXUINT32: not known */
    gboolean is_owner;
} Question;

/* QMP command → action, from the annotations of the VM's interface QMP. */
static GHashTable *
read_actions(Ctl *ctl, const char *path, GError **error)
{
    g_autoptr(GDBusNodeInfo) node = ctl_introspect(ctl, path, error);

    if (!node)
        return NULL;
    GHashTable *actions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GDBusInterfaceInfo *interface = g_dbus_node_info_lookup_interface(node, CTL_QMP);
    for (guint i = 0; interface && interface->methods && interface->methods[i]; i++) {
        GDBusAnnotationInfo **annotations = interface->methods[i]->annotations;
        const char *command = g_dbus_annotation_info_lookup(annotations, "org.qemu.Monitor1.Name");
        const char *action = g_dbus_annotation_info_lookup(annotations, "org.qemu.Monitor1.Action");
        if (command && action)
            g_hash_table_insert(actions, g_strdup(command), g_strdup(action));
    }
    return actions;
}

static void
become_user(gpointer data)
{
    const struct passwd *user = data;

    if (setgroups(0, NULL) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
        _exit(1);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user has cleared what was asked for before */
}

/* The process that polkit is asked about: this one, or one of @user that does nothing. */
static GVariant *
make_subject(const struct passwd *user, GSubprocess **ret_process, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    guint32 pid = (guint32)getpid();
    GVariantDict details;

    if (user) {
        g_subprocess_launcher_set_child_setup(launcher, become_user, (gpointer)user, NULL);
        *ret_process = g_subprocess_launcher_spawn(launcher, error, "sleep", "infinity", NULL);
        if (!*ret_process)
            return NULL;
        pid = (guint32)g_ascii_strtoull(g_subprocess_get_identifier(*ret_process), NULL, 10);
    }
    g_variant_dict_init(&details, NULL);
    g_variant_dict_insert(&details, "pid", "u", pid);
    g_variant_dict_insert(&details, "start-time", "t", (guint64)0); /* polkit looks it up */
    g_variant_dict_insert(&details, "uid", "i", (gint32)(user ? user->pw_uid : getuid()));
    return g_variant_ref_sink(g_variant_new("(s@a{sv})", "unix-process", g_variant_dict_end(&details)));
}

/* What a rule sees of the VM and the command. polkit takes it from root, and refuses the question of anybody else. */
static GVariant *
make_details(const Question *question, const char *command)
{
    g_autofree char *owner = ctl_format_user(question->owner);
    const char *name = "", *uuid = "";
    GVariantBuilder details;

    g_variant_builder_init(&details, G_VARIANT_TYPE("a{ss}"));
    if (geteuid() != 0)
        return g_variant_builder_end(&details);
    g_variant_lookup(question->properties, "Name", "&s", &name);
    g_variant_lookup(question->properties, "UUID", "&s", &uuid);
    g_variant_builder_add(&details, "{ss}", "vm", name);
    g_variant_builder_add(&details, "{ss}", "uuid", uuid);
    g_variant_builder_add(&details, "{ss}", "owner", owner);
    g_variant_builder_add(&details, "{ss}", "command", command);
    g_variant_builder_add(&details, "{ss}", "bus", question->ctl->is_user ? "session" : "system");
    return g_variant_builder_end(&details);
}

/* "yes", "after authentication", "no"; NULL with @error. */
static const char *
check_authorization(const Question *question, const char *action, GVariant *details, GError **error)
{
    gboolean is_authorized, is_challenge;
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        question->system, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
        "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization",
        g_variant_new("(@(sa{sv})s@a{ss}us)", question->subject, action, details, 0, ""),
        G_VARIANT_TYPE("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);

    if (!reply)
        return NULL;
    g_variant_get(reply, "((bb@a{ss}))", &is_authorized, &is_challenge, NULL);
    return is_authorized ? "yes" : is_challenge ? "after authentication" : "no";
}

/* One row. FALSE: polkit does not answer. */
static gboolean
add_answer(const Question *question, GHashTable *actions, const char *command, CtlTable *table, gboolean *is_all, GError **error)
{
    const char *action = g_hash_table_lookup(actions, command), *answer, *why = "polkit";

    if (!action) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "the VM's QEMU has no command \"%s\"", command);
        return FALSE;
    }
    if (question->is_owner) {
        answer = "yes";
        why = "the QEMU is theirs (but where its key file says owner=polkit)";
    } else if (!(answer = check_authorization(question, action, make_details(question, command), error))) {
        return FALSE;
    }
    *is_all = *is_all && g_str_equal(answer, "yes");
    const char *cells[] = { command, action, answer, why, NULL };
    ctl_table_take_row(table, g_strdupv((char **)cells));
    return TRUE;
}

static CtlStatus
print_answers(Question *question, const char *path, char **commands, GError **error)
{
    g_autoptr(GHashTable) actions = read_actions(question->ctl, path, error);
    gboolean is_all = TRUE, is_right = actions != NULL;
    CtlTable *table;

    if (!actions)
        return CTL_FAILED;
    table = ctl_table_new("COMMAND", "ACTION", "ALLOWED", "BY", NULL);
    for (guint i = 0; commands[i] && is_right; i++)
        is_right = add_answer(question, actions, commands[i], table, &is_all, error);
    ctl_table_print(table, question->ctl->is_json);
    if (!question->is_owner && is_right && geteuid() != 0)
        fprintf(stderr, "polkit takes the VM and the command from root alone: a rule that looks at them may say otherwise.\n");
    return is_right && is_all ? CTL_OK : CTL_DENIED;
}

static const struct passwd *
find_person(const char *name, GError **error)
{
    const struct passwd *user = getpwnam(name);

    if (!user)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "nobody is called \"%s\"", name);
    else if (geteuid() != 0 && user->pw_uid != getuid())
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "polkit tells only root what others may do");
    else
        return user;
    return NULL;
}

static CtlStatus
tell_allowed(Ctl *ctl, const char *vm, const char *name, char **commands, GError **error)
{
    Question question = { .ctl = ctl };
    g_autoptr(GSubprocess) process = NULL;
    const struct passwd *user = name ? find_person(name, error) : NULL;
    g_autofree char *path = NULL;
    CtlStatus status = CTL_FAILED;

    question.owner = G_MAXUINT32;
    if ((name && !user) || !ctl_connect(ctl, error) || !(path = ctl_find_vm(ctl, vm, error)) ||
        !(question.properties = ctl_get_properties(ctl, path, CTL_VM, error)))
        return status;
    g_variant_lookup(question.properties, "OwnerUID", "u", &question.owner);
    question.is_owner = question.owner == (user ? user->pw_uid : getuid());
    question.system = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, question.is_owner ? NULL : error);
    question.subject = question.system ? make_subject(user && user->pw_uid != getuid() ? user : NULL, &process, error) : NULL;
    if (question.is_owner || question.subject)
        status = print_answers(&question, path, commands, error);
    if (process)
        g_subprocess_force_exit(process);
    g_clear_object(&question.system);
    g_clear_pointer(&question.subject, g_variant_unref);
    g_clear_pointer(&question.properties, g_variant_unref);
    return status;
}

CtlStatus
ctl_run_allowed(Ctl *ctl, int argc, char **argv)
{
    g_autofree char *user = NULL;
    const GOptionEntry entries[] = {
        { "as", 0, 0, G_OPTION_ARG_STRING, &user, "Ask for this user (as root)", "USER" },
        G_OPTION_ENTRY_NULL,
    };
    GError *error = NULL;

    if (!ctl_parse_options(ctl, entries, &argc, &argv, 2, -1))
        return CTL_USAGE;
    CtlStatus status = tell_allowed(ctl, argv[1], user, argv + 2, &error);
    return error ? ctl_fail(ctl, error) : status;
}
