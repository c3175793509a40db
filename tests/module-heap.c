/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A module that tells how many bytes of the heap its host has in use, for test-soak.py and hostile.py: a leak of a few bytes is far below what
 * the resident set shows. Its key file:
 *
 *     [heap]
 *     socket=PATH   a datagram socket, made here; each datagram is answered to its sender with the number
 *
 * Freed chunks that malloc keeps for a thread count as used, which is up to 236 kB: tell glibc not to keep any
 * (GLIBC_TUNABLES=glibc.malloc.tcache_count=0). */
#include <errno.h>
#include <glib-unix.h>
#include <gmodule.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "management-module.h"

typedef struct Heap {
    const ManagementHost *host; /* weak */
    GSource *source; /* owned */
    int fd;
} Heap;

/* Of the sanitizers' own malloc. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* malloc_trim() also joins what is free, so that the rest is what is in use, and gives whole pages back, so that the
 * resident set is what the heap needs. */
static size_t
count_bytes_in_use(void)
{
    struct mallinfo2 info;

    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    malloc_trim(0);
    info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static gboolean
on_datagram(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer user_data G_GNUC_UNUSED)
{
    struct sockaddr_un sender;
    socklen_t size = sizeof sender;
    char text[32];

    if (recvfrom(fd, text, sizeof text, MSG_DONTWAIT, (struct sockaddr *)&sender, &size) >= 0) {
        int length = snprintf(text, sizeof text, "%zu", count_bytes_in_use());

        /* Whoever has gone meanwhile needs no answer. */
        (void)!sendto(fd, text, (size_t)length, MSG_DONTWAIT, (const struct sockaddr *)&sender, size);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean
on_started(gpointer user_data)
{
    Heap *heap = user_data;

    g_source_unref(heap->source);
    heap->source = g_unix_fd_source_new(heap->fd, G_IO_IN);
    g_source_set_callback(heap->source, G_SOURCE_FUNC(on_datagram), heap, /* notify= */ NULL);
    g_source_attach(heap->source, heap->host->context);
    heap->host->ready(heap->host->data, heap);
    return G_SOURCE_REMOVE;
}

static int
open_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static gpointer
start(const ManagementHost *host, GError **error)
{
    g_autofree char *path =
        host->key_file != NULL ? g_key_file_get_string(host->key_file, "heap", "socket", error) : NULL;
    int fd = path != NULL ? open_socket(path) : -1;
    Heap *heap;

    if (fd < 0) {
        if (error != NULL && *error == NULL)
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "[heap] socket: %s",
                        path != NULL ? g_strerror(errno) : "not set");
        return NULL;
    }
    heap = g_new0(Heap, 1);
    heap->host = host;
    heap->fd = fd;
    heap->source = g_idle_source_new();
    g_source_set_callback(heap->source, on_started, heap, /* notify= */ NULL);
    g_source_attach(heap->source, host->context);
    return heap;
}

static void
stop(gpointer instance)
{
    Heap *heap = instance;

    g_source_destroy(heap->source);
    g_source_unref(heap->source);
    close(heap->fd);
    g_free(heap);
}

G_MODULE_EXPORT const ManagementModule management_module = {
    .abi = MANAGEMENT_MODULE_ABI,
    .size = sizeof(ManagementModule),
    .name = "heap",
    .description = "Tells how much of the heap is in use",
    .start = start,
    .stop = stop,
};
