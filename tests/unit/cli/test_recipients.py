import pytest

from tests.fakes.chain import EMPLOYEE, EMPLOYER

HEADER = "account_id,email,phone,push,language\n"
ANA = f"{EMPLOYEE},ana@example.test,+15550100001,ntfy:ana,en\n"
BOSS = f"{EMPLOYER},boss@example.test,,,\n"


@pytest.fixture
def roster(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "roster.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def exported(command):
    return command.run("recipients", "export").stdout.splitlines()


def test_an_export_gives_back_what_was_imported(command, roster):
    assert command.json("recipients", "import", roster(HEADER + ANA + BOSS)) == {
        "accounts": 2,
        "erased": 0,
        "letters": 0,
    }
    header, *lines = exported(command)
    assert header + "\n" == HEADER
    ana, boss = sorted(lines, key=lambda line: "boss" in line)
    assert ana == ANA.strip()
    assert boss.startswith(f"{EMPLOYER},boss@example.test,,,")


def test_the_export_can_be_imported_and_changes_nothing(command, roster):
    command.run("recipients", "import", roster(HEADER + ANA + BOSS))
    before = exported(command)
    command.run("recipients", "import", roster("\n".join(before) + "\n"))
    assert exported(command) == before


def test_an_account_imported_again_is_changed_not_doubled(command, roster):
    command.run("recipients", "import", roster(HEADER + ANA))
    command.run("recipients", "import", roster(HEADER + ANA.replace("ana@", "ana.new@")))
    _, line = exported(command)
    assert "ana.new@example.test" in line


def test_a_file_with_any_fault_writes_nothing_and_names_every_line(command, roster):
    file = roster(HEADER + ANA + "GNOBODY,x@example.test,,,\n" + BOSS.replace("boss@", "boss"))
    told = command.run("recipients", "import", file, code=2)
    assert str(file) in told.stderr
    assert "line 3" in told.stderr
    assert "line 4" in told.stderr
    assert len(exported(command)) == 1


def test_a_spreadsheets_byte_order_mark_does_no_harm(command, roster):
    file = roster(HEADER + ANA, encoding="utf-8-sig")
    assert command.json("recipients", "import", file)["accounts"] == 1


def test_a_file_that_is_not_there_is_said(command, tmp_path):
    told = command.run("recipients", "import", tmp_path / "nowhere.csv", code=2)
    assert "nowhere.csv cannot be read" in told.stderr


def test_a_file_that_is_no_text_is_said(command, roster):
    told = command.run("recipients", "import", roster(HEADER + "é", "latin-1"), code=2)
    assert "cannot be read" in told.stderr


def test_people_are_told_how_many(command, roster):
    told = command.run("recipients", "import", roster(HEADER + ANA)).stdout
    assert told.splitlines() == ["accounts  1", "erased    0", "letters   0"]
