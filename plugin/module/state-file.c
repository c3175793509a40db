/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by VmState. */
#include "state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "context.h"

#define DIRECTORY "state"

static void
set_errno_error(const char *path, GError **error)
{
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
}

/* @type: S_IFDIR or S_IFREG. Of a file that somebody else may write nothing is believed. */
static gboolean
check_own(const char *path, const struct stat *status, mode_t type, GError **error)
{
    if ((status->st_mode & S_IFMT) == type && status->st_uid == context_get_uid() &&
        (status->st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_PERM, "%s: it is no %s that is user %u's alone", path,
                type == S_IFDIR ? "directory" : "file", context_get_uid());
    return FALSE;
}

gboolean
state_file_has_directory(const char *run_directory)
{
    g_autofree char *path = g_build_filename(run_directory, DIRECTORY, NULL);
    struct stat status;

    return lstat(path, &status) == 0 || errno != ENOENT;
}

char *
state_file_make_directory(const char *run_directory, GError **error)
{
    g_autofree char *path = g_build_filename(run_directory, DIRECTORY, NULL);
    struct stat status;

    if ((mkdir(path, 0700) < 0 && errno != EEXIST) || lstat(path, &status) < 0) {
        set_errno_error(path, error);
        return NULL;
    }
    return check_own(path, &status, S_IFDIR, error) ? g_steal_pointer(&path) : NULL;
}

static gboolean
is_same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static gboolean
is_same_directory(int one, int other)
{
    struct stat status, other_status;

    return fstat(one, &status) == 0 && fstat(other, &other_status) == 0 && is_same_file(&status, &other_status);
}

/* The kernel gives the lock back however the process ends. A file system that knows no locks is believed to have one user. */
gboolean
state_file_lock(const char *directory, int *lock, GError **error)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0) {
        set_errno_error(directory, error);
        return FALSE;
    }
    if (*lock >= 0 && is_same_directory(fd, *lock)) {
        close(fd);
        return TRUE;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN, "%s: another agent keeps its VMs there", directory);
        close(fd);
        return FALSE;
    }
    if (*lock >= 0)
        close(*lock);
    *lock = fd;
    return TRUE;
}

gboolean
state_file_is_locked(const char *run_directory, int lock)
{
    g_autofree char *path = g_build_filename(run_directory, DIRECTORY, NULL);
    struct stat status, there;

    return fstat(lock, &status) == 0 && lstat(path, &there) == 0 && is_same_file(&status, &there) &&
           check_own(path, &there, S_IFDIR, /* error= */ NULL);
}

/* What cannot be looked at has not gone. */
static gboolean
is_directory_at(const char *path, int fd)
{
    struct stat status, there;

    if (lstat(path, &there) < 0)
        return errno != ENOENT;
    return fstat(fd, &status) == 0 && is_same_file(&status, &there);
}

gboolean
state_file_unlock_moved(const char *run_directory, int *lock)
{
    g_autofree char *path = g_build_filename(run_directory, DIRECTORY, NULL);

    if (*lock < 0 || is_directory_at(path, *lock))
        return FALSE;
    close(*lock);
    *lock = -1;
    return TRUE;
}

static char *
read_all(int fd, const char *path, gsize size, GError **error)
{
    g_autofree char *text = g_malloc(size + 1);
    gsize n = 0;
    ssize_t got = 1;

    while (n < size && (got = read(fd, text + n, size - n)) > 0)
        n += (gsize)got;
    if (got < 0) {
        set_errno_error(path, error);
        return NULL;
    }
    text[n] = '\0';
    /* Text behind a zero would be lost. */
    for (char *zero = text; (zero = memchr(zero, '\0', n - (gsize)(zero - text)));)
        *zero = '?';
    return g_steal_pointer(&text);
}

static char *
read_own(int fd, const char *path, gsize max, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        set_errno_error(path, error);
        return NULL;
    }
    if (!check_own(path, &status, S_IFREG, error))
        return NULL;
    if ((gsize)status.st_size <= max)
        return read_all(fd, path, (gsize)status.st_size, error);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: it has more than %zu bytes", path, max);
    return NULL;
}

char *
state_file_read(const char *path, gsize max, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char *text;

    if (fd < 0) {
        if (errno != ENOENT)
            set_errno_error(path, error);
        return NULL;
    }
    text = read_own(fd, path, max, error);
    close(fd);
    return text;
}

/* Somebody is to look at each of them. A file system that breaks at each start must not fill the run directory, which is in memory. */
#define MAX_ASIDE 8u

/* A file has both names until the new one takes its place; what cannot have two, such as a directory, is moved. Nothing is overwritten. */
static gboolean
give_name(const char *path, const char *name)
{
    if (link(path, name) == 0)
        return TRUE;
    return errno != EEXIST && errno != ENOENT && renameat2(AT_FDCWD, path, AT_FDCWD, name, RENAME_NOREPLACE) == 0;
}

gboolean
state_file_set_aside(const char *path, char **ret_aside, GError **error)
{
    for (guint number = 1; number <= MAX_ASIDE; number++) {
        g_autofree char *name = g_strdup_printf("%s.unread-%u", path, number);
        gboolean is_named = give_name(path, name);
        if (is_named || errno == ENOENT) {
            *ret_aside = is_named ? g_steal_pointer(&name) : NULL;
            return TRUE;
        }
        if (errno != EEXIST) {
            set_errno_error(name, error);
            return FALSE;
        }
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST,
                "%s cannot be read, and %u like it are kept already as %s.unread-N", path, MAX_ASIDE, path);
    return FALSE;
}

/* The run directory is gone with the machine, so that the agent's own death is all that can come in between: to wait for a disk,
 * as GLib would, costs 6 ms where the directory is on one. */
gboolean
state_file_write(const char *path, const char *text, gsize length, GError **error)
{
    g_autofree char *new_path = g_strconcat(path, ".new", NULL);

    if (g_file_set_contents_full(new_path, text, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, error)) {
        if (rename(new_path, path) == 0)
            return TRUE;
        set_errno_error(path, error);
    }
    /* What was written of it would take the room that is missing. */
    unlink(new_path);
    return FALSE;
}

static gboolean
write_all(int fd, const char *text, gsize length)
{
    ssize_t written = 1;

    while (length > 0 && (written = write(fd, text, length)) > 0) {
        text += written;
        length -= (gsize)written;
    }
    return length == 0;
}

static gboolean
append_own(int fd, const char *path, const char *text, gsize length, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        set_errno_error(path, error);
        return FALSE;
    }
    if (!check_own(path, &status, S_IFREG, error))
        return FALSE;
    if (write_all(fd, text, length))
        return TRUE;
    set_errno_error(path, error);
    return FALSE;
}

gboolean
state_file_append(int lock, const char *path, const char *text, gsize length, GError **error)
{
    int fd = openat(lock, strrchr(path, '/') + 1, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    gboolean is_done;

    if (fd < 0) {
        set_errno_error(path, error);
        return FALSE;
    }
    is_done = append_own(fd, path, text, length, error);
    close(fd);
    return is_done;
}
