/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the arguments of a command make of it: for whoever wrote a rule that lets somebody configure, and not run
 * programs. */

#include "test-policy-rows.h"

#define HOST POLICY_CLASSES(POLICY_CLASS_HOST)
#define CONFIGURE POLICY_CLASSES(POLICY_CLASS_CONFIGURE)
#define CONTROL POLICY_CLASSES(POLICY_CLASS_CONTROL)
#define DESTROY POLICY_CLASSES(POLICY_CLASS_DESTROY)
#define MIGRATE POLICY_CLASSES(POLICY_CLASS_MIGRATE)
#define OBSERVE POLICY_CLASSES(POLICY_CLASS_OBSERVE)
#define READ_GUEST POLICY_CLASSES(POLICY_CLASS_READ_GUEST)

static const PolicyRow rows[] = {
    { "query-status", NULL, OBSERVE },
    { "query-status", "{}", OBSERVE },
    { "no-such-command", NULL, HOST },
    { "qmp_capabilities", "{'enable':['oob']}", OBSERVE },

    { "announce-self", "{'initial':50,'max':550,'rounds':5,'step':100,'id':'a','interfaces':['n']}", CONTROL },
    { "announce-self", "{'initial':100000,'max':100000,'rounds':1000,'step':10000}", CONTROL },
    { "announce-self", "{'initial':0,'max':0,'rounds':0,'step':0}", CONTROL },
    { "announce-self", "{'initial':-1}", CONTROL | DESTROY },
    { "announce-self", "{'initial':100001}", CONTROL | DESTROY },
    { "announce-self", "{'initial':50,'max':-60000,'rounds':1000,'step':100}", CONTROL | DESTROY },
    { "announce-self", "{'rounds':1001}", CONTROL | DESTROY },
    { "announce-self", "{'step':-9223372036854775808}", CONTROL | DESTROY },
    { "announce-self", "{'step':18446744073709551615}", CONTROL | DESTROY },
    { "announce-self", "{'max':1.5}", CONTROL | DESTROY },

    { "migrate", "{'uri':'tcp:host:4444'}", MIGRATE },
    { "migrate", "{'uri':'unix:/run/m.sock'}", MIGRATE },
    { "migrate", "{'uri':'exec:cat'}", HOST },
    { "migrate", "{'uri':'fd:mine'}", MIGRATE },
    { "migrate", "{'uri':'fd:3'}", HOST },
    { "migrate", "{'uri':'fd: 3'}", HOST },
    { "migrate", "{'uri':'file:/tmp/x'}", MIGRATE | READ_GUEST },
    { "migrate", "{'channels':[{'channel-type':'main','addr':{'transport':'exec','args':['sh']}}]}", HOST },
    { "migrate", "{'channels':[{'channel-type':'main','addr':{'transport':'file','filename':'/x','offset':0}}]}",
      MIGRATE | READ_GUEST },
    { "migrate",
      "{'channels':[{'channel-type':'main','addr':{'transport':'socket','type':'inet','host':'h','port':'4444'}}]}",
      MIGRATE },
    { "migrate", "{'channels':[{'channel-type':'main','addr':{'transport':'socket','type':'fd','str':'7'}}]}", HOST },
    { "migrate",
      "{'channels':[{'channel-type':'main','addr':{'transport':'socket','type':'inet','host':'h','port':'4444'}},"
      "{'channel-type':'cpr','addr':{'transport':'exec','args':['sh']}}]}",
      HOST },
    { "migrate-incoming", "{'uri':'tcp:0:4444'}", MIGRATE },
    { "migrate-incoming", "{'channels':[{'channel-type':'main','addr':{'transport':'exec','args':['sh']}}]}", HOST },
    { "migrate-incoming", "{'uri':'exec:cat /etc/passwd'}", HOST },
    { "migrate-incoming", "{'uri':'file:/tmp/x'}", MIGRATE },
    { "migrate-recover", "{'uri':'exec:x'}", HOST },
    { "migrate-set-parameters", "{'max-bandwidth':1}", MIGRATE },
    { "migrate-set-parameters", "{'mode':'cpr-exec'}", HOST },
    { "migrate-set-parameters", "{'cpr-exec-command':['/bin/sh']}", HOST },

    { "netdev_add", "{'type':'stream','id':'n','addr':{'type':'fd','str':'mine'}}", CONFIGURE },
    { "netdev_add", "{'type':'stream','id':'n','addr':{'type':'fd','str':' 3'}}", HOST }, /* as strtol() reads it */
    { "netdev_add", "{'type':'stream','id':'n','addr':{'type':'fd','str':'+3'}}", HOST },
    { "netdev_add", "{'type':'stream','id':'n','addr':{'type':'fd','str':'\\u000b-3'}}", HOST },
    { "netdev_add", "{'type':'stream','id':'n','addr':{'type':'fd','str':' x3'}}", CONFIGURE },
    { "netdev_add", "{'type':'tap','id':'n','fds':'mine:\\t3'}", HOST },
    { "netdev_add", "{'type':'user','id':'n'}", CONFIGURE },
    { "netdev_add", "{'type':'user','id':'n','hostfwd':[{'str':'tcp::5555-:22'}]}", CONFIGURE },
    { "netdev_add", "{'type':'user','id':'n','smb':'/'}", HOST },
    { "netdev_add", "{'type':'user','id':'n','guestfwd':[{'str':'tcp:10.0.2.100:80-cmd:sh'}]}", HOST },
    { "netdev_add", "{'type':'user','id':'n','guestfwd':[{'str':'tcp:10.0.2.100:80-tcp:h:80'}]}", CONFIGURE },
    { "netdev_add", "{'type':'tap','id':'n'}", HOST },
    { "netdev_add", "{'type':'tap','id':'n','script':'no','downscript':'no'}", CONFIGURE },
    { "netdev_add", "{'type':'tap','id':'n','script':'no'}", HOST },
    { "netdev_add", "{'type':'tap','id':'n','script':'/tmp/x','downscript':'no'}", HOST },
    { "netdev_add", "{'type':'tap','id':'n','fd':'mine'}", CONFIGURE },
    { "netdev_add", "{'type':'tap','id':'n','fd':'3'}", HOST },
    { "netdev_add", "{'type':'tap','id':'n','fds':'3:4'}", HOST },
    { "netdev_add", "{'type':'tap','id':'n','fd':'mine','vhostfd':'5'}", HOST },
    { "netdev_add", "{'type':'tap','id':'n','fd':'mine','helper':'/tmp/x'}", HOST },
    { "netdev_add", "{'type':'bridge','id':'n','br':'br0'}", CONFIGURE },
    { "netdev_add", "{'type':'bridge','id':'n','helper':'/tmp/x'}", HOST },
    { "netdev_add", "{'type':'passt','id':'n'}", HOST },
    { "netdev_add", "{'type':'vde','id':'n','sock':'cmd://sh'}", HOST },
    { "netdev_add", "{'type':'tap','id':'n','fds':'mine:8'}", HOST },
    { "netdev_add", "{'type':'tap','id':'n','fds':'mine:yours'}", CONFIGURE },
    { "netdev_add", "{'type':'of-a-later-qemu','id':'n'}", HOST },
    { "netdev_add", "{'id':'n'}", HOST },

    { "object-add", "{'qom-type':'iothread','id':'i'}", CONFIGURE },
    { "object-add", "{'qom-type':'monitor-qmp','id':'m','chardev':'c'}", HOST },
    { "object-add", "{'qom-type':'monitor-hmp','id':'m','chardev':'c'}", HOST },
    { "object-add", "{'qom-type':'qtest','id':'q','chardev':'c'}", HOST },
    { "object-add", "{'qom-type':'x-remote-object','id':'q'}", HOST },
    { "object-add", "{'id':'q'}", HOST },

    { "chardev-add", "{'id':'c','backend':{'type':'null','data':{}}}", CONFIGURE },
    { "chardev-add", "{'id':'c','backend':{'type':'socket','data':{'addr':{'type':'fd','data':{'str':'mine'}}}}}",
      CONFIGURE },
    { "chardev-add", "{'id':'c','backend':{'type':'socket','data':{'addr':{'type':'fd','data':{'str':'3'}}}}}", HOST },
    { "device_add", "{'driver':'vhost-vsock-pci','vhostfd':'9'}", HOST },
    { "device_add", "{'driver':'vhost-vsock-pci','vhostfd':9}", HOST },
    { "device_add", "{'driver':'virtio-net-pci','netdev':'n'}", CONFIGURE },
    { "blockdev-snapshot-sync", "{'device':'d','snapshot-file':'/img'}", CONFIGURE },
    { "blockdev-snapshot-sync", "{'device':'d','snapshot-file':'json:{}'}", HOST },
    { "blockdev-snapshot-sync", "{'device':'d','snapshot-file':'blkdebug::json:{}'}", HOST },
    { "blockdev-add", "{'driver':'file','filename':'json:{}'}", HOST },
    { "getfd", "{'fdname':'mine'}", CONFIGURE },
    { "getfd", "{'fdname':'3'}", HOST },
    { "remove-fd", "{'fdset-id':1,'fd':3}", CONFIGURE },
    { "device_add", "{'driver':'nvme','serial':'a\\u0000b'}", HOST },

    { "add_client", "{'protocol':'serial0','fdname':'mine'}", HOST },

    { "transaction", "{'actions':[]}", CONFIGURE },
    { "transaction", NULL, CONFIGURE },
    { "transaction", "{'actions':[{'type':'abort','data':{}}]}", CONFIGURE },
    { "transaction", "{'actions':[{'type':'block-dirty-bitmap-clear','data':{'node':'n','name':'b'}}]}", DESTROY },
    { "transaction",
      "{'actions':[{'type':'blockdev-snapshot','data':{}},{'type':'block-dirty-bitmap-clear','data':{}}]}",
      CONFIGURE | DESTROY },
    { "transaction", "{'actions':[{'type':'of-a-later-qemu','data':{}}]}", HOST },
    { "transaction", "{'actions':[{'type':'blockdev-snapshot','data':{}},{'type':'of-a-later-qemu'}]}", HOST },
    { "transaction",
      "{'actions':[{'type':'drive-backup','data':{'device':'d','target':'/x','format':'of-a-later-qemu'}}]}", HOST },
    { "transaction", "{'actions':[{'data':{}}]}", HOST },
    { "transaction", "{'actions':[{'type':'device_del','data':{}}]}", HOST },
    { "transaction", "{'actions':[{'type':'abort'},{'type':'transaction'}]}", HOST },
};

