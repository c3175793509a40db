/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM that is up on a scripted QEMU, its callers' sessions, and three clients with a native session each: 0 is the owner's,
 * 1 and 2 are strangers' about whom polkit is asked; the session of 1 is pretty and out-of-band too, and 2 may not be
 * asked for a password.
 * A client's session begins with the first text that it says. */
#pragma once

#include "test-qemu.h"

typedef struct NativeWorld NativeWorld;

/* QEMU is of that version. */
NativeWorld *native_world_new(guint major, guint minor);

/* The VM goes, if it has not gone yet, and everything of it. */
void native_world_free(NativeWorld *world);

/* Weak. */
TestQemu *native_world_get_qemu(NativeWorld *world);

/* Runs the main context as long as there is anything to do at once; clients hear meanwhile. */
void native_world_settle(NativeWorld *world);

void native_world_say(NativeWorld *world, guint number, const char *text, gsize length, gboolean with_fd);
void native_world_close_client(NativeWorld *world, guint number);

/* QEMU's part. An answer that is none makes it dishonest, and so does whatever it says by itself. */
void native_world_set_answer(NativeWorld *world, const char *command, const char *answer);
void native_world_let_qemu_say(NativeWorld *world, gboolean is_control, const char *text);
void native_world_close_monitor(NativeWorld *world, gboolean is_control);

/* The strangers have left the bus. */
void native_world_note_left(NativeWorld *world);

/* The VM is about to go: no command is begun any more. */
void native_world_stop(NativeWorld *world);

/* Has polkit and QEMU answer everything, and sees to it that each session that has not ended answers then. */
void native_world_check_alive(NativeWorld *world);

/* Calls @func for each command that came by a caller's monitor so far: `NUMBER COMMAND ARGUMENTS`. Not at all where the owner had a
 * session, who may do everything. */
void native_world_foreach_arrival(NativeWorld *world, void (*func)(const char *line, gpointer user_data),
                                  gpointer user_data);
