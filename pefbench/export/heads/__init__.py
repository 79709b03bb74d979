"""A bundle's settings for each kind of head, one file each: its ``settings(head, tokenizer)`` returns JSON values."""
