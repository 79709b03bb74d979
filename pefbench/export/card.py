"""The card of an export: its contents, how to open it, the trial's scores and the result of the replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.registry import summary
from pefbench.trial.card import CARD, front_matter, scores

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.export.format import Format, Options
    from pefbench.export.original import Original
    from pefbench.export.replay import Replay

__all__ = ["CARD", "write"]


def write(
    to: Path, name: str, fmt: Format, original: Original, options: Options, outcome: Replay, notes: list[str]
) -> None:
    """Write the card into an export's folder."""
    recipe, result = original.prepared.recipe, original.result
    chosen = "".join(f", {key} {value}" for key, value in options.chosen().items())
    base = original.saved.get("base", {"source": recipe.model.name, "fingerprint": ""})
    parts = [
        f"# {recipe.name}: {name}{chosen}",
        f"{summary('task', recipe.task)} Trained by `{recipe.method.name}`, exported by pefbench.",
        f"- trial `{result['id']}`, task `{recipe.task}`, head `{original.kind_name}`\n"
        f"- base `{base['source']}`, weight fingerprint `{base['fingerprint'][:12]}`\n"
        f"- data `{recipe.data.source}`, fingerprint `{original.saved['fingerprint'][:12]}`"
        + "".join(f"\n- {note}" for note in notes),
        "## Open it",
        fmt.usage(original, options),
        "## Scores of the trial",
        scores(result),
        "## Replay",
        replay_lines(fmt, original, options, outcome),
    ]
    fields = front_matter(original.prepared, to) if fmt.hub else ""
    (to / CARD).write_text(fields + "\n\n".join(parts) + "\n", encoding="utf8")


def replay_lines(fmt: Format, original: Original, options: Options, outcome: Replay) -> str:
    """The result of the replay, in sentences."""
    cut = "" if outcome.examples == outcome.of else f" (cut: the first of {outcome.of:,})"
    lines = [f"Replayed on {outcome.examples:,} test examples{cut}, against the trial's own model in fp32."]
    if options.rounds:
        lines.append(
            f"The export rounds: {outcome.alike:,} answers agree except for scores, which differ by at most "
            f"{outcome.largest:.2g}."
        )
    else:
        lines.append(f"All answers agree; scores differ by at most {outcome.largest:.2g} ({fmt.tolerance:g} allowed).")
    if outcome.loss is not None:
        loss = outcome.loss
        lines.append(f"{loss.metric} {loss.after:.4f}, {loss.after - loss.before:+.4f} to {loss.before:.4f} in fp32.")
    if outcome.recorded < outcome.examples:
        lines.append(
            f"The trial computed in {original.precision}: in fp32 its model reproduces {outcome.recorded:,} of its "
            f"{outcome.examples:,} recorded answers."
        )
    return " ".join(lines)
