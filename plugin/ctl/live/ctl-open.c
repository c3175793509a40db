/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs whose call gives a descriptor: open (a native session), display (a viewer), screenshot (a picture). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl-bus.h"
#include "ctl-live.h"
#include "ctl-options.h"
#include "ctl-print.h"
#include "ctl-stream.h"

/* How many words of the command line @word takes as an option, with its value; 0: it is none. */
static int
count_option_words(const char *word)
{
    if (g_str_equal(word, "-H") || g_str_equal(word, "--host"))
        return 2;
    return word[0] == '-' && word[1] ? 1 : 0;
}

/* Cuts @argv at the `--` behind the VM, and gives the words after that; NULL: there is none. A `--` before the VM ends the options,
 * so that a VM may be called `-x`. */
static char **
cut_program(int *argc, char **argv)
{
    gboolean has_vm = FALSE;

    for (int i = 1; i < *argc;) {
        int n = count_option_words(argv[i]);
        if (!g_str_equal(argv[i], "--")) {
            has_vm |= n == 0;
            i += MAX(n, 1);
        } else if (!has_vm) {
            has_vm = TRUE;
            i += 2;
        } else {
            argv[i] = NULL;
            *argc = i;
            return argv + i + 1;
        }
    }
    return NULL;
}

/* The command line for the other host: the verb and its options, as @first has them (NULLs for those that are not given), the VM's
 * @name, and @last, which may be NULL. */
static char **
make_there(const char *const *first, guint n, const char *name, const char *last)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    for (guint i = 0; i < n; i++)
        if (first[i])
            g_strv_builder_add(words, first[i]);
    if (name[0] == '-')
        g_strv_builder_add(words, "--");
    g_strv_builder_add(words, name);
    if (last)
        g_strv_builder_add(words, last);
    return g_strv_builder_end(words);
}

/* Has @source know the VM that is called @name. With -H the other host looks for it. */
static gboolean
find_source(CtlStreamSource *source, const char *name, char **ret_path, GError **error)
{
    if (source->ctl->host)
        return TRUE;
    source->there = NULL;
    return ctl_connect(source->ctl, error) && (source->vm = *ret_path = ctl_find_vm(source->ctl, name, error));
}

CtlStatus
ctl_run_open(Ctl *ctl, int argc, char **argv)
{
    char **program = cut_program(&argc, argv);
    GError *error = NULL;
    g_autofree char *path = NULL;

    if (!ctl_parse_options(ctl, NULL, &argc, &argv, 1, 1))
        return CTL_USAGE;
    static const char *const first[] = { "open" };
    g_auto(GStrv) there = make_there(first, G_N_ELEMENTS(first), argv[1], NULL);
    g_autoptr(GVariant) arguments = g_variant_ref_sink(g_variant_new("(a{sv})", NULL));
    CtlStreamSource source = { ctl, .method = "OpenMonitor", .arguments = arguments, .there = there, .speaks_first = TRUE };
    if (!find_source(&source, argv[1], &path, &error))
        return ctl_fail(ctl, error);
    return program && *program ? ctl_relay_program(&source, program, "QMP_SOCKET") : ctl_relay_stdio(&source);
}

/* -- display -- */

/* Viewers that connect to a Unix socket, the best first. A port of TCP would be open to every user of the machine. */
static const struct Viewer {
    const char *protocol;
    const char *program;
    const char *argument;
    const char *package;
} viewers[] = {
    { "spice", "remote-viewer", "spice+unix://{}", "virt-viewer" },
    { "spice", "spicy", "--uri=spice+unix://{}", "spice-client-gtk" },
    { "vnc", "xtigervncviewer", "{}", "tigervnc-viewer" },
    { "vnc", "vncviewer", "{}", "tigervnc-viewer" },
};

static const struct Viewer *
find_viewer(const char *protocol)
{
    for (guint i = 0; i < G_N_ELEMENTS(viewers); i++) {
        g_autofree char *path = g_find_program_in_path(viewers[i].program);
        if (path && g_str_equal(viewers[i].protocol, protocol))
            return &viewers[i];
    }
    return NULL;
}

/* The text of what is missing for @protocol. */
static CtlStatus
fail_without_viewer(const char *protocol)
{
    for (guint i = 0; i < G_N_ELEMENTS(viewers); i++)
        if (g_str_equal(viewers[i].protocol, protocol))
            return ctl_usage("no viewer for %s is installed: the package %s has one; or name a program after --, with {} for the "
                             "path of its socket", protocol, viewers[i].package);
    return ctl_usage("no viewer for %s is known: name a program after --, with {} for the path of its socket", protocol);
}

/* The protocol that the VM's display speaks, as its QEMU tells. */
static const char *
find_display_protocol(Ctl *ctl, const char *path)
{
    g_autoptr(GVariant) arguments = g_variant_ref_sink(g_variant_new("(sa{sv})", "query-spice", NULL));
    g_autoptr(GVariant) reply = ctl_call(ctl, path, CTL_VM, "Execute", arguments, NULL, NULL, NULL);
    g_autoptr(GVariant) result = NULL;
    gboolean is_enabled = FALSE;

    if (reply)
        g_variant_get(reply, "(v)", &result);
    return result && g_variant_lookup(result, "enabled", "b", &is_enabled) && is_enabled ? "spice" : "vnc";
}

