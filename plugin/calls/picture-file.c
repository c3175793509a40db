/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU truncates the file before it writes (7.2 to 11.1), so that the file cannot be sealed against growth from the first: it is
 * looked at now and then, and sealed when it is too large. */
#include "picture-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus-error.h"
#include "fd-reserve.h"
#include "qmp-error.h"
#include "timer.h"

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 8u
#endif

/* Copied at a time: 2 ms. */
#define PIECE_SIZE ((gsize)4 * 1024 * 1024)

/* Bytes at a picture's beginning that tell its format. */
#define MAX_MAGIC 8

struct PictureFile {
    int fd; /* owned; write-only: QEMU takes a descriptor for writing only where it can do nothing else */
};

struct PictureCopy {
    int from, to; /* owned; -1: none */
    gsize size, done; /* bytes */
    const char *magic; /* weak; a constant */
    GSource *timer; /* owned */
    GMainContext *context; /* ref */
    PictureCopyFunc func;
    gpointer user_data;
};

static int
create_memory_file(void)
{
    int fd = memfd_create("qemu-screen", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("qemu-screen", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd_reserve_pass(fd);
}

/* The same file by another descriptor, with a position of its own. */
static int
reopen_file(int fd, int flags)
{
    char path[32];

    g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return fd_reserve_pass(open(path, flags | O_CLOEXEC));
}

static void
close_file(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void
set_no_file(GError **error)
{
    g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "The agent has no memory file for a picture: %s",
                g_strerror(errno));
}

PictureFile *
picture_file_new(GError **error)
{
    int fd = create_memory_file();
    int writer = fd < 0 ? -1 : reopen_file(fd, O_WRONLY);
    PictureFile *file;

    if (writer < 0)
        set_no_file(error);
    close_file(fd);
    if (writer < 0)
        return NULL;
    file = g_new0(PictureFile, 1);
    file->fd = writer;
    return file;
}

void
picture_file_free(PictureFile *file)
{
    close(file->fd);
    g_free(file);
}

int
picture_file_dup_writer(PictureFile *file)
{
    return fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
}

void
picture_file_reset(PictureFile *file)
{
    if (ftruncate(file->fd, 0) == 0)
        lseek(file->fd, 0, SEEK_SET);
}

static gsize
get_file_size(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 ? (gsize)status.st_size : 0;
}

gboolean
picture_file_check_size(PictureFile *file)
{
    if (get_file_size(file->fd) <= PICTURE_MAX_SIZE)
        return FALSE;
    fcntl(file->fd, F_ADD_SEALS, F_SEAL_GROW);
    return TRUE;
}

/* @fd: as for PictureCopyFunc. */
static void
end_copy(PictureCopy *copy, int fd, const GError *error)
{
    copy->func(fd, error, copy->user_data);
}

static void
fail_copy(PictureCopy *copy, const char *problem)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_PROTOCOL,
                                          "QEMU says that it has written a picture of the screen, and %s", problem);

    end_copy(copy, -1, error);
}

static void
seal_copy(PictureCopy *copy)
{
    g_autoptr(GError) error = NULL;
    int fd = -1;

    if (fcntl(copy->to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
        fd = reopen_file(copy->to, O_RDONLY);
    if (fd < 0)
        set_no_file(&error);
    end_copy(copy, fd, error);
}

static gboolean
copy_piece(gpointer user_data)
{
    PictureCopy *copy = user_data;
    gsize left = copy->size - copy->done;
    g_autoptr(GError) error = NULL;
    ssize_t n = sendfile(copy->to, copy->from, NULL, MIN(left, PIECE_SIZE));

    timer_stop(&copy->timer);
    if (n < 0) {
        set_no_file(&error);
        end_copy(copy, -1, error);
        return G_SOURCE_REMOVE;
    }
    copy->done += (gsize)n;
    if (n == 0)
        fail_copy(copy, "has cut it short meanwhile");
    else if (copy->done == copy->size)
        seal_copy(copy);
    else
        copy->timer = timer_start(copy->context, 0, copy_piece, copy);
    return G_SOURCE_REMOVE;
}

static gboolean
begin_copy(gpointer user_data)
{
    PictureCopy *copy = user_data;
    char start[MAX_MAGIC] = { 0 };
    ssize_t n;
    g_autoptr(GError) error = NULL;

    if (copy->from < 0 || copy->to < 0) {
        timer_stop(&copy->timer);
        errno = EMFILE;
        set_no_file(&error);
        end_copy(copy, -1, error);
        return G_SOURCE_REMOVE;
    }
    n = pread(copy->from, start, sizeof start, 0);
    if (n > 0 && strncmp(start, copy->magic, strlen(copy->magic)) == 0)
        return copy_piece(copy);
    timer_stop(&copy->timer);
    fail_copy(copy, n > 0 ? "that is none of the format" : "has written nothing");
    return G_SOURCE_REMOVE;
}

PictureCopy *
picture_copy_new(GMainContext *context, PictureFile *file, const char *magic, PictureCopyFunc func, gpointer user_data)
{
    PictureCopy *copy = g_new0(PictureCopy, 1);

    copy->context = g_main_context_ref(context);
    copy->from = reopen_file(file->fd, O_RDONLY);
    copy->to = create_memory_file();
    copy->size = get_file_size(file->fd);
    copy->magic = magic;
    copy->func = func;
    copy->user_data = user_data;
    copy->timer = timer_start(context, 0, begin_copy, copy);
    return copy;
}

void
picture_copy_free(PictureCopy *copy)
{
    timer_stop(&copy->timer);
    close_file(copy->from);
    close_file(copy->to);
    g_main_context_unref(copy->context);
    g_free(copy);
}
