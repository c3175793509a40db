/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of devices and of their properties. Owns nothing but constants. Called by command-arguments.c.
 *
 * To plug a device is `configure`, whether it is the guest's own (a disk, a clock) or one of the host's that is passed
 * through (`usb-host`, `vfio-pci`, `scsi-generic`). `host` are:
 * - `ccid-card-emulated`: its `db` is a database of NSS, which names libraries that QEMU then loads;
 * - `virtio-input-host`: what is typed at the host, also into its password prompts, goes to the guest (as with the
 *   object `input-linux`);
 * - `xen-backend`: becomes whichever device Xen's store names;
 * - what QEMU calls x-, and what QEMU cannot be asked to plug, which the table does not name.
 * `read-guest` as well are those that give all of the guest's memory to a program at the other end of a socket.
 *
 * device_add takes more members than its schema lists: every property. Their names are in one table for all devices,
 * because hardly any means two things. */
#include "device-class.h"

#include <string.h>

#include "json-tree.h"

/* A group a line, roughly as QEMU's `-device help` has them. */
static const PolicyDevices devices[] = {
    /* Bridges, hubs, buses. */
    { "AMDVI-PCI amd-iommu cxl-downstream "
      "cxl-rp cxl-switch-mailbox-cci cxl-upstream i82801b11-bridge intel-iommu "
      "ioh3420 pci-bridge pci-bridge-seat pcie-pci-bridge pcie-root-port pxb pxb-cxl pxb-pcie usb-hub "
      "vfio-pci-igd-lpc-bridge vmbus-bridge x3130-upstream xio3130-downstream",
      POLICY_CONFIGURE },
    /* Displays. */
    { "VGA ati-vga bochs-display cirrus-vga isa-cirrus-vga isa-vga qxl qxl-vga ramfb secondary-vga sga virtio-gpu "
      "virtio-gpu-gl virtio-vga virtio-vga-gl vmware-svga",
      POLICY_CONFIGURE },
    /* Input, serial and parallel ports. */
    { "ccid-card-passthru i8042 ipoctal232 isa-debugcon isa-parallel isa-serial pci-serial pci-serial-2x "
      "pci-serial-4x "
      "tpci200 usb-braille usb-ccid usb-kbd usb-mouse usb-serial usb-tablet usb-wacom-tablet virtconsole "
      "virtio-keyboard virtio-mouse virtio-multitouch virtio-serial virtio-tablet virtserialport vmmouse",
      POLICY_CONFIGURE },
    /* Network. */
    { "e1000 e1000-82540em e1000-82544gc e1000-82545em e1000e i82550 i82551 i82557a i82557b i82557c i82558a i82558b "
      "i82559a i82559b i82559c i82559er i82562 i82801 igb ne2k_isa ne2k_pci pcnet pvrdma rocker rtl8139 tulip "
      "usb-net virtio-net vmxnet3 xen-net-device ctucan_pci kvaser_pci mioe3680_pci pcm3680_pci",
      POLICY_CONFIGURE },
    /* Sound. */
    { "AC97 ES1370 ac97 adlib cs4231a es1370 gus hda-duplex hda-micro hda-output ich9-intel-hda intel-hda sb16 "
      "usb-audio virtio-sound",
      POLICY_CONFIGURE },
    /* Storage. */
    { "ahci am53c974 cxl-type3 dc390 emmc floppy ich9-ahci ide-cd ide-cf ide-hd isa-fdc isa-ide lsi lsi53c810 "
      "lsi53c895a megasas megasas-gen2 mptsas1068 nvme nvme-ns nvme-subsys piix3-ide piix4-ide pvscsi scsi-block "
      "scsi-cd scsi-generic scsi-hd sd-card sd-card-spi sdhci-pci ufs ufs-lu usb-bot usb-mtp usb-storage usb-uas "
      "vhost-scsi virtio-9p virtio-blk virtio-scsi xen-cdrom xen-console xen-disk xen-platform",
      POLICY_CONFIGURE },
    /* USB. */
    { "ich9-usb-ehci1 ich9-usb-ehci2 ich9-usb-uhci1 ich9-usb-uhci2 ich9-usb-uhci3 ich9-usb-uhci4 ich9-usb-uhci5 "
      "ich9-usb-uhci6 nec-usb-xhci pci-ohci piix3-usb-uhci piix4-usb-uhci qemu-xhci u2f-passthru usb-ehci "
      "usb-host usb-redir",
      POLICY_CONFIGURE },
    /* Memory, and the rest. */
    { "acpi-erst edu guest-loader hv-balloon hv-syndbg hyperv-testdev i2c-ddc i2c-echo i6300esb ib700 iommu-testdev "
      "ipmi-bmc-extern ipmi-bmc-sim isa-applesmc isa-debug-exit isa-ipmi-bt isa-ipmi-kcs ivshmem-doorbell "
      "ivshmem-plain loader mc146818rtc nitro-heartbeat nitro-serial-vsock nvdimm pc-dimm pc-testdev pci-ipmi-bt "
      "pci-ipmi-kcs pci-testdev pvpanic pvpanic-pci smbus-ipmi sp-mem tpm-crb tpm-tis uefi-vars-sysbus "
      "uefi-vars-x64 vfio-ap vfio-ccw vfio-pci vfio-pci-nohotplug vhost-vdpa-device vhost-vsock virtio-balloon "
      "virtio-crypto virtio-iommu virtio-mem virtio-pmem virtio-rng virtio-rtc vmclock vmcoreinfo vmgenid",
      POLICY_CONFIGURE },
    /* Programs at the other end of a socket, which get the guest's memory. */
    { "vfio-user-pci vhost-user-blk vhost-user-fs vhost-user-gpio vhost-user-gpu vhost-user-i2c vhost-user-input "
      "vhost-user-rng vhost-user-rtc vhost-user-scsi vhost-user-snd vhost-user-spi vhost-user-test-device "
      "vhost-user-vga vhost-user-vsock",
      POLICY_READ_GUEST },
    { "ccid-card-emulated virtio-input-host x-pci-proxy-dev xen-backend", POLICY_HOST },
};

