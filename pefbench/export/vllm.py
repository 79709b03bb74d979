"""vLLM's requirements for LoRA adapters, and the command that serves one.

Its `PEFTHelper` refuses ranks above `--max-lora-rank`, modules_to_save, DoRA and biases, and uses one scale for all
layers; `--max-lora-rank` accepts only a few values (vllm/lora/peft_helper.py and vllm/config/lora.py in vLLM 0.12).
It loads a base by its name on the hub or from a transformers folder, and does not know `wheel:` or `file:`.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, RecipeError
from pefbench.models.from_pretrained import ADAPTER, read_json

if TYPE_CHECKING:
    from pefbench.export.original import Original

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The values that --max-lora-rank accepts, besides 1."""
DEFAULT = 16
ADAPTED = frozenset({"q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "gate_proj", "up_proj", "down_proj"}) | {
    "gate_up_proj",
    "embed_tokens",
    "lm_head",
}
"""The last parts of the names of modules that vLLM adapts in Llama-like models."""
HUB = "hf:"


def check_rank(original: Original, most: int) -> None:
    """Raise RecipeError if `most` is not a valid --max-lora-rank, DataError if the adapter's rank is larger."""
    rank = _rank(original)
    if most not in (1, *RANKS):
        raise RecipeError(f"--max-lora-rank {most}: vLLM accepts only 1, {', '.join(map(str, RANKS))}")
    if rank > most:
        raise DataError(
            f"--max-lora-rank {most}: the adapter has rank {rank}; start vLLM with --max-lora-rank {_fit(rank)}"
        )


def notes(original: Original) -> list[str]:
    """Why vLLM would not load an adapter, if it would not."""
    found = objections(original)
    return [f"vLLM would not load it: {'; '.join(found)}; use --as merged"] if found else []


def served(original: Original, most: int | None, to: Path) -> list[str]:
    """The command that serves the adapter in the folder `to`, if vLLM loads it."""
    base = _on_hub(original) or shlex.quote(str(original.prepared.base))
    return [f"to serve it with vLLM: {_command(original, most, base, to)}"] if serves(original) else []


def serves(original: Original) -> bool:
    """Whether vLLM loads a trial's adapter."""
    return original.head.generates and not objections(original)


def objections(original: Original) -> list[str]:
    """The reasons for which vLLM would refuse an adapter or read it differently."""
    config: Any = read_json(original.model_folder / ADAPTER)
    found = []
    if config.get("peft_type") != "LORA":
        return [f"it is {config.get('peft_type')}, and vLLM loads only LoRA"]
    if original.prepared.config.is_encoder_decoder:
        return ["vLLM does not serve adapters of encoder-decoders"]
    if _rank(original) > RANKS[-1]:
        found.append(f"its rank is {_rank(original)}, and at most {RANKS[-1]} can be set")
    if config.get("modules_to_save"):
        found.append(f"modules_to_save: {', '.join(config['modules_to_save'])}")
    if config.get("use_dora"):
        found.append("it is DoRA")
    if config.get("bias", "none") != "none" or config.get("lora_bias"):
        found.append("it trains biases")
    if config.get("rank_pattern") or config.get("alpha_pattern"):
        found.append("its layers have ranks or scales of their own")
    targets = config.get("target_modules") or []
    names = {str(name).rpartition(".")[2] for name in (targets if isinstance(targets, list) else [])}
    if unknown := sorted(names - ADAPTED):
        found.append(f"it adapts {', '.join(unknown)}, which vLLM's layers for it may not have")
    return found


def usage(original: Original, most: int | None) -> str:
    """The command for a card; it names no folder of this machine."""
    base = _on_hub(original)
    where = "this folder" if base else "this folder, and BASE a folder with the weights of its base"
    return f"```\n{_command(original, most, base or 'BASE', Path('DIR'))}\n```\n\nDIR is {where}."


def _command(original: Original, most: int | None, base: str, to: Path) -> str:
    """The command of vLLM's server."""
    rank = most or _fit(_rank(original))
    limit = f" --max-lora-rank {rank}" if rank != DEFAULT and (most or rank > DEFAULT) else ""
    named = shlex.quote(f"{original.prepared.recipe.name}={to}")
    return f"vllm serve {base} --enable-lora --lora-modules {named}{limit}"


def _on_hub(original: Original) -> str:
    """The base's name on the hub; "" if it is not from the hub."""
    model = original.prepared.recipe.model
    if not model.name.startswith(HUB):
        return ""
    revision = f" --revision {shlex.quote(model.revision)}" if model.revision else ""
    return shlex.quote(model.name.removeprefix(HUB)) + revision


def _rank(original: Original) -> int:
    config: Any = read_json(original.model_folder / ADAPTER)
    return int(config.get("r") or 0)


def _fit(rank: int) -> int:
    return next((each for each in RANKS if each >= rank), rank)
