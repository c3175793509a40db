# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cockpit's server with the page in it, as one user sees it, and a browser that looks at it."""
import concurrent.futures
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from harness import Process, wait_until
from harness.agent import HAND_OVER
from harness.process import die_with_parent

COCKPIT_WS = '/usr/lib/cockpit/cockpit-ws'
PAGE = f'{os.environ["SOURCE"]}/plugin/cockpit'
FILES = ('.html', '.css', '.js', '.json')
PICTURES = f'{os.environ["BUILD"]}/meson-logs/cockpit'

try:
    from selenium import webdriver
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
except ImportError:
    webdriver = None


def find_missing():
    """What is not here of what it takes."""
    programs = [program for program in (COCKPIT_WS, 'cockpit-bridge', 'chromedriver', 'chromium') if not shutil.which(program)]
    return programs if webdriver else [*programs, 'python3-selenium']


# Gives its standard input and output to whoever listens on a socket, and waits for the end of that connection.
GIVE_STDIO = 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); socket.send_fds(s, [b" "], [0, 1]); s.recv(1)'


class Administrator:
    """What sudo is to Cockpit: as soon as somebody has switched administrative access on, a bridge that root runs."""

    def __init__(self, directory):
        self.path = f'{directory}/administrator'
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen()
        self.listener.setblocking(False)
        self.bridge = None

    def manifest(self):
        return {'bridges': [{'privileged': True, 'label': 'administrator', 'spawn': ['/usr/bin/python3', '-c', GIVE_STDIO, self.path]}]}

    def serve(self, environment):
        """Waits for somebody to switch it on."""
        wait_until(lambda: select.select([self.listener], [], [], 0)[0], 'Cockpit to ask for administrative access')
        self.connection, _ = self.listener.accept()
        self.connection.setblocking(True)
        _, fds, _, _ = socket.recv_fds(self.connection, 1, 2)
        self.bridge = subprocess.Popen(['cockpit-bridge', '--privileged'], stdin=fds[0], stdout=fds[1], env=environment, preexec_fn=die_with_parent)
        for fd in fds:
            os.close(fd)

    def stop(self):
        self.listener.close()
        if self.bridge:
            self.bridge.kill()
            self.bridge.wait()
            self.connection.close()


class Contained(Process):
    """In a PID namespace of its own, so that nothing of it is left however this process ends: Cockpit's bridge starts an ssh-agent."""

    def __init__(self, command, **options):
        super().__init__(['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', *command], **options)

    def stop(self):
        """Returns when all of it is gone: the first process of a PID namespace is the last to be."""
        if self.popen.poll() is None:
            with open(f'/proc/{self.pid}/task/{self.pid}/children', encoding='ascii') as file:
                for child in file.read().split():
                    os.kill(int(child), signal.SIGKILL)
            self.wait()
        super().stop()


class Cockpit(Contained):
    """cockpit-ws with one session, of the user @uid, whose buses are these; `url` is the page's. Requests wait in its socket until it
    and its session are there. The bridge calls polkit, and stands still until that answers, which may be by this process: so no
    page may be asked for in a way that blocks."""

    def __init__(self, directory, system_bus, session_bus, uid, path=None, administrator=None):
        home = f'{directory}/home'
        self.package = f'{home}/cockpit/qemu-monitor'
        os.makedirs(self.package)
        for name in os.listdir(PAGE):
            if name.endswith(FILES):
                shutil.copy(f'{PAGE}/{name}', self.package)
        if administrator:
            os.mkdir(f'{home}/cockpit/administrator')
            with open(f'{home}/cockpit/administrator/manifest.json', 'w', encoding='utf-8') as file:
                json.dump(administrator.manifest(), file)
        self.environment = {'PATH': f'{path}:{os.environ["PATH"]}' if path else os.environ['PATH'], 'HOME': home, 'XDG_DATA_HOME': home, 'XDG_CONFIG_DIRS': home,
                       'XDG_RUNTIME_DIR': home, 'DBUS_SYSTEM_BUS_ADDRESS': system_bus, 'DBUS_SESSION_BUS_ADDRESS': session_bus,
                       'LANG': 'C.UTF-8'}
        user = ['setpriv', f'--reuid={uid}', f'--regid={uid}', '--clear-groups']
        os.chown(home, uid, uid)
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
            super().__init__([sys.executable, '-c', HAND_OVER, str(listener.fileno()), '--', *user, COCKPIT_WS, '--no-tls', '--local-session=cockpit-bridge'],
                             env={**self.environment, 'LISTEN_FDS': '1'}, pass_fds=[listener.fileno()], cwd='/')
        self.url = f'http://127.0.0.1:{port}/cockpit/@localhost/qemu-monitor/index.html'


