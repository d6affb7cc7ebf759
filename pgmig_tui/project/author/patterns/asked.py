"""The answers that a pattern needs: fields of a frozen dataclass, each with its question."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_type_hints

from pgmig_tui.errors import UsageError
from pgmig_tui.project.author.patterns.draft import ChangeDraft
from pgmig_tui.script import given
from pgmig_tui.script.given import NOTHING

Kind = Literal[
    "table", "name", "names", "type", "value", "values", "expression", "query", "elements", "set", "label", "columns",
    "sql", "words", "flag",
]  # fmt: skip

_METAVARS: Final[Mapping[str, str]] = {
    "table": "SCHEMA.TABLE", "name": "NAME", "names": "NAME", "type": "TYPE", "value": "VALUE",
    "expression": "CONDITION", "query": "EXPRESSION", "elements": "COLUMNS", "set": "ASSIGNMENTS",
    "values": "VALUES", "label": "LABEL", "columns": "SCHEMA.TABLE.COLUMN", "sql": "FILE", "words": "TEXT",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AskFor:
    """What a person is asked for a field of answers: its annotation. `choices` are the only answers, if there are."""

    text: str
    kind: Kind
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """`field` is that of the answers, `needed` whether it has to be answered: a field without a default."""

    field: str
    asked: AskFor
    needed: bool

    @property
    def option(self) -> str:
        return "--" + self.field.replace("_", "-")

    @property
    def metavar(self) -> str:
        return _METAVARS[self.asked.kind]

    @property
    def several(self) -> bool:
        """Whether it may be said more than once."""
        return self.asked.kind in ("names", "columns")


@dataclass(frozen=True, slots=True)
class Pattern:
    """`name` is that of the command line, `title` what it does in a few words; `answers` the dataclass of its answers,
    of which `drafts` makes its changes, in their order. It raises UsageError for answers that don't go together."""

    name: str
    title: str
    answers: type[Any]
    drafts: Callable[[Any], tuple[ChangeDraft, ...]]

    @property
    def questions(self) -> tuple[Question, ...]:
        hints = get_type_hints(self.answers, include_extras=True)
        return tuple(
            Question(one.name, asked, one.default is dataclasses.MISSING)
            for one in dataclasses.fields(self.answers)
            for asked in getattr(hints[one.name], "__metadata__", ())
            if isinstance(asked, AskFor)
        )

    def read(self, texts: Mapping[str, Sequence[str]]) -> Any:
        """The answers, from texts by their fields; of a flag any text means yes. Raises UsageError for what is missing,
        for what isn't asked, and for an answer that isn't what was asked for."""
        known = {one.field: one for one in self.questions}
        strange = ["--" + one.replace("_", "-") for one in texts if one not in known]
        if strange:
            raise UsageError(
                f"{self.name} doesn't take {', '.join(strange)}.",
                now=NOTHING,
                do=f"It takes {', '.join(one.option for one in self.questions)}.",
            )
        missing = [one for one in self.questions if one.needed and not texts.get(one.field)]
        if missing:
            raise UsageError(
                f"{self.name} needs {' and '.join(f'{one.option} {one.metavar}' for one in missing)}.",
                now=NOTHING,
                do="Say them; or run `pgmig-tui new` on a terminal, which asks.",
            )
        return self.answers(**{field: read(known[field], said) for field, said in texts.items() if said})


def read(question: Question, texts: Sequence[str]) -> object:
    """An answer as its pattern wants it. Raises UsageError for one that isn't what was asked for."""
    if len(texts) > 1 and not question.several:
        raise UsageError(f"{question.option} was said {len(texts)} times.", now=NOTHING, do="Say it once.")
    text = texts[0]
    if question.asked.choices and text not in question.asked.choices:
        raise UsageError(
            f"{question.option} {text} isn't known.", now=NOTHING, do=f"Say one of {', '.join(question.asked.choices)}."
        )
    try:
        return _READ[question.asked.kind](texts)
    except UsageError as error:
        raise UsageError(f"{question.option}: {error.what}", now=error.now, do=error.do) from None


_READ: Final[Mapping[Kind, Callable[[Sequence[str]], object]]] = {
    "table": lambda texts: given.qualified(texts[0]),
    "name": lambda texts: given.one_name(texts[0]),
    "names": given.names,
    "type": lambda texts: given.type_name(texts[0]),
    "value": lambda texts: given.expression(texts[0], columns=False),
    "expression": lambda texts: given.expression(texts[0]),
    "query": lambda texts: given.expression(texts[0], queries=True),
    "elements": lambda texts: given.index_elements(texts[0]),
    "set": lambda texts: given.assignments(texts[0]),
    "values": lambda texts: given.value_list(texts[0]),
    "label": lambda texts: given.label(texts[0]),
    "columns": given.columns_of,
    "sql": lambda texts: given.definition(texts[0]),
    "words": lambda texts: _words(texts[0]),
    "flag": lambda texts: True,
}


def _words(text: str) -> str:
    said = " ".join(text.split())
    if not said or not said.isprintable():
        raise UsageError("This is no text.", now=NOTHING, do="Say it in words, on one line.")
    return said
