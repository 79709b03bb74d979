"""The assistant's configuration."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from pefbench.apps.sections import AppSection, TrainingSection


class AssistantSection(AppSection):
    """The customer-service assistant."""

    folder: str = Field("assistant", description="where its models, its rule and its conversations lie")
    knowledge: str | None = Field(
        None, description="a folder of .csv, .tsv, .jsonl and .md with questions and answers; null: the default one"
    )
    out_of_scope: str | None = Field(
        None, description="a table with a column text: what it is not for; null: questions about the world"
    )
    wrong: float = Field(0.05, gt=0, lt=1, description="the most wrong answers among those that it gives")
    out_of_scope_share: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="the most of the questions asked that are out of scope; null: as of those held out",
    )
    risk: float = Field(0.05, gt=0, lt=1, description="the probability with which that rate may be exceeded")
    intents: TrainingSection = Field(
        TrainingSection(
            recipe="intent",
            trial=None,
            method="lora",
            overrides=["train.epochs=4", "train.max_examples=4000", "train.learning_rate=2e-3", "data.leaks=drop"],
        ),
        description="the model of intents, out of scope among them; its data come from the knowledge",
    )
    replies: TrainingSection | None = Field(
        TrainingSection(
            recipe="reply_selection", trial=None, method="lora", overrides=["train.epochs=1", "train.max_examples=600"]
        ),
        description="the model that ranks replies; null: none",
    )
    generator: str | None = Field(
        None, description="a saved trial that generates: condenses what was retrieved, where a request asks for it"
    )

    @property
    def limits(self) -> dict[str, float | None]:
        """What the rule is chosen by, besides the data: `wrong`, `risk`, `out_of_scope_share`."""
        return {"wrong": self.wrong, "risk": self.risk, "out_of_scope_share": self.out_of_scope_share}

    @property
    def knowledge_folder(self) -> Path:
        """Where the knowledge lies."""
        return Path(self.knowledge) if self.knowledge else Path(self.folder) / "knowledge"

    @property
    def out_of_scope_file(self) -> Path:
        """Where the texts lie that are out of scope."""
        return Path(self.out_of_scope) if self.out_of_scope else Path(self.folder) / "out_of_scope.csv"

    @property
    def data_folder(self) -> Path:
        """Where the intent model's data lie."""
        return Path(self.folder) / "data"

    @property
    def rule_file(self) -> Path:
        """Where the rule lies."""
        return Path(self.folder) / "rule.json"
