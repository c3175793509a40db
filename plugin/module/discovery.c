/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inotify itself, rather than GFileMonitor: that one starts GLib's worker thread, and this process has one thread. A user has 128
 * instances of inotify by default, which other programs may have taken: then the directory is looked at now and then. */
#include "discovery.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd-reserve.h"
#include "log.h"
#include "run-directory.h"
#include "timer.h"

/* The end that a file's name may have, and a VM's does not. */
#define SUFFIX ".sock"

/* Of one user, at one look at the directory: as many as the registry takes. A million files that one user has made there, of
 * whatever kind, are no work for the main loop but to be passed over. */
#define MAX_LISTED_OF_USER 2000

/* Events are lost where there are more than the agent can read. Whoever makes that many has the agent look once in that time. */
#define RESCAN_DELAY ((guint64)G_TIME_SPAN_SECOND)

/* How often a directory is looked at that cannot be watched, or is not there: sockets are taken up at most 30 s after they can be reached. */
#define LOOK_INTERVAL ((guint64)5 * G_TIME_SPAN_SECOND)

/* Room for some thirty events of the longest names; more are read in the next turn. */
#define BUFFER_SIZE 8192

struct Discovery {
    Context *context; /* weak */
    VmRegistry *registry; /* weak */
    char *path; /* owned; the directory */
    const DiscoveryFuncs *funcs; /* weak */
    gpointer user_data;
    gboolean is_usable; /* there has been a directory that can be trusted */
    int inotify; /* owned; -1: none could be had yet */
    GSource *source; /* owned; NULL: the same */
    GSource *look_timer; /* owned; while events have been lost, or the directory is not watched */
    char *complaint; /* owned; why it is not watched, as was logged last; NULL: nothing was */
};

/* Or a link to one, whose socket is elsewhere. In a directory that others may write to, a link is
 * followed only as the kernel would in a sticky one (fs.protected_symlinks), or if it leads to what is its maker's own. */
static gboolean
is_socket(const char *path, guint32 *ret_maker)
{
    struct stat own, target;

    if (lstat(path, &own) < 0 || stat(path, &target) < 0 || !S_ISSOCK(target.st_mode))
        return FALSE;
    *ret_maker = own.st_uid;
    return own.st_uid == 0 || own.st_uid == geteuid() || own.st_uid == target.st_uid;
}

/* The name of a file's VM. */
static char *
dup_vm_name(const char *file)
{
    gsize length = strlen(file);

    return g_str_has_suffix(file, SUFFIX) && length > strlen(SUFFIX) ? g_strndup(file, length - strlen(SUFFIX))
                                                                     : g_strdup(file);
}

static void
take_up_file(Discovery *discovery, const char *path, const char *file, guint32 maker)
{
    g_autofree char *name = dup_vm_name(file);
    g_autoptr(GString) text = g_string_new(path);
    g_autoptr(QmpAddress) address = NULL;
    g_autoptr(GError) error = NULL;

    g_string_replace(text, ",", ",,", 0);
    g_string_prepend(text, "unix:");
    address = qmp_address_parse(text->str, &error);
    if (address) {
        VmSpec spec = { .origin = VM_FROM_DIRECTORY,
                        .name = name,
                        .address = address,
                        .isolation_required = discovery->context->config->isolation_required,
                        .isolation_is_default = TRUE,
                        .timeout = VM_TIMEOUT_DEFAULT,
                        .added_by = context_get_uid(),
                        .made_by = maker };
        vm_registry_add(discovery->registry, &spec, /* func= */ NULL, /* user_data= */ NULL, &error);
    }
    if (error) {
        g_autofree char *shown = g_utf8_make_valid(path, -1);
        log_line_within(&discovery->context->vm_lines, discovery->context->host, G_LOG_LEVEL_WARNING, /* vm= */ NULL,
                        "%s is not taken up: %s", shown, error->message);
    }
}

static VmEntry *
find_entry(Discovery *discovery, const char *path)
{
    return vm_table_get_by_socket(vm_registry_get_table(discovery->registry), path);
}

static gboolean
is_found_there(VmEntry *entry)
{
    return entry && vm_get_origin(vm_entry_get_vm(entry)) == VM_FROM_DIRECTORY;
}

static void
on_appeared(Discovery *discovery, const char *file)
{
    g_autofree char *path = g_build_filename(discovery->path, file, NULL);
    VmEntry *entry = find_entry(discovery, path);
    guint32 maker;

    if (is_found_there(entry))
        vm_registry_poke(discovery->registry, entry);
    else if (!entry && is_socket(path, &maker))
        take_up_file(discovery, path, file, maker);
}

