"""Names that may occur once only, as most animation and marker formats want them."""

from collections.abc import Sequence


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names; those that were there before with ``_2``, ``_3``, ... behind them, never as another one is called."""
    taken: set[str] = set(names)
    seen: set[str] = set()
    last: dict[str, int] = {}
    found = []
    for name in names:
        unique = name
        while unique in seen or (unique != name and unique in taken):
            last[name] = last.get(name, 1) + 1
            unique = f"{name}_{last[name]}"
        seen.add(unique)
        found.append(unique)
    return tuple(found)


def renamed(names: Sequence[str], unique: Sequence[str]) -> list[str]:
    """Those of :func:`unique_names` that are not as they were."""
    return [new for old, new in zip(names, unique, strict=True) if new != old]
