/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options; see ctl-options.h. */
#include "ctl-options.h"

#include <string.h>

#include "ctl-bus.h"

void
ctl_add_common_options(Ctl *ctl, GOptionContext *context)
{
    const GOptionEntry entries[] = {
        { "system", 0, G_OPTION_FLAG_REVERSE, G_OPTION_ARG_NONE, &ctl->is_user, "The system bus (default)", NULL },
        { "user", 0, 0, G_OPTION_ARG_NONE, &ctl->is_user, "The user's bus", NULL },
        { "host", 'H', 0, G_OPTION_ARG_STRING, &ctl->host, "The bus of another machine, over ssh", "[USER@]HOST" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &ctl->is_json, "Print data as JSON", NULL },
        { "no-ask-password", 0, 0, G_OPTION_ARG_NONE, &ctl->asks_no_password, "Do not ask anybody to authenticate", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_option_context_add_main_entries(context, entries, /* translation_domain= */ NULL);
}

gboolean
ctl_parse_options(Ctl *ctl, const GOptionEntry *entries, int *argc, char ***argv, int min, int max)
{
    const CtlVerb *verb = ctl->verb;
    g_autoptr(GError) error = NULL;
    g_autofree char *usage = g_strdup_printf("%s\n\n%s", verb->arguments, verb->help);
    g_autofree char *program = g_strdup_printf("qemu-monitorctl %s", verb->name);
    g_autoptr(GOptionContext) context = g_option_context_new(usage);

    g_set_prgname(program);
    if (entries)
        g_option_context_add_main_entries(context, entries, NULL);
    ctl_add_common_options(ctl, context);
    gboolean is_right = g_option_context_parse(context, argc, argv, &error);
    g_set_prgname("qemu-monitorctl");
    if (!is_right) {
        ctl_usage("%s: %s", verb->name, error->message);
        return FALSE;
    }
    if (*argc > 1 && strcmp((*argv)[1], "--") == 0)
        memmove(*argv + 1, *argv + 2, (gsize)(--*argc) * sizeof **argv);
    if (*argc - 1 < min || (max >= 0 && *argc - 1 > max)) {
        ctl_usage("usage: qemu-monitorctl %s %s", verb->name, verb->arguments);
        return FALSE;
    }
    return TRUE;
}
