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
    rows = []
    for field in dataclasses.fields(cls):
        text = str(field.type)
        if "Suppress" in text:
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
    table = "\n".join(["| option | default | |", "|---|---|---|", *rows])
    return f"\n## maquette {name}\n\n{about}\n\n{table}\n"


def page() -> str:
    """The whole page."""
    return HEAD + "".join(command_section(name) for name in COMMANDS)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
