"""Writes ``docs/reference/command-line.md`` from the commands themselves.

python docs/make_command_line.py
"""

import ast
import dataclasses
import inspect
from importlib import import_module
from pathlib import Path

from maquette.cli import COMMANDS

TARGET = Path(__file__).parent / "reference" / "command-line.md"

HEAD = """# Command line

<!-- Made by docs/make_command_line.py; a test compares. -->

`maquette COMMAND --help` says the same. Exit status: 0 done, 2 wrong use or unusable input (one sentence on standard
error, nothing written), 1 anything else.
"""


def attribute_docs(cls: type) -> dict[str, str]:
    """Field name -> the string that follows it in the source of the dataclass."""
    body = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            assert isinstance(text.value, ast.Constant)
            docs[field.target.id] = " ".join(str(text.value.value).split())
    return docs


def default_of(field: dataclasses.Field) -> str:
    """The default as one would type it."""
    if field.default is dataclasses.MISSING:
        return "required"
    if field.default is None:
        return ""
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    return f"`{field.default}`" if field.default != () else ""


def command_section(name: str) -> str:
    """The part of the page on one command."""
    cls = getattr(import_module(f"maquette.cli.{name.replace('-', '_')}"), COMMANDS[name][0])
    docs = attribute_docs(cls)
    about = inspect.cleandoc(cls.__doc__ or "")
    table = "\n".join(["| option | default | |", "|---|---|---|", *option_rows(cls, docs)])
    return f"\n## maquette {name}\n\n{about}\n\n{table}\n"


def option_rows(cls: type, docs: dict[str, str]) -> list[str]:
    """A row for each option of a command; those of a group of options in the place of the group."""
    rows = []
    for field in dataclasses.fields(cls):
        text = str(field.type)
        if "Suppress" in text:
            continue
        if dataclasses.is_dataclass(field.default):
            group = type(field.default)
            rows += option_rows(group, attribute_docs(group))
            continue
        positional = "Positional" in text
        flag = "--" + field.name.replace("_", "-")
        if positional:
            flag = field.name.upper()
        elif field.name == "output" and "-o" in text:
            flag = "-o, --output"
        elif isinstance(field.default, bool):
            flag += f", --no-{field.name.replace('_', '-')}"
        rows.append(f"| `{flag}` | {default_of(field)} | {docs.get(field.name, '')} |")
    return rows


def preset_sections() -> str:
    """Every field of the presets of ``maquette train``: what all have, what families add, what each preset sets."""
    from maquette.training import plans
    from maquette.training.presets import PRESETS, flat_fields

    parts = [
        "\n### Fields of the presets\n\nEvery field is an option of `maquette train PRESET`; a preset has those of its "
        "family and of all families that this is a kind of.\n"
    ]
    families = [k for k in vars(plans).values() if isinstance(k, type) and issubclass(k, plans.Preset)]
    for family in families:
        defaults = {f.name: f for f in dataclasses.fields(family)}
        docs = {name: text for name, text in attribute_docs(family).items() if name not in _HIDDEN}
        rows = [
            f"| `--{name.replace('_', '-')}` | {typed(defaults[name].default)} | {text} |"
            for name, text in docs.items()
            if name in family.__annotations__ and "Suppress" not in str(defaults[name].type)
        ]
        samples = defaults["samples"].default_factory() if "samples" in defaults else None  # pyright: ignore
        if "samples" in family.__annotations__:
            rows += [
                f"| `--{name.replace('_', '-')}` | {typed(getattr(samples, name))} | {text} |"
                for name, text in attribute_docs(type(samples)).items()
            ]
        base = family.__mro__[1].__name__
        kind = f"`{family.__name__}`" + ("" if base == "object" else f", a `{base}`")
        about = " ".join(inspect.cleandoc(family.__doc__ or "").split())
        parts.append(f"\n{kind}: {about}\n\n| option | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n")
        for preset in (p for p in PRESETS.values() if type(p) is family):
            set_here = {
                k: v
                for k, v in flat_fields(preset).items()
                if k not in _HIDDEN and v != (defaults[k].default if k in defaults else getattr(samples, k))
            }
            words = ", ".join(f"`{k.replace('_', '-')}` {typed(v)}" for k, v in set_here.items())
            parts.append(f"\n* **{preset.name}**: {words or 'as above'}.")
        parts.append("\n")
    return "".join(parts)


_HIDDEN = {"name", "model_name", "kind", "samples"}


def typed(value: object) -> str:
    """A value as one would type it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is dataclasses.MISSING:
        return ""
    text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else ""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(command_section(name) + (preset_sections() if name == "train" else "") for name in COMMANDS)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
