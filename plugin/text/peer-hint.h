/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guesses at the program that answers where a QMP server was expected. */
#pragma once

/* For the user who has mistaken one for the other: "an SSH server answers there, not QMP". @said: the first bytes that
 * came. To be freed. */
char *peer_hint_describe(const char *said);
