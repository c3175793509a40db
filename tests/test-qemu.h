/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU for tests: its control monitor is the other end of a socketpair, further monitors are plugged as into QEMU 11.1
 * (getfd, chardev-add, object-add). It answers every command by a table, writes down which came by which monitor, and
 * runs in the main context of the tested code. */
#pragma once

#include "test-qmp-peer.h"

typedef struct TestQemu TestQemu;

/* @ret_fd: the agent's end of the control monitor. */
TestQemu *test_qemu_new(GMainContext *context, guint major, guint minor, int *ret_fd);
void test_qemu_free(TestQemu *qemu);

/* From now on @command is answered with @answer: `"return": …` or `"error": …`. Without that the answer is `{}`, or one
 * that makes sense. With arguments, as in the log below, only that one is, unless it is withheld. */
void test_qemu_set_answer(TestQemu *qemu, const char *command, const char *answer);

/* @command is not answered until test_qemu_release(), then as the table has it. */
void test_qemu_withhold(TestQemu *qemu, const char *command);
void test_qemu_release(TestQemu *qemu, const char *command);
void test_qemu_release_all(TestQemu *qemu);

/* Sends @text by every monitor, or by one of them: 0 is the control monitor, the first that was plugged is 1. */
void test_qemu_send_to_all(TestQemu *qemu, const char *text);
void test_qemu_send(TestQemu *qemu, guint number, const char *text);

/* QEMU closes that monitor. */
void test_qemu_close(TestQemu *qemu, guint number);

/* The monitor that was plugged last, of those that are open; 0: there is none. */
guint test_qemu_get_newest(TestQemu *qemu);
gboolean test_qemu_has_monitor(TestQemu *qemu, guint number);

/* Open monitors, the control monitor not counted. */
guint test_qemu_get_n_plugged(TestQemu *qemu);

/* How many commands came so far whose line begins with @line: `1 getfd {"fdname":"x"}` is the monitor, the command, and
 * its arguments if there are any. */
guint test_qemu_count(TestQemu *qemu, const char *line);

/* All these lines. Borrowed. */
const char *test_qemu_get_log(TestQemu *qemu);
