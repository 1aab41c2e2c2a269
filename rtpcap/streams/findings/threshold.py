"""A threshold: a comparison of figures in words, as ``lost_pct > 1 or mos_nb < 3.5``.

    threshold   = all ("or" all)*
    all         = not ("and" not)*
    not         = ["not"] (comparison | "(" threshold ")")
    comparison  = operand (operator operand)*
    operator    = "<" | "<=" | ">" | ">=" | "==" | "!="
    operand     = name | ["-" | "+"] number

It is Python's grammar, of which Python's own parser makes a tree; nothing of it is ever run. A name
alone is true where its figure is not zero. A figure that there is not is neither true nor false
(Kleene's logic of three values), so it trips nothing, not behind a ``not`` either.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["Threshold"]

Values = Mapping[str, object]

LONGEST = 2000
DEEPEST = 50
"""No threshold that a person writes is longer, or nested deeper."""

NO_ARITHMETIC = "there is no arithmetic; words of one name are joined by _, as one_way_audio"

COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class Threshold:
    """A threshold that was read; `names` are the figures in it, in order of appearance."""

    text: str
    names: tuple[str, ...]
    _tree: ast.expr

    @classmethod
    def parse(cls, text: str, known: Collection[str]) -> Threshold:
        """Read a threshold over some known names. Raises ValueError for what is none, saying why.

        >>> Threshold.parse("lost_pct > 1 or not mos_nb >= 3.5", ["lost_pct", "mos_nb"]).names
        ('lost_pct', 'mos_nb')
        >>> Threshold.parse("loss_pct > 1", ["lost_pct", "mos_nb"])
        Traceback (most recent call last):
        ...
        ValueError: no figure 'loss_pct': did you mean 'lost_pct'?
        """
        if len(text) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST} characters")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            raise ValueError("it is no comparison, as lost_pct > 1 or mos_nb < 3.5") from error
        names: dict[str, None] = {}
        _check(tree, known, names, DEEPEST)
        return cls(text, tuple(names), tree)

    def trips(self, values: Values) -> bool:
        """Whether it is true of some figures; never where what decides is None or not there."""
        return _truth(self._tree, values) is True

    def told(self, values: Values) -> str:
        """Its figures as they were: ``lost_pct 2.5, mos_nb none``."""
        return ", ".join(f"{name} {_shown(_figure(values.get(name)))}" for name in self.names)


def _check(node: ast.expr, known: Collection[str], names: dict[str, None], depth: int) -> None:
    """Refuse whatever the grammar above has not; gather the names."""
    if not depth:
        raise ValueError(f"it is nested deeper than {DEEPEST} times")
    inside: list[ast.expr] = []
    if isinstance(node, ast.BoolOp):
        inside = node.values
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inside = [node.operand]
    elif isinstance(node, ast.Compare):
        if not all(type(each) in COMPARISONS for each in node.ops):
            raise ValueError("figures are compared by < <= > >= == != alone")
        for operand in (node.left, *node.comparators):
            if isinstance(operand, ast.Name):
                inside.append(operand)
            elif isinstance(operand, ast.BinOp):
                raise ValueError(NO_ARITHMETIC)
            elif _number(operand) is None:
                raise ValueError(f"{_source(operand)} is neither a name nor a number")
    elif isinstance(node, ast.Name):
        if node.id not in known:
            near = get_close_matches(node.id, known, n=3, cutoff=0.6)
            meant = f": did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ValueError(f"no figure {node.id!r}{meant}")
        names[node.id] = None
    elif isinstance(node, ast.BinOp):
        raise ValueError(NO_ARITHMETIC)
    else:
        raise ValueError(f"{_source(node)} is no comparison, as lost_pct > 1")
    for each in inside:
        _check(each, known, names, depth - 1)


def _source(node: ast.expr) -> str:
    return repr(ast.unparse(node))


def _number(node: ast.expr) -> float | None:
    """A number as it stands in a threshold; None for anything else."""
    sign = 1.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        node = node.operand
    value = node.value if isinstance(node, ast.Constant) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return sign * float(value)
    except OverflowError:
        return sign * math.inf


def _figure(value: object) -> float | None:
    """A figure as a number; None where there is none."""
    if isinstance(value, int | float) and not math.isnan(value):
        return float(value)
    return None


def _shown(figure: float | None) -> str:
    return "none" if figure is None else f"{figure:.6g}"


def _truth(node: ast.expr, values: Values) -> bool | None:
    """True, false, or None where that hangs on a figure that there is not."""
    if isinstance(node, ast.BoolOp):
        parts = [_truth(each, values) for each in node.values]
        decides = isinstance(node.op, ast.Or)
        if decides in parts:
            return decides
        return None if None in parts else not decides
    if isinstance(node, ast.UnaryOp):
        inside = _truth(node.operand, values)
        return None if inside is None else not inside
    if isinstance(node, ast.Compare):
        operands = [_operand(each, values) for each in (node.left, *node.comparators)]
        links: list[bool | None] = []
        for compare, one, other in zip(node.ops, operands, operands[1:], strict=False):
            known = one is not None and other is not None
            links.append(COMPARISONS[type(compare)](one, other) if known else None)  # type: ignore[arg-type]
        return False if False in links else None if None in links else True
    figure = _operand(node, values)
    return None if figure is None else figure != 0


def _operand(node: ast.expr, values: Values) -> float | None:
    return _figure(values.get(node.id)) if isinstance(node, ast.Name) else _number(node)
