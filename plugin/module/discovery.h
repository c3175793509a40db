/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMs by themselves: every socket that appears in the run directory is taken up. */
#pragma once

#include "vm-registry.h"

typedef struct Discovery Discovery;

/* From the main context. */
typedef struct DiscoveryFuncs {
    void (*on_usable)(gpointer user_data); /* the run directory, which could not be used at first, can be; once */
    /* A directory in it was removed or moved, or may have been, with it or while nobody looked. */
    void (*on_moved)(gpointer user_data);
} DiscoveryFuncs;

/* Makes the run directory if it is not there ($XDG_RUNTIME_DIR/qemu-monitor on a session bus, /run/qemu-monitor on the
 * system bus); where that fails, the reason is logged, and it is tried again. NULL, with a line in the log, where there is no
 * $XDG_RUNTIME_DIR. @funcs is borrowed. */
Discovery *discovery_new(Context *context, VmRegistry *registry, const DiscoveryFuncs *funcs,
                         gpointer user_data);
void discovery_free(Discovery *discovery);

/* Takes up what is in it, and watches it; or looks at it every 5 s while it cannot be watched. Once. */
void discovery_start(Discovery *discovery);

/* The run directory; NULL: there has been none yet that can be trusted. */
const char *discovery_get_path(Discovery *discovery);

/* A VM whose socket was @path is gone: takes up what is there now, if it is in the run directory. Its appearance
 * may have been seen while the old one still held its place. */
void discovery_look(Discovery *discovery, const char *path);
