/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm-spec.h"

VmSpec *
vm_spec_copy(const VmSpec *spec)
{
    VmSpec *copy = g_new0(VmSpec, 1);

    *copy = *spec;
    copy->name = spec->name && *spec->name ? g_strdup(spec->name) : NULL;
    copy->address = spec->address ? qmp_address_copy(spec->address) : NULL;
    copy->spares = g_ptr_array_new_with_free_func((GDestroyNotify)qmp_address_free);
    for (guint i = 0; spec->spares && i < spec->spares->len; i++)
        g_ptr_array_add(copy->spares, qmp_address_copy(spec->spares->pdata[i]));
    copy->fd = -1;
    copy->session = NULL;
    return copy;
}

void
vm_spec_free(VmSpec *spec)
{
    g_free((char *)spec->name);
    g_clear_pointer((QmpAddress **)&spec->address, qmp_address_free);
    g_clear_pointer(&spec->spares, g_ptr_array_unref);
    g_free(spec);
}
