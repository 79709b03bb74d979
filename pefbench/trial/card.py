"""The model card of a saved model, written from its result: task, scores, data, how to load it."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from pefbench.heads.settled import kind_of
from pefbench.models.from_pretrained import ADAPTER, read_json
from pefbench.registry import find, summary
from pefbench.results.store import readable
from pefbench.trial.adapters import TRAINED
from pefbench.trial.saved import base_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pefbench.results.schema import MetricValue, Reached
    from pefbench.trial.prepare import Prepared

CARD = "README.md"
PIPELINES = {
    "AutoModelForSequenceClassification": "text-classification",
    "AutoModelForTokenClassification": "token-classification",
    "AutoModelForQuestionAnswering": "question-answering",
    "AutoModelForCausalLM": "text-generation",
    "AutoModelForSeq2SeqLM": "text2text-generation",
}
"""Auto class of transformers -> the hub's name of the pipeline."""
PIPED = {"sequence": "AutoModelForSequenceClassification", "token": "AutoModelForTokenClassification"}
"""The heads whose answers, with labels and probabilities, a transformers pipeline reproduces, and the auto class for
each. Pipelines do not average over tokens, as `model.pooling` does.
"""
MOST_LABELS = 30


def card(prepared: Prepared, reached: Reached, folder: Path) -> str:
    """The card as Markdown, with the hub's front matter. folder: where the weights were saved."""
    recipe = prepared.recipe
    parts = [
        f"# {recipe.name}",
        f"{summary('task', recipe.task)} Trained by `{recipe.method.name}` on `{recipe.model.name}` with pefbench.",
        *_labels(prepared.head.labels),
        "## How good it is",
        scores(reached),
        "## What it was trained on",
        _data(reached, recipe.data.source),
        "## What it costs",
        _costs(reached),
        "## Load it",
        *_answering(prepared),
        _loading(prepared, folder),
        "## Limits",
        _limits(prepared, reached),
    ]
    return front_matter(prepared, folder) + "\n\n".join(parts) + "\n"


def front_matter(prepared: Prepared, folder: Path) -> str:
    """The fields that the hub reads. Every string is quoted as JSON, which is valid YAML."""
    recipe, fields = prepared.recipe, dict[str, object]()
    kind, _, base = recipe.model.name.partition(":")
    if kind == "hf":
        fields["base_model"] = base
    fields["library_name"] = "peft" if (folder / ADAPTER).is_file() else "transformers"
    if pipeline := PIPELINES.get(prepared.head.auto_class):
        fields["pipeline_tag"] = pipeline
    fields["tags"] = ["pefbench", recipe.task, recipe.method.name]
    return "---\n" + "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items()) + "---\n\n"


def _labels(labels: Sequence[str]) -> list[str]:
    if not labels:
        return []
    more = f" and {len(labels) - MOST_LABELS} more" if len(labels) > MOST_LABELS else ""
    return [f"Labels: {', '.join(f'`{label}`' for label in labels[:MOST_LABELS])}{more}."]


def scores(reached: Reached) -> str:
    """A table of the test metrics and those of the trivial baselines, with 95 % intervals."""
    rows = [_row("this model", name, value) for name, value in reached["metrics"].get("test", {}).items()]
    for baseline, splits in reached.get("baselines", {}).items():
        rows += [_row(f"baseline {baseline}", name, value) for name, value in splits.items()]
    head = ["| | Metric | Value | 95 % interval | Examples |", "|---|---|---|---|---|"]
    return "On the test split, which neither training nor tuning has seen:\n\n" + "\n".join([*head, *rows])


def _row(who: str, name: str, value: MetricValue) -> str:
    low, high = value["low"], value["high"]
    interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
    return f"| {who} | {name} | {value['value']:.3f} | {interval} | {value['examples']} |"


def _data(reached: Reached, source: str) -> str:
    data = reached["data"]
    sizes = ", ".join(f"{split['examples']:,} {name}" for name, split in data["splits"].items())
    revision = f" at revision `{data['revision']}`" if data["revision"] else ""
    return f"`{source}`{revision}, fingerprint `{data['fingerprint'][:12]}`: {sizes} examples."


def _costs(reached: Reached) -> str:
    model, train = reached["model"], reached["phases"]["train"]
    saved = model["adapter_bytes"]
    size = "" if saved is None else f", {saved:,} bytes on disk"
    return (
        f"{model['trainable_parameters']:,} of {model['parameters']:,} weights trained "
        f"({model['trainable_percent']:.3g} %){size}; {train['seconds']:.0f} seconds of training, "
        f"{readable(train['peak_memory_bytes'], 'B')} of memory at the peak."
    )


def _answering(prepared: Prepared) -> list[str]:
    """Python code that calls the model."""
    inputs = find("task", prepared.recipe.task).inputs
    paired = getattr(prepared.examples["test"][0], "pair", None) is not None
    sample = {"text": "A text.", "pair": "Another."} if paired else inputs.sample if inputs else prepared.head.sample
    note = "`base=` names the pretrained model where it has moved"
    call = f"model.predict([{sample!r}])"
    code = f'import pefbench\n\nmodel = pefbench.load(".")  # where this card lies\nprint({call})'
    return [f"With pefbench ({note}):", f"```python\n{code}\n```", "Without:"]


