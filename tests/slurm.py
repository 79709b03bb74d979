"""A real SLURM on this machine: munge, a controller and two nodes of one core, from Debian's packages."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
CONFIG = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmctldPort={ports[0]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
KillWait=5
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=1000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=1000
PartitionName=low Nodes=ALL Default=YES MaxTime=120 State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=20
PartitionName=high Nodes=ALL MaxTime=120 State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=short Nodes=ALL DefaultTime=30 MaxTime=120 State=UP
PartitionName=endless Nodes=ALL State=UP
"""


def said(*command: str) -> str:
    """The output of a SLURM command."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def missing() -> str | None:
    """Why no cluster can run here; None if one can."""
    lacking = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if lacking:
        return f"no SLURM on this machine: {', '.join(lacking)} missing (slurmctld, slurmd, slurm-client, munge)"
    if os.geteuid() != 0:
        return "SLURM's daemons need root"
    if importlib.util.find_spec("submitit") is None:
        return "submitit is not installed: pip install 'pefbench[slurm]'"
    return None


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a running cluster, which SLURM's commands use."""
    if why := missing():
        pytest.skip(why)
    with running(tmp_path_factory.mktemp("slurm")) as folder:
        yield folder


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """Run a cluster with its files in a folder."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    for name in ("state", "spool-n1", "spool-n2"):
        (folder / name).mkdir()
    ports = []
    for _ in range(3):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    config = folder / "slurm.conf"
    config.write_text(CONFIG.format(host=socket.gethostname(), folder=folder, ports=ports), encoding="utf8")
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    patch = pytest.MonkeyPatch()
    patch.setenv("SLURM_CONF", str(config))
    patch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    said("munged", "--force", *(f"--{option}={folder}/munge.{name}" for option, name in files.items()))
    said("slurmctld", "-c")
    for node in ("n1", "n2"):
        said("slurmd", "-N", node)
    until(lambda: said("sinfo", "--noheader", "--format=%T %D", "--partition=low").split() == ["idle", "2"])
    try:
        yield folder
    finally:
        subprocess.run(["scancel", "--user=root"], check=False)
        time.sleep(1)
        for file in ("slurmd-n1.pid", "slurmd-n2.pid", "slurmctld.pid", "munge.pid"):
            with suppress(OSError, ValueError):
                os.kill(int((folder / file).read_text(encoding="utf8")), signal.SIGTERM)
        patch.undo()


def until(true: object, seconds: float = 90) -> None:
    """Wait until a function returns true."""
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)