static void
test_classes(void)
{
    policy_rows_check(rows, G_N_ELEMENTS(rows));
}

/* QEMU has no transaction in a transaction, and the answer does not wait for what is in it. */
static void
test_nested_transactions(void)
{
    g_autoptr(JsonNode) arguments = policy_rows_parse("{'actions':[{'type':'transaction','data':{'actions':[]}}]}");

    g_assert_cmphex(policy_classes_of_command("transaction", arguments), ==, HOST);
}

static void
test_id(void)
{
    static const struct {
        const char *arguments, *id;
    } cases[] = {
        { "{'id':'disk','device':'other'}", NULL },
        { "{'id':'disk'}", "disk" },
        { "{'job-id':'j','device':'disk'}", "disk" },
        { "{'job-id':'j'}", "j" },
        { "{'device':'ide0'}", "ide0" },
        { "{'node-name':'n'}", "n" },
        { "{'name':'net0','up':true}", "net0" },
        { "{'id':7}", NULL },
        { "{}", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(JsonNode) arguments = policy_rows_parse(cases[i].arguments);
        g_assert_cmpstr(policy_get_id(arguments), ==, cases[i].id);
    }
    g_assert_null(policy_get_id(NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/command-arguments/classes", test_classes);
    g_test_add_func("/command-arguments/nested-transactions", test_nested_transactions);
    g_test_add_func("/command-arguments/id", test_id);
    return g_test_run();
}
