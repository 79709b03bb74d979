"""What a bundle's script needs, for each kind of head, one file each.

``settings(head, tokenizer, max_length)`` returns JSON values; "input" describes an input, in messages. ``traits(head,
tokenizer)`` names the trait lines that the script needs, see `export.script`.
"""