class Browser(Contained):
    """Chromium without a window."""
    OPTIONS = ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
               '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--window-size=1280,960')

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix='qm-', dir='/tmp')
        directory = self.directory.name
        super().__init__(['chromedriver', '--port=0'],
                         env={**os.environ, 'HOME': directory, 'XDG_RUNTIME_DIR': directory})
        port = re.compile(r'started successfully on port (\d+)')
        self.wait_ready(lambda: port.search(self.output), 'the port of chromedriver')
        options = webdriver.ChromeOptions()
        for option in (*self.OPTIONS, f'--user-data-dir={directory}/profile'):
            options.add_argument(option)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        connection = ChromiumRemoteConnection(f'http://127.0.0.1:{port.search(self.output)[1]}', 'goog', 'chrome', ignore_proxy=True)
        self.driver = webdriver.Remote(command_executor=connection, options=options)

    def stop(self):
        super().stop()
        self.directory.cleanup()

    def open(self, url):
        """Returns when the page is loaded. What it is loaded from may wait for this process's main loop, which runs meanwhile."""
        loading = concurrent.futures.ThreadPoolExecutor().submit(self.driver.get, url)
        wait_until(loading.done, f'{url} to be loaded')
        loading.result()

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def cdp(self, command, **parameters):
        return self.driver.execute('executeCdpCommand', {'cmd': command, 'params': parameters})['value']

    def text(self, selector):
        """What can be seen of it; None: there is none."""
        return self.run('return document.querySelector(arguments[0])?.innerText', selector)

    def wait_text(self, selector, text):
        wait_until(lambda: text in (self.text(selector) or ''), lambda: f'{text!r} in {selector}: {self.text("body")!r}')

    def wait_for(self, selector):
        """The first that fits and can be seen."""
        find = 'return [...document.querySelectorAll(arguments[0])].find(node => node.checkVisibility())'
        return wait_until(lambda: self.run(find, selector), lambda: f'{selector} in {self.text("body")!r}')

    def button(self, label, within='body'):
        find = '''return [...document.querySelectorAll(`${arguments[1]} button`)].find(node => node.innerText === arguments[0] && node.checkVisibility())'''
        return wait_until(lambda: self.run(find, label, within), lambda: f'the button {label} in {self.text(within)!r}')

    def press(self, label, within='body'):
        """Not by the mouse, under which the page could move at that moment."""
        self.run('arguments[0].focus(); arguments[0].click()', self.button(label, within))

    def keys(self, name):
        """To what has the focus."""
        self.driver.switch_to.active_element.send_keys(getattr(Keys, name.upper()))

    def type(self, selector, text, clear=False):
        field = self.wait_for(selector)
        if clear:
            field.clear()
        field.send_keys(text)

    def resize(self, width, height=800):
        self.cdp('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)

    def picture(self, name):
        """Of the whole page, kept with the logs of the run."""
        os.makedirs(PICTURES, exist_ok=True)
        height = self.run('return document.documentElement.scrollHeight')
        width = self.run('return window.innerWidth')
        self.resize(width, max(height, 400))
        self.driver.save_screenshot(f'{PICTURES}/{name}.png')

    def errors(self):
        """What the browser says is wrong with the page: scripts that failed, and what its security policy has kept out."""
        return [entry['message'] for entry in self.driver.get_log('browser') if entry['level'] == 'SEVERE' and 'favicon' not in entry['message']]
