"""Mutants of a module: mutmut's operators and three of our own, one change each, as compiled source.

mutmut itself leaves module-level lines and decorated functions alone; here constants, defaults and properties count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import libcst as cst
from libcst.metadata import MetadataWrapper
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

# Their bodies run like any other function's, on the object the decorator keeps.
_PLAIN_DECORATORS = frozenset({"property", "staticmethod", "classmethod"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module: `function` is the qualified name of the body it is in, empty for definitions."""

    module: str
    function: str
    before: str
    after: str
    code: CodeType

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names a mutant whatever its line number is."""
        return self.module, self.function, self.before, self.after

    def __str__(self) -> str:
        return f"{self.module}:{self.function or 'definitions'}\n    - {self.before}\n    + {self.after}"


def _returns_none(node: cst.Return) -> Iterator[cst.CSTNode]:
    if node.value is not None and not (isinstance(node.value, cst.Name) and node.value.value == "None"):
        space = cst.SimpleWhitespace(" ")
        yield node.with_changes(value=cst.Name("None"), whitespace_after_return=space)


def _negates(node: cst.If) -> Iterator[cst.CSTNode]:
    test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    negated = cst.UnaryOperation(cst.Not(), test)
    yield node.with_changes(test=negated, whitespace_before_test=cst.SimpleWhitespace(" "))


def _drops_call(node: cst.Expr) -> Iterator[cst.CSTNode]:
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


OPERATORS = [
    *mutation_operators,
    (cst.Return, _returns_none),
    (cst.If, _negates),
    (cst.Expr, _drops_call),
]


class _Visitor(MutationVisitor):
    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef) and node.decorators:
            names = {one.decorator.value for one in node.decorators if isinstance(one.decorator, cst.Name)}
            return len(names) < len(node.decorators) or not names <= _PLAIN_DECORATORS
        return super()._skip_node_and_children(node)


def mutants_of(module: str, path: Path, pick: Callable[[], bool] = lambda: True) -> list[Mutant]:
    """Return the picked mutants of a module that compile and change something, in the order of their lines."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text()))
    visitor = _Visitor(OPERATORS, IgnoredCode(set(), set(), set()))
    tree = wrapper.visit(visitor)
    bodies = _bodies(tree.body)
    places = {id(node): n for n, statement in enumerate(tree.body) for node in _walk(statement)}
    parts = [tree.code_for_node(statement) for statement in tree.body]
    head = tree.code[: len(tree.code) - len("".join(parts))]
    found: dict[tuple[str, str, str, str], Mutant] = {}
    for mutation in visitor.mutations:
        if not pick():
            continue
        n = places[id(mutation.original_node)]
        part = tree.code_for_node(tree.body[n].deep_replace(mutation.original_node, mutation.mutated_node))
        try:
            code = compile(
                head + "".join((*parts[:n], part, *parts[n + 1 :])), path, "exec", dont_inherit=True
            )
        except SyntaxError:
            continue
        before, after = _difference(parts[n].splitlines(), part.splitlines())
        mutant = Mutant(module, bodies.get(id(mutation.original_node), ""), before, after, code)
        if before != after:
            found.setdefault(mutant.key, mutant)
    return list(found.values())


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _bodies(body: Sequence[cst.CSTNode], prefix: str = "") -> dict[int, str]:
    """Return, for every node in the body of a function or of a class's method, that function's qualified name."""
    names: dict[int, str] = {}
    for statement in body:
        if isinstance(statement, cst.FunctionDef):
            names |= dict.fromkeys(map(id, _walk(statement.body)), prefix + statement.name.value)
        elif isinstance(statement, cst.ClassDef):
            names |= _bodies(statement.body.body, f"{prefix}{statement.name.value}.")
    return names


def _difference(before: list[str], after: list[str]) -> tuple[str, str]:
    """Return the lines that went and the lines that came, on one line each."""
    while before and after and before[0] == after[0]:
        before, after = before[1:], after[1:]
    while before and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    return " ".join(line.strip() for line in before), " ".join(line.strip() for line in after)
