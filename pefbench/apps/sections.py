"""The configuration that all applications share; each adds its own fields."""

from __future__ import annotations

from typing import Self, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from pefbench.configuration import Section


class TrainingSection(Section):
    """A model that an application trains, or one that is already trained."""

    trial: str | None = Field(None, description="a saved trial to use: its folder or its result; null: train one")
    recipe: str | None = Field(
        None,
        description="recipe to train: a file, or a name from `pefbench list recipes`; needed unless there is a trial",
    )
    method: str | None = Field("lora", description="fine-tuning method; null: the recipe's")
    overrides: list[str] = Field([], description="fields of the recipe, such as train.epochs=3")

    @model_validator(mode="after")
    def _names_a_model(self) -> Self:
        if self.trial is None and self.recipe is None:
            raise PydanticCustomError("model", "should name a recipe to train, or a trial that is trained already")
        return self


class ServerSection(Section):
    """Where an application listens, and limits of requests; as for `pefbench serve`."""

    host: str = Field("127.0.0.1", description="address to listen on; by default, only this machine")
    allow_hosts: list[str] = Field(
        [],
        description="names by which clients without an API key may address it; on loopback, only localhost otherwise",
    )
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0: a free one")
    keys: str | None = Field(None, description="a file with API keys, one per line; null: those in PEFBENCH_API_KEYS")
    queue: int = Field(256, ge=1, description="maximum requests waiting for an answer")
    max_body: int = Field(2**20, ge=1, description="maximum bytes of a request")
    max_inputs: int = Field(64, ge=1, description="maximum inputs per request")
    max_characters: int = Field(10_000, ge=1, description="maximum characters of an input")


class AppSection(Section):
    """An application's configuration."""

    folder: str = Field(description="folder for its models and its state")
    server: ServerSection = Field(default_factory=lambda: ServerSection.model_validate({}), description="HTTP server")
    log_texts: bool = Field(default=False, description="whether logs contain the users' texts")


Config = TypeVar("Config", bound=AppSection)
