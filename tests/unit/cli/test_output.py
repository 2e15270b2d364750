import json
from uuid import UUID

import pytest
import typer

from cli.output import FAILED, USAGE, refuse, show, show_json, show_rows


def test_json_is_one_document_with_ids_as_text_and_names_as_written(capsys):
    show_json({"id": UUID(int=7), "name": "Łukasz"})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"id": str(UUID(int=7)), "name": "Łukasz"}
    assert "Łukasz" in printed


def test_a_table_has_a_cell_for_what_is_unknown(capsys):
    show_rows("Keys", ("id", "account"), [("k1", None)])
    printed = capsys.readouterr().out
    assert printed.startswith("Keys")
    assert "k1" in printed
    assert "None" not in printed


def test_an_empty_table_says_so(capsys):
    show_rows("Keys", ("id",), [])
    assert capsys.readouterr().out == "Keys: none\n"


def test_a_mapping_is_a_line_per_key_with_values_in_one_column(capsys):
    show({"id": 1, "longer": 2}, as_json=False)
    assert capsys.readouterr().out == "id      1\nlonger  2\n"
    show({}, as_json=False)
    assert capsys.readouterr().out == ""


def test_the_same_mapping_is_json_for_programs(capsys):
    show({"id": 1}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"id": 1}


@pytest.mark.parametrize(("given", "code"), [({}, USAGE), ({"code": FAILED}, FAILED)])
def test_a_refusal_goes_to_standard_error_and_ends_the_command(capsys, given, code):
    with pytest.raises(typer.Exit) as ended:
        refuse("give --to 5", **given)
    assert ended.value.exit_code == code
    assert capsys.readouterr() == ("", "give --to 5\n")
