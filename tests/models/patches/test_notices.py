"""Baseless messages of libraries are suppressed, and only those, and only inside the block."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import pytest

from pefbench.models.patches import notices

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

SILENT: list[tuple[Callable[[], AbstractContextManager[None]], str]] = [
    (notices.norms_without_sizes, "Unsupported layer type '<class 'a.LayerNorm'>' encountered, proceed"),
    (notices.ranks_of_adalora, "The following rank_pattern keys did not match any"),
    (notices.empty_ranks, "Adapter 'default': 2 LoRA tensor(s) have invalid shape"),
    (notices.positions_in_generate, "Position ids are not supported for parameter efficient tuning"),
]


@pytest.mark.parametrize(("silent", "said"), SILENT)
def test_one_warning_is_silent_inside_alone(silent: Callable[[], AbstractContextManager[None]], said: str) -> None:
    with silent():
        warnings.warn(said, stacklevel=1)
        with pytest.warns(UserWarning, match="something else"):
            warnings.warn("something else", stacklevel=1)
    with pytest.warns(UserWarning, match=said[:8]):
        warnings.warn(said, stacklevel=1)


def test_a_weight_that_is_missing_is_an_error_inside_alone() -> None:
    said = "Found missing adapter keys while loading the checkpoint: ['a']."
    with notices.missing_weights_are_errors(), pytest.raises(UserWarning, match="missing adapter"):
        warnings.warn(said, stacklevel=1)
    with pytest.warns(UserWarning, match="Found missing"):
        warnings.warn(said, stacklevel=1)


def test_muting_again_and_unmuting() -> None:
    [logger, *_] = [logging.getLogger(name) for name in notices.BITSANDBYTES]
    notices.mute_bitsandbytes()
    muted = [*logger.filters]
    notices.mute_bitsandbytes()
    assert logger.filters == muted
    notices.unmute_bitsandbytes()
    assert len(logger.filters) == len(muted) - 1
    notices.mute_bitsandbytes()
    assert len(logger.filters) == len(muted)


def test_what_is_of_no_use_is_not_said_and_the_rest_is(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, noise in notices.BITSANDBYTES.items():
        logger = logging.getLogger(name)
        # Whatever a library, or a test before this one, did to the loggers above it.
        monkeypatch.setattr(logger, "handlers", [caplog.handler])
        monkeypatch.setattr(logger, "propagate", False)
        monkeypatch.setattr(logger, "disabled", False)
        with caplog.at_level(logging.WARNING, name):
            logger.warning(noise + " and so on: %s", "cause")  # noqa: G003 - as it comes
            logger.warning("something else")
    assert [record.getMessage() for record in caplog.records] == ["something else"] * len(notices.BITSANDBYTES)
