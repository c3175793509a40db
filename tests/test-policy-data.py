# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files that polkit and the system bus read: a mistake in them is seen by nobody until somebody is let through."""
import os
import subprocess
import xml.etree.ElementTree as ElementTree

from harness import Bus, CallError, Connection, Polkitd, Test, main
from harness.polkit import INTERFACE, NAME as POLKIT, PATH
from monitor import NAME

ACTIONS = os.environ['POLKIT_ACTIONS']
BUS_POLICY = os.environ['SYSTEM_BUS_POLICY']
COMMAND_CLASSES = os.environ['COMMAND_CLASSES']
SERVICE_USER = os.environ['SERVICE_USER']
SERVICE, SERVICE_NAME = 1, 'daemon'
SOMEBODY = 33  # www-data

# As the contract has them: any, inactive, active.
DEFAULTS = {
    'observe': ('auth_admin_keep', 'auth_admin_keep', 'yes'),
    'control': ('auth_admin_keep', 'auth_admin_keep', 'auth_admin_keep'),
    **{name: ('auth_admin', 'auth_admin', 'auth_admin')
       for name in ('destroy', 'configure', 'read-guest', 'migrate', 'host', 'manage')},
}

# What the system bus has before ours: nobody may own a name, nobody may call.
STRICT = '''<policy context="default">
  <deny own="*"/><deny send_type="method_call"/>
  <allow send_destination="org.freedesktop.DBus"/>
</policy><include>{}</include>'''


class Actions(Test):
    def setUp(self):
        super().setUp()
        self.actions = {action.get('id').removeprefix('org.qemu.monitor1.'): action
                        for action in ElementTree.parse(ACTIONS).iter('action')}

    def test_defaults_are_those_of_the_contract(self):
        defaults = {name: tuple(action.findtext(f'defaults/{tag}')
                                for tag in ('allow_any', 'allow_inactive', 'allow_active'))
                    for name, action in self.actions.items()}
        self.assertEqual(defaults, DEFAULTS)

    def test_every_class_has_an_action(self):
        output = subprocess.run([COMMAND_CLASSES], capture_output=True, text=True, check=True).stdout
        used = {line.split()[1].removeprefix('org.qemu.monitor1.') for line in output.splitlines()}
        self.assertEqual(used | {'manage'}, self.actions.keys())

    def test_messages_say_which_vm(self):
        for name, action in self.actions.items():
            with self.subTest(name):
                self.assertIn('virtual machine $(vm)', action.findtext('message'))
                self.assertTrue(action.findtext('description'))

    def test_the_service_may_tell_polkit_which(self):
        for name, action in self.actions.items():
            owner = action.find("annotate[@key='org.freedesktop.policykit.owner']")
            with self.subTest(name):
                self.assertEqual(owner.text, f'unix-user:{SERVICE_USER}')

    def test_polkit_reads_them(self):
        bus = self.start(Bus, type='system')
        self.start(Polkitd, bus.address, ACTIONS)
        caller = self.adopt(Connection(bus.address))
        known = caller.call(POLKIT, PATH, INTERFACE, 'EnumerateActions', '(s)', 'C')[0]
        self.assertEqual({action[0] for action in known}, {f'org.qemu.monitor1.{name}' for name in DEFAULTS})


class SystemBus(Test):
    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        with open(BUS_POLICY, encoding='utf-8') as file:
            policy = file.read()
        # The service's user, in whose place is one that this machine has.
        self.assertEqual(policy.count(f'<policy user="{SERVICE_USER}">'), 1)
        policy = self.write('policy.conf', policy.replace(f'user="{SERVICE_USER}"', f'user="{SERVICE_NAME}"'))
        self.bus = self.start(Bus, type='system', extra=STRICT.format(policy))

    def own(self, connection, name):
        return connection.call('org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'RequestName', '(su)', name, 0)[0]

    def test_the_service_alone_has_the_name_and_everybody_may_call(self):
        service = self.adopt(Connection(self.bus.address, SERVICE))
        somebody = self.adopt(Connection(self.bus.address, SOMEBODY))
        for other in (somebody, self.adopt(Connection(self.bus.address))):
            with self.assertRaises(CallError) as caught:
                self.own(other, NAME)
            self.assertEqual(caught.exception.name, 'org.freedesktop.DBus.Error.AccessDenied')
        self.assertEqual(self.own(service, NAME), 1)
        with self.assertRaises(CallError):
            self.own(service, 'org.qemu.Other')
        # Nobody answers there; it got through.
        with self.assertRaises(CallError) as caught:
            somebody.call(NAME, '/org/qemu/Monitor1', f'{NAME}.Manager', 'GetVM', '(s)', 'web')
        self.assertEqual(caught.exception.name, 'org.freedesktop.DBus.Error.UnknownMethod')


if __name__ == '__main__':
    # Another user, and a polkit of one's own, take root.
    if os.getuid() == 0:
        main()
    print('1..0')
