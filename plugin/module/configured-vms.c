/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by the service. Owns nothing: which VMs are there the registry knows, and which there should be the configuration. */
#include "configured-vms.h"

#include "log.h"
#include "names.h"

static gboolean
is_same_address(const QmpAddress *a, const QmpAddress *b)
{
    return g_str_equal(a->text, b->text);
}

static gboolean
are_same_spares(GPtrArray *a, GPtrArray *b)
{
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++)
        if (!is_same_address(a->pdata[i], b->pdata[i]))
            return FALSE;
    return TRUE;
}

static gboolean
is_same_group(const ConfigVm *a, const ConfigVm *b)
{
    return is_same_address(a->address, b->address) && are_same_spares(a->spares, b->spares) && a->user == b->user &&
           a->isolation_is_default == b->isolation_is_default &&
           (a->isolation_is_default || a->isolation_required == b->isolation_required);
}

static const ConfigVm *
find_group(const Config *config, const char *name)
{
    for (guint i = 0; i < config->vms->len; i++) {
        const ConfigVm *group = config->vms->pdata[i];
        if (g_str_equal(group->name, name))
            return group;
    }
    return NULL;
}

static void
take_up_group(Context *context, VmRegistry *registry, VmState *state, const ConfigVm *group)
{
    g_autoptr(GError) error = NULL;
    VmSpec spec = {
        .origin = VM_FROM_KEY_FILE,
        .name = group->name,
        .address = group->address,
        .spares = group->spares,
        .isolation_required = group->isolation_required,
        .isolation_is_default = group->isolation_is_default,
        .user = group->user,
        .timeout = VM_TIMEOUT_DEFAULT,
        .added_by = context_get_uid(),
    };

    vm_state_resume(state, &spec);
    if (!vm_registry_add(registry, &spec, /* func= */ NULL, /* user_data= */ NULL, &error))
        log_line(context->host, G_LOG_LEVEL_WARNING, group->name, "%s", error->message);
}

void
configured_vms_take_up(Context *context, VmRegistry *registry, VmState *state)
{
    const Config *config = context->config;

    for (guint i = 0; i < config->vms->len; i++) {
        const ConfigVm *group = config->vms->pdata[i];
        if (!vm_table_get_configured(vm_registry_get_table(registry), group->name))
            take_up_group(context, registry, state, group);
    }
}

void
configured_vms_update(Context *context, VmRegistry *registry, VmState *state, const Config *old)
{
    for (guint i = 0; i < old->vms->len; i++) {
        const ConfigVm *before = old->vms->pdata[i], *now = find_group(context->config, before->name);
        VmEntry *entry = vm_table_get_configured(vm_registry_get_table(registry), before->name);
        g_autoptr(GError) error = NULL;
        if (!entry || (now && is_same_group(before, now)))
            continue;
        error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "VM \"%s\" is let go: its group in the key file %s",
                            before->name, now ? "is another now" : "is gone");
        log_line(context->host, G_LOG_LEVEL_INFO, before->name, "%s", error->message);
        vm_registry_drop(registry, entry, error);
    }
    configured_vms_take_up(context, registry, state);
}
