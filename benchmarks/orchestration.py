"""The overhead of a cluster's engine: one trial started by Ray or SLURM, and 200 short ones through `--on ray`.

    python -m benchmarks.orchestration [--rounds 3] [--epochs 60] [--trials 200] [--parts one many]
        [--engines ray slurm]

Everything runs on this machine, with a tiny random model and one thread per trial, and the ways take turns. The Ray
cluster (two nodes of one core) and the SLURM cluster (the same; needs root and Debian's packages) are started before.
Ray's workers have normal priority, not Ray's default of nice 15.

*One trial* is timed from the request to the engine until its answer, without imports. Ray and the local worker process
have run a trial on each core before, so they import nothing. SLURM starts a process for each trial and is compared with
such a process here. Imports are subtracted: the seconds that a process takes to import a trial's modules, and for SLURM
also submitit's, measured in each round. What is left for SLURM is the queue and polling: seconds, however long the
trial is; --epochs sets that. The processor seconds are those of the trial's phases, the cost of the trial itself. On a
machine of varying speed, the same trial takes a tenth more or less from one time to the next; *of equally long trials*
replaces each trial's own duration by the median of all.

*Many* is a whole `pefbench compare` command with this many trials on two workers. Its processor seconds include all
processes that it starts, and with Ray those of the cluster. Goals: 1.1 and 1.15.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import yaml

from benchmarks import _table
from pefbench.engines.engine import Resources, engine
from pefbench.engines.process import Once
from pefbench.paths import child_command, child_environment
from pefbench.recipe import load_recipe
from pefbench.results.store import read_result
from tests import slurm
from tests.worlds import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.engines.engine import Engine
    from pefbench.engines.messages import Message

ONE_GOAL, MANY_GOAL = 1.1, 1.15
HEADER = ("Side by side", "Seconds", "Processor seconds", "Goal")
OF_ONE = ("Side by side", "Seconds", "of equally long trials", "Processor seconds", "Goal")
LOOK = 0.25
"""Seconds between measurements of processor use."""
IMPORTS = "from pefbench.cli import main, worker; from pefbench.engines import worker; from pefbench.trial import run"
OF_SUBMITIT = "import submitit.core._submit, pefbench.engines.slurm"


class Trial:
    """One trial, with a new seed each time so that no result exists. It measures total seconds and those inside."""

    def __init__(self, folder: Path, epochs: int) -> None:
        world = World(folder)
        self.file, self.out, self.seed = world.recipe("one", train__epochs=epochs), folder / "out", 0
        self.out.mkdir()

    def request(self) -> Message:
        """The request for the next trial."""
        self.seed += 1
        recipe = load_recipe(self.file, [f"train.seed={self.seed}"])
        return {"recipe": recipe.requested(), "scored": ["validation"], "out": str(self.out), "command": ""}

    def timed(self, made: Engine | Once) -> tuple[float, float]:
        """Seconds from request to answer, and the processor seconds of the trial's phases."""
        request = self.request()
        started = time.perf_counter()
        answer = made.ask({"do": "run", **request}) if isinstance(made, Once) else made.one(request)
        seconds = time.perf_counter() - started
        if "path" not in answer:
            raise SystemExit(f"the trial failed: {answer}")
        phases: Any = read_result(self.out / str(answer["path"]))["phases"]
        return seconds, sum(each.get("processor_seconds", 0) for each in phases.values())