void
discovery_look(Discovery *discovery, const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *file = g_path_get_basename(path);

    if (g_str_equal(directory, discovery->path))
        on_appeared(discovery, file);
}

/* One that is connected stays: the socket's name is needed for connecting only. */
static void
on_vanished(Discovery *discovery, const char *file)
{
    g_autofree char *path = g_build_filename(discovery->path, file, NULL);
    VmEntry *entry = find_entry(discovery, path);
    g_autoptr(GError) error = NULL;

    if (!is_found_there(entry) || vm_entry_is_connected(entry))
        return;
    error = g_error_new(QMP_ERROR, QMP_ERROR_MISSING, "%s was removed", path);
    vm_registry_drop(discovery->registry, entry, error);
}

typedef struct FoundFile {
    char *name; /* owned */
    struct timespec changed;
} FoundFile;

static void
found_file_free(gpointer data)
{
    FoundFile *file = data;

    g_free(file->name);
    g_free(file);
}

static int
compare_files(gconstpointer a, gconstpointer b)
{
    const FoundFile *first = *(FoundFile *const *)a, *second = *(FoundFile *const *)b;

    if (first->changed.tv_sec != second->changed.tv_sec)
        return first->changed.tv_sec < second->changed.tv_sec ? -1 : 1;
    if (first->changed.tv_nsec != second->changed.tv_nsec)
        return first->changed.tv_nsec < second->changed.tv_nsec ? -1 : 1;
    return strcmp(first->name, second->name);
}

/* @counts: number of files by uid. */
static gboolean
takes_part(const struct stat *status, GHashTable *counts)
{
    gpointer uid = GUINT_TO_POINTER(status->st_uid);
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, uid));

    if ((!S_ISSOCK(status->st_mode) && !S_ISLNK(status->st_mode)) || n >= MAX_LISTED_OF_USER)
        return FALSE;
    g_hash_table_insert(counts, uid, GUINT_TO_POINTER(n + 1));
    return TRUE;
}

/* The files in the order of their age, whatever the order in the directory. `web` and `web.sock` may be two users', and want one
 * name: which has it must not change when the agent is started again. Nobody can make a file older than it is: ctime is the
 * kernel's. */
