"""The few Linux calls that confinement needs and Python's library lacks.

Each raises OSError with the kernel's reason. Knows nothing of what they are used for. Sources:
unshare(2), mount(2), mount_setattr(2), capset(2), prctl(2), clock_getcpuclockid(3).
"""

import ctypes
import os
from pathlib import Path

NEW_MOUNTS, NEW_USER, NEW_PIDS, NEW_NETWORK = 0x20000, 0x10000000, 0x20000000, 0x40000000

SET_PARENT_DEATH_SIGNAL, SET_DUMPABLE, SET_SUBREAPER, SET_NO_NEW_PRIVILEGES = 1, 4, 36, 38

NO_SETUID, NO_DEVICES, BIND, RECURSIVE, PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000

_MOUNT_SETATTR = 442  # the same on every architecture
_HERE, _AT_RECURSIVE = -100, 0x8000  # AT_FDCWD, AT_RECURSIVE
_READ_ONLY_NO_SETUID = 0x1 | 0x2  # MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID
_CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(namespaces: int) -> None:
    """Give this process namespaces of its own; for processes, its later children."""
    _check(_libc.unshare(ctypes.c_int(namespaces)))


def prctl(option: int, value: int) -> None:
    """Change an attribute of this process."""
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def computing_clock(pid: int) -> int:
    """Return the clock of a process's computing time, for `time.clock_gettime`."""
    clock = ctypes.c_int()
    if number := _libc.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(number, os.strerror(number))
    return clock.value


def mount(
    source: str | Path, target: str | Path, kind: str = "", flags: int = 0, options: str = ""
) -> None:
    """Mount a file system, bind a folder to another place, or change how a mount spreads."""
    texts = [os.fsencode(text) for text in (source, target, kind)]
    _check(_libc.mount(*texts, ctypes.c_ulong(flags), options.encode()))


def unmount(target: str | Path) -> None:
    """Take a mount away, even while it is used."""
    _check(_libc.umount2(os.fsencode(target), 2))  # MNT_DETACH


def make_read_only(root: str | Path) -> None:
    """Make a mount and all mounts below it read-only, without effect of set-user-id bits."""
    attributes = (ctypes.c_uint64 * 4)(_READ_ONLY_NO_SETUID)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    path = os.fsencode(root)
    _check(_libc.syscall(_MOUNT_SETATTR, _HERE, path, _AT_RECURSIVE, attributes, size))


def drop_capabilities() -> None:
    """Give up every capability of this process for good."""
    prctl(SET_NO_NEW_PRIVILEGES, 1)
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION), (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, none))


def _check(result: int) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
