/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by open-monitor.c. The sockets are in a directory of the agent's own, so that none has a name that a VM in
 * the run directory could want. Others may be allowed to write to the run directory of the system bus, so nothing is
 * done by a path twice: all goes by the directory's descriptor, the socket has its mode before it has a name, and it
 * is the file that was looked at that gets another owner, or is removed. */
#include "monitor-path.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fd-reserve.h"
#include "qmp-unix-socket.h"
#include "timer.h"

/* In the run directory. */
#define DIRECTORY "native"

/* Until a client is looked for again that could not be accepted, as there was no descriptor. */
#define PAUSE ((guint64)100 * G_TIME_SPAN_MILLISECOND)

struct MonitorPath {
    Context *context; /* weak */
    char *name; /* owned */
    guint32 uid;
    int directory; /* owned */
    int fd; /* owned; listens */
    struct stat file; /* ours, if there is one in the directory */
    gboolean has_file;
    GSource *source; /* owned */
    GSource *timer; /* owned; until nobody may come any more */
    GSource *pause; /* owned; while nobody can be accepted */
    MonitorPathFunc func;
    gpointer user_data;
};

gboolean
monitor_path_check_name(const char *name, GError **error)
{
    if (*name && *name != '.' && !strchr(name, '/') && g_utf8_validate(name, -1, NULL))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "options.path: the name of a socket in `" DIRECTORY
                "/` in the run directory is expected, without `/` and without a "
                "dot first");
    return FALSE;
}

static gboolean
fail_path(const char *what, GError **error)
{
    g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "options.path: %s: %s", what, g_strerror(errno));
    return FALSE;
}

/* Others may write to the run directory of the system bus, but nobody may take the agent's own directory away from
 * it. */
static gboolean
is_safe_directory(const struct stat *run_directory)
{
    gboolean is_writable = (run_directory->st_mode & 022) != 0, is_sticky = (run_directory->st_mode & S_ISVTX) != 0;

    return (run_directory->st_uid == context_get_uid() || run_directory->st_uid == 0) && (!is_writable || is_sticky);
}

/* Whoever has a socket in it must get through on the system bus; what is in it concerns nobody. */
static mode_t
get_directory_mode(Context *context)
{
    return context->host->bus == MANAGEMENT_BUS_SYSTEM ? 0711 : 0700;
}

/* The descriptor, or -1. */
static int
open_own_directory(Context *context, int run_directory)
{
    mode_t mode = get_directory_mode(context);
    struct stat status;
    int fd;

    if (mkdirat(run_directory, DIRECTORY, 0700) < 0 && errno != EEXIST)
        return -1;
    fd = fd_reserve_pass(openat(run_directory, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd < 0)
        return -1;
    /* The umask had its part in the mode. Whose directory it is decides who may write to it. */
    if (fstat(fd, &status) == 0 && status.st_uid == context_get_uid() && fchmod(fd, mode) == 0)
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

static gboolean
check_length(const char *run_directory, const char *name, GError **error)
{
    gsize length = strlen(run_directory) + strlen("/" DIRECTORY "/") + strlen(name);

    if (length < sizeof((struct sockaddr_un){ 0 }.sun_path))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "options.path: %s/" DIRECTORY "/%s has %zu bytes, a socket's path may have %zu", run_directory, name,
                length, sizeof((struct sockaddr_un){ 0 }.sun_path) - 1);
    return FALSE;
}

static gboolean
open_directory(MonitorPath *path, GError **error)
{
    const char *run_directory = path->context->run_directory;
    g_autofree char *own = run_directory ? g_build_filename(run_directory, DIRECTORY, NULL) : NULL;
    struct stat status;
    int fd;

    if (!run_directory) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "options.path: there is no run directory");
        return FALSE;
    }
    if (!check_length(run_directory, path->name, error))
        return FALSE;
    fd = open(run_directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0 || !is_safe_directory(&status)) {
        errno = fd < 0 ? errno : EPERM;
        fail_path(run_directory, error);
    } else if ((path->directory = open_own_directory(path->context, fd)) < 0) {
        fail_path(own, error);
    }
    if (fd >= 0)
        close(fd);
    return path->directory >= 0;
}

static void
make_path_address(MonitorPath *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    g_snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", path->directory, path->name);
}

/* Left by an agent that was killed: nobody has it open. A datagram socket can find that out and is nobody's client:
 * one that is alive is of the wrong type for it. */
