/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is made by name: devices, objects, block nodes, back ends. For whoever wrote a rule that lets somebody configure,
 * and not run programs on the host, nor read the guest's memory. (Whether the tables are complete is for
 * test-policy-types.py to say, with real QEMUs.) */
#include "type-class.h"

#include "backend-class.h"
#include "block-class.h"
#include "device-class.h"
#include "object-class.h"
#include "test-policy-rows.h"

#define HOST POLICY_HOST
#define CONFIGURE POLICY_CONFIGURE
#define READ_GUEST POLICY_READ_GUEST

static const PolicyRow devices[] = {
    { "device_add", "{'driver':'virtio-blk-pci','drive':'d','id':'x','bus':'pci.0','addr':'05.0'}", CONFIGURE },
    { "device_add", "{'driver':'virtio-blk','drive':'d'}", CONFIGURE }, /* an alias */
    { "device_add", "{'driver':'virtio-blk-pci-non-transitional','drive':'d'}", CONFIGURE },
    { "device_add", "{'driver':'virtio-blk-ccw','drive':'d'}", CONFIGURE },
    { "device_add", "{'driver':'qemu64-x86_64-cpu','socket-id':1,'core-id':0,'thread-id':0}", CONFIGURE },
    { "device_add", "{'driver':'usb-host','hostbus':1,'hostaddr':2}", CONFIGURE },
    { "device_add", "{'driver':'vfio-pci','host':'0000:00:02.0'}", CONFIGURE },
    { "device_add", "{'driver':'e1000','netdev':'n','mac':'52:54:00:12:34:56','romfile':''}", CONFIGURE },

    { "device_add", "{'driver':'ccid-card-emulated','backend':'certificates','db':'/tmp/nss'}", HOST },
    { "device_add", "{'driver':'ccid-card-emulated'}", HOST },
    { "device_add", "{'driver':'virtio-input-host-pci','evdev':'/dev/input/event0'}", HOST },
    { "device_add", "{'driver':'virtio-input-host','evdev':'/dev/input/event0'}", HOST },
    { "device_add", "{'driver':'x-pci-proxy-dev','fd':'mine'}", HOST },
    { "device_add", "{'driver':'of-a-later-qemu'}", HOST },
    { "device_add", "{'driver':'virtio-of-a-later-qemu-pci'}", HOST },
    { "device_add", "{'driver':'virtio-blk-pci-pci'}", HOST },
    { "device_add", "{'driver':'VIRTIO-BLK-PCI'}", HOST },
    { "device_add", "{'driver':'e1000 e1000e'}", HOST },
    { "device_add", "{'driver':''}", HOST },
    { "device_add", "{'driver':7}", HOST },
    { "device_add", "{'id':'x'}", HOST },
    { "device_add", "{}", HOST },

    /* Properties, which no schema lists. */
    { "device_add", "{'driver':'usb-kbd','pcap':'/tmp/keys'}", READ_GUEST },
    { "device_add", "{'driver':'usb-kbd','pcap':5}", READ_GUEST },
    { "device_add", "{'driver':'uefi-vars-x64','pcapfile':'/tmp/x'}", READ_GUEST },
    { "device_add", "{'driver':'vhost-user-blk-pci','chardev':'c'}", READ_GUEST },
    { "device_add", "{'driver':'vhost-user-vga','chardev':'c'}", READ_GUEST },
    { "device_add", "{'driver':'vfio-user-pci','socket':{'type':'unix','path':'/x'}}", READ_GUEST },
    { "device_add", "{'driver':'e1000','of-a-later-qemu':'/etc/passwd'}", HOST },
    { "device_add", "{'driver':'e1000','of-a-later-qemu.path':'/etc/passwd'}", HOST },
    { "device_add", "{'driver':'e1000','of-a-later-qemu':{'path':'/etc/passwd'}}", HOST },
    { "device_add", "{'driver':'e1000','of-a-later-qemu':['/etc/passwd']}", HOST },
    { "device_add", "{'driver':'e1000','of-a-later-qemu':7,'another':true}", CONFIGURE },
    { "device_add", "{'driver':'e1000','of-a-later-qemu':'0x10','another':'on','third':'64K'}", CONFIGURE },
    { "device_add", "{'driver':'e1000','realized':true}", HOST },
    { "device_add", "{'driver':'e1000','parent_bus':7}", HOST },
    { "device_add", "{'driver':'e1000','x-of-today':1}", HOST },
    { "device_add", "{'driver':'e1000','db':7}", HOST },
    { "device_add", "{'driver':'e1000','evdev':7}", HOST },
    { "device_add", "{'driver':'e1000','hotpluggable':true}", HOST },
    { "device_add", "{'driver':'e1000','hotplugged':false}", HOST },
};

