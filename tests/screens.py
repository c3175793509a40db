# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest whose screen is known, and pictures of it."""
import io

from PIL import Image

from harness import Qemu
from monitor import variants

# 16-bit x86: mode 13h (320 x 200, shown as 640 x 400), the upper half red, the lower half green, and there it stands.
BOOT_SECTOR = bytes.fromhex('b81300' 'cd10'          # mov ax, 0x13; int 0x10
                            '6800a0' '07' '31ff'     # push 0xa000; pop es; xor di, di
                            'b004' 'b9007d' 'f3aa'   # mov al, 4; mov cx, 32000; rep stosb
                            'b002' 'b9007d' 'f3aa'   # mov al, 2; the same
                            'f4' 'ebfd')             # hlt; again
SIZE = (640, 400)
RED, GREEN = (168, 0, 0), (0, 168, 0)


class ScreenQemu(Qemu):
    """A QEMU with that guest, and a display."""

    def __init__(self, directory, version, *arguments, **options):
        disk = f'{directory}/boot-sector-{id(self):x}'
        with open(disk, 'wb') as file:
            file.write(BOOT_SECTOR.ljust(510, b'\0') + b'\x55\xaa')
            file.truncate(1 << 20)
        super().__init__(directory, version, '-machine', 'accel=tcg', '-device', 'VGA,id=screen', '-drive',
                         f'file={disk},format=raw,if=ide', *arguments, firmware=True, **options)


def start_shot(vm, **options):
    """Screenshot(); a function that gives the descriptor."""
    finish = vm.start('VM', 'Screenshot', '(a{sv})', variants(options))
    return lambda: finish()[1][0]


def read_file(fd):
    """All of a descriptor, which is closed."""
    with open(fd, 'rb') as file:
        return file.read()


def open_picture(data):
    return Image.open(io.BytesIO(data)).convert('RGB')


def take_picture(vm, **options):
    return open_picture(read_file(start_shot(vm, **options)()))


def is_known_screen(picture):
    """Every pixel of it."""
    width, height = picture.size
    halves = picture.crop((0, 0, width, height // 2)), picture.crop((0, height // 2, width, height))
    return picture.size == SIZE and [half.getcolors() for half in halves] == [[(SIZE[0] * SIZE[1] // 2, colour)]
                                                                             for colour in (RED, GREEN)]
