"""The master key, from each provider."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.secrets import master_key
from config.settings import Settings

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()


def settings(state_dir: Path, **secrets: object) -> Settings:
    return Settings.model_validate({"state_dir": state_dir, "secrets": secrets})


def test_the_key_comes_from_the_environment(tmp_path: Path):
    assert master_key(settings(tmp_path, master_key=TEXT)) == KEY


def test_without_a_key_the_fault_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="openssl rand -base64 32"):
        master_key(settings(tmp_path))


def test_the_key_comes_from_the_secrets_folder(tmp_path: Path):
    (tmp_path / "master_key").write_text(TEXT + "\n")
    assert master_key(settings(tmp_path, provider="file", directory=tmp_path)) == KEY


@pytest.mark.parametrize("content", [None, "short"])
def test_a_key_file_that_holds_no_key_is_a_fault(tmp_path: Path, content: str | None):
    if content is not None:
        (tmp_path / "master_key").write_text(content)
    with pytest.raises(ConfigurationError, match="let it hold base64"):
        master_key(settings(tmp_path, provider="file", directory=tmp_path))


def test_development_makes_one_key_and_keeps_it_to_its_owner(tmp_path: Path):
    state_dir = tmp_path / "var"
    first = master_key(settings(state_dir, provider="development"))
    assert master_key(settings(state_dir, provider="development")) == first
    assert [file.name for file in state_dir.iterdir()] == ["master_key"]
    assert (state_dir / "master_key").stat().st_mode & 0o777 == 0o600


def test_processes_that_start_together_get_the_same_key(tmp_path: Path):
    asked = [settings(tmp_path, provider="development")] * 16
    with ThreadPoolExecutor(16) as threads:
        assert len(set(threads.map(master_key, asked))) == 1


def test_a_key_given_in_development_is_used_as_given(tmp_path: Path):
    assert master_key(settings(tmp_path, provider="development", master_key=TEXT)) == KEY
    assert list(tmp_path.iterdir()) == []
