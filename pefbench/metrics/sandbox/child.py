"""The process in which one program runs: it confines itself, tests every barrier, and then runs the program.

``python -s -S -P child.py PARENT SECONDS MEMORY FILE_SIZE OPEN_FILES REPORT HOME PROJECT``, in the scratch folder. The
program is the standard input, except for its last bytes, the secret. To the file descriptor REPORT it writes "refused"
and the reason; or "ready" and, when the program has ended, "passed" and the secret, "memory" or "failed". It imports
only a little of the standard library, because imports take most of a run's time.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from types import ModuleType

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[8])

from pefbench.metrics.sandbox import SECRET, landlock, seccomp

DIE_WITH_PARENT = 1
CAPABILITIES = 0x20080522
"""Version 3 of the kernel's capability interface, with two words per set."""
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
HARMLESS_DEVICES = ("/dev/zero", "/dev/urandom", "/dev/random")


def main() -> None:
    """Run the program from standard input."""
    parent, seconds, memory, size, files, report = map(int, sys.argv[1:7])
    home = sys.argv[7]
    given = os.dup(0)
    length = os.fstat(given).st_size - SECRET
    program = os.read(given, length).decode("utf-8", "surrogatepass")
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    try:
        limit(seconds, memory, size, files)
        shut_in(parent)
        try_fences(home)
    except (OSError, ValueError) as error:  # ValueError: the limit is already lower
        os.write(report, f"refused {getattr(error, 'strerror', None) or error}".encode())
        return
    os.write(report, b"ready ")
    run(program, report, given)


def limit(seconds: int, memory: int, size: int, files: int) -> None:
    """Set the limits of this process, which it can only lower afterwards."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # does not bind root; the seccomp filter does


def shut_in(parent: int) -> None:
    """Give up permanently everything that the program must not have. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(DIE_WITH_PARENT, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:
        raise OSError("the process that asked has ended")
    header, none = (ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    if libc.capset(header, none):
        raise OSError(ctypes.get_errno(), f"giving up capabilities: {os.strerror(ctypes.get_errno())}")
    libc.prctl(seccomp.NO_NEW_PRIVILEGES, *map(ctypes.c_ulong, (1, 0, 0, 0)))
    own = [os.path.join(prefix, "lib") for prefix in (sys.base_prefix, sys.base_exec_prefix)]  # noqa: PTH118
    scratch = os.getcwd()  # noqa: PTH109
    landlock.confine([*own, *LIBRARIES, *HARMLESS_DEVICES], [scratch, os.devnull], landlock.version())
    seccomp.confine()


def try_fences(home: str) -> None:
    """Raise OSError if a barrier does not hold."""
    outside = os.path.join(os.path.dirname(os.getcwd()), f"pefbench-{os.getpid()}")  # noqa: PTH109, PTH118, PTH120
    for what, crossing in (
        ("the home folder can be read", lambda: os.listdir(home)),  # noqa: PTH208
        ("files outside the folder can be read", lambda: os.open("/etc/passwd", os.O_RDONLY)),
        ("files outside the folder can be written", lambda: os.open(outside, os.O_CREAT | os.O_WRONLY)),
        ("the network can be reached", _socket),
        ("processes can be started", _fork),
    ):
        try:
            crossing()
        except OSError:
            continue
        raise OSError(what)


def _socket() -> None:
    if ctypes.CDLL(None, use_errno=True).socket(2, 1, 0) < 0:
        raise OSError


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def run(program: str, report: int, given: int) -> None:
    """Run the program as a separate module, and report how it ended.

    Everything needed for the report is bound here first, because the program may change shared modules.
    """
    write, read, leave, complain = os.write, os.pread, os._exit, sys.__excepthook__
    secret_at = os.fstat(given).st_size - SECRET
    module = ModuleType("program")
    sys.modules["program"] = module
    sys.path.pop(0)
    sys.argv = ["program.py"]
    sys.dont_write_bytecode = True
    try:
        exec(compile(program, "program.py", "exec"), module.__dict__)  # noqa: S102 - the purpose of the sandbox
        write(report, b"passed " + read(given, SECRET, secret_at))
    except MemoryError:
        write(report, b"memory")
    except BaseException as error:  # noqa: BLE001 - an exit is not a pass, either
        write(report, b"failed")
        complain(type(error), error, error.__traceback__)
    leave(0)


if __name__ == "__main__":
    main()
