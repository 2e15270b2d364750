"""Email beyond the suite: connections kept, thrown away and replaced; what SMTP codes prove; TLS, login."""

import asyncio
import email.policy
from collections.abc import Iterator
from email.parser import BytesParser

import pytest
from aiosmtpd.smtp import AuthResult

from notifier.channels import smtp_pool
from notifier.channels.email import EmailChannel, ascii_address
from notifier.channels.smtp_pool import SmtpServer
from notifier.errors import (
    ChannelUnavailable,
    CredentialsRefused,
    Deferred,
    DeliveryError,
    DestinationRejected,
    OutcomeUnknown,
    Permanent,
    ProviderFault,
    SenderRefused,
)
from tests.fakes.channel_benches import LETTER
from tests.fakes.mail_server import ScriptedMail, mail_server


@pytest.fixture
def far_side() -> ScriptedMail:
    return ScriptedMail()


@pytest.fixture
def port(far_side: ScriptedMail) -> Iterator[int]:
    with mail_server(far_side) as port:
        yield port


def channel(port: int, *, connections: int = 1, **options: object) -> EmailChannel:
    settings = {"host": "127.0.0.1", "port": port, "tls": "none", "timeout_seconds": 2} | options
    return EmailChannel(
        SmtpServer(**settings),  # type: ignore[arg-type] # a bag of options
        sender="Pausewire <alerts@pausewire.test>",
        connections=connections,
    )


async def send(email_channel: EmailChannel, destination: str = "ana@example.test") -> None:
    async with email_channel.prepare(LETTER, destination) as handover:
        await handover.send()


