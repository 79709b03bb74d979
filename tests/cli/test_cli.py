"""The commands as a user types them: what they print, how they end, and what they refuse."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.cli.main import main
from pefbench.paths import PROJECT
from pefbench.trial import artifacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.worlds import World

ROOT = PROJECT
Run = tuple[int, str, str]


@pytest.fixture
def pefbench(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Return a function that runs one command in this process: exit status, standard output, standard error."""

    def run(*arguments: object) -> Run:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        status = ended.value.code
        assert isinstance(status, int)
        return status, said.out, said.err

    return run


def results(out: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf8")) for file in sorted(out.glob("*/*.json"))]


@pytest.mark.usefixtures("fresh_round_trips")
def test_one_trial_from_recipe_to_check(world: World, out: Path, pefbench: Callable[..., Run]) -> None:
    recipe = world.recipe("whole", train__epochs=6)
    status, printed, said = pefbench("run", recipe, "--out", out)
    assert status == 0, said
    [result] = results(out)
    assert result["status"] == "finished"
    assert result["round_trip"]["reproduced"] is True
    assert result["round_trip"]["examples"] == result["data"]["splits"]["test"]["examples"]
    assert result["metrics"]["test"]["entity_f1"]["value"] > 0.9
    assert result["headline"] == "entity_f1"
    kept = (out / "whole" / result["artifacts"]["predictions"]).read_text(encoding="utf8").splitlines()
    assert all(len(json.loads(line)["prompt"].split()) == len(json.loads(line)["reference"]) for line in kept)
    assert 0 < result["baselines"]["word_tags"]["entity_f1"]["value"] <= 1
    assert 0 < result["baselines"]["word_tags"]["entity_f1"]["p_model_no_better"] <= 1
    assert result["baselines"]["word_tags"].keys() == result["metrics"]["test"].keys()
    assert set(result["report"]) == {"entity_f1", "token_report"}
    assert result["model"]["trainable_parameters"] < 0.5 * result["model"]["parameters"]
    assert set(result["phases"]) == {"load", "tokenize", "train", "validate", "evaluate"}
    assert "entity_f1" in printed
    assert "weighted avg" in printed
    assert str(world.folder) not in json.dumps(result["artifacts"])
    assert result["provenance"]["command"] == f"pefbench run {recipe} --out {out}"

    status, _, said = pefbench("run", recipe, "--out", out)
    assert status == 0
    assert "already finished" in said

    folder = next(path for path in out.glob("whole/*") if path.is_dir())
    assert not list(folder.glob("checkpoint*"))
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf8").splitlines()]
    assert [line["id"] for line in lines] == list(range(len(lines)))
    assert all(line["correct"] == (line["prediction"] == line["reference"]) for line in lines)

    assert pefbench("table", out)[0] == 0
    shutil.copytree(out, baseline := out.parent / "baseline")
    assert pefbench("check", out, "--baseline", baseline)[0] == 0
    file = next(baseline.glob("*/*.json"))
    better = json.loads(file.read_text(encoding="utf8"))
    f1 = better["metrics"]["test"]["entity_f1"]
    f1 |= {end: f1[end] + 0.05 for end in ("value", "low", "high")}
    file.write_text(json.dumps(better), encoding="utf8")
    status, printed, _ = pefbench("check", out, "--baseline", baseline)
    assert status == 1
    assert "entity_f1" in printed
    assert pefbench("check", out, "--baseline", baseline, "--metric-tolerance", "entity_f1=0.06")[0] == 0


def test_check_only_stops_before_training(world: World, out: Path, pefbench: Callable[..., Run]) -> None:
    status, printed, said = pefbench("run", world.recipe("checked"), "--out", out, "--check-only")
    assert status == 0, said
    assert "recipe OK; training skipped" in printed
    assert "weights trained" in said
    assert not list(out.rglob("*.json"))
    mistaken = world.recipe("checked", method={"name": "lora", "target_modules": ["q_proj"]})
    status, printed, said = pefbench("run", mistaken, "--out", out, "--check-only")
    assert status == 2
    assert re.search("error: .*method.target_modules: 'q_proj' matches no linear layer", said)
    assert printed == ""


@pytest.mark.usefixtures("fresh_round_trips")
@pytest.mark.parametrize("how", ["dropped", "random"])
def test_a_lost_head_fails_the_round_trip(
    world: World, out: Path, pefbench: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    import torch

    save = artifacts.save

    def loses_the_head(model: Any, to: Path, *given: Any) -> int:
        size = save(model, to, *given)
        from safetensors.torch import load_file, save_file

        file = to / "adapter_model.safetensors"
        weights = load_file(file)
        heads = [name for name in weights if "classifier" in name]
        assert heads
        if how == "dropped":
            save_file({name: weight for name, weight in weights.items() if name not in heads}, file)
        else:
            save_file(weights | {name: torch.randn_like(weights[name]) for name in heads}, file)
        return size

    monkeypatch.setattr(artifacts, "save", loses_the_head)
    status, _, said = pefbench("run", world.recipe("headless"), "--out", out)
    assert status == 1
    expected = {"dropped": "cannot be loaded", "random": r"after reloading, \d+ of \d+ test predictions differ"}[how]
    assert re.search(f"error: .*{expected}", said)
    [result] = results(out)
    assert result["status"] == "failed"
    assert re.search(expected, result["error"])
    assert result["round_trip"]["reproduced"] is False


def test_a_failed_rerun_leaves_the_finished_result(
    world: World, out: Path, pefbench: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pefbench.errors import RoundTripError
    from pefbench.trial import round_trip

    recipe = world.recipe("again", train__epochs=1)
    assert pefbench("run", recipe, "--out", out)[0] == 0
    [file] = out.glob("again/*.json")
    folder = file.with_suffix("")
    before = file.read_text(encoding="utf8")

    def fails(folder: Path, **_: object) -> dict[str, Any]:
        raise RoundTripError(f"{folder}: broken")

    with monkeypatch.context() as broken:
        broken.setattr(round_trip, "check_in_fresh_process", fails)
        status, _, said = pefbench("run", recipe, "--out", out, "--rerun")
    assert status == 1
    assert "the finished result stays" in said
    assert file.read_text(encoding="utf8") == before
    assert pefbench("verify", folder)[0] == 0

    assert pefbench("run", recipe, "--out", out, "--rerun")[0] == 0
    assert json.loads(file.read_text(encoding="utf8"))["provenance"] != json.loads(before)["provenance"]
    status, printed, _ = pefbench("verify", folder, "--json")
    trip = json.loads(file.read_text(encoding="utf8"))["round_trip"]
    assert (status, json.loads(printed)) == (0, {"examples": trip["examples"], "differ": trip["differ"]})
    assert trip["differ"] == 0
    assert [path.name for path in out.glob("again/*") if path.is_dir()] == [folder.name]
    assert not list(folder.glob("checkpoint*"))


def test_verify_finds_changed_predictions(world: World, out: Path, pefbench: Callable[..., Run]) -> None:
    assert pefbench("run", world.recipe("verified", method={"name": "full"}), "--out", out)[0] == 0
    folder = next(path for path in out.glob("verified/*") if path.is_dir())
    status, printed, _ = pefbench("verify", folder)
    assert (status, "same predictions on" in printed) == (0, True)
    file = folder / "predictions.jsonl"
    file.write_text(file.read_text(encoding="utf8").replace('"B-PER"', '"B-LOC"'), encoding="utf8")
    status, _, said = pefbench("verify", folder)
    assert (status, "predictions differ" in said) == (1, True)


def test_a_diverging_trial_says_so_in_its_result(world: World, out: Path, pefbench: Callable[..., Run]) -> None:
    recipe = world.recipe("diverging", train__learning_rate=1e30, train__max_grad_norm=1e30, train__warmup=0.0)
    status, _, said = pefbench("run", recipe, "--out", out)
    assert status == 1
    assert "the loss is not finite at step" in said
    [result] = results(out)
    assert result["status"] == "failed"
    assert "not finite at step" in result["error"]
    assert "metrics" not in result
    status, printed, _ = pefbench("table", out)
    assert "not finite" in printed


PLENTY = "".join(f"{i}\tO\n\n" for i in range(30))
CONLL_MISTAKES: dict[str, tuple[str | bytes, str]] = {
    "missing column": ("Anna\tB-PER\nsaw\nRome\tB-LOC\n", r"corpus.conll:2: "),
    "mixed schemes": (
        PLENTY + "Anna\tI-PER\nsaw\tO\n\nRome\tB-LOC\n",
        r"tag 'I-PER' at corpus.conll:61 begins an entity; in IOB2, as most of the tags are, that is 'B-PER'",
    ),
    "unknown scheme": (PLENTY + "saw\tO\nAnna\tPER\n", r"tag 'PER' at corpus.conll:62 has no prefix"),
    "no rows": ("\n\n", r"has no rows"),
    "empty split": ("Anna\tB-PER\n\n", r"split is empty \(train \d, validation \d, test \d examples\)"),
    "not text": ("caf\xe9\tO\n".encode("latin-1"), r"corpus.conll"),
}


@pytest.mark.parametrize("mistake", CONLL_MISTAKES)
def test_bad_rows_are_named(tmp_path: Path, world: World, pefbench: Callable[..., Run], mistake: str) -> None:
    content, expected = CONLL_MISTAKES[mistake]
    file = tmp_path / "corpus.conll"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    recipe = world.recipe("rows", data={"source": f"file:{file}", "tags": "strict"})
    refused(pefbench("run", recipe, "--out", tmp_path / "out"), expected)
    assert not (tmp_path / "out").exists()


def refused(run: Run, expected: str) -> None:
    """Check that a command ended with one line about the user's mistake, and status 2."""
    status, printed, said = run
    lines = [line for line in said.splitlines() if not line.startswith("warning: ")]
    assert status == 2, said
    assert printed == ""
    assert len(lines) == 1, said
    assert re.search(r"^error: .*" + expected, lines[0]), said


def test_types_in_test_that_train_lacks_are_refused(tmp_path: Path, world: World, pefbench: Callable[..., Run]) -> None:
    (tmp_path / "train.conll").write_text("Anna\tB-PER\n\nRome\tO\n", encoding="utf8")
    (tmp_path / "dev.conll").write_text("Boris\tB-PER\n", encoding="utf8")
    (tmp_path / "test.conll").write_text("saw\tO\nQuito\tB-LOC\n", encoding="utf8")
    named = ["data.train=train.conll", "data.validation=dev.conll", "data.test=test.conll"]
    run = pefbench("run", world.recipe("types"), *overrides(f"data.source=file:{tmp_path}", *named))
    refused(run, r"test.conll:2: entity type 'LOC' of the test split is not in train \(train has: PER\)")


def overrides(*given: str) -> list[str]:
    return [part for override in given for part in ("-o", override)]


MISTAKES = {
    "unknown key": (["train.epoch=1"], r"train.epoch: unknown key; did you mean 'epochs'\?"),
    "wrong type": (["train.epochs=[1]"], r"train.epochs: "),
    "learning rate of 0": (["train.learning_rate=0"], r"train.learning_rate: .*greater than 0"),
    "unknown task": (["task=nerr"], r"unknown task 'nerr'; did you mean 'ner'\? valid: "),
    "unknown metric": (["evaluate.metrics=[f2]"], r"unknown metric 'f2'; .*valid: .*entity_f1"),
    "unknown method": (["method.name=lara"], r"unknown method 'lara'; did you mean 'lora'\? valid: .*prefix"),
    "missing file": (
        ["data.source=file:nowhere.conll"],
        r"nowhere.conll.*; set -o data.source=file:PATH to your",
    ),
    "missing model": (["model.name=file:nowhere"], r"nowhere"),
    "unknown source": (["data.source=ftp:x"], r"ftp:x"),
    "no such column": (["data.columns.tags=7"], r"no column 7 .*the columns are: 0, 1"),
    "only train named": (["data.train=corpus.conll"], r"data.test: missing"),
    "no target": (["method.target_modules=[nothing]"], r"method.target_modules: 'nothing' matches no linear layer"),
    "too long": (["train.max_length=100"], r"train.max_length: 100 do not fit the 64 positions"),
    "prefix too long": (["method.name=prefix", "method.num_virtual_tokens=40"], r"32 and 40 virtual tokens do not fit"),
    "fp16 on a CPU": (["train.precision=fp16"], r"train.precision: fp16 needs a CUDA GPU"),
    "no network": (["data.source=hf:eriktks/conll2003", "data.train=train", "data.test=test"], r"recipes/"),
    "no network for a model": (["model.name=hf:google-bert/bert-base-cased"], r"recipes/"),
    "unpinned wheel": (["data.source=wheel:six==1.16.0!six.py"], r"sha256"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_refused_before_training(
    world: World, out: Path, pefbench: Callable[..., Run], mistake: str
) -> None:
    given, expected = MISTAKES[mistake]
    if mistake == "fp16 on a CPU":
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU, which has fp16")
    refused(pefbench("run", world.recipe("mistaken"), *overrides(*given), "--out", out), expected)
    assert not out.exists()


def test_results_that_cannot_be_written_are_refused(
    world: World, tmp_path: Path, pefbench: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf8")
    refused(pefbench("run", world.recipe("unwritable"), "--out", tmp_path / "file" / "results"), "file")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))  # noqa: ARG005
    refused(pefbench("run", world.recipe("full"), "--out", tmp_path / "out"), "free")


@pytest.mark.parametrize("arguments", [["table", "nowhere"], ["check", "nowhere"], ["verify", "nowhere"]])
def test_a_folder_that_is_not_there(pefbench: Callable[..., Run], arguments: list[str]) -> None:
    refused(pefbench(*arguments), "nowhere")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rnu", "x"], "pefbench: invalid choice 'rnu'; did you mean 'run'[?] valid: "),
        (["list", "model"], "pefbench list: invalid choice 'model'; valid: "),
        (["table", "x", "--format", "xml"], "pefbench table: --format: invalid choice 'xml'; valid: "),
        (["run", "x", "--epochs", "3"], "--epochs 3; fields of the recipe are set by -o, as in -o train.epochs=3; see"),
        (["run", "x", "--lora_alpha=3"], "-o, as in -o method.alpha=3; see"),
        (["run", "x", "--fast"], "unrecognized arguments: --fast; see"),
        (["run"], "pefbench run: the following arguments are required: RECIPE; see pefbench run --help"),
        (["inspect", "x", "--n", "few"], "--n: should be a whole number of 1 or more, got 'few'"),
        (["check", "x", "--tolerance=-1"], "--tolerance: should be a number of 0 or more, got '-1'"),
        (["table", ""], "RESULTS: is empty; name a file, a folder or an address"),
        (["check", "x", "--baseline", ""], "--baseline: is empty; name a file, a folder or an address"),
        (["run", "ner", "--out", ""], "--out: is empty; name a file, a folder or an address"),
        (["verify", ""], "FOLDER: is empty; name a file, a folder or an address"),
        (["import", ""], "FILE: is empty; name a file, a folder or an address"),
        (["convert", ""], "FOLDER: is empty; name a file, a folder or an address"),
        (["app", "monitor", "--port", "99999"], "--port: should be a whole number from 0 to 65535, got '99999'"),
        (["pick", ".", "--max-memory", ""], "--max-memory : should be a number above 0 with a unit, as in 8GiB or"),
        (["pick", ".", "--max-adapter", ""], "--max-adapter : should be a number above 0 with a unit, as in 8GiB or"),
        (["pick", ".", "--max-train-time", ""], "--max-train-time : should be a number above 0 with a unit, as in 90s"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(
    pefbench: Callable[..., Run], arguments: list[str], expected: str
) -> None:
    refused(run := pefbench(*arguments), expected)
    assert "worker" not in run[2]


@pytest.mark.parametrize(
    ("command", "said"),
    [("table", "interrupted\n"), ("run", "interrupted; the same command goes on where it was\n")],
)
def test_an_interrupted_command_says_whether_it_goes_on(
    pefbench: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pefbench.results.address.place_at", interrupt)
    monkeypatch.setattr("pefbench.recipe.load_recipe", interrupt)
    assert pefbench(command, "ner") == (130, "", said)


@pytest.mark.parametrize(
    ("to", "status", "said"),
    [
        ("> /dev/full", 2, "error: cannot write to standard output: the disk is full; make room, or choose an"),
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        ("| head -1", 0, ""),
    ],
)
def test_an_output_that_takes_nothing(to: str, status: int, said: str) -> None:
    done = subprocess.run(
        f"{sys.executable} -m pefbench list fields {to}",
        shell=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == bool(said)


def test_an_output_without_these_characters_has_them_escaped() -> None:
    trial = ROOT / "results" / "baseline" / "lora_ner"
    command, environment = (
        [sys.executable, "-m", "pefbench", "table", str(trial)],
        {**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ner \\xb7 " in done.stdout


def test_a_page_is_written_to_no_folder(pefbench: Callable[..., Run], tmp_path: Path) -> None:
    trial = PROJECT / "results" / "baseline" / "lora_ner"
    refused(pefbench("report", trial, "--out", tmp_path), "it is a folder; name a file in it")


def test_check_against_itself_is_refused(out: Path, pefbench: Callable[..., Run]) -> None:
    out.mkdir()
    refused(pefbench("check", out, "--baseline", out), "itself")


def test_two_reports_of_a_check_in_one_file_are_refused(tmp_path: Path, pefbench: Callable[..., Run]) -> None:
    both = ("--junit", tmp_path / "x", "--markdown", tmp_path / "y" / ".." / "x")
    refused(pefbench("check", tmp_path, *both), "--junit and --markdown: both name .*x; name two files")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "--trial: cannot read .*request: No such file or directory"),
        ("{", "--trial: cannot read .*request: it is not JSON"),
        ("[]", "--trial: .*request is not a request for a trial: should be an object"),
        ("{}", "--trial: .*request is not a request for a trial: recipe is missing"),
    ],
)
def test_a_worker_without_a_trial_says_so(
    tmp_path: Path, pefbench: Callable[..., Run], content: str | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / "request").write_text(content, encoding="utf8")
    refused(pefbench("worker", "--trial", tmp_path / "request"), expected)


def test_a_worker_on_cores_that_are_no_numbers_says_so(pefbench: Callable[..., Run]) -> None:
    refused(pefbench("worker", "--cores", "first"), "pefbench worker: --cores: invalid cores value: 'first'")


@pytest.mark.parametrize(("what", "expected"), [("tasks", "ner"), ("methods", "prefix"), ("metrics", "entity_f1")])
def test_lists(pefbench: Callable[..., Run], what: str, expected: str) -> None:
    status, printed, _ = pefbench("list", what)
    assert status == 0
    assert re.search(rf"^{expected} +\S.{{20}}", printed, re.MULTILINE)


def test_list_recipes_from_anywhere(pefbench: Callable[..., Run], monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    listed = pefbench("list", "recipes")[1]
    assert "lora_ner.yaml" in listed
    assert "AG News with BERT base: needs the Hugging Face hub.\n" in listed  # without the command that follows it


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list", "methods"],
        ["list", "methods", "--matrix"],
        ["table", "results/baseline"],
        ["run", "--help"],
    ],
    ids=" ".join,
)
def test_quick_commands_start_at_once_without_torch(arguments: list[str]) -> None:
    program = (
        "import sys; from pefbench.cli.main import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'transformers', 'peft', 'numpy', 'datasets', 'evaluate'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    times = []  # of the processor: seconds on the clock also measure what else runs
    for _ in range(3):
        before = _processor_seconds()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
        times.append(_processor_seconds() - before)
        assert done.returncode == 0, done.stderr
        if times[-1] < 0.5:
            return
    pytest.fail(f"it took {min(times):.2f} processor seconds")


def _processor_seconds() -> float:
    """What the processes that this one started, and that have ended, took so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
