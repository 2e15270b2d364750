"""What a reach lets through of the feed."""

from api.feed_messages import Batch, Message, Wanted
from api.feed_reach import FeedReach
from projections.reach import Reach

WIDE = (None, (), ())


def passed(reach: FeedReach, *messages: tuple) -> list[int]:
    """Positions, from 1, of the messages (contract, stream, employees, employers) that pass."""
    made = tuple(Message(at, *each, b"") for at, each in enumerate(messages, 1))
    batch = Batch(0, len(made), made, b"").beyond(0, Wanted(reach=reach))
    return [each.position for each in batch.messages]


def test_an_account_hears_of_streams_in_which_it_was_a_party():
    mine = FeedReach(Reach(account="me"), ())
    assert passed(
        mine,
        ("C", 1, ("me",), ("boss",)),
        ("C", 2, ("you",), ("boss",)),
        ("C", 3, ("you",), ("me",)),
        ("C", 4, ("you", "me"), (None,)),
        ("C", 5, (None,), (None,)),
    ) == [1, 3, 4]


def test_contract_wide_news_passes_from_the_first_stream_there_on():
    mine = FeedReach(Reach(account="me"), ())
    assert passed(mine, ("C", *WIDE), ("C", 1, ("me",), ()), ("C", *WIDE), ("D", *WIDE)) == [2, 3]
    assert passed(mine, ("C", *WIDE)) == [1]


def test_contract_wide_news_of_known_contracts_passes_at_once():
    assert passed(FeedReach(Reach(account="me"), {"D"}), ("C", *WIDE), ("D", *WIDE)) == [2]


def test_some_contracts_pass_whole_and_others_not_at_all():
    some = FeedReach(Reach(contracts=("C",)), {"C"})
    assert passed(some, ("C", 1, ("x",), ()), ("D", 1, ("x",), ()), ("C", *WIDE), ("D", *WIDE)) == [
        1,
        3,
    ]


def test_an_account_in_some_contracts_has_both_bounds():
    both = FeedReach(Reach(account="me", contracts=("C",)), {"C"})
    assert passed(both, ("C", 1, ("me",), ()), ("C", 2, ("you",), ()), ("D", 1, ("me",), ())) == [1]
