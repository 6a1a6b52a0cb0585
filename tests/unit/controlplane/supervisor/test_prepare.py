import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pointsman.contract import KeyKind

from controlplane.access.callers import authenticate
from controlplane.access.people import create_admin_if_none
from controlplane.access.sessions import FIRST_LINK_MS, LINK_MS, find_signed_in, use_sign_in_link
from controlplane.settings import Home, Settings
from controlplane.store.database import open_control
from controlplane.supervisor import first_start, prepare
from controlplane.supervisor.schema_stamp import is_schema_current


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=Home(tmp_path / "home"), config_file=tmp_path / "pointsman.yaml")


async def _ready(settings: Settings) -> None:
    settings.home.root.mkdir()
    prepare.ensure_secrets(settings.home)
    await first_start.make_ready(settings)


async def test_the_link_signs_in_the_first_administrator_once(settings: Settings) -> None:
    await _ready(settings)
    token = prepare.make_token(settings, LINK_MS)
    database = open_control(settings)
    now_ms = time.time_ns() // 1_000_000
    try:
        async with database.transaction() as session:
            admin = await create_admin_if_none(session, now_ms)
            signed_in = await use_sign_in_link(session, token, now_ms)
            assert signed_in is not None
            assert await find_signed_in(session, signed_in, now_ms) == admin
            assert await use_sign_in_link(session, token, now_ms) is None
    finally:
        await database.close()


async def test_the_admin_key_of_the_home_is_known_to_the_database(settings: Settings) -> None:
    await _ready(settings)
    database = open_control(settings)
    try:
        async with database.reading() as session:
            caller = await authenticate(session, settings.home.admin_key_file.read_text(encoding="utf-8").strip())
        assert caller is not None
        assert caller.kind is KeyKind.ADMIN
    finally:
        await database.close()


async def test_links_live_as_long_as_those_of_the_control_plane() -> None:
    assert (prepare.LINK_MS, prepare.FIRST_LINK_MS) == (LINK_MS, FIRST_LINK_MS)


def test_a_second_preparation_keeps_the_secrets_and_needs_no_migration(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare.make_ready(settings)
    secrets = {path: path.read_text(encoding="utf-8") for path in settings.home.root.glob("*-key")}
    assert len(secrets) == 2
    assert is_schema_current(settings.home)
    monkeypatch.delattr(first_start, "make_ready")
    prepare.make_ready(settings)
    assert {path: path.read_text(encoding="utf-8") for path in settings.home.root.glob("*-key")} == secrets
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_without_any_provider_the_simulated_one_is_needed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert prepare.prepare(settings).needs_simulated
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody")
    assert not prepare.prepare(settings).needs_simulated
    assert prepare.prepare(replace(settings, is_demo=True)).needs_simulated