/* The same device on another bus: virtio-blk-pci, virtio-blk-ccw. */
static const char *const transports[] = {
    "-ccw", "-device", "-device-pci", "-pci", "-pci-non-transitional", "-pci-transitional",
};

/* A CPU is the guest's alone. There are hundreds of models, new ones in every QEMU, for each of the targets that can
 * have CPUs plugged. */
static const char *const cpus[] = { "-i386-cpu", "-loongarch-cpu", "-s390x-cpu", "-spapr-cpu-core", "-x86_64-cpu" };
static const PolicyDevices cpu = { "CPUs", POLICY_CONFIGURE };

/* Properties that may be text, a list or an object, in lines by what they say. */
static const char properties[] =
    /* The device itself, and its place. */
    "driver id bus addr busnr failover_pair_id sriov-pf port name desc target primary-bus masterbus "
    /* Other objects that are there already. */
    "audiodev bmc canbus canbus0 canbus1 chardev chardev0 chardev1 chardev2 chardev3 chardev4 chardev5 chardev6 "
    "chardev7 cryptodev display drive fsdev i8042 iommufd iothread iothread-vq-mapping lsa mad-chardev memdev netdev "
    "persistent-memdev pmrdev rng subsys tpmdev volatile-dc-memdev volatile-memdev "
    /* Files of the host that are read, or that the guest has its state in: configure, as a disk's are. */
    "bootargs cdat file frudatafile initrd jsonfile kernel romfile rootdir sdrfile "
    /* Files that the guest's traffic is written to: see the table below. */
    "pcap pcapfile "
    /* Devices, addresses and descriptors of the host. */
    "fd hidraw host host_ip hostdevice hostport ibdev socket sysfsdev vdev vf-token vhostdev vhostfd ebpf-rss-fds "
    "wwpn "
    /* Words that mean something to the guest, or to QEMU, alone. */
    "account-failed account-invalid ats auth-key backend_defaults bios-chs-trans date device_id disable-legacy "
    "drive-type duplex eim enable-migration fallback fdp.ruhs fdtypeA fdtypeB filter firmware-version "
    "fp_start_macaddr "
    "granule guid hash-ipv4 hash-ipv6 hash-ipv6ex hash-tcp4 hash-tcp6 hash-tcp6ex hash-udp4 hash-udp6 hash-udp6ex "
    "hba_serial hv-no-nonarch-coresharing hv-vendor-id instanceid intremap lan.defgw_ipaddr lan.defgw_macaddr "
    "lan.ipaddr lan.macaddr lan.netmask lost_tick_policy mac master model model-id mount_tag msi msix nguid nqn osk "
    "outputs pci-id ports product rerror reserved-regions seqpacket serial spdm_trans stats-intervals tag tx "
    "unplugged-inaccessible uuid vendor ver werror world write-cache";

