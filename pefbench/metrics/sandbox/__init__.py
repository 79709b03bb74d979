"""A sandbox for untrusted Python, such as a model's answers, on Linux, with or without root.

Each program gets its own process, which confines itself before it reads a line of the program:

- *Landlock* (kernel 5.13, no root needed): only Python's own library and the scratch folder, which is the working
  directory, can be read; only the scratch folder can be written. It cannot contain folders, links or devices.
- *seccomp*: all system calls except a list of harmless ones are refused: no sockets, no further processes or threads,
  no other programs, no signals to other processes, no changes of a file's mode, owner or times, no ptrace, io_uring or
  namespaces.
- *limits*: processor seconds and wall time, memory, size of a file, open files, size of the folder, no core dump.
- no privileges: root gives up its capabilities and cannot regain them. The environment is not inherited.

The process tests each barrier itself, every time; if one does not hold, nothing is run: SandboxError. Since there is a
single process that cannot start another, killing it ends everything; its process group is killed, too, and it dies with
its parent.

Not hidden are whether a path exists, its size and dates (Landlock does not cover `stat`), the machine's name, and the
clock. A program reports in its own process that it passed, with a secret that is read after its last line has run. No
accident or habit can look the same (an exit, a swallowed exception, a printed word). A program written to cheat, which
looks for the file with the secret and copies it, can; all that it gains is a wrong score.

Tests run in the answer's interpreter, as in the published protocol (Chen et al. 2021), so the answer can influence what
they see: docs/how-to/sandbox.md states what this cannot prevent.
"""

SECRET = 32
"""Bytes of the secret, which follows the program."""
