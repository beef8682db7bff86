"""The exceptions of Maquette.

::

    MaquetteError
    ├── InputError          a file or a value that cannot be used (also a ValueError)
    │   └── NoPersonError   readable input in which nobody was found
    ├── OutputError         a result that cannot be written
    ├── ModelError          a model file that cannot be loaded or does not fit
    └── MissingExtraError   an optional package is not installed (also an ImportError)

Every text names what was seen, what was expected and what to do.
"""

from collections.abc import Sequence


class MaquetteError(Exception):
    """Base of every error that Maquette raises on purpose."""


class InputError(MaquetteError, ValueError):
    """A file or a value given by the user cannot be used."""

    @classmethod
    def from_problems(cls, subject: str, problems: Sequence[str]) -> "InputError":
        """One error for all ``problems`` found in ``subject`` (a file, an argument), to be mended at once."""
        if len(problems) == 1:
            return cls(f"{subject}: {problems[0]}")
        lines = "".join(f"\n  - {problem}" for problem in problems)
        return cls(f"{subject}: {len(problems)} problems:{lines}")


class NoPersonError(InputError):
    """The input was read, and nobody is in it."""


class OutputError(MaquetteError):
    """A result cannot be written: unknown suffix, folder missing or not writable, data that the format cannot hold."""


class ModelError(MaquetteError):
    """A model file cannot be loaded, or does not fit the data it is given."""


class MissingExtraError(MaquetteError, ImportError):
    """An optional dependency is not installed."""


def missing_extra(extra: str, package: str, error: ImportError | None = None) -> MissingExtraError:
    """Error that names the ``package`` not found and the pip command that installs it with the ``extra``; or, where
    ``error`` says so, that it is there and cannot be imported, and why."""
    if error is not None and not isinstance(error, ModuleNotFoundError):
        return MissingExtraError(
            f"this needs the package '{package}', which is installed and cannot be imported ({error}); install a "
            "version of it that fits the other packages"
        )
    return MissingExtraError(
        f"this needs the package '{package}', which is not installed: pip install 'maquette[{extra}]'"
    )
