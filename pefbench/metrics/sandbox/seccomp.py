"""seccomp: a process permanently gives up all system calls except a few; see seccomp(2).

The list has the calls that CPython needs to compute, to read modules and to write files. All others fail with EPERM.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from errno import EPERM

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Architecture -> its column in the table below, and the kernel's number for it."""

ALLOWED: dict[str, tuple[int | None, int | None]] = {
    # reading and writing
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "lseek": (8, 62),
    "close": (3, 57),
    "ftruncate": (77, 46),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "fadvise64": (221, 223),
    "sendfile": (40, 71),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "eventfd2": (290, 19),
    # file names; Landlock decides which
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "getdents64": (217, 61),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "umask": (95, 166),
    # memory
    "brk": (12, 214),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    "mincore": (27, 232),
    # the process itself
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "rt_sigsuspend": (130, 133),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "pause": (34, None),
    "alarm": (37, None),
    "setitimer": (38, 103),
    "getitimer": (36, 102),
    "futex": (202, 98),
    "membarrier": (324, 283),
    "rseq": (334, 293),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getcpu": (309, 168),
    "getrusage": (98, 165),
    "getrlimit": (97, 163),
    "setrlimit": (160, 164),  # limits can be lowered, not raised
    "getpid": (39, 172),
    "getppid": (110, 173),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "getpgrp": (111, None),
    "getpgid": (121, 155),
    "getsid": (124, 156),
    "exit": (60, 93),
    "exit_group": (231, 94),
    # time, random numbers, and the machine's name
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getrandom": (318, 278),
    "uname": (63, 160),
    "sysinfo": (99, 179),
}
"""System call -> its number on x86_64 and on aarch64; None if the architecture lacks it."""

OPEN, OPENAT = (2, None), (257, 56)
FCNTL, IOCTL, PRCTL = (72, 25), (16, 29), (157, 167)
KILL, TGKILL, PRLIMIT64 = (62, 129), (234, 131), (302, 261)
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)  # duplicates, flags and locks, but not the owner of signals
IOCTL_COMMANDS = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)  # is it a terminal, its width, bytes available, close on exec
PRCTL_COMMANDS = (15, 16, 0x53564D41)  # a thread's name, a memory area's name
ACCESS = 3  # mask of open's access flags

LOAD, JUMP_IF_EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
ALLOW, REFUSE, KILL_PROCESS = 0x7FFF0000, 0x00050000 | EPERM, 0x80000000
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2

Instruction = tuple[int, int, int, int]

libc = ctypes.CDLL(None, use_errno=True)


def confine() -> None:
    """Install the filter for this process, which may send signals only to itself. Raises OSError."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program(platform.machine(), os.getpid()))
    held = ctypes.create_string_buffer(code)
    pointed = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(held))
    _prctl("giving up privileges", NO_NEW_PRIVILEGES, 1)
    _prctl("seccomp", SET_SECCOMP, FILTER, pointed)


def program(machine: str, process: int) -> list[Instruction]:
    """The filter's instructions: operation, two jumps, operand. Raises OSError for an unknown machine."""
    if machine not in ARCHITECTURES:
        raise OSError(
            f"seccomp: the numbers of system calls are known for {' and '.join(ARCHITECTURES)}, not {machine}"
        )
    column, architecture = ARCHITECTURES[machine]
    # Truncating without write access is not checked by old versions of Landlock.
    truncating = [os.O_TRUNC, os.O_TRUNC | ACCESS]
    code = [(LOAD, 0, 0, ARCHITECTURE), (JUMP_IF_EQUAL, 1, 0, architecture), _return(KILL_PROCESS)]
    code.append((LOAD, 0, 0, NUMBER))
    for numbers in ALLOWED.values():
        code += _if_called(numbers[column], [_return(ALLOW)])
    for numbers, place, commands in (
        (FCNTL, 1, FCNTL_COMMANDS),
        (IOCTL, 1, IOCTL_COMMANDS),
        (PRCTL, 0, PRCTL_COMMANDS),
        (KILL, 0, (process,)),
        (TGKILL, 0, (process,)),
        (PRLIMIT64, 0, (0,)),
    ):
        code += _if_called(numbers[column], [*_argument(place, commands, ALLOW), _return(REFUSE)])
    for numbers, place in ((OPEN, 1), (OPENAT, 2)):
        refused = _argument(place, truncating, REFUSE, mask=os.O_TRUNC | ACCESS)
        code += _if_called(numbers[column], [*refused, _return(ALLOW)])
    return [*code, _return(REFUSE)]


def _if_called(number: int | None, then: list[Instruction]) -> list[Instruction]:
    return [] if number is None else [(JUMP_IF_EQUAL, 0, len(then), number), *then]


def _argument(
    place: int, values: list[int] | tuple[int, ...], action: int, mask: int | None = None
) -> list[Instruction]:
    """Instructions that take an action if the lower half of an argument, masked, is one of these values."""
    code = [(LOAD, 0, 0, FIRST_ARGUMENT + 8 * place)]
    if mask is not None:
        code.append((AND, 0, 0, mask))
    for value in values:
        code += [(JUMP_IF_EQUAL, 0, 1, value), _return(action)]
    return code


def _return(action: int) -> Instruction:
    return RETURN, 0, 0, action


def _prctl(what: str, option: int, *arguments: int | bytes) -> None:
    given = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    zeros = [ctypes.c_ulong(0)] * (4 - len(given))
    if libc.prctl(ctypes.c_int(option), *given, *zeros):
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
