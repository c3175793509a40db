/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* replay DIRECTORY...: calls a fuzz target with every file that stands in one of them, and with nothing. TAP. */
#include <glib.h>

#include "fuzz.h"

static guint
replay_directory(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) directory = g_dir_open(path, 0, &error);
    const char *name;
    guint n = 0;

    g_assert_no_error(error);
    while ((name = g_dir_read_name(directory))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_autofree char *data = NULL;
        gsize length;
        g_file_get_contents(file, &data, &length, &error);
        g_assert_no_error(error);
        /* Of its own length, so that a sanitizer sees whoever reads past it. */
        g_autofree char *bytes = g_memdup2(data, length);
        g_print("# %s\n", file);
        LLVMFuzzerTestOneInput((const uint8_t *)(bytes ? bytes : ""), length);
        n++;
    }
    return n;
}

int
main(int argc, char **argv)
{
    LLVMFuzzerInitialize(&argc, &argv);
    g_print("1..%d\n", argc - 1);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        guint n = replay_directory(argv[i]);
        g_print("%sok %d %s: %u inputs\n", n ? "" : "not ", i, argv[i], n);
    }
    return 0;
}
