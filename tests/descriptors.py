# SPDX-License-Identifier: LGPL-2.1-or-later
"""Descriptors of every kind that this machine has, for callers who send them where they fit and where they do not."""
import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import socket
import tempfile

# Numbers of system calls that Python has no function for: (x86-64, every newer architecture).
CALLS = {'epoll_create1': (291, 20), 'timerfd_create': (283, 85), 'inotify_init1': (294, 26), 'signalfd4': (289, 74),
         'userfaultfd': (323, 282), 'fanotify_init': (300, 262), 'io_uring_setup': (425, 425)}
IS_X86 = os.uname().machine == 'x86_64'
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
libc = ctypes.CDLL(None, use_errno=True)


def call_kernel(name, *arguments):
    """OSError where the kernel has no such call, or does not let us."""
    fd = libc.syscall(CALLS[name][0 if IS_X86 else 1], *arguments)
    if fd < 0:
        raise OSError(ctypes.get_errno(), name)
    return fd


def open_memory(is_sealed):
    fd = os.memfd_create('test', os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.write(fd, b'{"QMP": {}}\n' * 100)
    if is_sealed:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
    return fd


class Descriptors:
    """`kinds`: one descriptor of each kind, by the kind's name. Those of `sockets` are connected stream sockets, at whose other end
    nobody says anything."""
    sockets = ('unix stream', 'unix stream, shut down', 'unix stream whose other end is closed', 'inet stream', 'inet6 stream',
               'of the bus')
    paths = ('path of a file', 'path of a directory')  # O_PATH

    def __init__(self, directory, bus_address):
        self.others = []  # the other ends
        self.kinds = {}
        self.directory = directory
        self.bus_path = bus_address.removeprefix('unix:path=')
        self.open_files()
        self.open_sockets()
        self.open_from_kernel()

    def keep(self, kind, fd):
        """Not those which the kernel does not pass (io_uring(7))."""
        fd = fd if isinstance(fd, int) else fd.detach()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            try:
                socket.send_fds(ours, [b'x'], [fd])
            except OSError as error:
                assert error.errno == errno.EINVAL, kind
                os.close(fd)
            else:
                self.kinds[kind] = fd

    def open_files(self):
        path = f'{self.directory}/regular'
        with open(path, 'w', encoding='ascii') as file:
            file.write('{"QMP": {}}\n' * 1000)
        for kind, name, flags in (
                ('regular file', path, os.O_RDWR), ('regular file, only read', path, os.O_RDONLY),
                ('regular file, appended', path, os.O_WRONLY | os.O_APPEND), ('directory', self.directory, os.O_RDONLY),
                ('path of a file', path, os.O_PATH), ('path of a directory', '/', os.O_PATH), ('null', '/dev/null', os.O_RDWR),
                ('zero', '/dev/zero', os.O_RDWR), ('full', '/dev/full', os.O_RDWR), ('random', '/dev/urandom', os.O_RDONLY),
                ('terminal', '/dev/ptmx', os.O_RDWR | os.O_NOCTTY), ('memory of a process', '/proc/self/mem', os.O_RDWR),
                ('namespace', '/proc/self/ns/net', os.O_RDONLY), ('list of mounts', '/proc/self/mounts', os.O_RDONLY)):
            with contextlib.suppress(OSError):
                self.keep(kind, os.open(name, flags))
        os.mkfifo(f'{self.directory}/fifo')
        self.keep('FIFO', os.open(f'{self.directory}/fifo', os.O_RDWR))
        with tempfile.TemporaryFile(dir=self.directory) as file:
            self.keep('removed file', os.dup(file.fileno()))
        self.keep('memory', open_memory(is_sealed=False))
        self.keep('memory, sealed', open_memory(is_sealed=True))
        for kind in ('full pipe', 'pipe'):
            reader, writer = os.pipe2(os.O_NONBLOCK)
            self.keep(f'{kind}, read', reader)
            self.keep(f'{kind}, written', writer)
            with contextlib.suppress(BlockingIOError):
                while kind == 'full pipe':
                    os.write(writer, bytes(65536))
        reader, writer = os.pipe()
        os.close(writer)
        self.keep('pipe without a writer', reader)

    def open_pair(self, kind, family, to):
        """A connection to ourselves."""
        listener = socket.socket(family, socket.SOCK_STREAM)
        with contextlib.suppress(OSError):
            listener.bind(to)
            listener.listen()
            connected = socket.create_connection(listener.getsockname()[:2])
            self.others.append(listener.accept()[0])
            self.keep(f'{kind} stream', connected)
            self.keep(f'{kind} listener', listener)
        listener.close()

    def open_bus(self, data):
        """A connection to the bus itself."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.bus_path)
        connection.sendall(data)
        return connection

    def open_sockets(self):
        for kind, way in (('stream', socket.SOCK_STREAM), ('datagram', socket.SOCK_DGRAM), ('packets', socket.SOCK_SEQPACKET)):
            ours, theirs = socket.socketpair(socket.AF_UNIX, way)
            self.keep(f'unix {kind}', ours)
            self.others.append(theirs)
            ours, theirs = socket.socketpair(socket.AF_UNIX, way)
            theirs.close()
            self.keep(f'unix {kind} whose other end is closed', ours)
            self.keep(f'unix {kind}, not connected', socket.socket(socket.AF_UNIX, way))
        ours, theirs = socket.socketpair()
        ours.shutdown(socket.SHUT_RDWR)
        self.keep('unix stream, shut down', ours)
        self.others.append(theirs)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f'{self.directory}/listener')
        listener.listen()
        self.keep('unix listener', listener)
        self.open_pair('inet', socket.AF_INET, ('127.0.0.1', 0))
        self.open_pair('inet6', socket.AF_INET6, ('::1', 0))
        self.keep('of the bus', self.open_bus(b'\0'))
        for kind, family, way, protocol in (
                ('inet, not connected', socket.AF_INET, socket.SOCK_STREAM, 0), ('inet datagram', socket.AF_INET, socket.SOCK_DGRAM, 0),
                ('netlink', socket.AF_NETLINK, socket.SOCK_RAW, 0), ('packet', socket.AF_PACKET, socket.SOCK_RAW, 0),
                ('raw', socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP), ('crypto', socket.AF_ALG, socket.SOCK_SEQPACKET, 0),
                ('vsock', socket.AF_VSOCK, socket.SOCK_STREAM, 0)):
            with contextlib.suppress(OSError):
                self.keep(kind, socket.socket(family, way, protocol))

    def open_from_kernel(self):
        set_of_signals = ctypes.c_uint64(1 << (signal.SIGUSR1 - 1))
        ring = ctypes.create_string_buffer(256)
        makers = {
            'epoll': lambda: call_kernel('epoll_create1', 0), 'events': lambda: os.eventfd(0),
            'a process': lambda: os.pidfd_open(os.getpid()), 'timer': lambda: call_kernel('timerfd_create', 1, 0), 'inotify': lambda: call_kernel('inotify_init1', 0),
            'signals': lambda: call_kernel('signalfd4', -1, ctypes.byref(set_of_signals), 8, 0),
            'page faults': lambda: call_kernel('userfaultfd', 1), 'fanotify': lambda: call_kernel('fanotify_init', 0, 0),
            'ring': lambda: call_kernel('io_uring_setup', 1, ring),
        }
        for kind, maker in makers.items():
            try:
                self.keep(kind, maker())
            except OSError as error:
                assert error.errno in (errno.ENOSYS, errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOMEM), error

    def stop(self):
        """May be called again."""
        while self.kinds:
            os.close(self.kinds.popitem()[1])
        while self.others:
            self.others.pop().close()