static int
run_viewer(CtlStreamSource *source, const char *protocol, char **program)
{
    const struct Viewer *viewer = program && *program ? NULL : find_viewer(protocol);

    if (viewer) {
        char *command[] = { (char *)viewer->program, (char *)viewer->argument, NULL };
        return ctl_relay_program(source, command, "DISPLAY_SOCKET");
    }
    return program && *program ? ctl_relay_program(source, program, "DISPLAY_SOCKET") : (int)fail_without_viewer(protocol);
}

CtlStatus
ctl_run_display(Ctl *ctl, int argc, char **argv)
{
    char **program = cut_program(&argc, argv);
    gboolean is_stdio = FALSE;
    const GOptionEntry entries[] = {
        { "stdio", 0, 0, G_OPTION_ARG_NONE, &is_stdio, "Make standard input and output the display's connection", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autofree char *path = NULL;
    GError *error = NULL;

    if (!ctl_parse_options(ctl, entries, &argc, &argv, 1, 2))
        return CTL_USAGE;
    if (ctl->host && !argv[2])
        return ctl_usage("display: with -H the protocol must be named: vnc or spice");
    static const char *const first[] = { "display", "--stdio" };
    g_auto(GStrv) there = make_there(first, G_N_ELEMENTS(first), argv[1], argv[2]);
    CtlStreamSource source = { .ctl = ctl, .method = "OpenDisplay", .there = there };
    if (!find_source(&source, argv[1], &path, &error))
        return ctl_fail(ctl, error);
    const char *protocol = argv[2] ? argv[2] : find_display_protocol(ctl, path);
    g_autoptr(GVariant) arguments = g_variant_ref_sink(g_variant_new("(sa{sv})", protocol, NULL));
    source.arguments = arguments;
    source.speaks_first = g_str_equal(protocol, "vnc");
    return is_stdio ? ctl_relay_stdio(&source) : run_viewer(&source, protocol, program);
}

/* -- screenshot -- */

static GVariant *
make_picture_options(const char *format, const char *device, int head)
{
    GVariantDict options;

    g_variant_dict_init(&options, NULL);
    if (format)
        g_variant_dict_insert(&options, "format", "s", format);
    if (device)
        g_variant_dict_insert(&options, "device", "s", device);
    if (head >= 0)
        g_variant_dict_insert(&options, "head", "x", (gint64)head);
    return g_variant_ref_sink(g_variant_new("(@a{sv})", g_variant_dict_end(&options)));
}

/* `VM-2026-12-31T235959.png` */
static char *
make_file_name(const char *name, const char *format)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H%M%S");
    g_autofree char *base = g_strdup(name);

    return g_strdup_printf("%s-%s.%s", g_strdelimit(base, "/", '_'), time, format);
}

static CtlStatus
write_picture(Ctl *ctl, GBytes *picture, const char *file, gboolean is_named)
{
    GError *error = NULL;
    gsize size;
    const char *data = g_bytes_get_data(picture, &size);

    if (g_str_equal(file, "-"))
        return fwrite(data, 1, size, stdout) == size ? CTL_OK : CTL_FAILED;
    /* What a guest shows is its user's affair, as everything that takes `read-guest` is. */
    if (!g_file_set_contents_full(file, data, (gssize)size, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        return ctl_fail(ctl, error);
    if (!is_named)
        ctl_print_line(stdout, "%s", file);
    return CTL_OK;
}

CtlStatus
ctl_run_screenshot(Ctl *ctl, int argc, char **argv)
{
    g_autofree char *format = NULL, *device = NULL, *path = NULL, *made = NULL;
    int head = -1;
    const GOptionEntry entries[] = {
        { "format", 0, 0, G_OPTION_ARG_STRING, &format, "png or ppm; by default as FILE ends, or png", "FORMAT" },
        { "device", 0, 0, G_OPTION_ARG_STRING, &device, "The display device with this id", "ID" },
        { "head", 0, 0, G_OPTION_ARG_INT, &head, "Which of the device's screens, from 0", "N" },
        G_OPTION_ENTRY_NULL,
    };
    GError *error = NULL;
    int status;

    if (!ctl_parse_options(ctl, entries, &argc, &argv, 1, 2))
        return CTL_USAGE;
    if (!format)
        format = g_strdup(argv[2] && g_str_has_suffix(argv[2], ".ppm") ? "ppm" : "png");
    const char *file = argv[2] ? argv[2] : (made = make_file_name(argv[1], format));
    if (g_str_equal(file, "-") && isatty(STDOUT_FILENO))
        return ctl_usage("a picture is not written to a terminal: name a file, or pass it on to a program");
    g_autofree char *format_option = g_strdup_printf("--format=%s", format);
    g_autofree char *head_option = head >= 0 ? g_strdup_printf("--head=%d", head) : NULL;
    g_autofree char *device_option = device ? g_strdup_printf("--device=%s", device) : NULL;
    const char *first[] = { "screenshot", format_option, device_option, head_option };
    g_auto(GStrv) there = make_there(first, G_N_ELEMENTS(first), argv[1], "-");
    g_autoptr(GVariant) arguments = make_picture_options(format, device, head);
    CtlStreamSource source = { .ctl = ctl, .method = "Screenshot", .arguments = arguments, .there = there };
    if (!find_source(&source, argv[1], &path, &error))
        return ctl_fail(ctl, error);
    g_autoptr(GBytes) picture = ctl_stream_read(&source, &status);
    return picture ? write_picture(ctl, picture, file, argv[2] != NULL) : (CtlStatus)status;
}
