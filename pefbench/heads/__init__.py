"""How text becomes tensors and tensors become answers: the heads that all tasks share.

A head owns tokenisation, the modules on top of the backbone, the loss and decoding. Its answers know how to compare two
answers. Neither depends on tasks, methods or training.
"""

from __future__ import annotations

from pefbench.heads.answers import Answers, Choice, LabelSet, LabelWithOutside
from pefbench.heads.dataset import Dataset
from pefbench.heads.encoded import IGNORED, ROWS, TARGETS, Encoded
from pefbench.heads.head import Head, HeadConfig, forward

__all__ = [
    "IGNORED",
    "ROWS",
    "TARGETS",
    "Answers",
    "Choice",
    "Dataset",
    "Encoded",
    "Head",
    "HeadConfig",
    "LabelSet",
    "LabelWithOutside",
    "forward",
]
