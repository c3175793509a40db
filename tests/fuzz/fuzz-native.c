/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Native sessions on a VM, from the client's socket to QEMU's monitor and back: everything between them is the agent's own code. Only
 * polkit (native-authority.c) and QEMU (test-qemu.c) are scripted. Input: one step a line, of which the first byte says what it is
 * (take_step()).
 * - A command reaches QEMU only where its class, as the second reading of the rules has it, was allowed for just that command.
 * - QEMU gets JSON alone, and no name of the agent's from a caller.
 * - A client hears a greeting first, and JSON alone.
 * - A session that has not ended answers, once polkit and QEMU have answered everything.
 * - At the end no session's own monitor is left in QEMU, and no descriptor and no memory in the agent. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "json-tree.h"
#include "native-authority.h"
#include "native-world.h"
#include "policy-reading.h"

/* @letter: `o` the owner, `s` and `t` strangers. */
static void
say_as(NativeWorld *world, char letter, const char *text, gboolean with_fd)
{
    guint number = letter == 'o' ? 0 : letter == 's' ? 1 : 2;

    native_world_say(world, number, text, strlen(text), with_fd);
}

/* `COMMAND REST`: gives the command, and sets @text to the rest. */
static char *
take_word(const char **text)
{
    const char *end = strchr(*text, ' ');
    char *word = end ? g_strndup(*text, (gsize)(end - *text)) : g_strdup(*text);

    *text = end ? end + 1 : "";
    return word;
}

static void
answer_oldest(char letter)
{
    g_autoptr(GError) error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_FAILED, "polkit has gone");

    if (letter == 'f')
        native_authority_answer(AUTHORITY_NO, error);
    else
        native_authority_answer(letter == 'y'   ? AUTHORITY_YES
                                : letter == 'n' ? AUTHORITY_NO
                                                : AUTHORITY_CHALLENGE,
                                NULL);
}

static void
take_step(NativeWorld *world, char letter, const char *text)
{
    g_autofree char *word = NULL;

    switch (letter) {
    case 'o': /* a client says the text: the owner, or one of two strangers */
    case 's':
    case 't':
        say_as(world, letter, text, /* with_fd= */ FALSE);
        break;
    case 'O': /* the same, with a descriptor */
    case 'S':
    case 'T':
        say_as(world, g_ascii_tolower(letter), text, /* with_fd= */ TRUE);
        break;
    case 'y': /* polkit answers the oldest question: yes, no, somebody has to authenticate, an error */
    case 'n':
    case 'c':
    case 'f':
        answer_oldest(letter);
        break;
    case 'F': /* polkit cannot be asked, or again */
        native_authority_set_fails(*text != '\0');
        break;
    case 'r': /* from now on QEMU answers the command so */
        word = take_word(&text);
        native_world_set_answer(world, word, text);
        break;
    case 'w': /* QEMU does not answer the command, until `g` */
        test_qemu_withhold(native_world_get_qemu(world), text);
        break;
    case 'g':
        test_qemu_release(native_world_get_qemu(world), text);
        break;
    case 'q': /* QEMU says the text: by the monitor that was plugged last, or by the control monitor */
    case 'e':
        native_world_let_qemu_say(world, /* is_control= */ letter == 'e', text);
        break;
    case 'k': /* QEMU closes it */
    case 'K':
        native_world_close_monitor(world, /* is_control= */ letter == 'K');
        break;
    case 'l': /* the strangers leave the bus, and their sessions are kept */
        native_world_note_left(world);
        break;
    case 'x': /* a client closes its socket: the owner's, or a stranger's */
        native_world_close_client(world, *text == 's' ? 1 : *text == 't' ? 2 : 0);
        break;
    case 'p': /* the VM is being removed */
        native_world_stop(world);
        break;
    default:
        break;
    }
}

/* Whether the script's polkit has allowed the command that came to QEMU by a caller's monitor. */
static void
check_arrival(const char *line, gpointer user_data)
{
    g_auto(GStrv) parts = g_strsplit(line, " ", 3);
    const char *command = parts[1], *text = parts[2];
    g_autoptr(JsonNode) arguments = text ? json_tree_parse(text, strlen(text), NULL) : NULL;

    /* The agent's own: of each monitor that it plugs, for a caller who leaves names behind, and against a descriptor that nobody
     * named (caller-session.c). */
    if (g_str_equal(command, "qmp_capabilities") || g_str_equal(command, "closefd") ||
        (g_str_equal(command, "getfd") && g_strcmp0(text, "{\"fdname\":\"0\"}") == 0))
        return;
    g_assert_true(arguments || !text);
    if (!g_str_equal(command, "add-fd") && strstr(line, "org.qemu.Monitor1-"))
        fuzz_fail("a caller's command names what is the agent's: %s", line);
    for (PolicyClasses left = policy_reading(command, arguments); left; left &= left - 1) {
        const char *action = policy_class_get_action((PolicyClass)g_bit_nth_lsf(left, -1));
        /* `host` takes in all others. */
        if (!native_authority_has_allowed(action, command) &&
            !native_authority_has_allowed(policy_class_get_action(POLICY_CLASS_HOST), command))
            fuzz_fail("without leave for %s: %s", action, line);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    int first_free = open("/dev/null", O_RDONLY | O_CLOEXEC), last_free;
    close(first_free);

    /* Version 7.2 cannot be given monitors while it runs: all callers share the control monitor. */
    gboolean is_old = *lines && g_str_equal(*lines, "7.2");
    NativeWorld *world = native_world_new(is_old ? 7 : 11, is_old ? 2 : 1);
    for (guint i = is_old; *lines && lines[i]; i++) {
        if (!*lines[i])
            continue;
        take_step(world, lines[i][0], lines[i] + 1);
        native_world_settle(world);
    }
    native_world_check_alive(world);
    native_world_foreach_arrival(world, check_arrival, NULL);
    native_world_free(world);

    last_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(last_free, ==, first_free);
    close(last_free);
    return 0;
}
