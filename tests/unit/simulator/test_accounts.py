"""The people of the network are the same for the same seed."""

import csv
import io

from stellar_sdk import Keypair

from simulator.accounts import ROSTER_HEADER, Cast, contract_id_for, keypair_for, wasm_hash_for


def test_the_same_seed_gives_the_same_cast_and_another_seed_another():
    assert Cast.of(1, 8) == Cast.of(1, 8)
    assert Cast.of(1, 8).contract_id == contract_id_for(1) != contract_id_for(2)
    assert not set(Cast.of(1, 8).employees) & set(Cast.of(2, 8).employees)
    assert wasm_hash_for(1, 1) != wasm_hash_for(1, 2)


def test_employees_can_sign():
    employee = Cast.of(1, 8).employees[2]
    signature = keypair_for(1, "employee", 3).sign(b"challenge")
    Keypair.from_public_key(employee).verify(b"challenge", signature)


def test_nobody_employs_themselves_and_employers_have_a_few_employees_each():
    cast = Cast.of(1, 8)
    assert len(cast.employees) == 8
    assert len({cast.employer_of(number) for number in range(8)}) == 2
    assert not set(cast.employees) & set(cast.employers)


def test_the_roster_names_everybody_once_with_distinct_contacts():
    cast = Cast.of(1, 30)
    rows = list(csv.DictReader(io.StringIO(cast.roster())))
    assert tuple(rows[0]) == ROSTER_HEADER
    assert [row["account_id"] for row in rows] == [*cast.employees, *cast.employers]
    for column in ("email", "phone", "push"):
        assert len({row[column] for row in rows}) == len(rows)
    assert rows[0]["email"] == "ana.1@example.test"
    assert rows[0]["phone"] == "+15550100001"
    assert rows[0]["push"].startswith("ntfy:pausewire-")
