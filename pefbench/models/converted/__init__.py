"""Models that are converted from other files once: a GGUF file, or an encoder that becomes an encoder-decoder."""
