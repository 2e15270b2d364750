"""The vault opens with the key it was first opened with, and with no other."""

import pytest

from notifier.errors import WrongMasterKey
from notifier.opening import open_vault


def test_the_same_key_opens_it_again_and_another_does_not(sqlite_database):
    first = open_vault(sqlite_database, b"a" * 32)
    assert open_vault(sqlite_database, b"a" * 32).fingerprint == first.fingerprint
    with pytest.raises(WrongMasterKey, match=r"secrets\.master_key"):
        open_vault(sqlite_database, b"b" * 32)
    assert open_vault(sqlite_database, b"a" * 32).fingerprint == first.fingerprint


def test_the_fingerprint_says_nothing_of_the_key(sqlite_database):
    vault = open_vault(sqlite_database, b"a" * 32)
    assert (b"a" * 32).hex() not in vault.fingerprint
