"""Landlock: a process permanently gives up access to files; see the kernel's documentation, userspace-api/landlock."""

from __future__ import annotations

import ctypes
import os
import struct

READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
WRITE_FILE, REMOVE_FILE, MAKE_FILE, TRUNCATE = 1 << 1, 1 << 5, 1 << 8, 1 << 14
READ = READ_FILE | READ_FOLDER
READ_AND_WRITE = READ | WRITE_FILE | REMOVE_FILE | MAKE_FILE | TRUNCATE
OF_FILES = READ_FILE | WRITE_FILE | TRUNCATE
RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""Landlock version of the kernel -> how many file rights it knows, numbered from 0."""

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on all machines
VERSION = 1  # a flag
PATH_BENEATH = 1
CONNECT_AND_BIND, SIGNALS_AND_SOCKETS = 0b11, 0b11

libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The kernel's Landlock version, from 1. Raises OSError if it has none."""
    return _call("Landlock is not available", CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION))


def confine(readable: list[str], writable: list[str], known: int) -> None:
    """Restrict this process to reading some files and folders, and writing others. Raises OSError.

    If the kernel supports it, network connections and signals are also refused. known: the version to use.
    """
    handled = (1 << RIGHTS[max(each for each in RIGHTS if each <= known)]) - 1
    fields = [handled] + [CONNECT_AND_BIND] * (known >= 4) + [SIGNALS_AND_SOCKETS] * (known >= 6)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    rules = _call("Landlock", CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    for path in readable:
        _allow(rules, path, READ)
    for path in writable:
        _allow(rules, path, READ_AND_WRITE & handled)
    _call("Landlock", RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    """Add a rule for everything below a path; a missing path needs none."""
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    rights = rights if os.path.isdir(path) else rights & OF_FILES  # noqa: PTH112 - pathlib takes long to import
    rule = struct.pack("=Qi", rights, beneath)
    _call("Landlock", ADD_RULE, ctypes.c_int(rules), ctypes.c_int(PATH_BENEATH), rule, ctypes.c_uint32(0))
    os.close(beneath)


def _call(what: str, number: int, *arguments: object) -> int:
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return int(result)