static GPtrArray *
list_files(Discovery *discovery, GDir *directory)
{
    g_autoptr(GHashTable) counts = g_hash_table_new(NULL, NULL);
    GPtrArray *files = g_ptr_array_new_with_free_func(found_file_free);
    const char *name;

    while ((name = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(discovery->path, name, NULL);
        struct stat status;
        if (lstat(path, &status) < 0 || !takes_part(&status, counts))
            continue;
        FoundFile *file = g_new0(FoundFile, 1);
        file->name = g_strdup(name);
        file->changed = status.st_ctim;
        g_ptr_array_add(files, file);
    }
    g_ptr_array_sort(files, compare_files);
    return files;
}

static gboolean
scan(Discovery *discovery, GError **error)
{
    g_autoptr(GDir) directory = g_dir_open(discovery->path, 0, error);
    g_autoptr(GPtrArray) files = directory ? list_files(discovery, directory) : NULL;

    /* Its descriptor may be the last one. */
    g_clear_pointer(&directory, g_dir_close);
    for (guint i = 0; files && i < files->len; i++)
        on_appeared(discovery, ((FoundFile *)files->pdata[i])->name);
    return files != NULL;
}

static gboolean
fail_watch(GError **error)
{
    const char *limit = errno == EMFILE   ? ": the user has no inotify instance left (fs.inotify.max_user_instances), or the "
                                            "agent no descriptor"
                        : errno == ENOSPC ? ": the user has no inotify watch left (fs.inotify.max_user_watches)"
                                          : "";

    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s%s", g_strerror(errno), limit);
    return FALSE;
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer user_data);

static gboolean
ensure_inotify(Discovery *discovery, GError **error)
{
    if (discovery->inotify >= 0)
        return TRUE;
    discovery->inotify = fd_reserve_pass(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (discovery->inotify < 0)
        return fail_watch(error);
    discovery->source = g_unix_fd_source_new(discovery->inotify, G_IO_IN);
    g_source_set_callback(discovery->source, G_SOURCE_FUNC(on_readable), discovery, NULL);
    g_source_attach(discovery->source, discovery->context->host->context);
    return TRUE;
}

static gboolean
add_watch(Discovery *discovery, GError **error)
{
    guint32 mask = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW;

    return ensure_inotify(discovery, error) &&
           (inotify_add_watch(discovery->inotify, discovery->path, mask) >= 0 || fail_watch(error));
}

/* What was there before goes before what is found. */
static void
note_usable(Discovery *discovery)
{
    if (discovery->is_usable)
        return;
    discovery->is_usable = TRUE;
    discovery->funcs->on_usable(discovery->user_data);
}

/* Once more as well. What is there is taken up also where nobody will tell of what comes. */
static gboolean
watch(Discovery *discovery, GError **error)
{
    if (!run_directory_make(discovery->context->host, discovery->path, error))
        return FALSE;
    note_usable(discovery);
    if (add_watch(discovery, error))
        return scan(discovery, error);
    scan(discovery, /* error= */ NULL);
    return FALSE;
}

static gboolean on_look_timer(gpointer user_data);

static void
look_later(Discovery *discovery, guint64 delay)
{
    if (!discovery->look_timer)
        discovery->look_timer = timer_start(discovery->context->host->context, delay, on_look_timer, discovery);
}

static void
log_unwatched(Discovery *discovery, const GError *error)
{
    if (g_strcmp0(discovery->complaint, error->message) == 0)
        return;
    log_line(discovery->context->host, G_LOG_LEVEL_WARNING, /* vm= */ NULL,
             "%s is not watched for VMs: %s; tried again every 5 s", discovery->path, error->message);
    g_free(discovery->complaint);
    discovery->complaint = g_strdup(error->message);
}

static void
try_to_watch(Discovery *discovery)
{
    g_autoptr(GError) error = NULL;

    if (!watch(discovery, &error)) {
        log_unwatched(discovery, error);
        look_later(discovery, LOOK_INTERVAL);
    } else if (discovery->complaint) {
        log_line(discovery->context->host, G_LOG_LEVEL_INFO, /* vm= */ NULL, "%s is watched for VMs now", discovery->path);
        g_clear_pointer(&discovery->complaint, g_free);
    }
    discovery->funcs->on_moved(discovery->user_data);
}

static gboolean
on_look_timer(gpointer user_data)
{
    Discovery *discovery = user_data;

    timer_stop(&discovery->look_timer);
    try_to_watch(discovery);
    return G_SOURCE_REMOVE;
}

static void
on_change(Discovery *discovery, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        look_later(discovery, RESCAN_DELAY);
    else if (event->mask & IN_IGNORED)
        try_to_watch(discovery); /* somebody removed the directory */
    else if (event->mask & IN_MOVE_SELF)
        inotify_rm_watch(discovery->inotify, event->wd); /* IN_IGNORED comes next */
    else if (event->mask & (IN_CREATE | IN_MOVED_TO))
        on_appeared(discovery, event->name);
    else if (event->mask & IN_ISDIR)
        discovery->funcs->on_moved(discovery->user_data);
    else if (event->mask & (IN_DELETE | IN_MOVED_FROM))
        on_vanished(discovery, event->name);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer user_data)
{
    Discovery *discovery = user_data;
    char buffer[BUFFER_SIZE] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t length = read(fd, buffer, sizeof buffer);

    for (ssize_t i = 0; i < length;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + i);
        on_change(discovery, event);
        i += (ssize_t)(sizeof *event + event->len);
    }
    return G_SOURCE_CONTINUE;
}

Discovery *
discovery_new(Context *context, VmRegistry *registry, const DiscoveryFuncs *funcs, gpointer user_data)
{
    g_autofree char *path = run_directory_dup_path(context->host);
    g_autoptr(GError) error = NULL;
    Discovery *discovery;

    if (!path) {
        log_line(context->host, G_LOG_LEVEL_MESSAGE, /* vm= */ NULL,
                 "XDG_RUNTIME_DIR is not set: no directory is watched for VMs");
        return NULL;
    }
    discovery = g_new0(Discovery, 1);
    discovery->context = context;
    discovery->registry = registry;
    discovery->funcs = funcs;
    discovery->user_data = user_data;
    discovery->path = g_steal_pointer(&path);
    discovery->inotify = -1;
    discovery->is_usable = run_directory_make(context->host, discovery->path, &error);
    if (!discovery->is_usable)
        log_unwatched(discovery, error);
    return discovery;
}

void
discovery_start(Discovery *discovery)
{
    try_to_watch(discovery);
}

const char *
discovery_get_path(Discovery *discovery)
{
    return discovery->is_usable ? discovery->path : NULL;
}

void
discovery_free(Discovery *discovery)
{
    timer_stop(&discovery->look_timer);
    if (discovery->source) {
        g_source_destroy(discovery->source);
        g_source_unref(discovery->source);
    }
    if (discovery->inotify >= 0)
        close(discovery->inotify);
    g_free(discovery->complaint);
    g_free(discovery->path);
    g_free(discovery);
}
