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

/* The last one counts, and nothing is left of those before. */
static void
test_address_twice(void)
{
    g_autoptr(Config) config = parse("[vm web]\naddress=unix:/run/1\nspares=unix:/run/2\naddress=unix:/run/3\nspares=unix:/run/4\n", NULL);

    g_assert_cmpuint(config->vms->len, ==, 1);
    g_assert_cmpstr(((ConfigVm *)config->vms->pdata[0])->address->path, ==, "/run/3");
}

static void
test_full(void)
{
    /* The group that holds for all may come last. */
    g_autoptr(Config) config = parse("[vm web]\naddress=unix:/run/web.sock\nspares=unix:/run/2;unix:/run/3\n"
                                     "[vm db 1]\naddress=tcp:localhost:4444,server=on\nisolation=preferred\n"
                                     "[vm other]\naddress=unix:/run/other,server=on\nuser=root\n"
                                     "[qemu-monitor]\nmax-reply=65536\nmax-monitors=3\nidle-timeout=0.25\n"
                                     "isolation=required\nowner=polkit\naudit=all\n",
                                     NULL);

    g_assert_cmpuint(config->max_reply, ==, 65536);
    g_assert_cmpuint(config->max_monitors, ==, 3);
    g_assert_cmpuint(config->idle_timeout, ==, 250000);
    g_assert_true(config->owner_needs_polkit);
    g_assert_true(config->audit_all);
    g_assert_cmpuint(config->vms->len, ==, 3);
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
    g_assert_cmpuint(db->user, ==, geteuid());
    const ConfigVm *other = g_ptr_array_index(config->vms, 2);
    g_assert_cmpuint(other->user, ==, 0);
}

/* What protects somebody is as it was meant, or nothing starts. */
static void
test_fatal(void)
{
    static const struct {
        const char *text, *named;
    } mistakes[] = {
        { "[qemu-monitor]\nisolation=yes\n", "[qemu-monitor] isolation: `preferred` or `required` is expected" },
        { "[qemu-monitor]\nisolation=\\q\n", "[qemu-monitor] isolation" },
        { "[vm web]\naddress=unix:/run/web.sock\nisolation=\n", "[vm web] isolation" },
        { "[vm web]\nadress=x\nisolation=require\n", "[vm web] isolation" },
        { "[qemu-monitor]\nowner=root\n", "[qemu-monitor] owner: `allow` or `polkit` is expected" },
        { "[qemu-monitor]\nownr=polkit\n", "[qemu-monitor] ownr: there is no such key" },
        { "[qemu-monitor]\nOwner=polkit\n", "did you mean owner?" },
        { "[qemu-monitor]\nisolaton=required\n", "did you mean isolation?" },
        { "[vm web]\naddress=unix:/run/web.sock\nisolatoin=required\n", "[vm web] isolatoin: there is no such key" },
        { "[vm web]\naddress=unix:/run/web.sock\nowner=polkit\n", "[vm web] owner: there is no such key" },
        { "[qemu-montior]\naudit=all\nowner=polkit\n", "[qemu-montior] owner: there is no such group" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(mistakes[i].text, &error));
        g_assert_nonnull(strstr(error->message, mistakes[i].named));
    }
}

