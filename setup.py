"""The recipes, which lie beside the package in a checkout, lie inside it in a wheel, where they are found by name."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithRecipes(build_py):  # type: ignore[misc]
    """Builds the package with `recipes/` as `pefbench/recipes/`."""

    def run(self) -> None:
        """Copy the code, then the recipes; an editable install finds them where they are."""
        super().run()
        if not self.editable_mode:
            shutil.copytree("recipes", Path(self.build_lib) / "pefbench" / "recipes", dirs_exist_ok=True)


setup(cmdclass={"build_py": WithRecipes})
