# SPDX-License-Identifier: LGPL-2.1-or-later
"""polkit: a real polkitd that has nothing of this machine's rules, an authentication agent, and a polkit that says what a
test has it say."""
import os
import shutil

from gi.repository import Gio, GLib

from .bus import Connection
from .loop import wait_until
from .process import Process

POLKITD = '/usr/lib/polkit-1/polkitd'
NAME = 'org.freedesktop.PolicyKit1'
PATH = '/org/freedesktop/PolicyKit1/Authority'
INTERFACE = 'org.freedesktop.PolicyKit1.Authority'
LOADED = 'Finished loading, compiling and executing'

# In a mount namespace of its own: actions, rules, and none of the system's rules.
MOUNTS = ('mount --bind "$1" /usr/share/polkit-1/actions && mount --bind "$2" /etc/polkit-1/rules.d && '
          'mount --bind "$3" /usr/share/polkit-1/rules.d && exec "$4"')


class Polkitd(Process):
    """polkitd on a bus that is its system bus. It takes root."""

    def __init__(self, directory, address, actions, rules=()):
        for name in ('actions', 'rules', 'none'):
            os.makedirs(f'{directory}/polkit/{name}', exist_ok=True)
        os.chmod(directory, 0o755)  # polkitd becomes another user
        self.directory = f'{directory}/polkit'
        shutil.copy(actions, f'{self.directory}/actions')
        for text in rules:
            self.place(text)
        parts = [f'{self.directory}/{name}' for name in ('actions', 'rules', 'none')]
        self.watcher = Connection(address)
        super().__init__(['unshare', '--mount', 'sh', '-c', MOUNTS, 'sh', *parts, POLKITD],
                         env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=address))
        self.wait_ready(lambda: LOADED in self.output and self.watcher.owner(NAME), 'polkit on the bus')

    def place(self, text, name='test'):
        """Complete from the first moment that it can be seen."""
        temporary = f'{self.directory}/{name}'
        with open(temporary, 'w', encoding='utf-8') as file:
            file.write(text)
        os.rename(temporary, f'{self.directory}/rules/{name}.rules')

    def set_rules(self, text):
        """A rules file becomes another while polkitd runs."""
        before = self.output.count(LOADED)
        self.place(text)
        wait_until(lambda: self.output.count(LOADED) > before, 'polkitd to load the rules')

    def stop(self):
        super().stop()
        self.watcher.stop()


AGENT = Gio.DBusNodeInfo.new_for_xml('''<node><interface name="org.freedesktop.PolicyKit1.AuthenticationAgent">
  <method name="BeginAuthentication"><arg type="s" direction="in"/><arg type="s" direction="in"/>
    <arg type="s" direction="in"/><arg type="a{ss}" direction="in"/><arg type="s" direction="in"/>
    <arg type="a(sa{sv})" direction="in"/></method>
  <method name="CancelAuthentication"><arg type="s" direction="in"/></method>
</interface></node>''')
AGENT_PATH = '/org/freedesktop/PolicyKit1/AuthenticationAgent'


class AuthenticationAgent:
    """Whoever sits at the machine of this process's callers. Each dialog is in `dialogs`, (action, message, details), until
    answer() or dismiss(); `cancelled` counts how often polkit took one back: twice where both the service and the bus tell it."""

    def __init__(self, directory, address):
        self.connection = Connection(address)
        self.dialogs = []
        self.cancelled = 0
        self.open = {}
        self.connection.gdbus.register_object(AGENT_PATH, AGENT.interfaces[0], self.on_call, None, None)
        with open('/proc/self/stat', encoding='ascii') as file:
            start_time = int(file.read().rsplit(')', 1)[1].split()[19])
        subject = ('unix-process', {'pid': GLib.Variant('u', os.getpid()), 'start-time': GLib.Variant('t', start_time)})
        self.connection.call(NAME, PATH, INTERFACE, 'RegisterAuthenticationAgent', '((sa{sv})ss)', subject, 'C',
                             AGENT_PATH)

    def on_call(self, connection, sender, path, interface, method, arguments, invocation):
        if method == 'CancelAuthentication':
            self.cancelled += 1
            invocation.return_value(None)
            self.open.pop(arguments.unpack()[0], None)
            return
        action, message, icon, details, cookie, identities = arguments.unpack()
        self.dialogs.append((action, message, details))
        self.open[cookie] = invocation

    def answer(self):
        """The right password for the oldest dialog."""
        cookie = wait_until(lambda: next(iter(self.open), None), 'a dialog')
        invocation = self.open.pop(cookie)
        self.connection.call(NAME, PATH, INTERFACE, 'AuthenticationAgentResponse2', '(us(sa{sv}))', os.getuid(), cookie,
                             ('unix-user', {'uid': GLib.Variant('u', 0)}))
        invocation.return_value(None)

    def dismiss(self):
        cookie = wait_until(lambda: next(iter(self.open), None), 'a dialog')
        self.open.pop(cookie).return_dbus_error('org.freedesktop.PolicyKit1.Error.Cancelled', 'dismissed')

    def stop(self):
        self.connection.stop()


AUTHORITY = Gio.DBusNodeInfo.new_for_xml(f'''<node><interface name="{INTERFACE}">
  <method name="CheckAuthorization"><arg type="(sa{{sv}})" direction="in"/><arg type="s" direction="in"/>
    <arg type="a{{ss}}" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/></method>
  <method name="CancelCheckAuthorization"><arg type="s" direction="in"/></method>
</interface></node>''')


class FakeAuthority:
    """Answers CheckAuthorization with what `answer` gives for (subject, action, details, flags): a GLib.Variant, a
    (name, text) error, or None: nothing, for later. `checks` are those questions; `waiting` those that have no answer;
    `cancelled` the ids of CancelCheckAuthorization."""

    def __init__(self, directory, address, answer):
        self.connection = Connection(address)
        self.answer = answer
        self.checks = []
        self.waiting = []
        self.cancelled = []
        self.connection.gdbus.register_object(PATH, AUTHORITY.interfaces[0], self.on_call, None, None)
        self.connection.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'RequestName',
                             '(su)', NAME, 0)

    def on_call(self, connection, sender, path, interface, method, arguments, invocation):
        if method == 'CancelCheckAuthorization':
            self.cancelled.append(arguments.unpack()[0])
            invocation.return_value(None)
            return
        self.checks.append(arguments.unpack()[:4])
        self.reply(invocation, self.answer(*self.checks[-1]))

    def reply(self, invocation, answer):
        if answer is None:
            self.waiting.append(invocation)
        elif isinstance(answer, tuple):
            invocation.return_dbus_error(*answer)
        else:
            message = Gio.DBusMessage.new_method_reply(invocation.get_message())
            message.set_body(answer)
            self.connection.gdbus.send_message(message, Gio.DBusSendMessageFlags.NONE)

    def stop(self):
        self.connection.stop()


def result(is_authorized, is_challenge=False, details=()):
    """What CheckAuthorization returns."""
    return GLib.Variant('((bba{ss}))', ((is_authorized, is_challenge, dict(details)),))