def asked_inside(prepared: Prepared) -> bool:
    """Whether to call the model inside PEFT's wrapper, which drops what distinguishes a question from its context."""
    return prepared.head.task_type == "QUESTION_ANS" and not prepared.recipe.method.virtual_tokens()


def _loading(prepared: Prepared, folder: Path) -> str:
    """Python code that loads the model without pefbench, except for adapters that PEFT alone cannot load."""
    auto = prepared.head.auto_class
    imports, loading = [f"from transformers import {auto}, AutoTokenizer"], _pretrained(prepared)
    if (folder / ADAPTER).is_file():
        imports = ["from peft import PeftModel", *imports]
        config = read_json(folder / ADAPTER)
        if why := why_not_alone(config):
            imports += ["", f"import pefbench  # {why}"]
        inside = ".get_base_model()" if asked_inside(prepared) else ""
        if task_type := opened_by_card(prepared, config):
            imports, prompt = _with_prompt(imports, task_type)
            loading += prompt
        else:
            loading += [f"model = PeftModel.from_pretrained(model, folder){inside}.eval()"]
    elif (folder / TRAINED).is_file():
        imports = ["from safetensors.torch import load_file", *imports]
        loading += [f'model.load_state_dict(load_file(f"{{folder}}/{TRAINED}"), strict=False)', "model.eval()"]
    else:
        loading = [f"model = {auto}.from_pretrained(folder).eval()"]
    loading.append("tokenizer = AutoTokenizer.from_pretrained(folder)")
    if PIPED.get(kind_of(prepared.corpus.dataset)) == auto:
        imports = [f"{line}, pipeline" if line.startswith("from transformers") else line for line in imports]
        loading.append(f'pipe = pipeline("{PIPELINES[auto]}", model=model, tokenizer=tokenizer)')
    lines = [*imports, "", 'folder = "."  # where this card lies', *loading]
    return "```python\n" + "\n".join(lines) + "\n```"


def _pretrained(prepared: Prepared) -> list[str]:
    """Lines of Python that load the pretrained model with a new head."""
    auto, base, config = prepared.head.auto_class, prepared.recipe.model, prepared.head.config()
    labels = [*config.get("id2label", {}).values()]
    options = ["base", *([f"revision={json.dumps(base.revision)}"] if base.revision else [])]
    if labels:
        options += ["id2label=dict(enumerate(labels))", "label2id={label: i for i, label in enumerate(labels)}"]
    options += [f"{name}={value!r}" for name, value in config.items() if not (labels and "label" in name)]
    note = "" if base.name.startswith("hf:") else "  # a folder with this model"
    return [
        f"base = {json.dumps(base_name(base.name))}{note}",
        *([f"labels = {json.dumps(labels, ensure_ascii=False)}"] if labels else []),
        f"model = {auto}.from_pretrained({', '.join(options)})",
    ]


def _with_prompt(imports: list[str], task_type: str) -> tuple[list[str], list[str]]:
    """The imports and functions, and the lines that open a prompt with PEFT alone: see `prompt_by_card`."""
    from pefbench.methods.tuners.prompt_by_card import read_text_only

    own = ["import json", "from pathlib import Path", "from typing import Any", "", "import torch"]
    peft, *others = imports
    above = [*own, peft.replace("PeftModel", "PeftConfig, PeftModel"), *others, "", ""]
    return [*above, *inspect.getsource(read_text_only).splitlines(), ""], [
        f'settings = json.loads(Path(folder, "{ADAPTER}").read_text()) | {{"task_type": "{task_type}"}}',
        "config = PeftConfig.from_peft_type(**settings)",
        "model = PeftModel.from_pretrained(model, folder, config=config).eval()",
        "read_text_only(model)",
    ]


def opened_by_card(prepared: Prepared, config: Mapping[str, Any]) -> str:
    """The task type with which the card's code opens an adapter with this config; "" if PEFT opens it as it is."""
    from pefbench.methods.tuners.placed import BY_CARD
    from pefbench.methods.tuners.prompt_by_card import TASK_TYPES

    return TASK_TYPES[prepared.head.task_type] if config.get("task_type") == BY_CARD else ""


def why_not_alone(config: Mapping[str, Any]) -> str:
    """Why an adapter with this config needs `import pefbench` before it loads; "" if PEFT alone is enough."""
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    from pefbench.methods.tuners.placed import TASK_TYPE

    configs = {str(name.value): config for name, config in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    known = configs.get(str(config.get("peft_type")))
    if known is not None and known.__module__.startswith("pefbench."):
        return "PEFT alone has no such adapter"
    if config.get("task_type") == TASK_TYPE:
        return "PEFT alone computes something else, and refuses"
    if config.get("peft_type") == "BOFT" and config.get("boft_n_butterfly_factor", 1) > 1:
        return "PEFT alone opens several butterfly factors only where it can compile an extension for CUDA"
    return ""


def _limits(prepared: Prepared, reached: Reached) -> str:
    train = prepared.recipe.train
    lines = [
        f"- Texts beyond {train.max_length} tokens were cut in training.",
        "- The scores hold for texts like those of the test split. Nothing is known of others, nor of other languages.",
        "- The licences of the base model and of the data hold for this model, too.",
        *(f"- {warning}" for warning in reached.get("warnings", [])),
    ]
    return "\n".join(lines)
