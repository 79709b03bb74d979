"""Pretrained models: how they are loaded, what their modules are, and how they are quantised."""

from pefbench.importing import compiler, imports

compiler.later()
with imports.later():
    import accelerate  # noqa: F401
    import peft  # noqa: F401 - and with it transformers' models: whoever imports them after this finds them there
