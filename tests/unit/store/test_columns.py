"""Numbers too large for the database keep their order as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from store.columns import I128, U64, i128_bytes, i128_number, u64_bytes, u64_number

u64s = st.integers(0, 2**64 - 1)
i128s = st.integers(-(2**127), 2**127 - 1)


@given(u64s, u64s)
def test_u64_sorts_as_bytes_like_the_number(one, other):
    assert (u64_bytes(one) < u64_bytes(other)) == (one < other)
    assert u64_number(u64_bytes(one)) == one


@given(i128s, i128s)
def test_i128_sorts_as_bytes_like_the_number(one, other):
    assert (i128_bytes(one) < i128_bytes(other)) == (one < other)
    assert i128_number(i128_bytes(one)) == one


@pytest.mark.parametrize("kind", [U64(), I128()])
@pytest.mark.parametrize("value", [None, 0, 5])
def test_column_types_bring_back_what_they_stored(kind, value):
    stored = kind.process_bind_param(value, sqlite.dialect())
    assert kind.process_result_value(stored, sqlite.dialect()) == value


@pytest.mark.parametrize("value", [-1, 2**64])
def test_a_number_beyond_u64_is_refused(value):
    with pytest.raises(OverflowError):
        u64_bytes(value)
