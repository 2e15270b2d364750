"""Where secrets are looked up, and whether they are there; what they are is never told."""

import base64
from pathlib import Path

import pytest

from config.secret_places import MASTER_KEY, SecretPlace, secret_places

SECRET = "s3cr3t-of-ours"
KEY = base64.b64encode(bytes(range(32))).decode()


def place(name: str = "email.password", **environ: object) -> SecretPlace:
    found = secret_places({f"PAUSEWIRE_{key}": str(value) for key, value in environ.items()})
    assert SECRET not in repr(found)
    assert KEY not in repr(found)
    return next(each for each in found if each.name == name)


def test_a_secret_that_is_not_there_says_where_it_would_be_looked_up():
    assert place(ENVIRONMENT="testnet") == SecretPlace(
        "email.password",
        (
            "env PAUSEWIRE_EMAIL__PASSWORD",
            "env PAUSEWIRE_EMAIL__PASSWORD_FILE",
            "file config/environments/testnet.yaml",
        ),
        present=False,
    )


def test_a_secret_says_which_place_it_was_found_in(tmp_path: Path):
    assert place(EMAIL__PASSWORD=SECRET).found_in == "env PAUSEWIRE_EMAIL__PASSWORD"
    (tmp_path / "smtp").write_text(SECRET)
    found = place(EMAIL__PASSWORD_FILE=tmp_path / "smtp")
    assert (found.present, found.found_in) == (True, "env PAUSEWIRE_EMAIL__PASSWORD_FILE")
    found = place("push.vapid_key", ENVIRONMENT="development")
    assert found.found_in == "file config/environments/development.yaml"


def test_what_is_wrong_with_a_place_is_said(tmp_path: Path):
    found = place(EMAIL__PASSWORD_FILE=tmp_path / "nowhere")
    assert not found.present
    assert "cannot be read" in str(found.problem)
    found = place(MASTER_KEY, SECRETS__MASTER_KEY=SECRET)
    assert not found.present
    assert "openssl rand" in str(found.problem)


def test_an_empty_variable_is_no_secret():
    assert not place(EMAIL__PASSWORD="").present
    assert not place("callbacks.webhook_secrets", CALLBACKS__WEBHOOK_SECRETS="[]").present


def test_the_master_key_is_looked_up_where_the_provider_says(tmp_path: Path):
    variables = ("env PAUSEWIRE_SECRETS__MASTER_KEY", "env PAUSEWIRE_SECRETS__MASTER_KEY_FILE")
    file = f"file {tmp_path}/master_key"
    found = place(MASTER_KEY, SECRETS__MASTER_KEY=KEY)
    assert found == SecretPlace(MASTER_KEY, variables, present=True, found_in=variables[0])
    of_files = {"SECRETS__PROVIDER": "file", "SECRETS__DIRECTORY": tmp_path}
    absent = place(MASTER_KEY, SECRETS__MASTER_KEY=KEY, **of_files)
    assert absent == SecretPlace(MASTER_KEY, (file,), present=False)
    (tmp_path / "master_key").write_text(f"{KEY}\n")
    assert place(MASTER_KEY, **of_files).found_in == file
    developing = {"ENVIRONMENT": "development", "STATE_DIR": tmp_path}
    assert place(MASTER_KEY, **developing).looked_up == (*variables, file)
    assert place(MASTER_KEY, **developing).found_in == file
    assert place(MASTER_KEY, SECRETS__MASTER_KEY=KEY, **developing).found_in == variables[0]


@pytest.mark.parametrize(
    ("content", "said"), [(b"short", "openssl rand"), (b"\xff", "does not hold base64")]
)
def test_a_file_that_holds_no_master_key_is_no_place(tmp_path: Path, content: bytes, said: str):
    (tmp_path / "master_key").write_bytes(content)
    found = place(MASTER_KEY, SECRETS__PROVIDER="file", SECRETS__DIRECTORY=tmp_path)
    assert not found.present
    assert said in str(found.problem)


def test_a_folder_is_no_file_of_a_master_key(tmp_path: Path):
    (tmp_path / "master_key").mkdir()
    found = place(MASTER_KEY, SECRETS__PROVIDER="file", SECRETS__DIRECTORY=tmp_path)
    assert "cannot be read" in str(found.problem)
