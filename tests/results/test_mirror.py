"""Results in a real S3 server: complete or absent, shared by machines, readable by every command."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.cli.main import main
from pefbench.errors import OutputError, UserError
from pefbench.recipe import load_recipe
from pefbench.results import predictions
from pefbench.results.address import place_at
from pefbench.results.mirror import Mirror
from pefbench.results.store import Stored, load_results, read_result
from pefbench.trial import run
from tests.sample_results import failed_sample, sample
from tests.stores import machine

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.results.schema import Result
    from tests.worlds import World


def rows(text: str) -> str:
    return json.dumps({"id": 0, "prediction": text, "reference": "x", "correct": False}) + "\n"


def write(place: Mirror, value: Result, answer: str, **how: Any) -> Path:
    """Write a result with its predictions and a model, as a trial does."""
    path: Path = place.folder / value["recipe"]["name"] / f"{value['id']}.json"
    folder = path.with_suffix("")
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "adapter.bin").write_bytes(b"weights")
    (folder / "predictions.jsonl").write_text(rows(answer), encoding="utf8")
    value["artifacts"] = {"folder": f"{value['id']}/model", "predictions": f"{value['id']}/predictions.jsonl"}
    place.write(path, value, **how)
    return path


def seen(place: Mirror) -> dict[str, tuple[float, str]]:
    """The results of a place as another machine reads them: id -> value and its prediction."""
    place.pull()
    found = {}
    for stored in load_results(place.folder).results:
        file = predictions.file_of(stored)
        assert file is not None
        answer = predictions.read(file)[0]["prediction"]
        found[stored.result["id"]] = stored.result["metrics"]["test"]["entity_f1"]["value"], answer
    return found


def test_a_result_is_there_for_another_machine_with_its_predictions_and_no_weights(bucket: str, tmp_path: Path) -> None:
    one, other = (machine(f"{bucket}/results", tmp_path / name) for name in ("one", "other"))
    path = write(one, sample(), "a")
    assert seen(other) == {path.stem: (0.512, "a")}
    files = {file.name for file in other.folder.rglob("*") if file.is_file()}
    assert files == {".store.json", path.name, "predictions.jsonl"}
    stored = one.files.find(one.root)
    assert sum(name.endswith("adapter.bin") for name in stored) == 1
    assert not [name for name in stored if "pending" in name or ".tmp" in name]


def test_a_store_may_be_a_file_system_whose_folders_must_be_made(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "one"))
    address = f"local://{tmp_path}/share/results"
    path = run.run(load_recipe(world.recipe("shared")), address)
    assert (tmp_path / "share" / "results" / "shared" / path.name).read_bytes() == path.read_bytes()
    assert not [*(tmp_path / "share").rglob(".tmp*")]
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "two"))
    assert run.run(load_recipe(world.recipe("shared")), address) != path, "in another mirror"
    assert "already finished" in capsys.readouterr().err
    assert [*seen(machine(address, tmp_path / "three"))] == [path.stem]


def test_of_two_writers_at_once_one_stays_whole(bucket: str, tmp_path: Path) -> None:
    places = [machine(f"{bucket}/results", tmp_path / str(number)) for number in range(4)]
    values = [sample(value=number / 10, changes={"id": "0123456789ab"}) for number in range(4)]
    threads = [
        threading.Thread(target=write, args=(place, value, str(number)))
        for number, (place, value) in enumerate(zip(places, values, strict=True))
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    [(value, answer)] = seen(machine(f"{bucket}/results", tmp_path / "reader")).values()
    assert value == int(answer) / 10
    own = [read_result(place.folder / "lora_ner" / "0123456789ab.json") for place in places]
    kept = {result["metrics"]["test"]["entity_f1"]["value"] for result in own}
    assert kept == {value}
    saved = {name.split("/")[4] for name in places[0].files.find(places[0].root) if "/0123456789ab/" in name}
    assert len(saved) == 1, "what the others saved is removed"


def test_a_finished_result_stays_unless_it_is_asked_for_again(bucket: str, tmp_path: Path) -> None:
    one, other = (machine(f"{bucket}/results", tmp_path / name) for name in ("one", "other"))
    failed = failed_sample("lora_ner", "lora")
    path = one.folder / "lora_ner" / f"{failed['id']}.json"
    one.write(path, failed)
    value = sample(value=0.4, changes={"id": failed["id"]})
    write(one, value, "a")
    assert seen(other) == {failed["id"]: (0.4, "a")}
    other.write(other.folder / "lora_ner" / path.name, failed)
    assert seen(one) == {failed["id"]: (0.4, "a")}
    write(machine(f"{bucket}/results", tmp_path / "third"), sample(value=0.6, changes={"id": failed["id"]}), "b")
    assert seen(other) == {failed["id"]: (0.4, "a")}
    rerun = machine(f"{bucket}/results", tmp_path / "fourth")
    write(rerun, sample(value=0.7, changes={"id": failed["id"]}), "c", again=True)
    assert seen(other) == {failed["id"]: (0.7, "c")}
    assert len({name.split("/")[4] for name in rerun.files.find(rerun.root) if f"/{failed['id']}/" in name}) == 1


@pytest.mark.parametrize("at", ["adapter.bin", "predictions.jsonl", ".json"])
def test_what_a_killed_writer_left_is_no_result_and_is_written_by_the_next_start(
    at: str, bucket: str, tmp_path: Path
) -> None:
    one, other = (machine(f"{bucket}/results", tmp_path / name) for name in ("one", "other"))
    put, stop = one._put, True

    def killed(content: bytes | Path, target: str, **how: Any) -> bool:
        if stop and target.endswith(at):
            raise KeyboardInterrupt
        return put(content, target, **how)

    one._put = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        write(one, sample(), "a")
    assert bool(one.files.find(one.root)) == (at != "adapter.bin"), "it is the first file"
    other.pull()
    with pytest.raises(UserError, match="no result in"):
        load_results(other.folder)
    stop = False
    [path] = one.folder.glob("*/*.json")
    one.fetch(path)
    assert seen(other) == {path.stem: (0.512, "a")}


def test_what_is_removed_from_the_store_is_removed_from_its_mirrors(bucket: str, tmp_path: Path) -> None:
    place = machine(f"{bucket}/results", tmp_path / "one")
    path, kept = write(place, sample(), "a"), write(place, sample(seed=1), "b")
    seen(place)
    place.files.rm(f"{place.root}/lora_ner/{path.name}")
    assert [*seen(place)] == [kept.stem]
    other = machine(f"{bucket}/results", tmp_path / "two")
    seen(other)
    place.files.rm(f"{place.root}/lora_ner/{kept.name}")
    other.fetch(other.folder / "lora_ner" / kept.name)
    assert not (other.folder / "lora_ner" / kept.name).exists()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("memory://", "memory://: names no folder in a store; it should be like s3://bucket/results"),
        ("nowhere://x/results", "nowhere://x/results: not an address of a store, .*Protocol not known"),
        (
            "s3://no-such-bucket/results",
            "s3://no-such-bucket/results/refused: cannot be written to: .* not exist",
        ),
    ],
)
def test_a_store_that_cannot_be_written_to_is_refused_before_training(
    address: str, message: str, bucket: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del bucket
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("pefbench.trial.trial.Trial.run", lambda *_, **__: pytest.fail("it trained"))
    with pytest.raises((OutputError, UserError), match=f"^{message}"):
        run.run(load_recipe(world.recipe("refused")), address)


@pytest.mark.parametrize("command", ["run", "compare", "search"])
def test_a_store_that_may_only_be_read_is_refused_before_training(
    command: str,
    read_only: str,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("pefbench.trial.trial.Trial.run", lambda *_, **__: pytest.fail("it trained"))
    monkeypatch.setattr("pefbench.engines.local.Pool.__init__", lambda *_: pytest.fail("it started workers"))
    file = world.recipe("refused")
    if command == "compare":
        file = file.with_name("both.yaml")
        file.write_text("recipe: refused.yaml\nmethods: [lora, bitfit]\nseeds: 2\n", encoding="utf8")
    with pytest.raises(SystemExit) as ended:
        main([command, str(file), "--out", f"{read_only}/results"])
    assert ended.value.code == 2
    below = {"run": "refused", "compare": "both", "search": "refused/search"}[command]
    refused = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert refused == [f"error: {read_only}/results/{below}: cannot be written to: Access Denied"]


def test_a_trial_in_a_store_is_read_by_every_command(
    bucket: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "one"))
    recipe, address = world.recipe("stored"), f"{bucket}/results"
    path = run.run(load_recipe(recipe), address)
    place = place_at(address)
    assert isinstance(place, Mirror)
    names = [name.removeprefix(f"{place.root}/stored/") for name in place.files.find(place.root)]
    assert f"{path.stem}.json" in names
    assert not [name for name in names if "lease" in name or "checkpoint" in name]
    capsys.readouterr()
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "two"))
    with pytest.raises(SystemExit) as ended:
        main(["run", str(recipe), "--out", address])
    assert ended.value.code == 0
    printed, said = capsys.readouterr()
    assert "already finished" in said
    assert str(path) not in said, "in another mirror"
    assert f"  pefbench table {address}  " in printed
    assert f"only in the store, below {address}/stored/{path.stem}\n" in printed
    again = place_at(address).folder / "stored" / path.name
    assert predictions.file_of(Stored(again, read_result(again)))
    local, copy = str(path.parents[1]), str(shutil.copytree(path.parents[1], tmp_path / "copy"))
    for arguments in (["table"], ["pick"], ["check", "--baseline", copy], ["report", "--out", str(tmp_path / "page")]):
        told = []
        for results in (address, local):
            with pytest.raises(SystemExit) as ended:
                main([arguments[0], results, *arguments[1:]])
            told.append((ended.value.code, *capsys.readouterr()))
        assert told[0] == told[1], arguments
    assert "stored" in (tmp_path / "page").read_text(encoding="utf8")


def test_an_empty_store_is_one_to_begin_in_and_nothing_to_read(bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not place_at(f"{bucket}/nothing").pull()
    with pytest.raises(SystemExit) as ended:
        main(["table", f"{bucket}/nothing"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: no result in {bucket}/nothing\n"


@pytest.mark.parametrize("protocol", ["http", "ftp"])
def test_a_server_that_cannot_be_reached_is_no_empty_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"{protocol}://127.0.0.1:{free.getsockname()[1]}/results"
    with pytest.raises(SystemExit) as ended:
        main(["table", address])
    assert ended.value.code == 2
    assert re.fullmatch(rf"error: {address}: cannot be re(ad|ached): .*[Cc]onnect.*\n", capsys.readouterr().err)


def test_a_folder_has_one_mirror_however_it_was_come_to(bucket: str) -> None:
    assert place_at(f"{bucket}/results").below("a").folder == place_at(f"{bucket}/results/a").folder
    assert str(place_at(f"{bucket}/results/").below("a")) == f"{bucket}/results/a"
