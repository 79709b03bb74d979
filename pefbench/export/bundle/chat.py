"""A prompt as a user's first message in the chat template."""

from tokenizers import Tokenizer

from pefbench.export.bundle.start import InputError, text_of


def prompt_ids(given: dict, settings: dict, tokenizer: Tokenizer) -> tuple[list[int], bool]:
    """The tokens of a prompt in the chat template, and whether the prompt was cut."""
    instruction, prompt = text_of(given, "instruction", ""), text_of(given, "prompt" if "prompt" in given else "text")
    if given.get("history"):
        raise InputError("a history needs the chat template's program, which a bundle lacks: give only the prompt")
    if written := [each for each in settings["special"] if each in instruction + prompt]:
        raise InputError(f"the prompt contains {written[0]}, which is a special token of the model")
    tokenizer.encode_special_tokens = False  # so that the template's are read as such
    before, after = settings["around"]
    truncated = False
    while True:
        text = instruction + prompt
        text = text.strip()  # only strips
        ids = tokenizer.encode(before + text + after, add_special_tokens=False).ids
        excess = len(ids) - settings["room"]
        truncated |= excess > 0
        if excess <= 0 or not prompt:
            return ids[-settings["room"] :], truncated
        offsets = tokenizer.encode(prompt, add_special_tokens=False).offsets
        end = offsets[-excess - 1][1] if len(offsets) > excess else 0  # only keep_start
        prompt = prompt[: min(end, len(prompt) - 1)]  # only keep_start
        start = offsets[excess][0] if len(offsets) > excess else len(prompt)  # only keep_end
        prompt = prompt[max(start, 1) :]  # only keep_end
