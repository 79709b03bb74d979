"""A place to run Python that nobody has read, such as a model's answers, on Linux, without root or with it.

Each program gets a process of its own, which shuts itself in before it reads a line of the program:

- *Landlock* (kernel 5.13, no root): files can be read in Python's own library and in the scratch folder, the working
  directory, and written in the scratch folder alone. It has no folders in it, links or devices.
- *seccomp*: what is not on a list of harmless system calls is refused. No socket, no further process or thread, no
  other program, no signal to others, no change of a file's mode, owner or times, nothing of ptrace, io_uring or
  namespaces.
- *limits*: processor seconds and wall time, memory, size of a file, open files, size of the folder, no core dump.
- no privileges: root gives up its capabilities, and none can come back. Nothing of the environment is handed on.

Each fence is tried by the process itself, every time; where one does not hold, nothing is run: SandboxError. As there
is one process and it cannot start another, killing it ends all; its group is killed as well, and it dies with its
parent.

What is not hidden: whether a path exists, its size and dates (`stat` is not Landlock's), the machine's name, the clock.
Whether a program passes is said in its own process, by a secret that is read when its last line has run. No ending by
chance or by habit can be mistaken for it (an exit, a swallowed exception, a printed word), but a program that is
written to cheat, looks for the file with the secret and copies it, can. It still gets nowhere but to a wrong score.

Tests run in the interpreter of the answer, as in the published protocol (Chen et al. 2021), so they see what the answer
makes them see: docs/how-to/sandbox.md names what that cannot stop.
"""

SECRET = 32
"""Bytes of the secret, behind the program."""
