/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings of a VM as text: a wrong one that is taken for something else opens a VM to a user who is not meant, or leaves its
 * callers without the isolation that was asked for. */
#include "config-value.h"

#include <string.h>

#include "bus-error.h"
#include "qmp-error.h"

static void
test_isolation(void)
{
    static const char *const wrong[] = { "", "Required", "require", "required ", "true", "1" };
    gboolean is_required = FALSE;

    g_assert_true(config_value_read_isolation("required", &is_required, NULL));
    g_assert_true(is_required);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(config_value_read_isolation(wrong[i], &is_required, &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
        g_assert_cmpstr(error->message, ==, "`preferred` or `required` is expected");
        g_assert_true(is_required);
    }
    g_assert_true(config_value_read_isolation("preferred", &is_required, NULL));
    g_assert_false(is_required);
}

static void
test_spares(void)
{
    static const char *const good[] = { "unix:/run/a", "tcp:localhost:1", NULL };
    static const char *const listens[] = { "unix:/run/a", "unix:/run/b,server=on", NULL };
    static const char *const wrong[] = { "/run/a", NULL };
    const char *many[66] = { NULL };
    g_autoptr(GPtrArray) spares = config_value_read_spares(good, NULL);
    g_autoptr(GPtrArray) none = config_value_read_spares(NULL, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(spares->len, ==, 2);
    g_assert_cmpstr(((QmpAddress *)spares->pdata[1])->text, ==, "tcp:localhost:1");
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_null(config_value_read_spares(listens, &error));
    g_assert_cmpstr(error->message, ==, "unix:/run/b,server=on: a spare is connected to, so QEMU must listen");
    g_clear_error(&error);
    g_assert_null(config_value_read_spares(wrong, &error));
    g_assert_error(error, QMP_ERROR, QMP_ERROR_INVALID);
    g_clear_error(&error);
    for (guint i = 0; i < 65; i++)
        many[i] = good[0];
    g_assert_null(config_value_read_spares(many, &error));
    g_assert_cmpstr(error->message, ==, "65 addresses, there may be 64");
}

/* The greatest uid stands for no user at all, so nobody can be meant by it. */
static void
test_user(void)
{
    static const char *const wrong[] = { "", "-1", "4294967295", "4294967296", "0x0", "no such user", "1 " };
    guint32 uid = 7;

    g_assert_true(config_value_read_user("root", &uid, NULL));
    g_assert_cmpuint(uid, ==, 0);
    g_assert_true(config_value_read_user("4294967294", &uid, NULL));
    g_assert_cmpuint(uid, ==, 4294967294);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", wrong[i]);
        g_assert_false(config_value_read_user(wrong[i], &uid, &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
        g_assert_nonnull(strstr(error->message, "is no user, and no uid either"));
        g_assert_cmpuint(uid, ==, 4294967294);
    }
}

/* Only where the agent makes the socket itself can it be one user's. */
static void
test_user_of_address(void)
{
    static const char *const wrong[] = { "unix:/run/a", "tcp:localhost:1", "tcp:localhost:1,server=on" };
    g_autoptr(QmpAddress) good = qmp_address_parse("unix:/run/a,server=on", NULL);

    g_assert_true(config_value_check_user(good, NULL));
    g_assert_false(config_value_check_user(NULL, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(QmpAddress) address = qmp_address_parse(wrong[i], NULL);
        g_autoptr(GError) error = NULL;
        g_assert_nonnull(address);
        g_assert_false(config_value_check_user(address, &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config-value/isolation", test_isolation);
    g_test_add_func("/config-value/spares", test_spares);
    g_test_add_func("/config-value/user", test_user);
    g_test_add_func("/config-value/user-of-address", test_user_of_address);
    return g_test_run();
}
