"""The wallet of the simulated network's people."""

from simulator.accounts import Cast
from simulator.wallet import CastWallet
from tests.fakes.chain import EMPLOYEE
from wallets.proof import verify


def test_it_signs_as_everybody_of_the_cast_and_as_nobody_else():
    cast = Cast.of(seed=7, streams=5)
    wallet = CastWallet(7, cast)
    people = wallet.people()
    assert [each.account_id for each in people] == [*cast.employees, *cast.employers]
    assert (people[0].name, people[-1].name) == ("employee 1", "employer 2")
    for person in people:
        signature = wallet.sign(person.account_id, "hello")
        assert signature is not None
        assert verify(person.account_id, "hello", signature).bound
    assert wallet.sign(EMPLOYEE, "hello") is None