async def failure(email_channel: EmailChannel, destination: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await send(email_channel, destination)
    return caught.value


async def test_letters_share_one_connection(far_side: ScriptedMail, port: int) -> None:
    email_channel = channel(port)
    for _ in range(5):
        await send(email_channel)
    await email_channel.close()
    assert len(far_side.mails) == 5
    assert far_side.connections == 1


async def test_no_more_letters_are_under_way_than_connections(
    far_side: ScriptedMail, port: int
) -> None:
    email_channel = channel(port, connections=3)
    await asyncio.gather(*(send(email_channel) for _ in range(12)))
    await email_channel.close()
    assert len(far_side.mails) == 12
    assert far_side.connections <= 3


async def test_a_connection_is_retired_after_its_share_of_mails(
    far_side: ScriptedMail, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_pool, "MAILS_PER_CONNECTION", 2)
    email_channel = channel(port)
    for _ in range(5):
        await send(email_channel)
    await email_channel.close()
    assert far_side.connections == 3


async def test_a_connection_that_idled_too_long_is_replaced(
    far_side: ScriptedMail, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    email_channel = channel(port)
    await send(email_channel)
    monkeypatch.setattr(smtp_pool, "IDLE_SECONDS", 0.0)
    await send(email_channel)
    await email_channel.close()
    assert far_side.connections == 2


async def test_a_kept_connection_that_the_server_closed_costs_no_letter(
    far_side: ScriptedMail, port: int
) -> None:
    far_side.close_after_mail = True
    email_channel = channel(port)
    for _ in range(3):
        await send(email_channel)
        await asyncio.sleep(0.05)
    await email_channel.close()
    assert len(far_side.mails) == 3


async def test_a_421_on_a_kept_connection_is_tried_on_a_fresh_one(
    far_side: ScriptedMail, port: int
) -> None:
    email_channel = channel(port)
    await send(email_channel)
    error = await failure(email_channel, "closing@example.test")
    await email_channel.close()
    assert isinstance(error, ChannelUnavailable)
    assert far_side.connections == 2


async def test_a_refused_recipient_leaves_the_connection_fit(
    far_side: ScriptedMail, port: int
) -> None:
    email_channel = channel(port)
    await send(email_channel)
    await failure(email_channel, "nobody@example.test")
    await send(email_channel)
    await email_channel.close()
    assert far_side.connections == 1
    assert far_side.commands == ["RSET"]


@pytest.mark.parametrize(
    ("local", "kind", "code", "enhanced"),
    [
        ("nobody", DestinationRejected, 550, "5.1.1"),
        ("full", Deferred, 552, "5.2.2"),
        ("policy", SenderRefused, 550, "5.7.1"),
        ("later", Deferred, 450, "4.2.0"),
        ("spam", Permanent, 554, "5.6.0"),
        ("busy", Deferred, 451, "4.3.0"),
        ("odd", OutcomeUnknown, None, None),
        ("cut", OutcomeUnknown, None, None),
    ],
)
async def test_codes_prove_what_the_standards_say(
    port: int, local: str, kind: type[DeliveryError], code: int | None, enhanced: str | None
) -> None:
    email_channel = channel(port)
    error = await failure(email_channel, f"{local}@example.test")
    await email_channel.close()
    assert type(error) is kind
    assert (error.status_code, error.enhanced_code) == (code, enhanced)
    assert f"{local}@example.test" not in error.detail


async def test_a_refused_sender_is_our_fault(far_side: ScriptedMail, port: int) -> None:
    far_side.refuse_sender = True
    email_channel = channel(port)
    assert isinstance(await failure(email_channel, "ana@example.test"), SenderRefused)
    await email_channel.close()


async def test_a_server_without_starttls_is_never_used_in_clear(
    far_side: ScriptedMail, port: int
) -> None:
    email_channel = channel(port, tls="starttls")
    error = await failure(email_channel, "ana@example.test")
    assert isinstance(error, ProviderFault)
    assert far_side.mails == []


async def test_a_wrong_password_is_a_refused_credential(far_side: ScriptedMail) -> None:
    def nobody(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with mail_server(far_side, authenticator=nobody, auth_require_tls=False) as port:
        email_channel = channel(port, username="pausewire", password="wrong")
        error = await failure(email_channel, "ana@example.test")
    assert isinstance(error, CredentialsRefused)
    assert error.status_code == 535


async def test_the_mail_that_arrives_is_the_letter(far_side: ScriptedMail, port: int) -> None:
    email_channel = channel(port)
    await send(email_channel)
    await email_channel.close()
    ((address, raw),) = far_side.mails
    mail = BytesParser(policy=email.policy.default).parsebytes(raw)
    assert address == "ana@example.test"
    assert mail["Message-ID"] == f"<{LETTER.delivery_id}@pausewire.test>"
    assert mail["Subject"] == LETTER.subject
    assert mail["References"] == "<CABC.7@pausewire.test>"
    bodies = [part.get_content().strip() for part in mail.iter_parts()]
    assert bodies == [LETTER.text, LETTER.html]


async def test_a_connection_cancelled_in_the_middle_is_thrown_away(
    far_side: ScriptedMail, port: int
) -> None:
    email_channel = channel(port)
    await send(email_channel)
    far_side.rcpt_seconds = 1.0
    waiting = asyncio.create_task(send(email_channel))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    far_side.rcpt_seconds = 0.0
    await send(email_channel)
    await email_channel.close()
    assert far_side.connections == 2


async def test_a_server_that_minds_rset_loses_its_connection(
    far_side: ScriptedMail, port: int
) -> None:
    far_side.refuse_rset = True
    email_channel = channel(port)
    await failure(email_channel, "nobody@example.test")
    await send(email_channel)
    await email_channel.close()
    assert far_side.connections == 2


async def test_a_cancelled_preparation_gives_its_slot_back(port: int) -> None:
    email_channel = channel(port)

    async def hold() -> None:
        async with email_channel.prepare(LETTER, "ana@example.test"):
            await asyncio.sleep(30)

    held = asyncio.create_task(hold())
    await asyncio.sleep(0.1)
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    assert held.cancelled()
    async with asyncio.timeout(2):
        await send(email_channel)
    await email_channel.close()


@pytest.mark.parametrize(
    "address",
    [
        "no-at-sign",
        "@example.test",
        "ana@",
        "a\r\nRCPT TO:<eve@x>@example.test",
        "a b@example.test",
        "a>@example.test",
        "ünal@example.test",
        "ana@" + "x" * 70 + ".test",
    ],
)
def test_an_address_that_smtp_cannot_carry_is_refused_here(address: str) -> None:
    with pytest.raises(DestinationRejected):
        ascii_address(address)


def test_an_international_domain_travels_in_ascii() -> None:
    assert ascii_address("ana@bücher.example") == "ana@xn--bcher-kva.example"
