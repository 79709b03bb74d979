"""What transformers and PEFT call the fields of a recipe, for hints to those who know them by these names."""

from __future__ import annotations

OURS = {
    "model_name_or_path": "model.name",
    "load_in_4bit": "model.quantize",
    "load_in_8bit": "model.quantize",
    "dataset_name": "data.source",
    "num_train_epochs": "train.epochs",
    "num_epochs": "train.epochs",
    "per_device_train_batch_size": "train.batch_size",
    "train_batch_size": "train.batch_size",
    "gradient_accumulation_steps": "train.micro_batch_size",
    "lr": "train.learning_rate",
    "lr_scheduler_type": "train.schedule",
    "warmup_ratio": "train.warmup",
    "optim": "train.optimizer",
    "max_seq_length": "train.max_length",
    "max_train_samples": "train.max_examples",
    "save_steps": "train.checkpoint_steps",
    "eval_strategy": "train.evaluate",
    "evaluation_strategy": "train.evaluate",
    "eval_steps": "train.evaluate",
    "load_best_model_at_end": "train.keep",
    "early_stopping_patience": "train.patience",
    "bf16": "train.precision",
    "fp16": "train.precision",
    "per_device_eval_batch_size": "evaluate.batch_size",
    "eval_batch_size": "evaluate.batch_size",
    "r": "method.rank",
    "lora_r": "method.rank",
    "lora_alpha": "method.alpha",
    "lora_dropout": "method.dropout",
    "use_dora": "method.dora",
    "use_rslora": "method.rslora",
    "init_lora_weights": "method.init",
}
"""Their name -> the path of our field."""
