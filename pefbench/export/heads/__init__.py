"""What a bundle must know of a head, one file for each: a file has ``settings(head, tokenizer)``, JSON-able."""
