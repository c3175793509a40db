/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by Discovery. Owns nothing. */
#include "run-directory.h"

#include <errno.h>
#include <sys/stat.h>

#include "context.h"

#define DIRECTORY "qemu-monitor"

char *
run_directory_dup_path(const ManagementHost *host)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");

    if (host->bus == MANAGEMENT_BUS_SYSTEM)
        return g_strdup("/run/" DIRECTORY);
    return runtime && *runtime ? g_build_filename(runtime, DIRECTORY, NULL) : NULL;
}

static gboolean
fail_directory(GError **error)
{
    g_set_error_literal(error, G_FILE_ERROR, g_file_error_from_errno(errno), g_strerror(errno));
    return FALSE;
}

/* Everything in the directory is connected to without a question. On a session bus nobody but the user may put something
 * there. On the system bus it is root's (or the agent's own), and whoever else may write to it can at least not remove or
 * replace what is not theirs. */
static gboolean
is_trusted_directory(const ManagementHost *host, const struct stat *status)
{
    gboolean is_own = status->st_uid == context_get_uid(), is_writable = (status->st_mode & 022) != 0;

    if (!S_ISDIR(status->st_mode))
        return FALSE;
    if (host->bus == MANAGEMENT_BUS_SESSION)
        return is_own && !is_writable;
    return (is_own || status->st_uid == 0) && (!is_writable || (status->st_mode & S_ISVTX));
}

static gboolean
check_directory(const ManagementHost *host, const char *path, GError **error)
{
    gboolean is_session = host->bus == MANAGEMENT_BUS_SESSION;
    struct stat status;

    if (lstat(path, &status) < 0)
        return fail_directory(error);
    if (is_trusted_directory(host, &status))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_PERM,
                is_session ? "it is no directory of user %u that others cannot write to"
                           : "it is no directory of root or user %u that is sticky if others can write to it",
                context_get_uid());
    return FALSE;
}

/* tmpfiles.d(5) has made the directory where the agent is a service. One that is there already keeps its owner and mode. */
gboolean
run_directory_make(const ManagementHost *host, const char *path, GError **error)
{
    mode_t mode = host->bus == MANAGEMENT_BUS_SESSION ? 0700 : 0755;

    /* chmod() because of the umask: whoever runs a VM for the system bus must get through. */
    if (mkdir(path, 0700) == 0 && chmod(path, mode) == 0)
        return TRUE;
    if (errno == EEXIST)
        return check_directory(host, path, error);
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "it is not there, and cannot be made: %s",
                g_strerror(errno));
    return FALSE;
}
