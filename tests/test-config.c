/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key file: what an administrator writes, and what they are told when it is wrong. */
#include "config.h"

#include <glib/gstdio.h>
#include <unistd.h>

static Config *
parse(const char *text, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    g_assert_true(g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, NULL));
    return config_new(file, /* path= */ NULL, error);
}

static void
test_none(void)
{
    g_autoptr(Config) config = config_new(NULL, NULL, NULL);

    g_assert_cmpuint(config->max_reply, ==, 32 * 1024 * 1024);
    g_assert_cmpuint(config->max_monitors, ==, 16);
    g_assert_cmpuint(config->idle_timeout, ==, 10 * G_USEC_PER_SEC);
    g_assert_false(config->isolation_required);
    g_assert_false(config->owner_needs_polkit);
    g_assert_false(config->audit_all);
    g_assert_cmpuint(config->vms->len, ==, 0);
}

static void
test_full(void)
{
    /* The group that holds for all may come last. */
    g_autoptr(Config) config = parse("[vm web]\naddress=unix:/run/web.sock\nspares=unix:/run/2;unix:/run/3\n"
                                     "[vm db 1]\naddress=tcp:localhost:4444,server=on\nisolation=preferred\n"
                                     "[qemu-monitor]\nmax-reply=65536\nmax-monitors=3\nidle-timeout=0.25\n"
                                     "isolation=required\nowner=polkit\naudit=all\n",
                                     NULL);

    g_assert_cmpuint(config->max_reply, ==, 65536);
    g_assert_cmpuint(config->max_monitors, ==, 3);
    g_assert_cmpuint(config->idle_timeout, ==, 250000);
    g_assert_true(config->owner_needs_polkit);
    g_assert_true(config->audit_all);
    g_assert_cmpuint(config->vms->len, ==, 2);
    const ConfigVm *web = g_ptr_array_index(config->vms, 0);
    const ConfigVm *db = g_ptr_array_index(config->vms, 1);
    g_assert_cmpstr(web->name, ==, "web");
    g_assert_cmpstr(web->address->path, ==, "/run/web.sock");
    g_assert_cmpstr(db->name, ==, "db 1");
    g_assert_true(db->address->server);
    g_assert_true(web->isolation_required && !db->isolation_required);
    g_assert_cmpuint(web->spares->len, ==, 2);
    g_assert_cmpstr(((QmpAddress *)g_ptr_array_index(web->spares, 1))->path, ==, "/run/3");
    g_assert_cmpuint(db->spares->len, ==, 0);
}

static void
test_mistakes(void)
{
    static const struct {
        const char *text, *named;
    } mistakes[] = {
        { "[qemu-monitor]\nmax_reply=65536\n", "max_reply" },
        { "[qemu-monitor]\nmax-reply=12\n", "max-reply" },
        { "[qemu-monitor]\nmax-reply=many\n", "max-reply" },
        { "[qemu-monitor]\nmax-monitors=0\n", "max-monitors" },
        { "[qemu-monitor]\nidle-timeout=0\n", "idle-timeout" },
        { "[qemu-monitor]\nidle-timeout=1 s\n", "idle-timeout" },
        { "[qemu-monitor]\nidle-timeout=nan\n", "idle-timeout" },
        { "[qemu-monitor]\nisolation=yes\n", "[qemu-monitor] isolation" },
        { "[vm web]\naddress=unix:/run/web.sock\nisolation=\n", "[vm web] isolation" },
        { "[vm web]\naddress=unix:/run/web.sock\nspares=web\n", "[vm web] spares: " },
        { "[vm web]\naddress=unix:/run/web.sock\nspares=unix:/x,server=on\n", "must listen" },
        { "[qemu-monitor]\nowner=root\n", "[qemu-monitor] owner" },
        { "[qemu-monitor]\naudit=none\n", "[qemu-monitor] audit" },
        { "[vm web]\n", "[vm web]" },
        { "[vm web]\naddress=unix:run/web.sock\n", "[vm web]" },
        { "[vm web]\naddress=unix:/run/web.sock\nadress=x\n",
          "[vm web] adress: there is no such key; there are address, isolation, spares; did you mean address?" },
        { "[qemu-monitor]\nmax_reply=65536\n",
          "there are audit, idle-timeout, isolation, max-monitors, max-reply, owner; did you mean max-reply?" },
        { "[qemu-monitor]\nmax-reply=\\q\n", "max-reply" },
        { "[vm ]\naddress=unix:/run/web.sock\n", "name" },
        { "[VM web]\naddress=unix:/run/web.sock\n", "[VM web]" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(mistakes[i].text, &error));
        g_assert_nonnull(strstr(error->message, mistakes[i].named));
    }
}

/* An administrator of many VMs is told where in which file to look. */
static void
test_place(void)
{
    static const char text[] = "# adress=\n[vm web]\naddress=unix:/run/web.sock\n\n[vm db]\n adress = x\n";
    g_autofree char *path = NULL, *line = NULL, *gone = NULL;
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    int fd = g_file_open_tmp("test-config-XXXXXX", &path, NULL);

    close(fd);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_true(g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL));
    g_assert_null(config_new(file, path, &error));
    line = g_strdup_printf("%s:6: [vm db] adress: ", path);
    g_assert_true(g_str_has_prefix(error->message, line));
    g_clear_error(&error);
    g_assert_no_errno(g_unlink(path));
    g_assert_null(config_new(file, path, &error));
    gone = g_strdup_printf("%s: [vm db] adress: ", path);
    g_assert_true(g_str_has_prefix(error->message, gone));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/none", test_none);
    g_test_add_func("/config/full", test_full);
    g_test_add_func("/config/mistakes", test_mistakes);
    g_test_add_func("/config/place", test_place);
    return g_test_run();
}
