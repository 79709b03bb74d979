"""The assistant's configuration."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from pefbench.apps.sections import AppSection, TrainingSection


class AssistantSection(AppSection):
    """The customer-service assistant."""

    folder: str = Field(
        "assistant", description="folder for its models, its rule, its embeddings and its conversations"
    )
    knowledge: str | None = Field(
        None,
        description="a folder of .csv, .tsv, .jsonl and .md files with questions "
        "and answers; null: the default knowledge",
    )
    out_of_scope: str | None = Field(
        None,
        description="a table with a column text: questions that are out of scope; null: general-knowledge questions",
    )
    wrong: float = Field(0.05, gt=0, lt=1, description="maximum share of wrong answers among those that it gives")
    out_of_scope_share: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="maximum share of users' questions that are out of scope; null: the same as among the held-out "
        "ones",
    )
    risk: float = Field(
        0.1, gt=0, lt=1, description="the probability with which the share of wrong answers may be exceeded"
    )
    intents: TrainingSection = Field(
        TrainingSection(
            recipe="intent",
            trial=None,
            method="lora",
            overrides=["train.epochs=4", "train.max_examples=4000", "train.learning_rate=2e-3", "data.leaks=drop"],
        ),
        description="the intent model, with out of scope as an intent; its data come from the knowledge",
    )
    replies: TrainingSection | None = Field(
        TrainingSection(
            recipe="reply_selection",
            trial=None,
            method="lora",
            overrides=["train.epochs=1", "train.max_examples=400", "train.evaluate=none"],
        ),
        description="the model that ranks replies; null: none",
    )
    generator: str | None = Field(
        None,
        description="a saved trial that generates text: it rephrases what was retrieved, if a request asks for that",
    )

    @property
    def limits(self) -> dict[str, float | None]:
        """The limits by which the rule is chosen: `wrong`, `risk`, `out_of_scope_share`."""
        return {"wrong": self.wrong, "risk": self.risk, "out_of_scope_share": self.out_of_scope_share}

    @property
    def knowledge_folder(self) -> Path:
        """The folder with the knowledge."""
        return Path(self.knowledge) if self.knowledge else Path(self.folder) / "knowledge"

    @property
    def out_of_scope_file(self) -> Path:
        """The file with texts that are out of scope."""
        return Path(self.out_of_scope) if self.out_of_scope else Path(self.folder) / "out_of_scope.csv"

    @property
    def data_folder(self) -> Path:
        """The folder with the intent model's data."""
        return Path(self.folder) / "data"

    @property
    def embeddings_file(self) -> Path:
        """The file with the embeddings of the knowledge's questions."""
        return Path(self.folder) / "embeddings.npz"

    @property
    def rule_file(self) -> Path:
        """The file with the rule."""
        return Path(self.folder) / "rule.json"
