/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of the types of objects. Owns nothing but constants. Called by command-arguments.c.
 *
 * Objects are back ends: a file that a random number generator reads, an interface of the host's, memory. Most are
 * `configure`, as other resources of the host's are. `host` are:
 * - monitors, and `qtest`, which reads and writes the guest's memory: ways round this policy;
 * - authz-*: they say who may connect to an export, a display or a monitor, which is the administrator's word;
 * - `dbus-vmstate`: QEMU speaks with whatever is on a bus that the caller names, and takes migration data from it;
 * - `input-linux`: what is typed at the host, also into its password prompts, goes to the guest;
 * - what QEMU calls x-.
 * `read-guest` as well are:
 * - filter-* and colo-compare that pass the guest's traffic on to a file or to another program;
 * - memory-backend-file: the guest's memory is then a file where the caller says;
 * - cryptodev-vhost-user: the program at the other end of its socket is given all of the guest's memory;
 * - `secret` with `file`, and `secret_keyring`: what QEMU's user may read of the host becomes a password, which is then
 *   shown to the server that the caller has chosen. */
#include "object-class.h"

#define FILTER "netdev queue status position insert"
#define MEMORY "host-nodes policy prealloc-context"
#define TLS "dir endpoint priority"

static PolicyClasses
raise_secret(JsonObject *members)
{
    return json_object_has_member(members, "file") ? POLICY_READ_GUEST : 0;
}

/* Sorted as strcmp() does it. */
static const PolicyType rows[] = {
    { "acpi-generic-initiator", POLICY_CONFIGURE, "pci-dev", NULL },
    { "acpi-generic-port", POLICY_CONFIGURE, "pci-bus", NULL },
    { "authz-list", POLICY_HOST, "policy rules", NULL },
    { "authz-listfile", POLICY_HOST, "filename", NULL },
    { "authz-pam", POLICY_HOST, "service", NULL },
    { "authz-simple", POLICY_HOST, "identity", NULL },
    { "can-bus", POLICY_CONFIGURE, "", NULL },
    { "can-host-socketcan", POLICY_CONFIGURE, "if canbus", NULL },
    { "colo-compare", POLICY_READ_GUEST, "primary_in secondary_in outdev iothread notify_dev", NULL },
    { "cryptodev-backend", POLICY_CONFIGURE, "", NULL },
    { "cryptodev-backend-builtin", POLICY_CONFIGURE, "", NULL },
    { "cryptodev-backend-lkcf", POLICY_CONFIGURE, "", NULL },
    { "cryptodev-vhost-user", POLICY_READ_GUEST, "chardev", NULL },
    { "dbus-vmstate", POLICY_HOST, "addr id-list", NULL },
    { "filter-buffer", POLICY_CONFIGURE, FILTER, NULL },
    { "filter-dump", POLICY_READ_GUEST, FILTER " file", NULL },
    { "filter-mirror", POLICY_READ_GUEST, FILTER " outdev", NULL },
    { "filter-redirector", POLICY_READ_GUEST, FILTER " indev outdev", NULL },
    { "filter-replay", POLICY_CONFIGURE, FILTER, NULL },
    { "filter-rewriter", POLICY_CONFIGURE, FILTER, NULL },
    { "input-barrier", POLICY_CONFIGURE, "name server port x-origin y-origin width height", NULL },
    { "input-linux", POLICY_HOST, "evdev grab-toggle", NULL },
    { "iommufd", POLICY_CONFIGURE, "fd", NULL },
    { "iothread", POLICY_CONFIGURE, "", NULL },
    { "main-loop", POLICY_CONFIGURE, "", NULL },
    { "memory-backend-epc", POLICY_CONFIGURE, MEMORY, NULL },
    { "memory-backend-file", POLICY_READ_GUEST, MEMORY " mem-path rom", NULL },
    { "memory-backend-memfd", POLICY_CONFIGURE, MEMORY, NULL },
    { "memory-backend-ram", POLICY_CONFIGURE, MEMORY, NULL },
    { "memory-backend-shm", POLICY_CONFIGURE, MEMORY, NULL }, /* has no name in the file system */
    { "monitor-hmp", POLICY_HOST, "chardev", NULL },
    { "monitor-qmp", POLICY_HOST, "chardev close-action", NULL },
    { "pef-guest", POLICY_CONFIGURE, "", NULL },
    { "pr-manager-helper", POLICY_CONFIGURE, "path", NULL },
    { "qtest", POLICY_HOST, "chardev log", NULL },
    { "rng-builtin", POLICY_CONFIGURE, "", NULL },
    { "rng-egd", POLICY_CONFIGURE, "chardev", NULL },
    { "rng-random", POLICY_CONFIGURE, "filename", NULL },
    { "s390-pv-guest", POLICY_CONFIGURE, "", NULL },
    { "secret", POLICY_CONFIGURE, "format keyid iv data file", raise_secret },
    { "secret_keyring", POLICY_READ_GUEST, "format keyid iv", NULL },
    { "sev-guest", POLICY_CONFIGURE, "sev-device dh-cert-file session-file legacy-vm-type", NULL },
    { "sev-snp-guest", POLICY_CONFIGURE, "sev-device guest-visible-workarounds id-block id-auth host-data", NULL },
    { "tdx-guest", POLICY_CONFIGURE, "mrconfigid mrowner mrownerconfig quote-generation-socket", NULL },
    { "thread-context", POLICY_CONFIGURE, "cpu-affinity node-affinity", NULL },
    { "throttle-group", POLICY_CONFIGURE, "limits", NULL },
    { "tls-cipher-suites", POLICY_CONFIGURE, TLS, NULL },
    { "tls-creds-anon", POLICY_CONFIGURE, TLS, NULL },
    { "tls-creds-psk", POLICY_CONFIGURE, TLS " username", NULL },
    { "tls-creds-x509", POLICY_CONFIGURE, TLS " passwordid", NULL },
    { "x-remote-object", POLICY_HOST, "fd devid", NULL },
    { "x-vfio-user-server", POLICY_HOST, "socket device", NULL },
};

const PolicyTypes policy_object_types = { "object", rows, G_N_ELEMENTS(rows), "qom-type id" };

PolicyClasses
policy_classes_of_object(JsonObject *arguments)
{
    return policy_types_classify(&policy_object_types, policy_member_get_string(arguments, "qom-type"), arguments);
}
