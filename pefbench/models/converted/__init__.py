"""Models made of other files, once: a GGUF file, or an encoder that becomes an encoder-decoder."""
