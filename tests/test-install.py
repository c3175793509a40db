# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `meson install` puts where, into an empty directory: these files and no others, each of them well-formed and about
things that are there. `ninja uninstall` leaves nothing of it. Whoever installs another file adds it to the list below."""
import json
import os
import re
import shutil
import stat
import subprocess
import xml.etree.ElementTree as ElementTree

from harness import Agent, Bus, Test, main

BUILD = os.environ['BUILD']
SOURCE = os.environ['SOURCE']
SERVICE_USER = os.environ['SERVICE_USER']

DOC = '{datadir}/doc/org.qemu.Monitor1'
PROGRAM = '{bindir}/management-agent'
CTL = '{bindir}/qemu-monitorctl'
MODULE = '{libdir}/management-agent/modules/qemu-monitor.so'
UNIT = '{prefix}/lib/systemd/system/management-agent.service'
USER_UNIT = '{prefix}/lib/systemd/user/management-agent.service'
SYSUSERS = '{prefix}/lib/sysusers.d/qemu-monitor.conf'
TMPFILES = '{prefix}/lib/tmpfiles.d/qemu-monitor.conf'
BUS_POLICY = '{datadir}/dbus-1/system.d/org.qemu.Monitor1.conf'
ACTIONS = '{datadir}/polkit-1/actions/org.qemu.monitor1.policy'
ACTIVATION = '{datadir}/dbus-1/system-services/org.qemu.Monitor1.service'
SESSION_ACTIVATION = '{datadir}/dbus-1/services/org.qemu.Monitor1.service'
KEY_FILE = DOC + '/examples/qemu-monitor.conf'
INTERFACES = '{datadir}/dbus-1/interfaces/org.qemu.Monitor1.xml'
BASH = '{datadir}/bash-completion/completions/management-agent'
ZSH = '{datadir}/zsh/site-functions/_management-agent'
CTL_COMPLETION = ('{datadir}/bash-completion/completions/qemu-monitorctl', '{datadir}/zsh/site-functions/_qemu-monitorctl')
COCKPIT = {f'{{datadir}}/cockpit/qemu-monitor/{name}' for name in (
    'agent.js', 'command.js', 'dom.js', 'index.html', 'jobs.js', 'list.js', 'main.js', 'manifest.json', 'page.css', 'screen.js', 'vm.js')}
ALIASES = ('{prefix}/lib/systemd/system/dbus-org.qemu.Monitor1.service',
           '{prefix}/lib/systemd/user/dbus-org.qemu.Monitor1.service')

FILES = {
    PROGRAM, CTL, MODULE, UNIT, USER_UNIT, *ALIASES, SYSUSERS, TMPFILES, BUS_POLICY, ACTIONS, ACTIVATION, SESSION_ACTIVATION, KEY_FILE,
    INTERFACES, BASH, ZSH, *CTL_COMPLETION, *COCKPIT,
    '{includedir}/management-module.h',
    '{libdir}/pkgconfig/management-module.pc',
    '{prefix}/lib/systemd/system-preset/80-management-agent.preset',
    '{prefix}/lib/systemd/user-preset/80-management-agent.preset',
    '{prefix}/share/user-tmpfiles.d/qemu-monitor.conf',
    '{prefix}/lib/systemd/user/basic.target.d/qemu-monitor.conf',
    DOC + '/LICENSE',
    DOC + '/README.md',
    DOC + '/examples/org.qemu.monitor1-guest-memory.rules',
    DOC + '/examples/org.qemu.monitor1-one-vm.rules',
    DOC + '/examples/org.qemu.monitor1-operators.rules',
}
# Where rst2man is.
MANUAL = {
    '{mandir}/man1/qemu-monitorctl.1',
    '{mandir}/man5/qemu-monitor.conf.5',
    '{mandir}/man7/org.qemu.Monitor1.7',
    '{mandir}/man7/qemu-monitor-remote.7',
    '{mandir}/man8/management-agent.8',
}
BINARIES = (PROGRAM, MODULE, CTL)


def read_directories():
    """The build's own: prefix, bindir and so on, all absolute."""
    result = subprocess.run(['meson', 'introspect', '--buildoptions', BUILD], capture_output=True, text=True, check=True)
    options = {option['name']: option['value'] for option in json.loads(result.stdout)}
    prefix = options['prefix']
    names = ('bindir', 'datadir', 'includedir', 'libdir', 'mandir')
    return {'prefix': prefix, **{name: os.path.join(prefix, options[name]) for name in names}}


