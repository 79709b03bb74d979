"""A prompt as plain text."""

from tokenizers import Tokenizer

from pefbench.export.bundle.start import InputError, text_of


def prompt_ids(given: dict, settings: dict, tokenizer: Tokenizer) -> tuple[list[int], bool]:
    """The tokens of instruction and prompt, and whether the prompt was cut."""
    instruction, prompt = text_of(given, "instruction", ""), text_of(given, "prompt" if "prompt" in given else "text")
    try:
        text = "\n".join([*(turn for _, turn in given.get("history") or []), prompt])
    except (TypeError, ValueError):
        raise InputError("history should be a list of [role, text]") from None
    encoding = tokenizer.encode(instruction + text, add_special_tokens=False)
    first = sum(start < len(instruction) for start, _ in encoding.offsets)  # tokens of the instruction, never cut
    room = max(0, settings["room"] - len(settings["before"]) - len(settings["after"]))
    kept = encoding.ids[first : max(first, room)]  # only keep_start
    kept = encoding.ids[max(first, first + len(encoding.ids) - max(first, room)) :]  # only keep_end
    ids = [*settings["before"], *encoding.ids[:first], *kept, *settings["after"]]
    return ids[-settings["room"] :], len(encoding.ids) > room
