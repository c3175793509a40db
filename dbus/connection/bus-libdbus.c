/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-libdbus.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
write_to_stderr(const char *text)
{
    gssize n = write(STDERR_FILENO, text, strlen(text));

    (void)n; /* there is nobody else to tell */
}

void
bus_end_without_memory(const char *function)
{
    write_to_stderr("qemu-monitor: out of memory in ");
    write_to_stderr(function);
    write_to_stderr("\n");
    abort();
}
