"""Trials as tasks of an existing Ray cluster, which reruns them if a node dies.

The cluster is the one at ``RAY_ADDRESS``, otherwise the one on this machine.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pefbench.engines.engine import Engine, Resources
from pefbench.engines.process import Process
from pefbench.engines.shared_folder import seen
from pefbench.errors import OutputError, TrialError, UserError, one_line
from pefbench.paths import child_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.engines.messages import Message
    from pefbench.results.schema import Placement

RETRIES = 3
"""How often Ray reruns a trial whose node or process died."""
TIMEOUT = 10
"""Seconds within which the cluster must answer."""
SETTINGS = b"\x04"
"""The type of the first frame that each side of HTTP/2 sends, in its fourth byte."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + SETTINGS + bytes(5)
"""The preface of an HTTP/2 client, and an empty frame of settings."""
SAID = "ray.log"
"""File for Ray's own output here, in the folder of logs."""
LOG = Path("/dev/stderr")
"""A trial's log, which goes to the log of Ray's worker."""
PASSED = ("PEFBENCH_", "HF_", "TOKENIZERS_", "OMP_WAIT_POLICY", "GOMP_")
"""Prefixes of the environment variables that a task gets from the command; settings of a store stay on the nodes."""


class RayEngine(Engine):
    """Trials on a Ray cluster, as many at once as it has room for."""

    def __init__(self, log: Path, resources: Resources) -> None:
        super().__init__(log, resources)
        self.ray = _connected()
        have = self.ray.cluster_resources()
        gpus = resources.gpus if resources.gpus is not None else min(1, int(have.get("GPU", 0)))
        self.needs = {"num_cpus": resources.cpus or 1, "num_gpus": gpus}
        room = _room(self.ray.nodes(), self.needs)
        self.size = min(room, resources.workers or room)
        self.said = ExitStack()
        options = {"max_retries": RETRIES, "retry_exceptions": [TrialError], **self.needs}
        self.task = self.ray.remote(_trial).options(**options)
        self.running: set[Any] = set()
        # Ray prints events and the state of its nodes to standard output, which is for the verdict.
        self.said.enter_context(redirect_stdout(self.said.enter_context((log / SAID).open("a", encoding="utf8"))))

    def one(self, request: Message, began: Callable[[], None] = lambda: None) -> Message:
        """Run one trial where there is room. Raises TrialError if its process dies repeatedly."""
        began()
        reference = self.task.remote({**request}, str(Path.cwd()), self.needs["num_cpus"])
        self.running.add(reference)
        try:
            answer: Message = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            raise TrialError(_why(error)) from error
        finally:
            self.running.discard(reference)
        return seen(request, answer)

    def stop(self) -> None:
        """Cancel running trials and disconnect from the cluster."""
        super().stop()
        for reference in [*self.running]:
            self.ray.cancel(reference, force=True)
        self.ray.shutdown()
        self.said.close()


ENGINE = RayEngine


def _connected() -> Any:
    try:
        import ray
    except ImportError:
        raise UserError("--on ray needs Ray: pip install 'pefbench[ray]'") from None
    address = os.environ.get("RAY_ADDRESS") or "auto"
    variables = {name: value for name, value in child_environment().items() if name.startswith((*PASSED, "PYTHONPATH"))}
    where = "this machine" if address == "auto" else address
    try:
        if address != "auto":  # Ray itself would try an address for minutes
            _reach(address)
        ray.init(
            address,
            runtime_env={"env_vars": variables},
            log_to_driver=False,
            logging_level="ERROR",
            configure_logging=False,
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        why = one_line(str(error).strip().splitlines()[0])[:200]
        raise OutputError(
            f"--on ray: no cluster answers at {where}: {why}; start one (ray start --head) or set RAY_ADDRESS"
        ) from error
    return ray


def _reach(address: str) -> None:
    """Check that a cluster's server answers; it uses gRPC, and so HTTP/2. Raises OSError."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if not host or not port.isdecimal():
        raise OSError("not an address such as head:6379")
    with socket.create_connection((host, int(port)), TIMEOUT) as server:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return
        server.sendall(PREFACE)
        said = server.recv(9)
    if said[3:4] != SETTINGS:
        raise OSError("the server there is not Ray; use the port of ray start, 6379 by default")


def _room(nodes: Any, needs: dict[str, int]) -> int:
    """How many trials can run at once. Raises UserError if no node has room for one."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    requested = {what: needs[name] for what, name in (("CPU", "num_cpus"), ("GPU", "num_gpus")) if needs[name]}
    room = sum(int(min(node.get(what, 0) // count for what, count in requested.items())) for node in alive)
    if not room:
        most = max((int(node.get("CPU", 0)) for node in alive), default=0)
        raise UserError(
            f"--on ray: a trial asks for {needs['num_cpus']} CPUs and {needs['num_gpus']} GPUs, and no node has them; "
            f"the largest has {most} CPUs"
        )
    return room


def _why(error: Exception) -> str:
    """Why a task ended without an answer, in one line."""
    if isinstance(died := getattr(error, "cause", None), TrialError):
        return str(died)
    told = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"its task failed: {type(error).__name__}: {told[0] if told else ''}"


_members: dict[str | None, Process] = {}
"""Visible GPUs -> the process in which this Ray worker runs trials; at most one entry."""


def _trial(request: Message, folder: str, cores: int) -> Message:
    """Run one trial in a Ray worker, which runs others after it. Raises TrialError if its process dies.

    The trial runs in a process of its own, as on a single machine. Ray's own process has threads and so cannot be
    forked; each round trip would have to import all libraries again.
    """
    import ray

    if Path(folder).is_dir():
        os.chdir(folder)
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen not in _members:
        for other in _members.values():
            other.stop()
        _members.clear()
        _members[seen] = Process(LOG)
    context = ray.get_runtime_context()
    placement: Placement = {
        "engine": "ray",
        "node": f"{context.get_node_id()[:12]} ({socket.gethostname()})",
        "cpus": cores,
        "gpus": [str(each) for each in ray.get_gpu_ids()],
    }
    return _members[seen].ask({"do": "run", **request, "placement": placement})