static const PolicyRow objects[] = {
    { "object-add", "{'qom-type':'rng-random','id':'r','filename':'/dev/urandom'}", CONFIGURE },
    { "object-add", "{'qom-type':'throttle-group','id':'t','limits':{'iops-total':1}}", CONFIGURE },
    { "object-add", "{'qom-type':'dbus-vmstate','id':'d','addr':'unix:path=/x'}", HOST },
    { "object-add", "{'qom-type':'authz-simple','id':'a','identity':'me'}", HOST },
    { "object-add", "{'qom-type':'authz-list','id':'a'}", HOST },
    { "object-add", "{'qom-type':'authz-listfile','id':'a','filename':'/x'}", HOST },
    { "object-add", "{'qom-type':'authz-pam','id':'a','service':'x'}", HOST },
    { "object-add", "{'qom-type':'authz-list-file','id':'a','filename':'/x'}", HOST },
    { "object-add", "{'qom-type':'input-linux','id':'i','evdev':'/dev/input/event0'}", HOST },
    { "object-add", "{'qom-type':'monitor-hmp','id':'m','chardev':'c'}", HOST },
    { "object-add", "{'qom-type':'monitor-qmp','id':'m','chardev':'c'}", HOST },
    { "object-add", "{'qom-type':'qtest','id':'q','chardev':'c'}", HOST },
    { "object-add", "{'qom-type':'x-remote-object','id':'x','fd':'mine','devid':'d'}", HOST },
    { "object-add", "{'qom-type':'x-vfio-user-server','id':'x','device':'d'}", HOST },
    { "object-add", "{'qom-type':'cryptodev-vhost-user','id':'c','chardev':'c'}", READ_GUEST },
    { "object-add", "{'qom-type':'filter-dump','id':'f','netdev':'n','file':'/x'}", READ_GUEST },
    { "object-add", "{'qom-type':'filter-mirror','id':'f','netdev':'n','outdev':'c'}", READ_GUEST },
    { "object-add", "{'qom-type':'filter-redirector','id':'f','netdev':'n','outdev':'c'}", READ_GUEST },
    { "object-add", "{'qom-type':'colo-compare','id':'f','primary_in':'a','secondary_in':'b','outdev':'c'}",
      READ_GUEST },
    { "object-add", "{'qom-type':'filter-buffer','id':'f','netdev':'n','interval':1}", CONFIGURE },
    { "object-add", "{'qom-type':'secret','id':'s','data':'x'}", CONFIGURE },
    { "object-add", "{'qom-type':'secret','id':'s','file':'/x'}", READ_GUEST },
    { "object-add", "{'qom-type':'secret_keyring','id':'s','serial':1}", READ_GUEST },
    { "object-add", "{'qom-type':'memory-backend-ram','id':'m','size':1}", CONFIGURE },
    { "object-add", "{'qom-type':'memory-backend-ram','id':'m','size':18446744073709551615}", CONFIGURE },
    { "device_add", "{'driver':'virtio-rng-pci','id':'r','max-bytes':18446744073709551615}", CONFIGURE },
    { "object-add", "{'qom-type':'memory-backend-file','id':'m','size':1,'mem-path':'/x'}", READ_GUEST },
    { "object-add", "{'qom-type':'iothread','id':'i','of-a-later-qemu':'/x'}", HOST },
    { "object-add", "{'qom-type':'iothread','id':'i','props':{'x':'/x'}}", HOST },
    { "object-add", "{'qom-type':'of-a-later-qemu','id':'i'}", HOST },
};

