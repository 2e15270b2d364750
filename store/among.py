"""`column` is among the values of one parameter, however many they are: one text for any number.

An expanding `IN` is another statement for each number of values: fifty of them cost SQLAlchemy and the
driver 2.4 ms of a page's 7 on PostgreSQL. Here they are one array there, and one JSON text on SQLite.
"""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, Boolean, Dialect, Text, Uuid, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Texts(TypeDecorator[list[str]]):
    """Texts as the database takes many of them in one value."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array where there are arrays."""
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        """A list to what the driver takes."""
        return value if dialect.name == "postgresql" else json.dumps(value)


class _Uuids(TypeDecorator[list[UUID]]):
    """The same of ids, which SQLite keeps as texts of 32 digits."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array where there are arrays."""
        return dialect.type_descriptor(ARRAY(Uuid()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[UUID] | None, dialect: Dialect) -> Any:
        """A list to what the driver takes."""
        if dialect.name == "postgresql" or value is None:
            return value
        return json.dumps([each.hex for each in value])


class among(FunctionElement[bool]):  # noqa: N801 # read like SQLAlchemy's own functions
    """`among(column, texts("name"))`: true where the column is one of the parameter's values."""

    inherit_cache = True
    type = Boolean()


def texts(name: str) -> BindParameter[list[str]]:
    """The parameter: a list of texts."""
    return bindparam(name, type_=_Texts())


def uuids(name: str) -> BindParameter[list[UUID]]:
    """The parameter: a list of ids."""
    return bindparam(name, type_=_Uuids())


@compiles(among, "postgresql")
def _any(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **kw)} = ANY({compiler.process(values, **kw)})"


@compiles(among, "sqlite")
def _each(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = (compiler.process(each, **kw) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 # compiled by SQLAlchemy
