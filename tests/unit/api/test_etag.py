import pytest

from api.etag import matches

TAG = 'W/"abc"'


@pytest.mark.parametrize(
    "header", [TAG, '"abc"', "*", f'"x", {TAG}', f'{TAG},"x"', f"  {TAG} ", '"x",W/"y" , "abc"']
)
def test_a_tag_the_caller_has_matches_weakly(header):
    assert matches(header, TAG)


@pytest.mark.parametrize("header", [None, "", '"x"', "abc", '"*"', '*, "x"', 'W/"ab"', ",,,"])
def test_any_other_header_does_not_match(header):
    assert not matches(header, TAG)


def test_a_header_of_very_many_tags_is_read_in_part():
    assert not matches(",".join(['"x"'] * 5000 + [TAG]), TAG)
