"""Trials as SLURM jobs, one job array at a time, through submitit.

Before SLURM ends a job, because its time is over or a job of higher priority needs the node, it sends a signal. The
trial then writes a checkpoint, submitit puts the job back into the queue, and the trial continues from the checkpoint.
If a node fails, SLURM itself requeues the job.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pefbench.engines.engine import Engine, Resources
from pefbench.engines.process import Once
from pefbench.engines.shared_folder import seen
from pefbench.errors import OutputError, TrialError, UserError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pefbench.engines.engine import Tell
    from pefbench.engines.messages import Message, RunRequest
    from pefbench.results.schema import Placement

WARNING = 90
"""Seconds before the end of a job's time at which SLURM sends the signal."""
DAY = 24 * 60
"""Time limit of a job in minutes if neither `--time-limit` nor the partition sets one."""
STARTS = 100
"""How often a job may start again because its time was over."""
MOST = 256
"""The most jobs of an array that run at once without `--workers`, if the partition has room."""
POLL = 2.0
"""Seconds between checks of the queue."""
LOOKS = 5
"""Checks that must find a job ended, without an answer, before it counts as lost: its file may appear late."""
ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "GONE"}


class SlurmEngine(Engine):
    """Trials as SLURM jobs; trials that are run together form one job array."""

    def __init__(self, log: Path, resources: Resources) -> None:
        super().__init__(log, resources)
        try:
            import submitit
        except ImportError:
            raise UserError("--on slurm needs submitit: pip install 'pefbench[slurm]'") from None
        cpus = resources.cpus or 1
        self.size = min(resources.workers or MOST, _room(resources, cpus))
        gpus = resources.gpus if resources.gpus is not None else int(_has_gpus(resources))
        usual, most = _times(resources)
        minutes = resources.minutes or usual
        _check(resources, cpus, gpus, minutes, most)
        self.cpus, self.jobs = cpus, set[str]()
        self.executor = submitit.SlurmExecutor(folder=log / "slurm", max_num_timeout=STARTS)
        asked = {"partition": resources.partition, "gpus_per_node": gpus or None}
        self.executor.update_parameters(
            job_name="pefbench",
            time=minutes,
            cpus_per_task=cpus,
            ntasks_per_node=1,
            nodes=1,
            array_parallelism=self.size,
            signal_delay_s=min(WARNING, minutes * 60 // 2),
            additional_parameters={"requeue": True},
            **{name: value for name, value in asked.items() if value is not None},
        )

    def one(self, request: Message, began: Callable[[], None] = lambda: None) -> Message:
        """Run one trial. Raises TrialError if its job is lost."""
        answers: list[Message | str] = []
        self._follow([request], lambda _: began(), lambda _, answer: answers.append(answer))
        if isinstance(answers[0], str):
            raise TrialError(answers[0])
        return answers[0]

    def run(self, requests: Sequence[Message], tell: Tell) -> None:
        """Run trials as one job array; a further array waits for those that another process runs."""
        left, patience = [*range(len(requests))], 0.0
        while left:
            held: list[int] = []

            def ended(place: int, answer: Message | str, numbers: Sequence[int], held: list[int]) -> None:
                if not isinstance(answer, str) and "held" in answer:
                    held.append(numbers[place])
                    tell(numbers[place], "held", None)
                else:
                    error = answer if isinstance(answer, str) else answer.get("error")
                    tell(numbers[place], "ended", None if error is None else str(error))

            self._follow(
                [{**requests[number], "patience": patience} for number in left],
                lambda place, numbers=left: tell(numbers[place], "began", None),  # type: ignore[misc]
                lambda place, answer, numbers=left, held=held: ended(place, answer, numbers, held),  # type: ignore[misc]
            )
            left, patience = held, 60.0

    def _follow(
        self,
        requests: Sequence[Message],
        began: Callable[[int], None],
        ended: Callable[[int, Message | str], None],
    ) -> None:
        """Submit trials; report when each begins, and when it ends its answer, or why there is none."""
        function, folder = _Job(self.folder), str(Path.cwd())
        asked = [({**request}, folder, self.cpus) for request in requests]
        jobs = dict(enumerate(self.executor.map_array(function, *zip(*asked, strict=True))))
        self.jobs |= {job.job_id for job in jobs.values()}
        running: set[int] = set()
        looks = dict.fromkeys(jobs, 0)
        states: dict[str, str] = {}
        while jobs:
            states = _states({job.job_id for job in jobs.values()}) or states
            for place, job in [*jobs.items()]:
                answer = _answer(job)
                state = states.get(job.job_id, "PENDING")
                looks[place] = looks[place] + 1 if state in ENDED else 0
                if place not in running and (state == "RUNNING" or answer is not None):
                    running.add(place)
                    began(place)
                if answer is None and looks[place] >= LOOKS:
                    answer = f"its job {job.job_id} ended in SLURM: {_WORDS.get(state, state)}"
                if answer is not None:
                    if place not in running:
                        began(place)
                    del jobs[place]
                    ended(place, answer if isinstance(answer, str) else seen(requests[place], answer))
            if jobs:
                time.sleep(POLL)

    def stop(self) -> None:
        """Cancel all running and waiting jobs."""
        super().stop()
        if self.jobs:
            arrays = {job.partition("_")[0] for job in self.jobs}
            subprocess.run(["scancel", "--quiet", *sorted(arrays)], check=False, capture_output=True)


ENGINE = SlurmEngine

_WORDS = {
    "CANCELLED": "it was cancelled",
    "NODE_FAIL": "its node failed",
    "OUT_OF_MEMORY": "memory ran out",
    "TIMEOUT": "its time was over; raise --time-limit",
    "COMPLETED": "without an answer; its log says why",
    "FAILED": "it failed; its log says why",
    "GONE": "SLURM does not know it any more",
}


class _Job:
    """The function of a job: it runs one trial in a process of its own and passes the job's signal to it."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.process: Once | None = None

    def __call__(self, request: Message, folder: str, cpus: int) -> Message:
        """Run the trial; return its answer, or its error if it failed.

        A trial that was asked to stop, but not by `checkpoint`, waits for SLURM to end its job. If the job was
        preempted, it goes back into the queue.
        """
        os.chdir(folder)
        asked = cast("RunRequest", {"do": "run", **request})
        asked["placement"] = _placement(cpus)
        self.process = Once(self.log / f"slurm-{os.environ['SLURM_JOB_ID']}.log")
        try:
            answer = self.process.ask(cast("Message", asked))
        except TrialError as error:
            answer = {"error": str(error), "exit_status": 1}
        if "preempted" in answer:
            if _was_preempted(os.environ["SLURM_JOB_ID"]):  # not cancelled
                subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], check=False)
            time.sleep(10 * WARNING)
        return answer

    def checkpoint(self, request: Message, folder: str, cpus: int) -> Any:
        """Let the trial write a checkpoint and end; return what to submit again."""
        from submitit.helpers import DelayedSubmission

        process = self.process.process if self.process is not None else None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):  # not at a step: a checkpoint exists, or nothing is lost
                process.wait(WARNING / 2)
            process.kill()
        return DelayedSubmission(_Job(self.log), request, folder, cpus)


def _was_preempted(job: str) -> bool:
    said = subprocess.run(["scontrol", "show", "job", "--oneliner", job], capture_output=True, text=True, check=False)
    return "PreemptTime=" in said.stdout and "PreemptTime=None" not in said.stdout and "CANCELLED" not in said.stdout


def _placement(cpus: int) -> Placement:
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return {
        "engine": "slurm",
        "node": f"{os.environ.get('SLURMD_NODENAME', '')} ({socket.gethostname()})",
        "cpus": cpus,
        "gpus": gpus.split(",") if gpus else [],
        "job": os.environ["SLURM_JOB_ID"],
    }


def _answer(job: Any) -> Message | str | None:
    """A job's answer; None while it has none, and a message if it will never have one."""
    from submitit.core.utils import pickle_load

    if not job.paths.result_pickle.exists():
        return None
    outcome, found = pickle_load(job.paths.result_pickle)
    if outcome == "success":
        return cast("Message", found)
    return f"its job {job.job_id} failed: {one_line(str(found).strip().splitlines()[-1])[:200]}"


def _states(jobs: set[str]) -> dict[str, str]:
    """Each job's state, from the controller alone, because accounting may be off. Empty if it does not answer."""
    arrays = sorted({job.partition("_")[0] for job in jobs})
    shown = subprocess.run(
        ["squeue", "--noheader", "--array", "--states=all", "--format=%i %T", f"--jobs={','.join(arrays)}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode and "Invalid job id" not in shown.stderr:
        return {}
    found = dict(cast("tuple[str, str]", tuple(line.split()[:2])) for line in shown.stdout.splitlines() if line.strip())
    return {job: found.get(job, "GONE") for job in jobs}


def _asked(command: Sequence[str], what: str) -> str:
    """The output of a SLURM command. Raises OutputError, with the reason, if it fails."""
    if shutil.which(command[0]) is None:
        raise OutputError(f"--on slurm: no {command[0]} here; run this on a machine that can submit jobs")
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        raise OutputError("--on slurm: the controller does not answer") from None
    if said.returncode:
        why = (said.stderr.strip() or said.stdout.strip()).splitlines()[-1:]
        raise OutputError(f"--on slurm: {what}: {one_line(''.join(why))}")
    return said.stdout


def _partition(resources: Resources) -> list[str]:
    return [] if resources.partition is None else [f"--partition={resources.partition}"]


def _room(resources: Resources, cpus: int) -> int:
    """The most trials that can run at once. Raises OutputError and UserError."""
    said = _asked(["sinfo", "--noheader", "--format=%C", *_partition(resources)], "the controller does not answer")
    cores = sum(int(line.split("/")[3]) for line in said.split())
    if not cores:
        valid = ", ".join(sorted({*_asked(["sinfo", "--noheader", "--format=%R"], "no partitions").split()}))
        raise UserError(f"--partition {resources.partition}: no such partition; valid: {valid}")
    return max(1, cores // cpus)


def _has_gpus(resources: Resources) -> bool:
    return "gpu" in _asked(["sinfo", "--noheader", "--format=%G", *_partition(resources)], "it does not say its GPUs")


def _times(resources: Resources) -> tuple[int, float]:
    """The partition's default and largest time limit of a job, in minutes, as for sbatch."""
    said = _asked(["sinfo", "--noheader", "--format=%P %L %l", *_partition(resources)], "no partitions")
    lines = [line.split() for line in said.splitlines()]
    used = [line for line in lines if resources.partition is not None or line[0].endswith("*")]  # the default one
    default, most = (min((minutes_of(line[column]) for line in used), default=math.inf) for column in (1, 2))
    usual = min(default, most)
    return DAY if math.isinf(usual) else max(1, int(usual)), most


def _check(resources: Resources, cpus: int, gpus: int, minutes: int, most: float) -> None:
    """Raise OutputError for a job that could never run. SLURM does not check the time and would let it wait forever."""
    told = f"a trial that asks for {cpus} CPUs, {gpus} GPUs and {minutes} minutes cannot run"
    if minutes > most:
        raise OutputError(f"--on slurm: {told}: the partition allows {most:g} minutes; give --time-limit {most:g}min")
    command = ["sbatch", "--test-only", f"--time={minutes}", f"--cpus-per-task={cpus}", "--nodes=1"]
    command += [*_partition(resources), *([f"--gpus-per-node={gpus}"] if gpus else []), "--wrap=true"]
    _asked(command, told)


def minutes_of(limit: str) -> float:
    """Minutes of a time in SLURM's format: 30:00, 2:00:00, 1-00:00:00 or infinite."""
    if limit in {"infinite", "n/a"}:
        return math.inf
    days, _, clock = limit.rpartition("-")
    hours, minutes, seconds = [0, 0, *map(int, clock.split(":"))][-3:]
    return int(days or 0) * 24 * 60 + hours * 60 + minutes + seconds / 60