/* Whatever their value is: QEMU 7.2 makes a string of a number. */
static const struct {
    const char *property;
    PolicyClasses classes;
} raised[] = {
    { "db", POLICY_HOST },
    { "evdev", POLICY_HOST },
    { "hotpluggable", POLICY_HOST }, /* QEMU's own, as the next ones */
    { "hotplugged", POLICY_HOST },
    { "parent_bus", POLICY_HOST },
    { "pcap", POLICY_READ_GUEST }, /* copies out what is typed at a USB keyboard, for example */
    { "pcapfile", POLICY_READ_GUEST },
    { "realized", POLICY_HOST }, /* before the bus is asked whether it has a place */
};

const PolicyDevices *
policy_devices_get_nth(guint n)
{
    return n < G_N_ELEMENTS(devices) ? &devices[n] : NULL;
}

const char *
policy_devices_get_properties(void)
{
    return properties;
}

static const PolicyDevices *
find_exactly(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(devices); i++)
        if (policy_names_contain(devices[i].names, name))
            return &devices[i];
    return NULL;
}

static const PolicyDevices *
find_on_transport(const char *name)
{
    const PolicyDevices *found = NULL;

    if (!g_str_has_prefix(name, "virtio-") && !g_str_has_prefix(name, "vhost-"))
        return NULL;
    for (guint i = 0; !found && i < G_N_ELEMENTS(transports); i++) {
        g_autofree char *base =
            g_str_has_suffix(name, transports[i]) ? g_strndup(name, strlen(name) - strlen(transports[i])) : NULL;
        found = base ? find_exactly(base) : NULL;
    }
    return found;
}

const PolicyDevices *
policy_devices_find(const char *name)
{
    const PolicyDevices *found = find_exactly(name);

    for (guint i = 0; !found && i < G_N_ELEMENTS(cpus); i++)
        found = g_str_has_suffix(name, cpus[i]) ? &cpu : NULL;
    return found ? found : find_on_transport(name);
}

/* A number, a switch, or a size, which QEMU takes as text too. */
static gboolean
is_plain_id(const char *text)
{
    static const char *const words[] = { "auto", "false", "no", "off", "on", "true", "yes" };

    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_equal(text, words[i]))
            return TRUE;
    return g_ascii_isdigit(text[text[0] == '-']) && text[strspn(text, "-.+0123456789abcdefABCDEFxXkKMGTPE")] == '\0';
}

static PolicyClasses
classes_of_property(const char *name, JsonNode *value)
{
    gboolean is_plain = json_tree_get_type(value) == JSON_TREE_STRING && is_plain_id(json_tree_get_string(value));

    if (g_str_has_prefix(name, "x-"))
        return POLICY_HOST;
    if (!policy_can_name(value) || is_plain || policy_names_contain(properties, name))
        return 0;
    return POLICY_HOST;
}

static PolicyClasses
classes_of_properties(JsonObject *arguments)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;
    PolicyClasses classes = 0;

    for (guint i = 0; i < G_N_ELEMENTS(raised); i++)
        if (json_object_has_member(arguments, raised[i].property))
            classes |= raised[i].classes;
    json_object_iter_init(&iter, arguments);
    while (!(classes & POLICY_HOST) && json_object_iter_next(&iter, &name, &value))
        classes |= classes_of_property(name, value);
    return classes;
}

PolicyClasses
policy_classes_of_device(JsonObject *arguments)
{
    const char *driver = policy_member_get_string(arguments, "driver");
    const PolicyDevices *group = driver ? policy_devices_find(driver) : NULL;

    return group ? group->classes | classes_of_properties(arguments) : POLICY_HOST;
}
