/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-monitorctl: every VM of org.qemu.Monitor1 from a terminal. The command line is read here; each verb is a function of its
 * own, in the table below. */
#include "ctl-verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl-bus.h"
#include "ctl-live.h"
#include "ctl-options.h"
#include "ctl-print.h"

static const CtlVerb ctl_verbs[] = {
    { "list", "", "All VMs that the agent knows; why one is not connected", CTL_BY_BUS, ctl_run_list },
    { "status", "VM…", "What a VM is and does, its monitors and jobs", CTL_BY_BUS, ctl_run_status },
    { "show", "VM [-p PROPERTY]… [--value]", "A VM's properties, for programs", CTL_BY_BUS, ctl_run_show },
    { "call", "VM COMMAND [KEY=VALUE | KEY:=JSON | JSON | @FILE]…", "Run a QMP command", CTL_BY_BUS, ctl_run_call },
    { "allowed", "VM COMMAND… [--as USER]", "What the policy would say to commands", CTL_OVER_THERE, ctl_run_allowed },
    { "add", "NAME ADDRESS [OPTION=VALUE]…", "Take up a VM by the address of its monitor", CTL_BY_BUS, ctl_run_add },
    { "add-fd", "NAME FD|PATH [OPTION=VALUE]…", "Take up a VM by a socket of the caller's", CTL_OVER_THERE, ctl_run_add_fd },
    { "remove", "VM…", "Forget a VM; its QEMU goes on", CTL_BY_BUS, ctl_run_remove },
    { "wait", "VM COMMAND [ARGUMENT…]", "Run a QMP command, and wait for the end of what it begins", CTL_BY_BUS, ctl_run_wait },
    { "jobs", "VM [--watch]", "The slow work that is under way", CTL_BY_BUS, ctl_run_jobs },
    { "job", "VM ID ACTION", "pause, resume, cancel, complete, finalize, dismiss, set-speed N", CTL_BY_BUS, ctl_run_job },
    { "watch", "[VM…] [EVENT…]", "Events, states, and VMs that come and go", CTL_BY_BUS, ctl_run_watch },
    { "open", "VM [-- PROGRAM…]", "A native QMP session, for a program or a pipe", CTL_BY_BUS, ctl_run_open },
    { "display", "VM [PROTOCOL] [-- PROGRAM…]", "Start a viewer on the VM's display", CTL_BY_BUS, ctl_run_display },
    { "screenshot", "VM [FILE|-]", "Save a picture of the VM's screen", CTL_BY_BUS, ctl_run_screenshot },
    { "shell", "VM [--hmp] [--for TIME]", "A prompt for QMP, or HMP", CTL_OVER_THERE_TTY, ctl_run_shell },
    { "complete", "KIND [VM [COMMAND]]", NULL, CTL_BY_BUS, ctl_run_complete },
    { 0 },
};

static char *
list_verbs(void)
{
    GString *text = g_string_new("Verbs:\n");

    for (const CtlVerb *verb = ctl_verbs; verb->name; verb++)
        if (verb->help)
            g_string_append_printf(text, "  %-10s %-44s %s\n", verb->name, verb->arguments, verb->help);
    g_string_append(text, "\n`qemu-monitorctl VERB --help` shows a verb's options, qemu-monitorctl(1) the rest.\n");
    return g_string_free(text, FALSE);
}

static const CtlVerb *
find_verb(const char *name)
{
    for (const CtlVerb *verb = ctl_verbs; verb->name; verb++)
        if (strcmp(verb->name, name) == 0)
            return verb;
    return NULL;
}

/* The options before the verb. FALSE: *@ret_status is the exit status. */
static gboolean
read_command_line(Ctl *ctl, int *argc, char ***argv, CtlStatus *ret_status)
{
    g_autoptr(GOptionContext) context = g_option_context_new("VERB [ARGUMENT…]");
    g_autofree char *verbs = list_verbs();
    g_autoptr(GError) error = NULL;
    gboolean wants_version = FALSE;
    const GOptionEntry version[] = {
        { "version", 0, 0, G_OPTION_ARG_NONE, &wants_version, "Print the version and exit", NULL },
        G_OPTION_ENTRY_NULL,
    };

    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_set_summary(context, "Looks at, commands and watches the QEMUs of org.qemu.Monitor1.");
    g_option_context_set_description(context, verbs);
    ctl_add_common_options(ctl, context);
    g_option_context_add_main_entries(context, version, NULL);
    *ret_status = CTL_OK;
    if (!g_option_context_parse(context, argc, argv, &error)) {
        *ret_status = ctl_usage("%s", error->message);
        return FALSE;
    }
    if (wants_version)
        printf("qemu-monitorctl %s\n", CTL_VERSION);
    return !wants_version;
}

static CtlStatus
run_verb(Ctl *ctl, int argc, char **argv)
{
    const CtlVerb *verb = find_verb(argv[0]);

    for (int i = 0; i < argc; i++)
        if (!g_utf8_validate(argv[i], -1, NULL))
            return ctl_usage("\"%s\" is no UTF-8, as which D-Bus has every text", argv[i]);
    if (!verb)
        return ctl_usage("there is no verb \"%s\"; `qemu-monitorctl --help` shows all", argv[0]);
    if (ctl->host && verb->place != CTL_BY_BUS)
        return ctl_run_there(ctl, verb->place == CTL_OVER_THERE_TTY, argc, argv);
    ctl->verb = verb;
    return verb->run(ctl, argc, argv);
}

/* Where stdin, stdout or stderr is closed, the connection to the bus would get that number, and be written to. The files that take
 * the numbers here can neither be read nor written the way they would be used, so that this is a failure as it was before. */
static void
hold_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return;
}

/* Somebody reads what was printed, and a part of it has gone nowhere. */
static CtlStatus
flush_output(Ctl *ctl, CtlStatus status)
{
    if (fflush(stdout) != 0 && ctl->output_error == 0)
        ctl->output_error = errno;
    if (ferror(stdout) && ctl->output_error == 0)
        ctl->output_error = EIO; /* a line was too long for the buffer, and its errno is not kept */
    if (ctl->output_error == 0)
        return status;
    if (ctl->output_error == EPIPE) /* `| head`: GIO has the signal ignored */
        return status == CTL_OK ? 128 + SIGPIPE : status;
    ctl_print_line(stderr, "qemu-monitorctl: Cannot write the output: %s", g_strerror(ctl->output_error));
    return status == CTL_OK ? CTL_FAILED : status;
}

int
main(int argc, char **argv)
{
    Ctl ctl = { .verbs = ctl_verbs };
    CtlStatus status;
    char help[] = "--help";

    hold_standard_files();
    setlocale(LC_ALL, "");
    g_set_prgname("qemu-monitorctl");
    if (argc > 1 && strcmp(argv[1], "help") == 0)
        argv[1] = help;
    if (read_command_line(&ctl, &argc, &argv, &status)) {
        char list[] = "list", *by_default[] = { list, NULL };
        status = argc > 1 ? run_verb(&ctl, argc - 1, argv + 1) : run_verb(&ctl, 1, by_default);
    }
    status = flush_output(&ctl, status);
    g_clear_object(&ctl.bus);
    g_free(ctl.host);
    return (int)status;
}