def find_files(directory):
    return {os.path.join(folder, name).removeprefix(directory)
            for folder, _, names in os.walk(directory) for name in names}


class Installed(Test):
    def setUp(self):
        super().setUp()
        self.directories = read_directories()
        self.destination = f'{self.directory}/destination'
        os.mkdir(self.destination)
        self.run_tool('meson', 'install', '-C', BUILD, '--no-rebuild', '--destdir', self.destination)

    def run_tool(self, *command):
        result = subprocess.run(command, env={**os.environ, 'DESTDIR': self.destination}, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, f'{command}: {result.stdout}{result.stderr}')
        return result.stdout + result.stderr

    def skip_without(self, tool):
        if not shutil.which(tool):
            self.skipTest(f'no {tool}')

    def path(self, name):
        return self.destination + name.format(**self.directories)

    def read(self, name):
        with open(self.path(name), encoding='utf-8') as file:
            return file.read()

    def test_these_files_and_no_others(self):
        expected = {name.format(**self.directories) for name in FILES}
        manual = {name.format(**self.directories) for name in MANUAL}
        found = find_files(self.destination)
        self.assertEqual(found - manual, expected)
        self.assertIn(found & manual, (manual, set()))

    def test_uninstall_leaves_nothing(self):
        self.run_tool('ninja', '-C', BUILD, 'uninstall')
        self.assertEqual(find_files(self.destination), set())

    def test_nothing_is_left_to_fill_in(self):
        for name in FILES - set(BINARIES):
            with self.subTest(name):
                self.assertNotRegex(self.read(name), r'@[a-z_]+@')

    def test_everybody_may_read_and_only_root_may_write(self):
        for name in FILES - set(ALIASES):
            with self.subTest(name):
                mode = os.stat(self.path(name)).st_mode
                self.assertEqual(stat.S_IMODE(mode) | 0o111, 0o755)
                self.assertEqual(bool(mode & 0o111), name in BINARIES)

    def test_no_binary_tells_where_it_was_built(self):
        for name in BINARIES:
            with open(self.path(name), 'rb') as file:
                data = file.read()
            for place in (BUILD, SOURCE):
                with self.subTest(name, place=place):
                    self.assertNotIn(os.fsencode(place) + b'/', data)

    def test_xml_is_well_formed(self):
        for name in (BUS_POLICY, ACTIONS, INTERFACES):
            with self.subTest(name):
                ElementTree.parse(self.path(name))

    def test_programs_that_are_named_are_installed(self):
        for name in (UNIT, USER_UNIT, SESSION_ACTIVATION):
            with self.subTest(name):
                program = re.search(r'^Exec(?:Start)?=(\S+)', self.read(name), re.MULTILINE)[1]
                self.assertEqual(program, PROGRAM.format(**self.directories))
        for name in ALIASES:
            with self.subTest(name):
                self.assertTrue(os.path.exists(self.path(name)))

    def test_one_user_everywhere(self):
        self.assertRegex(self.read(UNIT), rf'(?m)^User={SERVICE_USER}$')
        self.assertRegex(self.read(ACTIVATION), rf'(?m)^User={SERVICE_USER}$')
        self.assertEqual(re.findall(r'<policy user="(.*)">', self.read(BUS_POLICY)), [SERVICE_USER])
        self.assertEqual(set(re.findall('unix-user:([^<]*)<', self.read(ACTIONS))), {SERVICE_USER})

    def test_users_and_directories_can_be_made(self):
        for tool in ('systemd-sysusers', 'systemd-tmpfiles'):
            self.skip_without(tool)
        root = f'{self.directory}/root'
        os.makedirs(f'{root}/etc')
        for name in ('passwd', 'group'):
            with open(f'{root}/etc/{name}', 'w', encoding='utf-8') as file:
                file.write('root:x:0:0::/root:/bin/sh\n' if name == 'passwd' else 'root:x:0:\n')
        self.run_tool('systemd-sysusers', f'--root={root}', self.path(SYSUSERS))
        with open(f'{root}/etc/group', encoding='utf-8') as file:
            group = re.search(r'^qemu-monitor:x:(\d+):', file.read(), re.MULTILINE)
        with open(f'{root}/etc/passwd', encoding='utf-8') as file:
            user = re.search(rf'^{SERVICE_USER}:x:(\d+):(\d+):', file.read(), re.MULTILINE)
        self.assertEqual(user[2], '0' if SERVICE_USER == 'root' else group[1])
        if os.getuid() != 0:
            self.skipTest('giving directories to users takes root')
        self.run_tool('systemd-tmpfiles', '--create', f'--root={root}', self.path(TMPFILES))
        for name, owner, mode in (('qemu-monitor', 0, 0o3771), ('qemu-monitor/native', int(user[1]), 0o711)):
            status = os.stat(f'{root}/run/{name}')
            self.assertEqual((status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)), (owner, int(group[1]), mode))

    def test_systemd_knows_every_line_of_the_units(self):
        self.skip_without('systemd-analyze')
        for name in (UNIT, USER_UNIT):
            with self.subTest(name):
                # In a file of its own, because the program that it names is not installed here.
                unit = self.write('checked.service', re.sub('(?m)^ExecStart=.*$', 'ExecStart=/bin/true', self.read(name)))
                self.assertEqual(self.run_tool('systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', unit), '')

    def test_the_service_is_exposed_no_more_than_it_must(self):
        self.skip_without('systemd-analyze')
        self.run_tool('systemd-analyze', 'security', '--offline=yes', '--threshold=15', self.path(UNIT))

    def test_every_key_is_in_the_example(self):
        text = self.read(KEY_FILE)
        with open(f'{SOURCE}/plugin/core/config.c', encoding='utf-8') as file:
            tables = re.findall(r'static const KeyRow \w+\[\] = \{(.*?)\{ 0 \}', file.read(), re.DOTALL)
        groups = re.split(r'(?m)^#?\[vm web\]$', text)
        self.assertEqual((len(tables), len(groups)), (2, 2))
        for table, group in zip(tables, groups):
            self.assertEqual(set(re.findall(r'\{ "([a-z-]+)"', table)), set(re.findall(r'(?m)^#([a-z-]+)=', group)))

    def test_the_example_is_taken(self):
        text = re.sub(r'(?m)^#([a-z-]+=|\[)', r'\1', self.read(KEY_FILE))
        # The agent listens where `user` stands, and connects where `spares` do.
        self.write('qemu-monitor.conf', re.sub('(?m)^user=.*$', '', text))
        bus = self.start(Bus)
        agent = self.start(Agent, bus.address, [os.environ['MODULE']], f'--config-dir={self.directory}')
        self.assertNotIn('qemu-monitor.conf', agent.output)

    def test_completion_knows_every_option(self):
        output = subprocess.run([os.environ['AGENT'], '--help'], capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r'--[a-z-]+', output)) - {'--help-all'}
        self.assertIn('--config-dir', options)
        for name in (BASH, ZSH):
            with self.subTest(name):
                self.assertEqual(set(re.findall(r'--[a-z][a-z-]+', self.read(name))), options)


if __name__ == '__main__':
    main()
