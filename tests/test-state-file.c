/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file from which an agent takes orders: what breaks here lets somebody else give them. */
#include "state-file.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Fixture {
    char *run_directory; /* owned; and the next two */
    char *directory;
    char *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->run_directory = g_dir_make_tmp("test-state-file-XXXXXX", NULL);
    fixture->directory = state_file_make_directory(fixture->run_directory, NULL);
    fixture->path = g_build_filename(fixture->directory, "vms", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_unlink(fixture->path);
    g_assert_no_errno(g_rmdir(fixture->directory));
    g_assert_no_errno(g_rmdir(fixture->run_directory));
    g_free(fixture->path);
    g_free(fixture->directory);
    g_free(fixture->run_directory);
}

static void
assert_refused(const char *path, gsize max)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(state_file_read(path, max, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, path));
}

static void
test_text(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL, *zeros = NULL;
    struct stat status;

    g_assert_null(state_file_read(fixture->path, 10, &error));
    g_assert_no_error(error);
    g_assert_true(state_file_write(fixture->path, "first", 5, NULL));
    g_assert_true(state_file_write(fixture->path, "0123456789", 10, NULL));
    text = state_file_read(fixture->path, 10, NULL);
    g_assert_cmpstr(text, ==, "0123456789");
    assert_refused(fixture->path, 9);
    g_assert_no_errno(g_stat(fixture->path, &status));
    g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
    g_assert_true(state_file_write(fixture->path, "a\0b\0", 4, NULL));
    zeros = state_file_read(fixture->path, 10, NULL);
    g_assert_cmpstr(zeros, ==, "a?b?");
}

static void
test_append(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    int lock = -1;

    g_assert_true(state_file_lock(fixture->directory, &lock, NULL));
    g_assert_false(state_file_append(lock, fixture->path, "none", 4, &error));
    g_assert_nonnull(strstr(error->message, fixture->path));
    g_assert_true(state_file_write(fixture->path, "first", 5, NULL));
    g_assert_true(state_file_append(lock, fixture->path, "second", 6, NULL));
    text = state_file_read(fixture->path, 20, NULL);
    g_assert_cmpstr(text, ==, "firstsecond");
    g_assert_no_errno(g_chmod(fixture->path, 0620));
    g_assert_false(state_file_append(lock, fixture->path, "third", 5, NULL));
    g_assert_no_errno(close(lock));
}

/* What the agent cannot read keeps a name, whatever is written after it; also a directory, and a link to what is not there. */
static void
test_aside(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *none = NULL, *text = NULL;
    char *asides[8];

    g_assert_true(state_file_set_aside(fixture->path, &none, NULL));
    g_assert_null(none);
    for (guint i = 0; i < G_N_ELEMENTS(asides); i++) {
        if (i == 0)
            g_assert_no_errno(g_mkdir(fixture->path, 0700));
        else if (i == 1)
            g_assert_no_errno(symlink("/nothing/there", fixture->path));
        else
            g_assert_true(state_file_write(fixture->path, "text", 4, NULL));
        g_assert_true(state_file_set_aside(fixture->path, &asides[i], NULL));
        g_unlink(fixture->path);
    }
    text = state_file_read(asides[2], 10, NULL);
    g_assert_cmpstr(text, ==, "text");
    g_assert_true(state_file_write(fixture->path, "another", 7, NULL));
    g_assert_false(state_file_set_aside(fixture->path, &none, &error));
    g_assert_nonnull(strstr(error->message, "8 like it are kept already"));
    g_assert_no_errno(g_rmdir(asides[0]));
    for (guint i = 0; i < G_N_ELEMENTS(asides); i++) {
        g_assert_true(g_unlink(asides[i]) == 0 || i == 0);
        g_free(asides[i]);
    }
}

static void
test_forged(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *elsewhere = g_build_filename(fixture->directory, "elsewhere", NULL);

    g_assert_true(state_file_write(fixture->path, "text", 4, NULL));
    for (guint mode = 0601; mode <= 0677; mode++)
        if (mode & 077) {
            g_assert_no_errno(g_chmod(fixture->path, (int)mode));
            assert_refused(fixture->path, 10);
        }
    g_assert_no_errno(g_chmod(fixture->path, 0600));
    if (geteuid() == 0) {
        g_assert_no_errno(chown(fixture->path, 1, 1));
        assert_refused(fixture->path, 10);
        g_assert_no_errno(chown(fixture->path, 0, 0));
    }
    g_assert_no_errno(g_rename(fixture->path, elsewhere));
    g_assert_no_errno(symlink(elsewhere, fixture->path));
    assert_refused(fixture->path, 10);
    g_assert_no_errno(g_unlink(elsewhere));
    g_assert_no_errno(g_unlink(fixture->path));
    /* Nobody waits for a writer. */
    g_assert_no_errno(mkfifo(fixture->path, 0600));
    assert_refused(fixture->path, 10);
}

