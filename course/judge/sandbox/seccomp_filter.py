"""The system calls that a student's code may make: a list of what is allowed.

What NumPy, Matplotlib, scikit-learn, IPython, threads and asyncio need is on it, nothing that
reaches beyond the process and its files: no network, no other program, no new process, no
debugging, no namespaces. What is not on the list does not exist (ENOSYS), so that libraries fall
back; what people would try is refused with "Operation not permitted".
"""

import errno
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from seccompy import Action, CmpOp, Filter

ALLOWED: Final = """
    read write readv writev pread64 pwrite64 preadv preadv2 pwritev pwritev2 lseek close close_range
    open openat openat2 creat stat fstat lstat newfstatat statx statfs fstatfs access faccessat
    faccessat2 dup dup2 dup3 flock fsync fdatasync sync_file_range truncate ftruncate fallocate
    fadvise64 readahead getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat
    rename renameat renameat2 link linkat symlink symlinkat readlink readlinkat umask sendfile
    copy_file_range splice tee getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
    pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait
    epoll_pwait epoll_pwait2 eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime
    signalfd signalfd4 inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
    mmap mprotect munmap mremap madvise brk msync mincore mlock mlock2 munlock membarrier
    get_mempolicy
    futex futex_waitv futex_wait futex_wake futex_requeue set_robust_list get_robust_list rseq
    set_tid_address gettid exit exit_group arch_prctl
    sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_getattr
    sched_get_priority_max sched_get_priority_min sched_rr_get_interval getpriority
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack
    restart_syscall pause alarm getitimer setitimer timer_create timer_settime timer_gettime
    timer_getoverrun timer_delete
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times
    getpid getppid getpgid getpgrp getsid getuid geteuid getresuid getgid getegid getresgid
    getgroups getrusage getrlimit capget uname sysinfo getcpu getrandom wait4 waitid
    recvfrom recvmsg recvmmsg sendmsg shutdown getsockopt setsockopt getsockname getpeername
"""

# Harmless in a file system of one's own; elsewhere they would reach files that are not one's own,
# because Landlock doesn't guard a file's mode and times.
METADATA: Final = "chmod fchmod fchmodat fchmodat2 utime utimes futimesat utimensat"

# "Operation not permitted" rather than "Function not implemented": for people to read.
REFUSED: Final = """
    socket connect bind listen accept accept4 sendmmsg fork vfork execve execveat ptrace
    process_vm_readv process_vm_writev tkill rt_sigqueueinfo rt_tgsigqueueinfo
    pidfd_open pidfd_getfd pidfd_send_signal chown fchown lchown fchownat setxattr lsetxattr
    fsetxattr mknod mknodat mount umount2 pivot_root chroot unshare setns setsid setpgid setuid
    setgid setreuid setregid setresuid setresgid setgroups capset setpriority sched_setscheduler
    memfd_create shmget semget msgget mq_open
"""

# Allowed with some arguments only, see below.
CONDITIONAL: Final = "clone kill tgkill prlimit64 sched_setaffinity fcntl prctl socketpair sendto"

# Commands of calls that do many things, by the position of the argument that chooses.
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032)  # no F_SETOWN, F_SETSIG, F_NOTIFY
_IOCTL = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # isatty, size, FIONBIO, ...
_PRCTL = (2, 3, 15, 16, 23, 29, 0x53564D41)  # what only reads; names of threads and of memory
_THREAD = 0x10000  # CLONE_THREAD
_NAMESPACES = 0x7E020000  # CLONE_NEW*
_UNIX, _STREAM, _TYPE = 1, 1, 0xF  # AF_UNIX, SOCK_STREAM, the type without its flags


def allowed_calls(own_pid: int, own_files: bool) -> Filter:
    """Return the filter for a process.

    Args:
        own_pid: its number as it sees it: the only one that it may send signals to.
        own_files: whether it lives in a file system of its own.
    """
    rules = Filter(default=Action.ERRNO | errno.ENOSYS)
    _allow(rules, ALLOWED.split() + (METADATA.split() if own_files else []))
    rules.allow("clone", args=[(0, CmpOp.MASKED_EQ, _THREAD, _THREAD | _NAMESPACES)])
    for call in ("kill", "tgkill"):
        rules.allow(call, args={0: own_pid})
    for call in ("prlimit64", "sched_setaffinity"):
        rules.allow(call, args={0: 0})
    for call, position, commands in (("fcntl", 1, _FCNTL), ("ioctl", 1, _IOCTL)):
        for command in commands:
            rules.allow(call, args={position: command})
    for option in _PRCTL:
        rules.allow("prctl", args={0: option})
    # Connected pairs only: a datagram socket could still send to any address.
    rules.allow("socketpair", args=[(0, CmpOp.EQ, _UNIX), (1, CmpOp.MASKED_EQ, _STREAM, _TYPE)])
    rules.allow("sendto", args={4: 0})
    rules.errno("ioctl", errno.ENOTTY)
    refused = REFUSED.split() + ([] if own_files else METADATA.split())
    for call in (*refused, *CONDITIONAL.split()):
        with suppress(ValueError):
            rules.errno(call, errno.EPERM)
    return rules


def _allow(rules: Filter, calls: Iterable[str]) -> None:
    for call in calls:
        with suppress(ValueError):  # not every machine has every call
            rules.allow(call)
