"""Every public name says what it is: classes, functions, methods, properties and attributes.

Of enumerations the members speak for themselves; what is inherited has its words where it is
defined. A string under an attribute counts, as does the docstring of the class where it names the
attribute in backticks. Parameters that are only given by name are named in backticks, too.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest

import rtpcap
from rtpcap.streams.quality import Quality

MORE: tuple[type, ...] = (Quality,)
"""What is handed out by public names without being one of `rtpcap` itself."""

PUBLIC = {name: getattr(rtpcap, name) for name in rtpcap.__all__ if name != "__version__"}
PUBLIC |= {kind.__name__: kind for kind in MORE}


def described_attributes(kind: type) -> tuple[set[str], set[str]]:
    """(All attributes that a class and its ``__init__`` declare, those with a string below)."""
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind)))
    (node,) = tree.body
    assert isinstance(node, ast.ClassDef)
    bodies = [node.body]
    bodies += [
        each.body
        for each in node.body
        if isinstance(each, ast.FunctionDef) and each.name == "__init__"
    ]
    declared, told = set(), set()
    for body in bodies:
        for statement, after in zip(body, [*body[1:], None], strict=True):
            name = target_of(statement)
            if name is None or name.startswith("_"):
                continue
            declared.add(name)
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                told.add(name)
    return declared, told


def target_of(statement: ast.stmt) -> str | None:
    """The attribute that a statement gives a value or a type."""
    if isinstance(statement, ast.AnnAssign):
        target: ast.expr = statement.target
    elif isinstance(statement, ast.Assign):
        target = statement.targets[0]
    else:
        return None
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return target.attr if target.value.id == "self" else None
    return target.id if isinstance(target, ast.Name) else None


def words_of(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def undescribed_parameters(where: str, function: object, words: str) -> Iterator[str]:
    """The keyword-only parameters that the words do not name."""
    for name, parameter in inspect.signature(function).parameters.items():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and f"`{name}`" not in words:
            yield f"{where}({name}=)"


def without_words(name: str, thing: object) -> Iterator[str]:
    """The public names in and under one, that nothing is said of."""
    if not words_of(thing):
        yield name
    if not isinstance(thing, type):
        yield from undescribed_parameters(name, thing, words_of(thing))
        return
    if isinstance(thing, enum.EnumType):
        return
    own = [kind for kind in thing.__mro__ if kind.__module__.startswith("rtpcap.streams")] or [
        thing
    ]
    for attribute, value in [item for kind in own for item in vars(kind).items()]:
        if attribute.startswith("_") or isinstance(value, ModuleType):
            continue
        inner = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        member = callable(inner) or isinstance(inner, property) or hasattr(inner, "attrname")
        if member and not words_of(inner):
            yield f"{name}.{attribute}"
        if inspect.isfunction(inner):
            yield from undescribed_parameters(f"{name}.{attribute}", inner, words_of(inner))
    declared, told = described_attributes(thing)
    words = words_of(thing) + words_of(vars(thing).get("__init__"))
    if "__init__" in vars(thing) and not dataclasses.is_dataclass(thing):
        said = words + "".join(f"`{attribute}`" for attribute in told)
        yield from undescribed_parameters(name, vars(thing)["__init__"], said)
    for attribute in sorted(declared - told):
        if f"`{attribute}`" not in words:
            yield f"{name}.{attribute}"


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_has_words(name: str) -> None:
    assert list(without_words(name, PUBLIC[name])) == []


def test_completion_offers_nothing_else() -> None:
    assert set(dir(rtpcap)) == {
        *rtpcap.__all__,
        "batch",
        "codecs",
        "live",
        "plot",
        "rtp",
        "testing",
    }


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_signatures_are_explicit_and_typed(name: str) -> None:
    thing = PUBLIC[name]
    if isinstance(thing, enum.EnumType) or not thing.__module__.startswith("rtpcap"):
        return
    methods = vars(thing).values() if isinstance(thing, type) else [thing]
    for method in methods:
        function = getattr(method, "__func__", method)
        if not inspect.isfunction(function) or function.__name__.startswith("_"):
            continue
        signature = inspect.signature(function)
        assert signature.return_annotation is not signature.empty
        for parameter in list(signature.parameters.values()):
            if parameter.name not in ("self", "cls"):
                assert parameter.annotation is not parameter.empty, (function, parameter)
                assert parameter.kind is not parameter.VAR_KEYWORD, (function, parameter)


def test_the_rule_itself() -> None:
    class Bare:
        kept = 1
        """Told."""
        named = 2
        silent = 3

        def method(self) -> None: ...

    Bare.__doc__ = "Has a `named` thing."
    declared, told = {"kept", "named", "silent"}, {"kept"}
    assert target_of(ast.parse("self.a: int = 1").body[0]) == "a"
    assert target_of(ast.parse("other.a = 1").body[0]) is None
    assert declared - told == {"named", "silent"}
    assert not words_of(Bare.method)
