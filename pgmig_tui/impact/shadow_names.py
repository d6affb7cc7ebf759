"""Which schema a name means by now: the session, its search path, schemas that come and go; what is to be asked for."""

from __future__ import annotations

from pgmig_tui.impact.access import Access, Guarded
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.refusal import Refusal
from pgmig_tui.impact.session import USER, SessionSettings
from pgmig_tui.impact.shadow_state import SYSTEM, SYSTEM_SCHEMAS, TEMP, ShadowState
from pgmig_tui.impact.wanted import Names


class ShadowNames(ShadowState):
    """Names as the server would find them."""

    @property
    def session(self) -> SessionSettings:
        return self._state.session

    @session.setter
    def session(self, session: SessionSettings) -> None:
        if session is not self._state.session:
            self._own().session = session
            self._changed()

    def for_new_sessions(self, name: str, value: str | None) -> None:
        """What ALTER ROLE or ALTER DATABASE … SET does."""
        self._own().bases[name] = value
        self._changed()

    @property
    def timezone_is_utc(self) -> bool | None:
        return self.session.utc

    @property
    def role(self) -> str:
        """The role as which statements run: what they make is its own; "" where it isn't known."""
        role = self.session.role
        return "" if role is None else role or self.facts.role

    @property
    def search_path(self) -> tuple[str, ...]:
        """The schemas in which a new relation's or an old one's plain name is looked for, those implied aside."""
        role = self.role
        path = tuple(role if schema == USER else schema for schema in self.session.path)
        there = tuple(schema for schema in path if schema and self.has_schema(schema))
        access = self._state.access
        if self.session.role and access.judged(role):  # what it may not use is passed over
            return tuple(schema for schema in there if access.schema_allows(role, schema, "U"))
        return there

    def _looked_through(self) -> tuple[str, ...]:
        """The search path with the schemas that are always on it."""
        if self._path is None:
            path = self.search_path
            implied = tuple(schema for schema in (TEMP, SYSTEM) if schema not in path)
            self._path = (*implied, *path)
        return self._path

    def has_schema(self, schema: str) -> bool:
        """Whether a schema exists, as far as can be told (True when it can't)."""
        if schema in self._state.schemas:
            return self._state.schemas[schema] != ""
        scope = self.facts.scope
        if scope is None or schema in SYSTEM_SCHEMAS or schema == TEMP:
            return True
        if schema in scope.shut:
            return self.session.role not in ("", None)  # another role may use it
        return schema in scope.there or schema not in scope.schemas

    def create_schema(self, schema: str, owner: str = "") -> None:
        self._own().schemas[schema] = None
        self.access = self.access.with_schema(schema, Guarded(owner))
        self._changed()

    def drop_schema(self, schema: str) -> None:
        self._own().schemas[schema] = ""
        self._changed()

    def schema_before(self, schema: str) -> str:
        """What a schema was called when the server was asked."""
        return self._state.schemas.get(schema, schema) or ""

    def schema_now(self, before: str) -> str:
        """What a schema is called by now."""
        return next((now for now, old in self._state.schemas.items() if old == before), before)

    def called_now(self, name: Name) -> Name:
        """The name that a relation has by now which the server told of under that one."""
        return self._state.moved.get(name, name)

    def called_before(self, name: Name) -> Name:
        """The name under which the server told of what is called so by now."""
        return next((before for before, now in self._state.moved.items() if now == name), name)

    def former(self, kind: str, name: Name) -> Name:
        """What a type, function or column was called when the server was asked."""
        return self._state.former.get((kind, name), name)

    def becomes(self, kind: str, old: Name, new: Name) -> None:
        """A type, function or column gets another name."""
        state = self._own()
        state.former[(kind, new)] = state.former.pop((kind, old), old)
        self._changed()

    def _moves(self, old: Name, new: Name) -> None:
        moved = self._own().moved
        moved[self.called_before(old)] = new

    def _origin(self, name: Name) -> Name | None:
        """The name that the server has for what is called so by now; None for what the script itself has made."""
        origin = self._state.schemas.get(name.schema, name.schema)
        return None if not origin else Name(origin, name.relation)

    def resolve(self, name: Name) -> Name:
        """The name as the server would find it; the first schema of the search path when nothing is found."""
        if name.schema:
            return name
        if self.session.lost:
            return self._anywhere(name)
        relations, indexes = self._state.relations, self._state.indexes
        for schema in self._looked_through():
            candidate = Name(schema, name.relation)
            if candidate in relations or candidate in indexes or (schema == SYSTEM and self.is_system(name)):
                return candidate
        return Name(self._home(), name.relation)

    def _anywhere(self, name: Name) -> Name:
        """A name by a search path that nobody can tell: whatever has it, in whichever schema."""
        self.doubts.texts[f"which schema {name.relation} is in: the search_path isn't known before the script runs"] = (
            None
        )
        known = (*self._state.relations, *self._state.indexes)
        return min((one for one in known if one.relation == name.relation), default=name)

    def is_system(self, name: Name) -> bool:
        """Whether a plain name is that of a relation of pg_catalog."""
        scope = self.facts.scope
        if scope is not None:
            return name.relation in scope.system
        return name.relation.startswith("pg_") and not self.live

    def _home(self) -> str:
        """The schema in which new things are made, "" when there is none."""
        path = self.search_path
        return path[0] if path else ""

    def no_room(self, name: Name) -> str:
        """Why nothing can be made under the name that `creation_name` gave, "" where it can."""
        if name.schema == SYSTEM:
            return Refusal(
                f"{name} can't be made: {SYSTEM} comes first in the search_path, and is the server's own", "42501"
            )
        if not name.schema and self.live and not self.session.lost:
            return Refusal(f"{name} can't be made: no schema of the search_path exists", "3F000")
        return ""

    def creation_name(self, name: Name, *, temporary: bool = False) -> Name:
        """The name of what is made under that name."""
        if temporary:
            return Name(TEMP, name.relation)
        if not name.schema and self.session.lost:
            self._anywhere(name)
        return name if name.schema else Name(self._home(), name.relation)

    def want(self, names: Names) -> None:
        """Note what has to be asked for: names that only a run of the script's code brings up."""
        scope = self.facts.scope
        if self.live and scope is not None and names.beyond(scope.asked):
            self.doubts.names.update(names)

    def _asked(self, name: Name) -> bool:
        """Whether a relation, type or function of that name would be known; notes what has to be asked for."""
        if not self.live or name.schema == TEMP:
            return True
        scope, origin = self.facts.scope, self._origin(name)
        if scope is None or origin is None or scope.covers(origin):
            return True
        self.doubts.names.all.add(origin)
        return False

    def asked(self, name: Name) -> bool:
        """Whether a relation, type or function of a name that may stand without a schema would be known; notes what has
        to be asked for."""
        if name.schema:
            return self._asked(name)
        if self.session.lost:
            return False
        schemas = [schema for schema in self.search_path if schema not in SYSTEM_SCHEMAS]
        unasked = [schema for schema in schemas if not self._asked(Name(schema, name.relation))]
        return not unasked

    @property
    def access(self) -> Access:
        """Who may do what by now."""
        return self._state.access

    @access.setter
    def access(self, access: Access) -> None:
        if access != self._state.access:
            self._own().access = access
            self._changed()
