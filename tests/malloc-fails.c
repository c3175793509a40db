/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* To be preloaded: the allocation of the number MALLOC_FAILS_AT fails, and with MALLOC_FAILS_ON in the environment all after it. */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static unsigned long at, n;
static int goes_on;

/* Not before main(): what the loader asks for is not counted. */
__attribute__((constructor)) static void
read_environment(void)
{
    const char *text = getenv("MALLOC_FAILS_AT");

    at = text ? strtoul(text, NULL, 10) : 0;
    goes_on = getenv("MALLOC_FAILS_ON") != NULL;
}

static int
fails(void)
{
    unsigned long number;

    if (at == 0)
        return 0;
    number = __atomic_add_fetch(&n, 1, __ATOMIC_RELAXED);
    if (number != at && !(goes_on && number > at))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *
malloc(size_t size)
{
    static void *(*real)(size_t);

    if (fails())
        return NULL;
    if (!real)
        real = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    return real(size);
}

void *
realloc(void *memory, size_t size)
{
    static void *(*real)(void *, size_t);

    if (fails())
        return NULL;
    if (!real)
        real = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    return real(memory, size);
}

/* dlsym() itself may ask for memory in this way, once. */
void *
calloc(size_t count, size_t size)
{
    static void *(*real)(size_t, size_t);
    static char early[4096];
    static size_t used;

    if (!real && used > 0) {
        void *memory = early + used;
        used += (count * size + 15) & ~(size_t)15;
        return used <= sizeof early ? memory : NULL;
    }
    if (fails())
        return NULL;
    if (!real) {
        used = 16;
        real = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    }
    return real(count, size);
}