def main() -> None:
    """Measure, print, and put the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=60, help="of the one trial; 13 steps each")
    parser.add_argument("--trials", type=int, default=200, help="of the comparison; a multiple of 4")
    parser.add_argument("--parts", nargs="+", choices=("one", "many"), default=["one", "many"])
    parser.add_argument("--engines", nargs="+", choices=("ray", "slurm"), default=["ray", "slurm"])
    parsed = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    options = f"--rounds {parsed.rounds} --engines {' '.join(parsed.engines)}"
    command = f"python -m benchmarks.orchestration {options}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as clusters:
        place = Path(folder)
        if "slurm" in parsed.engines:
            if why := slurm.missing():
                raise SystemExit(why)
            clusters.enter_context(slurm.running(place / "slurm"))
        pids = clusters.enter_context(ray_cluster()) if "ray" in parsed.engines else []
        if "one" in parsed.parts:
            (place / "world").mkdir()
            rows = one(Trial(place / "world", parsed.epochs), parsed.engines, parsed.rounds, place)
            for name, row in zip(parsed.engines, rows, strict=True):
                _table.write(f"one trial, {name}", OF_ONE, [row], f"{command} --parts one --epochs {parsed.epochs}")
        if "many" in parsed.parts and "ray" in parsed.engines:
            rows = many(place, parsed.trials, parsed.rounds, pids)
            _table.write("many trials", HEADER, rows, f"{command} --parts many --trials {parsed.trials}")


def one(trial: Trial, engines: Sequence[str], rounds: int, log: Path) -> list[list[str]]:
    """The rows of one trial through each engine, compared with a process on this machine."""
    names = ["local", *engines]
    with ExitStack() as open_:
        made: dict[str, Engine] = {name: open_.enter_context(engine(log, Resources(name))) for name in names}  # type: ignore[arg-type]
        alone = Once(log / "alone.log")
        trial.timed(made["local"])  # imports
        if "ray" in made:
            made["ray"].run([trial.request() for _ in range(2)], lambda *_: None)  # on each node
        found: dict[str, list[tuple[float, float]]] = {}
        for number in range(rounds):
            for name in names if number % 2 else reversed(names):
                imports = {"alone": imported(IMPORTS)} if name == "slurm" else {}
                if imports:
                    imports["slurm"] = imports["alone"] + imported(OF_SUBMITIT)
                ways: dict[str, Engine | Once] = {"alone": alone} if name == "slurm" else {}
                for key, way in {**ways, name: made[name]}.items():
                    seconds, used = trial.timed(way)
                    less = imports.get(key, 0)
                    found.setdefault(key, []).append((seconds - less, used))
                    print(
                        f"{key}: {seconds:.2f} s, imports {less:.2f} s, inside {used:.2f} processor s",
                        file=sys.stderr,
                    )
    rows = []
    for name in engines:
        mine, other = found[name], found["alone" if name == "slurm" else "local"]
        long = statistics.median(seconds for seconds, _ in other)
        told = f"a trial of {long:.1f} s started by {'SLURM' if name == 'slurm' else 'Ray'} / here"
        own = statistics.median(used for times in found.values() for _, used in times)
        equal, equal_here = ([(own + seconds - used, own) for seconds, used in times] for times in (mine, other))
        rows.append(
            [told, ratios(mine, other, 0), ratios(equal, equal_here, 0), ratios(mine, other, 1), f"at most {ONE_GOAL}"]
        )
    return rows


def many(place: Path, trials: int, rounds: int, pids: Sequence[int]) -> list[list[str]]:
    """The row of a comparison of short trials on Ray, against two workers on this machine."""
    (place / "many").mkdir()
    file = comparison(World(place / "many"), trials)
    found: dict[str, list[tuple[float, float]]] = {"--on ray": [], "--workers 2": []}
    for number in range(rounds):
        for way in sorted(found, reverse=bool(number % 2)):
            out = place / f"{way.replace(' ', '')}-{number}"
            command = [*child_command("compare"), str(file), *way.split(), "--out", str(out)]
            found[way].append(timed(command, pids if way == "--on ray" else ()))
            there = len([*out.rglob("????????????.json")])
            print(
                f"{way}: {there} trials, {found[way][-1][0]:.1f} s, {found[way][-1][1]:.1f} processor s",
                file=sys.stderr,
            )
            if there != trials:
                raise SystemExit(f"{there} trials, not {trials}")
    mine, other = found["--on ray"], found["--workers 2"]
    told = f"{trials} short trials, `--on ray` / `--workers 2`"
    return [[told, ratios(mine, other, 0), ratios(mine, other, 1), f"at most {MANY_GOAL}"]]


def ratios(mine: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]], which: int) -> str:
    """The ratios of rounds, in seconds (0) or processor seconds (1)."""
    return _table.spread([one[which] / two[which] for one, two in zip(mine, other, strict=True)])


def comparison(world: World, trials: int) -> Path:
    """A comparison with `trials` trials: two methods, two settings each, the rest with further seeds."""
    content = {
        "recipe": str(world.recipe("short", train__epochs=1, train__max_examples=64)),
        "trials": 2,
        "tuning_seeds": [0],
        "seeds": [*range(1, trials // 2 - 1)],
        "methods": {
            "head": {"method": {"name": "head_only"}, "search": {"train.learning_rate": [0.001, 0.003]}},
            "lora": {"method": {"name": "lora", "rank": 4}, "search": {"train.learning_rate": [0.001, 0.01]}},
        },
    }
    file = world.folder / "many.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf8")
    return file


def imported(modules: str) -> float:
    """The seconds that a new process takes to import the modules."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", modules], check=True, env=child_environment())
    return time.perf_counter() - started


def timed(command: Sequence[str], others: Sequence[int]) -> tuple[float, float]:
    """The seconds of a command, and the processor seconds of it, of other processes and of their descendants.

    They are measured so often that little is missed of processes that end meanwhile.
    """
    before, found = seconds_of(others), dict[tuple[int, float], float]()
    started = time.perf_counter()
    process = subprocess.Popen(command, env=child_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        found |= seconds_of([process.pid, *others])
        time.sleep(LOOK)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return seconds, sum(found.values()) - sum(before.values())


def seconds_of(pids: Sequence[int]) -> dict[tuple[int, float], float]:
    """The processor seconds so far of processes and their descendants, by process."""
    found = {}
    for pid in pids:
        with suppress(psutil.Error):
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                with suppress(psutil.Error):
                    found[process.pid, process.create_time()] = sum(process.cpu_times()[:2])
    return found


@contextmanager
def ray_cluster() -> Iterator[list[int]]:
    """A cluster of two nodes of one core each; the process ids of its parts."""
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - its name
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        nodes = cluster.list_all_nodes()
        yield [part.process.pid for node in nodes for parts in node.all_processes.values() for part in parts]
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