static const PolicyRow block[] = {
    { "blockdev-add", "{'driver':'file','filename':'/x','node-name':'n'}", CONFIGURE },
    { "blockdev-add", "{'driver':'qcow2','file':{'driver':'file','filename':'/x'},'backing':null}", CONFIGURE },
    { "blockdev-add", "{'driver':'rbd','pool':'p','image':'i'}", CONFIGURE },
    { "blockdev-add", "{'driver':'rbd','pool':'p','image':'i','conf':'/x'}", HOST },
    { "blockdev-add", "{'driver':'raw','file':{'driver':'rbd','pool':'p','image':'i','conf':'/x'}}", HOST },
    { "blockdev-add", "{'driver':'quorum','children':['a',{'driver':'rbd','conf':'/x'}]}", HOST },
    { "blockdev-add", "{'driver':'qcow2','backing':{'driver':'raw','file':{'driver':'of-a-later-qemu'}}}", HOST },
    { "blockdev-add", "{'driver':'gluster','volume':'v','path':'p','server':[]}", HOST },
    { "blockdev-add", "{'driver':'virtio-blk-vhost-user','path':'/x'}", READ_GUEST },
    { "blockdev-add", "{'driver':'raw','file':{'driver':'virtio-blk-vhost-user','path':'/x'}}", READ_GUEST },
    { "blockdev-add", "{'driver':'file','filename':'/x','of-a-later-qemu':'/y'}", HOST },
    { "blockdev-add", "{'driver':'of-a-later-qemu'}", HOST },
    { "blockdev-add", "{'driver':['rbd'],'conf':'/x'}", HOST },
    { "blockdev-add", "{}", HOST },
    { "blockdev-reopen", "{'options':[{'driver':'raw','node-name':'n','file':'f'}]}", CONFIGURE },
    { "blockdev-reopen", "{'options':[{'driver':'rbd','node-name':'n','conf':'/x'}]}", HOST },
    { "blockdev-create", "{'job-id':'j','options':{'driver':'file','filename':'/x','size':1}}", CONFIGURE },
    { "blockdev-create", "{'job-id':'j','options':{'driver':'rbd','location':{'pool':'p','image':'i'},'size':1}}",
      CONFIGURE },
    { "blockdev-create", "{'job-id':'j','options':{'driver':'rbd','location':{'pool':'p','conf':'/x'},'size':1}}",
      HOST },
    { "blockdev-create", "{'job-id':'j','options':{'driver':'qcow2','file':{'driver':'rbd','conf':'/x'},'size':1}}",
      HOST },
    { "blockdev-create", "{'job-id':'j','options':{'driver':'qcow2','file':'f','backing-file':'rbd:p/i:conf=/x'}}",
      HOST },

    /* File names with a protocol, and formats. */
    { "drive-mirror", "{'device':'d','target':'/x','sync':'full','format':'raw'}", CONFIGURE },
    { "drive-mirror", "{'device':'d','target':'nbd://h/x','sync':'full'}", CONFIGURE },
    { "drive-mirror", "{'device':'d','target':'nbd+unix:///x?socket=/s','sync':'full'}", CONFIGURE },
    { "drive-mirror", "{'device':'d','target':'/a:b','sync':'full'}", CONFIGURE },
    { "drive-mirror", "{'device':'d','target':'./a:b','sync':'full'}", CONFIGURE },
    { "drive-mirror", "{'device':'d','target':'later:x','sync':'full'}", HOST },
    { "drive-mirror", "{'device':'d','target':'/x','sync':'full','format':'of-a-later-qemu'}", HOST },
    { "drive-mirror", "{'device':'d','target':'rbd:p/i','sync':'full'}", CONFIGURE },
    { "drive-mirror", "{'device':'d','target':'rbd:p/i@s:id=me:mon_host=h\\\\:6789','sync':'full'}", CONFIGURE },
    { "drive-mirror", "{'device':'d','target':'rbd:p/i:conf=/x','sync':'full'}", HOST },
    { "drive-mirror", "{'device':'d','target':'rbd:p/i\\\\\\\\:conf=/x','sync':'full'}", HOST },
    { "drive-mirror", "{'device':'d','target':'rbd:p/i:co\\\\nf=/x','sync':'full'}", HOST },
    { "drive-mirror", "{'device':'d','target':'rbd:p/i:id=me:plugin_dir=/x','sync':'full'}", HOST },
    { "drive-mirror", "{'device':'d','target':'blkdebug:/c:rbd:p/i:conf=/x','sync':'full'}", HOST },
    { "drive-mirror", "{'device':'d','target':'blkverify:/r:gluster://h/v/i','sync':'full'}", HOST },
    { "drive-mirror", "{'device':'d','target':'gluster+unix:///v/i?socket=s','sync':'full'}", HOST },
    { "drive-backup", "{'device':'d','target':'rbd:p/i:conf=/x','sync':'full'}", HOST },
    { "blockdev-snapshot-sync", "{'device':'d','snapshot-file':'rbd:p/i:conf=/x'}", HOST },
    { "blockdev-change-medium", "{'id':'d','filename':'fat:/etc'}", CONFIGURE },
    { "blockdev-change-medium", "{'id':'d','filename':'rbd:p/i:conf=/x'}", HOST },
    { "change-backing-file", "{'device':'d','image-node-name':'n','backing-file':'rbd:p/i:conf=/x'}", HOST },
    { "block-stream", "{'device':'d','backing-file':'rbd:p/i:conf=/x'}", HOST },
    { "block-commit", "{'device':'d','backing-file':'rbd:p/i:conf=/x'}", HOST },
    { "transaction", "{'actions':[{'type':'drive-backup','data':{'device':'d','target':'rbd:p/i:conf=/x'}}]}", HOST },
    { "block-export-add", "{'type':'nbd','id':'e','node-name':'n','name':'x'}", CONFIGURE },
    { "block-export-add", "{'type':'of-a-later-qemu','id':'e','node-name':'n'}", HOST },
    { "blockdev-add", "{'driver':'file','filename':'rbd:p/i:conf=/x'}", CONFIGURE }, /* a plain name there */
};

