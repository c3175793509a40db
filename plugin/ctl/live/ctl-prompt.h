/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A prompt on the terminal, by readline: history, completion, and output above the line that is typed. */
#pragma once

#include <glib.h>

typedef struct CtlPromptUser {
    /* A line was typed; NULL: the end of input. The prompt is gone then, until ctl_prompt_show(). */
    void (*on_line)(const char *line, gpointer user_data);
    /* What may stand after @before, which is the line up to the word; free with g_strfreev(); NULL: nothing. After a word that ends in
     * `=` the same word goes on. */
    char **(*complete)(const char *before, const char *word, gpointer user_data);
    gpointer user_data; /* weak */
} CtlPromptUser;

/* Has the terminal until ctl_prompt_close(), which gives it back as it was. There is one at a time. */
void ctl_prompt_open(const CtlPromptUser *user);
void ctl_prompt_close(void);

void ctl_prompt_show(const char *prompt);

/* Forgets what is typed, as Ctrl-C does in a shell. FALSE: there is no prompt. */
gboolean ctl_prompt_interrupt(void);

/* Around what is printed on standard output. */
void ctl_prompt_begin_output(void);
void ctl_prompt_end_output(void);
