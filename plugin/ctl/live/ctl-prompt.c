/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* readline on the main loop; see ctl-prompt.h. readline's callbacks take no data of their caller's, which is why the prompt is the
 * one static object of this program. */
#include "ctl-prompt.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

/* Lines of the history that are kept. */
#define MAX_HISTORY 1000

static struct {
    CtlPromptUser user;
    gboolean is_shown;
    char *history; /* owned; the name of the file */
    int n_typed; /* lines that the file does not have yet */
    char **words; /* owned; of the completion under way */
    guint next_word;
    guint input, resize; /* sources */
} the_prompt;

/* -- History -- */

static void
load_history(void)
{
    g_autofree char *directory = g_build_filename(g_get_user_state_dir(), "qemu-monitorctl", NULL);

    g_mkdir_with_parents(directory, 0700);
    the_prompt.history = g_build_filename(directory, "history", NULL);
    using_history();
    read_history(the_prompt.history);
}

/* A line that begins with a space is not kept, as in bash: it may hold a password. */
static void
remember_line(const char *line)
{
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;

    if (*line == '\0' || *line == ' ' || (last && g_str_equal(last->line, line)))
        return;
    add_history(line);
    the_prompt.n_typed++;
}

/* Appended, because another shell may have written meanwhile. */
static void
save_history(void)
{
    int fd = open(the_prompt.history, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    close(fd);
    if (append_history(the_prompt.n_typed, the_prompt.history) == 0)
        history_truncate_file(the_prompt.history, MAX_HISTORY);
}

/* -- Completion -- */

static char *
give_word(const char *text, int is_again)
{
    if (!is_again)
        the_prompt.next_word = 0;
    while (the_prompt.words && the_prompt.words[the_prompt.next_word]) {
        const char *word = the_prompt.words[the_prompt.next_word++];
        if (g_str_has_prefix(word, text))
            return strdup(word);
    }
    return NULL;
}

static char **
complete_word(const char *text, int start, int end)
{
    g_autofree char *before = g_strndup(rl_line_buffer, (gsize)start);
    char **matches;

    g_strfreev(the_prompt.words);
    the_prompt.words = the_prompt.user.complete(before, text, the_prompt.user.user_data);
    rl_attempted_completion_over = 1; /* names of files are none */
    matches = rl_completion_matches(text, give_word);
    if (matches && !matches[1] && g_str_has_suffix(matches[0], "="))
        rl_completion_suppress_append = 1;
    return matches;
}

/* -- The terminal -- */

static void
hide_prompt(void)
{
    if (the_prompt.is_shown)
        rl_callback_handler_remove();
    the_prompt.is_shown = FALSE;
}

static void
on_typed_line(char *line)
{
    hide_prompt();
    if (line)
        remember_line(line);
    else
        putchar('\n');
    the_prompt.user.on_line(line, the_prompt.user.user_data);
    free(line);
}

static gboolean
on_input(int fd, GIOCondition condition, gpointer user_data)
{
    if (the_prompt.is_shown)
        rl_callback_read_char();
    the_prompt.input = the_prompt.is_shown ? the_prompt.input : 0;
    return the_prompt.is_shown;
}

static gboolean
on_resized(gpointer user_data)
{
    rl_resize_terminal();
    return G_SOURCE_CONTINUE;
}

void
ctl_prompt_open(const CtlPromptUser *user)
{
    the_prompt.user = *user;
    rl_readline_name = "qemu-monitorctl";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_completer_word_break_characters = " \t";
    rl_attempted_completion_function = complete_word;
    load_history();
    the_prompt.resize = g_unix_signal_add(SIGWINCH, on_resized, NULL);
}

void
ctl_prompt_close(void)
{
    if (the_prompt.is_shown)
        putchar('\n');
    hide_prompt();
    save_history();
    g_clear_handle_id(&the_prompt.input, g_source_remove);
    g_source_remove(the_prompt.resize);
    g_clear_pointer(&the_prompt.words, g_strfreev);
    g_free(the_prompt.history);
    clear_history();
}

void
ctl_prompt_show(const char *prompt)
{
    if (the_prompt.is_shown)
        return;
    the_prompt.is_shown = TRUE;
    rl_callback_handler_install(prompt, on_typed_line);
    if (!the_prompt.input)
        the_prompt.input = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_input, NULL);
}

gboolean
ctl_prompt_interrupt(void)
{
    if (!the_prompt.is_shown)
        return FALSE;
    fputs("^C\n", stdout);
    rl_replace_line("", /* clear_undo= */ 1);
    rl_on_new_line();
    rl_redisplay();
    return TRUE;
}

void
ctl_prompt_begin_output(void)
{
    if (the_prompt.is_shown)
        rl_clear_visible_line();
}

void
ctl_prompt_end_output(void)
{
    fflush(stdout);
    if (!the_prompt.is_shown)
        return;
    rl_on_new_line();
    rl_redisplay();
}