/* Whatever is wrong in one place, the VM "db" is there. @is_there: so is "web". */
static void
test_mistakes(void)
{
    static const struct {
        const char *text, *named;
        gboolean is_error, is_there;
    } mistakes[] = {
        { "[qemu-monitor]\nmax_reply=65536\n", "max_reply", FALSE, FALSE },
        { "[qemu-monitor]\nmax-reply=12\n", "max-reply", TRUE, FALSE },
        { "[qemu-monitor]\nmax-reply=many\n", "max-reply", TRUE, FALSE },
        { "[qemu-monitor]\nmax-reply=\\q\n", "max-reply", TRUE, FALSE },
        { "[qemu-monitor]\nmax-reply=1073741825\n", "max-reply", TRUE, FALSE },
        { "[qemu-monitor]\nmax-monitors=0\n", "max-monitors", TRUE, FALSE },
        { "[qemu-monitor]\nmax-monitors=1001\n", "max-monitors", TRUE, FALSE },
        { "[qemu-monitor]\nidle-timeout=0\n", "idle-timeout", TRUE, FALSE },
        { "[qemu-monitor]\nidle-timeout=86401\n", "idle-timeout", TRUE, FALSE },
        { "[qemu-monitor]\nidle-timeout=1 s\n", "idle-timeout", TRUE, FALSE },
        { "[qemu-monitor]\nidle-timeout=nan\n", "idle-timeout", TRUE, FALSE },
        { "[qemu-monitor]\naudit=none\n", "[qemu-monitor] audit", TRUE, FALSE },
        { "[qemu-monitor]\nmax_reply=65536\n",
          "there are audit, idle-timeout, isolation, max-monitors, max-reply, owner; did you mean max-reply?", FALSE,
          FALSE },
        { "[vm web]\naddress=unix:/run/web.sock\nspares=web\n", "[vm web] spares: ", TRUE, FALSE },
        { "[vm web]\naddress=unix:/run/web.sock\nspares=unix:/x,server=on\n", "must listen", TRUE, FALSE },
        { "[vm web]\n", "[vm web]: its `address` is missing; the keys are address, isolation, spares, user", TRUE,
          FALSE },
        { "[vm web]\naddress=unix:/run/web.sock\nuser=root\n", "[vm web]: `user` says whose QEMU may connect", TRUE,
          FALSE },
        { "[vm web]\naddress=unix:/x,server=on\nuser=no such one\n", "[vm web] user: \"no such one\" is no user", TRUE,
          FALSE },
        { "[vm web]\naddress=unix:run/web.sock\n", "[vm web] address: ", TRUE, FALSE },
        { "[vm web]\naddress=unix:/run/web.sock\nadress=x\n",
          "[vm web] adress: there is no such key; there are address, isolation, spares, user; did you mean address?",
          FALSE, TRUE },
        { "[vm ]\naddress=unix:/run/web.sock\n", "name", TRUE, FALSE },
        { "[VM web]\naddress=unix:/run/web.sock\n", "[VM web]", FALSE, FALSE },
        { "[qemu-montior]\naudit=all\nmax-reply=65536\n", "[qemu-montior]: there is no such group", FALSE, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autofree char *text = g_strconcat(mistakes[i].text, "[vm db]\naddress=unix:/run/db.sock\n", NULL);
        g_autoptr(Config) config = parse(text, NULL);
        const ConfigProblem *problem;
        g_assert_cmpuint(config->problems->len, ==, 1);
        problem = g_ptr_array_index(config->problems, 0);
        g_assert_nonnull(strstr(problem->text, mistakes[i].named));
        g_assert_cmpint(problem->is_error, ==, mistakes[i].is_error);
        g_assert_cmpuint(config->vms->len, ==, mistakes[i].is_there ? 2 : 1);
        g_assert_cmpuint(config->max_reply, ==, 32 * 1024 * 1024);
    }
}

/* A misspelt `address` is told twice: which word is wrong, and what is missing by it. */
static void
test_misspelt(void)
{
    g_autoptr(Config) config = parse("[vm web]\nadress=unix:/run/web.sock\n", NULL);
    const ConfigProblem *word, *missing;

    g_assert_cmpuint(config->problems->len, ==, 2);
    word = g_ptr_array_index(config->problems, 0);
    missing = g_ptr_array_index(config->problems, 1);
    g_assert_true(!word->is_error && g_str_has_suffix(word->text, "did you mean address?"));
    g_assert_true(missing->is_error && strstr(missing->text, "missing"));
    g_assert_cmpstr(missing->vm, ==, "web");
}

/* An administrator of many VMs is told where in which file to look. */
static void
test_place(void)
{
    static const char text[] = "# adress=\n[vm web]\naddress=unix:/run/web.sock\n\n[vm db]\n adress = x\nowner=x\n"
                               "[qemu-monitor]\nowner=root\n";
    g_autofree char *path = NULL, *line = NULL, *fatal = NULL, *gone = NULL;
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(Config) config = NULL;
    g_autoptr(GError) error = NULL;
    int fd = g_file_open_tmp("test-config-XXXXXX", &path, NULL);

    close(fd);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_true(g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL));
    g_assert_null(config_new(file, path, &error));
    fatal = g_strdup_printf("%s:9: [qemu-monitor] owner: ", path);
    g_assert_true(g_str_has_prefix(error->message, fatal));
    g_assert_true(g_key_file_remove_group(file, "qemu-monitor", NULL));
    g_assert_true(g_key_file_remove_key(file, "vm db", "owner", NULL));
    config = config_new(file, path, NULL);
    line = g_strdup_printf("%s:6: [vm db] adress: ", path);
    g_assert_true(g_str_has_prefix(((ConfigProblem *)g_ptr_array_index(config->problems, 0))->text, line));
    g_clear_pointer(&config, config_free);
    g_assert_no_errno(g_unlink(path));
    config = config_new(file, path, NULL);
    gone = g_strdup_printf("%s: [vm db] adress: ", path);
    g_assert_true(g_str_has_prefix(((ConfigProblem *)g_ptr_array_index(config->problems, 0))->text, gone));
}

/* The second group was copied, and not given a name of its own. */
static void
test_group_twice(void)
{
    static const char text[] = "[vm web]\naddress=unix:/run/web.sock\n# key=1\n# key=2\n\n[vm db]\naddress=unix:/run/db.sock\n"
                               "[vm web]\nisolation=required\naddress=unix:/run/mail.sock\n";
    g_autofree char *path = NULL, *expected = NULL;
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(Config) config = NULL;
    const ConfigProblem *problem;
    int fd = g_file_open_tmp("test-config-XXXXXX", &path, NULL);

    close(fd);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_true(g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL));
    config = config_new(file, path, NULL);
    g_assert_no_errno(g_unlink(path));
    g_assert_cmpuint(config->vms->len, ==, 2);
    g_assert_cmpuint(config->problems->len, ==, 1);
    problem = g_ptr_array_index(config->problems, 0);
    expected = g_strdup_printf("%s:10: [vm web] address: stands in line 2 already; the last one counts", path);
    g_assert_cmpstr(problem->text, ==, expected);
    g_assert_false(problem->is_error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/none", test_none);
    g_test_add_func("/config/address-twice", test_address_twice);
    g_test_add_func("/config/full", test_full);
    g_test_add_func("/config/fatal", test_fatal);
    g_test_add_func("/config/mistakes", test_mistakes);
    g_test_add_func("/config/misspelt", test_misspelt);
    g_test_add_func("/config/place", test_place);
    g_test_add_func("/config/group-twice", test_group_twice);
    return g_test_run();
}
