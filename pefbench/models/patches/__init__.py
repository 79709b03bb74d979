"""All changes to torch, transformers, PEFT and bitsandbytes: what, why, since which version, how they are undone.

Each file changes one part of a library. A temporary change is a context manager. A change that stays, such as a
replaced method of a model, is a pair of functions, of which the second undoes the first.

::

    methods      a method of one object, replaced on that object alone
    functional   torch.nn.functional's linear and dropout, while a CPU trains
    generation   weights, caches and attention, while a model generates
    attention    a function that transformers' attentions may name, and the config of one attention
    dtypes       the dtype that each weight is loaded in, while a model is loaded
    templates    transformers' rendering of chat templates, in a process that can be stopped
    questions    the token types that PEFT's model for questions leaves out
    peft_types   types of tuners that PEFT does not have
    task_types   task types that PEFT does not have
    boft         the operation that PEFT compiles for CUDA alone
    notices      warnings that are wrong here, made silent, and one that must be an error

What libraries import late is changed in `pefbench.importing`.
"""