static void
test_directory(Fixture *fixture, gconstpointer unused)
{
    static const mode_t wrong[] = { 0701, 0710, 0770, 0777 };
    g_autofree char *again = state_file_make_directory(fixture->run_directory, NULL);
    g_autofree char *elsewhere = g_build_filename(fixture->run_directory, "elsewhere", NULL);

    g_assert_cmpstr(again, ==, fixture->directory);
    g_assert_true(state_file_has_directory(fixture->run_directory));
    g_assert_false(state_file_has_directory(fixture->directory));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_no_errno(g_chmod(fixture->directory, (int)wrong[i]));
        g_assert_null(state_file_make_directory(fixture->run_directory, &error));
        g_assert_nonnull(strstr(error->message, fixture->directory));
    }
    g_assert_no_errno(g_chmod(fixture->directory, 0700));
    g_assert_no_errno(g_rename(fixture->directory, elsewhere));
    g_assert_no_errno(symlink(elsewhere, fixture->directory));
    g_assert_null(state_file_make_directory(fixture->run_directory, NULL));
    g_assert_no_errno(g_unlink(fixture->directory));
    g_assert_no_errno(g_rename(elsewhere, fixture->directory));
    g_assert_null(state_file_make_directory(elsewhere, NULL));
}

/* Another directory may be in its place by then. */
static void
test_moved(Fixture *fixture)
{
    g_autofree char *elsewhere = g_strdup_printf("%s.old", fixture->directory);
    int lock = -1;

    for (guint i = 0; i < 2; i++) {
        g_assert_true(state_file_lock(fixture->directory, &lock, NULL));
        g_assert_false(state_file_unlock_moved(fixture->run_directory, &lock));
        g_assert_true(state_file_is_locked(fixture->run_directory, lock));
        g_assert_no_errno(g_chmod(fixture->directory, 0750));
        g_assert_false(state_file_is_locked(fixture->run_directory, lock));
        g_assert_no_errno(g_chmod(fixture->directory, 0700));
        g_assert_no_errno(g_rename(fixture->directory, elsewhere));
        if (i > 0)
            g_assert_no_errno(g_mkdir(fixture->directory, 0700));
        g_assert_false(state_file_is_locked(fixture->run_directory, lock));
        g_assert_true(state_file_unlock_moved(fixture->run_directory, &lock));
        g_assert_cmpint(lock, ==, -1);
        g_assert_false(state_file_is_locked(fixture->run_directory, lock));
        g_assert_false(state_file_unlock_moved(fixture->run_directory, &lock));
        g_assert_no_errno(g_rename(elsewhere, fixture->directory));
    }
}

/* One agent at a time, also where its directory was removed and made anew. */
static void
test_lock(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    int one = -1, other = -1;

    g_assert_true(state_file_lock(fixture->directory, &one, NULL));
    g_assert_true(state_file_lock(fixture->directory, &one, NULL));
    g_assert_false(state_file_lock(fixture->directory, &other, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN);
    g_assert_nonnull(strstr(error->message, fixture->directory));
    g_assert_cmpint(other, ==, -1);
    state_file_unlock_moved(fixture->run_directory, &one);
    g_assert_cmpint(one, >=, 0);
    g_assert_no_errno(g_rmdir(fixture->directory));
    g_assert_no_errno(g_mkdir(fixture->directory, 0700));
    g_assert_true(state_file_lock(fixture->directory, &one, NULL));
    state_file_unlock_moved(fixture->run_directory, &one);
    g_assert_cmpint(one, >=, 0);
    g_assert_false(state_file_lock(fixture->directory, &other, NULL));
    g_assert_no_errno(close(one));
    g_assert_true(state_file_lock(fixture->directory, &other, NULL));
    g_assert_no_errno(g_rmdir(fixture->directory));
    state_file_unlock_moved(fixture->run_directory, &other);
    g_assert_cmpint(other, ==, -1);
    g_assert_no_errno(g_mkdir(fixture->directory, 0700));
    test_moved(fixture);
    g_assert_no_errno(symlink("vms", fixture->path));
    one = -1;
    g_assert_false(state_file_lock(fixture->path, &one, NULL));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/state-file/text", test_text);
    ADD("/state-file/append", test_append);
    ADD("/state-file/aside", test_aside);
    ADD("/state-file/forged", test_forged);
    ADD("/state-file/directory", test_directory);
    ADD("/state-file/lock", test_lock);
    return g_test_run();
}
