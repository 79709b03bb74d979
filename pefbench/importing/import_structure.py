"""Makes transformers list its folder of models only once.

What: `create_import_structure_from_path` caches its result per folder. Why: on import, both `transformers` and
`transformers.models` use it to read the thousands of files in that folder, which takes a fifth of a second each. Since:
transformers 5.0; a version without that function is unchanged. Undone at the end of the block.
"""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

MODULE = "transformers.utils.import_utils"
NAME = "create_import_structure_from_path"


@contextmanager
def read_once() -> Iterator[None]:
    """Read each folder only once in the block; does nothing if the module or its function does not exist."""
    module = sys.modules.get(MODULE)
    stock = getattr(module, NAME, None)
    if stock is None or hasattr(stock, "of_folder"):
        yield
        return
    of_folder = functools.cache(stock)

    def remembered(module_path: str | os.PathLike[str]) -> Any:
        """The structure of a folder, or of the folder of a file."""
        path = Path(module_path)
        return of_folder(str(path.parent if path.is_file() else path))

    vars(remembered)["of_folder"] = of_folder
    vars(module)[NAME] = remembered
    try:
        yield
    finally:
        vars(module)[NAME] = stock
