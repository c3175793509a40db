/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fuzz target: one file, fuzz-NAME.c, which has this function. tests/fuzz/run links it with libFuzzer; each run of the unit suite
 * links it with replay.c, which calls it with every file of corpus/NAME. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

/* Takes any bytes. A fault ends the process: an assertion that fails, or a sanitizer. Always 0; nothing stays allocated. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Before the first of them. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* As g_error(), but so that libFuzzer keeps the input: it does not see a breakpoint. */
#define fuzz_fail(...)                                                                                                \
    G_STMT_START                                                                                                      \
    {                                                                                                                 \
        g_printerr(__VA_ARGS__);                                                                                      \
        abort();                                                                                                      \
    }                                                                                                                 \
    G_STMT_END
