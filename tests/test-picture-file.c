/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A picture on its way from QEMU's file to a caller's. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bus-error.h"
#include "picture-file.h"
#include "qmp-error.h"

typedef struct Outcome {
    GMainContext *context;
    gboolean is_there;
    int fd;
    GError *error;
} Outcome;

static void
on_copied(int fd, const GError *error, gpointer user_data)
{
    Outcome *outcome = user_data;

    g_assert_false(outcome->is_there);
    outcome->is_there = TRUE;
    outcome->fd = fd;
    outcome->error = error ? g_error_copy(error) : NULL;
}

/* Gives how many turns of the main loop the copy took. */
static guint
copy_picture(PictureFile *file, Outcome *outcome)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    PictureCopy *copy = picture_copy_new(context, file, "P6", on_copied, outcome);
    guint n = 0;

    *outcome = (Outcome){ .fd = -1 };
    for (; !outcome->is_there; n++)
        g_main_context_iteration(context, TRUE);
    picture_copy_free(copy);
    return n;
}

static void
write_picture(PictureFile *file, gsize size)
{
    int fd = picture_file_dup_writer(file);

    g_assert_cmpint(fd, >=, 0);
    /* QEMU, which a guest may have taken over, would read by it what another caller's picture showed. */
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_WRONLY);
    g_assert_cmpint(write(fd, "P6 and more", 11), ==, 11);
    if (size > 0)
        g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
    close(fd);
}

/* A caller who tries to change the picture, and reads it from its beginning. */
static void
test_sealed(void)
{
    PictureFile *file = picture_file_new(NULL);
    char text[16] = "";
    Outcome outcome;

    write_picture(file, 0);
    copy_picture(file, &outcome);
    g_assert_no_error(outcome.error);
    g_assert_cmpint(read(outcome.fd, text, sizeof text), ==, 11);
    g_assert_cmpstr(text, ==, "P6 and more");
    g_assert_cmpint(fcntl(outcome.fd, F_GET_SEALS) & (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), ==,
                    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    g_assert_cmpint(write(outcome.fd, "x", 1), ==, -1);
    g_assert_cmpint(fcntl(outcome.fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
    close(outcome.fd);
    /* QEMU's file serves again, from its beginning. */
    picture_file_reset(file);
    write_picture(file, 0);
    copy_picture(file, &outcome);
    g_assert_cmpint(lseek(outcome.fd, 0, SEEK_END), ==, 11);
    close(outcome.fd);
    picture_file_free(file);
}

/* The screen of somebody with a large one: others have their turns meanwhile. */
static void
test_pieces(void)
{
    PictureFile *file = picture_file_new(NULL);
    Outcome outcome;

    write_picture(file, 25u * 1024 * 1024);
    g_assert_cmpuint(copy_picture(file, &outcome), >=, 4);
    g_assert_no_error(outcome.error);
    g_assert_cmpint(lseek(outcome.fd, 0, SEEK_END), ==, 25 * 1024 * 1024);
    close(outcome.fd);
    picture_file_free(file);
}

/* A caller who has left: nothing comes any more. */
static void
test_freed(void)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    PictureFile *file = picture_file_new(NULL);
    Outcome outcome = { .fd = -1 };

    write_picture(file, 25u * 1024 * 1024);
    PictureCopy *copy = picture_copy_new(context, file, "P6", on_copied, &outcome);
    g_main_context_iteration(context, TRUE);
    picture_copy_free(copy);
    g_assert_false(g_main_context_iteration(context, FALSE));
    g_assert_false(outcome.is_there);
    picture_file_free(file);
}

/* A QEMU that cuts its picture short while the agent copies it: the caller is told, and the copy has an end. */
static void
test_cut(void)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    PictureFile *file = picture_file_new(NULL);
    Outcome outcome = { .fd = -1 };

    write_picture(file, 25u * 1024 * 1024);
    PictureCopy *copy = picture_copy_new(context, file, "P6", on_copied, &outcome);
    g_main_context_iteration(context, TRUE);
    picture_file_reset(file);
    for (guint i = 0; i < 20 && !outcome.is_there; i++)
        g_main_context_iteration(context, TRUE);
    g_assert_error(outcome.error, QMP_ERROR, QMP_ERROR_PROTOCOL);
    g_clear_error(&outcome.error);
    picture_copy_free(copy);
    picture_file_free(file);
}

/* An agent that has no descriptors left says so, and does not blame QEMU. */
static void
test_no_descriptors(void)
{
    PictureFile *file = picture_file_new(NULL);
    g_autoptr(GMainContext) context = g_main_context_new();
    Outcome outcome = { .fd = -1 };
    struct rlimit limit, none;

    write_picture(file, 0);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    none = limit;
    none.rlim_cur = 0;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    PictureCopy *copy = picture_copy_new(context, file, "P6", on_copied, &outcome);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    while (!outcome.is_there)
        g_main_context_iteration(context, TRUE);
    g_assert_error(outcome.error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED);
    g_clear_error(&outcome.error);
    picture_copy_free(copy);
    picture_file_free(file);
}

static void
test_no_picture(void)
{
    PictureFile *file = picture_file_new(NULL);
    Outcome outcome;
    int fd = picture_file_dup_writer(file);

    copy_picture(file, &outcome);
    g_assert_error(outcome.error, QMP_ERROR, QMP_ERROR_PROTOCOL);
    g_clear_error(&outcome.error);
    g_assert_cmpint(write(fd, "P", 1), ==, 1);
    copy_picture(file, &outcome);
    g_assert_error(outcome.error, QMP_ERROR, QMP_ERROR_PROTOCOL);
    g_clear_error(&outcome.error);
    close(fd);
    picture_file_free(file);
}

/* A QEMU that writes without an end finds an end. */
static void
test_too_large(void)
{
    PictureFile *file = picture_file_new(NULL);
    int fd = picture_file_dup_writer(file);

    g_assert_cmpint(ftruncate(fd, PICTURE_MAX_SIZE), ==, 0);
    g_assert_false(picture_file_check_size(file));
    g_assert_cmpint(ftruncate(fd, (off_t)PICTURE_MAX_SIZE + 1), ==, 0);
    g_assert_true(picture_file_check_size(file));
    g_assert_cmpint(ftruncate(fd, (off_t)PICTURE_MAX_SIZE + 2), ==, -1);
    close(fd);
    picture_file_free(file);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/picture-file/sealed", test_sealed);
    g_test_add_func("/picture-file/pieces", test_pieces);
    g_test_add_func("/picture-file/freed", test_freed);
    g_test_add_func("/picture-file/cut", test_cut);
    g_test_add_func("/picture-file/no-descriptors", test_no_descriptors);
    g_test_add_func("/picture-file/no-picture", test_no_picture);
    g_test_add_func("/picture-file/too-large", test_too_large);
    return g_test_run();
}