static gboolean
is_left_over_path(MonitorPath *path)
{
    struct sockaddr_un address;
    struct stat status;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    gboolean is_dead;

    make_path_address(path, &address);
    is_dead = fd >= 0 && fstatat(path->directory, path->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
              S_ISSOCK(status.st_mode) && connect(fd, (struct sockaddr *)&address, sizeof address) < 0 &&
              errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return is_dead;
}

static gboolean
bind_socket(MonitorPath *path)
{
    struct sockaddr_un address;

    make_path_address(path, &address);
    return bind(path->fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static gboolean
make_file(MonitorPath *path, GError **error)
{
    path->fd = fd_reserve_pass(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    /* The file that bind() makes gets the socket's mode, less the umask. */
    if (path->fd < 0 || fchmod(path->fd, 0600) < 0)
        return fail_path("socket", error);
    if (bind_socket(path))
        return TRUE;
    if (errno != EADDRINUSE)
        return fail_path("bind", error);
    if (is_left_over_path(path) && unlinkat(path->directory, path->name, 0) == 0 && bind_socket(path))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.path: there is a file \"%s\" already", path->name);
    return FALSE;
}

/* Gives the file to the user, if it is still the one that was made. */
static gboolean
give_file(MonitorPath *path, GError **error)
{
    gboolean is_given = qmp_unix_socket_give(path->directory, path->name, path->uid, &path->file);

    path->has_file = path->file.st_ino != 0;
    return is_given || fail_path(path->name, error);
}

static void
remove_file(MonitorPath *path)
{
    struct stat status;

    if (path->has_file && fstatat(path->directory, path->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        status.st_ino == path->file.st_ino && status.st_dev == path->file.st_dev)
        unlinkat(path->directory, path->name, 0);
    path->has_file = FALSE;
}

static gboolean
is_users(MonitorPath *path, int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == path->uid || peer.uid == 0);
}

static void
drop_path_source(MonitorPath *path)
{
    if (path->source)
        g_source_destroy(path->source);
    g_clear_pointer(&path->source, g_source_unref);
}

static void
stop_listening(MonitorPath *path)
{
    timer_stop(&path->timer);
    timer_stop(&path->pause);
    drop_path_source(path);
    remove_file(path);
    if (path->fd >= 0)
        close(path->fd);
    path->fd = -1;
}

static void watch_path(MonitorPath *path);

static gboolean
on_path_pause_over(gpointer user_data)
{
    MonitorPath *path = user_data;

    timer_stop(&path->pause);
    watch_path(path);
    return G_SOURCE_REMOVE;
}

/* A client that cannot be accepted keeps the socket ready. */
static void
pause_listening(MonitorPath *path)
{
    drop_path_source(path);
    path->pause = timer_start(path->context->host->context, PAUSE, on_path_pause_over, path);
}

static gboolean
on_path_connection(int fd, GIOCondition condition, gpointer user_data)
{
    MonitorPath *path = user_data;
    int client = fd_reserve_has_room(fd) ? accept4(fd, NULL, NULL, SOCK_CLOEXEC) : -1;

    if (client < 0) {
        pause_listening(path);
        return G_SOURCE_REMOVE;
    }
    if (!is_users(path, client)) {
        close(client);
        return G_SOURCE_CONTINUE;
    }
    stop_listening(path);
    path->func(client, path->user_data);
    return G_SOURCE_REMOVE;
}

static gboolean
on_path_time_over(gpointer user_data)
{
    MonitorPath *path = user_data;

    stop_listening(path);
    path->func(-1, path->user_data);
    return G_SOURCE_REMOVE;
}

static void
watch_path(MonitorPath *path)
{
    path->source = g_unix_fd_source_new(path->fd, G_IO_IN);
    g_source_set_callback(path->source, G_SOURCE_FUNC(on_path_connection), path, NULL);
    g_source_attach(path->source, path->context->host->context);
}

static void
listen_for_client(MonitorPath *path, guint64 timeout)
{
    watch_path(path);
    if (timeout < G_MAXUINT64)
        path->timer = timer_start(path->context->host->context, timeout, on_path_time_over, path);
}

MonitorPath *
monitor_path_new(Context *context, const char *name, guint32 uid, guint64 timeout, MonitorPathFunc func,
                 gpointer user_data, GError **error)
{
    MonitorPath *path = g_new0(MonitorPath, 1);

    path->context = context;
    path->name = g_strdup(name);
    path->uid = uid;
    path->directory = -1;
    path->fd = -1;
    path->func = func;
    path->user_data = user_data;
    if (!open_directory(path, error) || !make_file(path, error)) {
        monitor_path_free(path);
        return NULL;
    }
    if (!give_file(path, error) || (listen(path->fd, 1) < 0 && !fail_path("listen", error))) {
        monitor_path_free(path);
        return NULL;
    }
    listen_for_client(path, timeout);
    return path;
}

void
monitor_path_free(MonitorPath *path)
{
    stop_listening(path);
    if (path->directory >= 0)
        close(path->directory);
    g_free(path->name);
    g_free(path);
}