static const PolicyRow backends[] = {
    { "netdev_add", "{'type':'vhost-user','id':'n','chardev':'c'}", READ_GUEST },
    { "netdev_add", "{'type':'nic','id':'n'}", HOST },
    { "netdev_add", "{'type':'none','id':'n'}", HOST },
    { "netdev_add", "{'type':'passt','id':'n'}", HOST },
    { "netdev_add", "{'type':'vde','id':'n','sock':'/x'}", HOST },
    { "netdev_add", "{'type':'stream','id':'n','addr':{'type':'unix','path':'/x'}}", CONFIGURE },
    { "netdev_add", "{'type':'stream','id':'n','of-a-later-qemu':'/x'}", HOST },
    { "netdev_add", "{'type':'user','id':'n','guestfwd':'tcp:10.0.2.100:80-cmd:sh'}", HOST },
    { "netdev_add", "{'type':'user','id':'n','guestfwd':['tcp:10.0.2.100:80-cmd:sh']}", HOST },
    { "chardev-add", "{'id':'c','backend':{'type':'file','data':{'out':'/x','logfile':'/y'}}}", CONFIGURE },
    { "chardev-add", "{'id':'c','backend':{'type':'stdio','data':{}}}", HOST },
    { "chardev-add", "{'id':'c','backend':{'type':'console','data':{}}}", HOST },
    { "chardev-change", "{'id':'c','backend':{'type':'stdio','data':{}}}", HOST },
    { "chardev-add", "{'id':'c','backend':{'type':'null','data':{'of-a-later-qemu':'/x'}}}", HOST },
    { "chardev-add", "{'id':'c','backend':{'type':'of-a-later-qemu','data':{}}}", HOST },
    { "chardev-add", "{'id':'c','backend':{'type':'null'}}", CONFIGURE },
    { "chardev-add", "{'id':'c'}", HOST },
};

static const PolicyRow displays[] = {
    { "display-update", "{'type':'vnc','addresses':[]}", HOST },
    { "set_password", "{'protocol':'vnc','password':'x'}", HOST },
    { "change-vnc-password", "{'password':'x'}", HOST },
    { "expire_password", "{'protocol':'vnc','time':'never'}", HOST },
    { "display-reload", "{'type':'vnc','tls-certs':true}", CONFIGURE },
    { "display-reload", "{'type':'of-a-later-qemu'}", HOST },
    { "add_client", "{'protocol':'vnc','fdname':'mine'}", HOST },
};

static void
test_devices(void)
{
    policy_rows_check(devices, G_N_ELEMENTS(devices));
}

static void
test_objects(void)
{
    policy_rows_check(objects, G_N_ELEMENTS(objects));
}

static void
test_block(void)
{
    policy_rows_check(block, G_N_ELEMENTS(block));
}

static void
test_backends(void)
{
    policy_rows_check(backends, G_N_ELEMENTS(backends));
}

static void
test_displays(void)
{
    policy_rows_check(displays, G_N_ELEMENTS(displays));
}

/* A row out of its place would not be found. */
static void
test_sorted(void)
{
    const PolicyTypes *const tables[] = { &policy_object_types, &policy_block_types,   &policy_export_types,
                                          &policy_netdev_types, &policy_chardev_types, &policy_display_types };

    for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
        for (guint n = 1; n < tables[i]->n_rows; n++)
            g_assert_cmpstr(tables[i]->rows[n - 1].name, <, tables[i]->rows[n].name);
}

static void
test_names(void)
{
    static const char names[] = "db drive drive-type";

    g_assert_true(policy_names_contain(names, "db"));
    g_assert_true(policy_names_contain(names, "drive"));
    g_assert_true(policy_names_contain(names, "drive-type"));
    g_assert_false(policy_names_contain(names, "type"));
    g_assert_false(policy_names_contain(names, "driv"));
    g_assert_false(policy_names_contain(names, "rive"));
    g_assert_false(policy_names_contain(names, "db drive"));
    g_assert_false(policy_names_contain(names, ""));
    g_assert_false(policy_names_contain("", "db"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/type-class/devices", test_devices);
    g_test_add_func("/type-class/objects", test_objects);
    g_test_add_func("/type-class/block", test_block);
    g_test_add_func("/type-class/backends", test_backends);
    g_test_add_func("/type-class/displays", test_displays);
    g_test_add_func("/type-class/sorted", test_sorted);
    g_test_add_func("/type-class/names", test_names);
    return g_test_run();
}
