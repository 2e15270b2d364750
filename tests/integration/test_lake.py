"""A data lake read from a folder and from an S3 server: the same events as through getEvents."""

import json

import pytest
import zstandard
from moto.server import ThreadedMotoServer

from ingest.cursors import window_end
from ingest.errors import (
    LakeUnavailable,
    LakeUnusable,
    LedgerUnreadable,
    NodeBehind,
    NotServed,
    RpcUnavailable,
)
from ingest.ledgers.lake import LedgerLake
from ingest.pins import Pin
from simulator.chain import GENESIS_LEDGER
from simulator.lake import LakeShape, LakeWriter
from simulator.ledger import Rules
from store.errors import ConnectionLost
from tests.fakes.node import PASSPHRASE, built_chain, node
from tests.integration.test_ledgers_equal_events import everything

SHAPES = [LakeShape(), LakeShape(1, 1), LakeShape(4, 2), LakeShape(8, 1)]


@pytest.fixture(scope="module")
def chain():
    with built_chain(rules=Rules(protocol=30, fees=True), scenario="steady", events=60) as built:
        yield built


def last_whole(chain, shape):
    """The newest ledger of the lake: batches are written whole."""
    step = shape.ledgers_per_batch
    return (chain.latest.sequence + 1) // step * step - 1


def written(chain, folder, shape=SHAPES[0]):
    LakeWriter(folder, passphrase=PASSPHRASE, shape=shape).write(chain)
    return lake(f"file://{folder}")


def lake(url, passphrase=PASSPHRASE):
    return LedgerLake(url, passphrase=passphrase, timeout_seconds=10)


def page(source, chain, ledger=GENESIS_LEDGER):
    return source.fetch_page(
        contracts=[chain.cast.contract_id], cursor=None, start_ledger=ledger, limit=1000
    )


async def pages(source, chain, *ledgers):
    for ledger in ledgers:
        await page(source, chain, ledger)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_a_folder_tells_what_get_events_tells(chain, tmp_path, shape):
    source = written(chain, tmp_path, shape)
    contracts = [chain.cast.contract_id, chain.cast.native_id]
    span = {"start": GENESIS_LEDGER, "end": last_whole(chain, shape)}
    async with node(chain) as served:
        told = await everything(served.events, contracts, **span)
    told = [event for event in told if event.ledger <= span["end"]]
    assert await everything(source, contracts, **span) == told
    assert len(told) > 60
    assert (await page(source, chain)).source == f"lake file://{tmp_path}"


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server, monkeypatch):
    """put(key, body) into a fresh bucket of the server; obstore finds it by the usual variables."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="lake")
    yield lambda key, body: client.put_object(Bucket="lake", Key=key, Body=body)
    client.close()


async def test_an_s3_server_tells_the_same(chain, tmp_path, bucket):
    shape = LakeShape(4, 2)
    folder = written(chain, tmp_path, shape)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            bucket(f"some/where/{file.relative_to(tmp_path)}", file.read_bytes())
    source = lake("s3://lake/some/where")
    contracts = [chain.cast.contract_id]
    span = {"start": GENESIS_LEDGER, "end": last_whole(chain, shape)}
    read = await everything(source, contracts, **span)
    assert read == await everything(folder, contracts, **span)
    assert len(read) > 40
    with pytest.raises(NodeBehind) as behind:
        await page(source, chain, chain.latest.sequence + 10)
    assert behind.value.latest_ledger == span["end"]
    with pytest.raises(NotServed, match="does not have ledger 900") as absent:
        await page(source, chain, 900)
    assert absent.value.begins_at == GENESIS_LEDGER // 4 * 4
    with pytest.raises(LakeUnusable, match=r"no \.config\.json"):
        await page(lake("s3://lake/else/where"), chain)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_behind_a_hole_the_next_ledger_that_is_there_is_named(chain, tmp_path, shape):
    source = written(chain, tmp_path, shape)
    batches = sorted(tmp_path.rglob("*.xdr.zst"), reverse=True)  # the oldest first
    step = shape.ledgers_per_batch
    lost = GENESIS_LEDGER // step * step + 2 * step
    for batch in batches[2:5]:
        batch.unlink()
    with pytest.raises(NotServed, match=f"does not have ledger {lost}") as hole:
        await page(source, chain, lost)
    assert hole.value.begins_at == lost + 3 * step
    assert (await page(source, chain, hole.value.begins_at)).cursor > window_end(lost + 3 * step)


async def test_a_server_that_is_away_is_asked_again_later(chain, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    away = LedgerLake("s3://lake/x", passphrase=PASSPHRASE, timeout_seconds=0.2)
    with pytest.raises(LakeUnavailable, match="lake s3://lake/x"):
        await page(away, chain)


async def test_a_lake_of_another_network_is_refused(chain, tmp_path):
    written(chain, tmp_path)
    other = lake(f"file://{tmp_path}", "Another Network")
    with pytest.raises(LakeUnusable, match="it is of 'Pausewire Test Network ; 2026', we follow"):
        await page(other, chain)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("{", "does not read"),
        ("{}", "does not read"),
        ('{"networkPassphrase":"x","ledgersPerBatch":0,"batchesPerPartition":1}', "does not read"),
        (
            '{"networkPassphrase":"x","ledgersPerBatch":1,"batchesPerPartition":1,"compression":"gz"}',
            "compressed by 'gz'",
        ),
        (
            '{"networkPassphrase":"x","ledgersPerBatch":99999,"batchesPerPartition":1}',
            "more than 10000 ledgers",
        ),
    ],
)
async def test_a_lake_of_another_shape_is_refused(chain, tmp_path, manifest, words):
    (tmp_path / ".config.json").write_text(manifest)
    with pytest.raises(LakeUnusable, match=words):
        await page(lake(f"file://{tmp_path}"), chain)


async def test_what_is_no_place_is_refused_until_it_is_one(chain, tmp_path):
    for url in (f"file://{tmp_path}/late", "s4://x/y", "nonsense"):
        with pytest.raises(LakeUnusable, match="cannot be opened"):
            await page(lake(url), chain)
    later = lake(f"file://{tmp_path}/late")
    written(chain, tmp_path / "late")
    assert (await page(later, chain)).cursor > window_end(GENESIS_LEDGER)


async def test_older_names_are_found_too(chain, tmp_path):
    source = written(chain, tmp_path)
    for file in tmp_path.rglob("*.zst"):
        file.rename(file.with_suffix(".zstd"))
    assert (await page(source, chain)).cursor > window_end(GENESIS_LEDGER)


async def test_a_broken_object_ends_the_page_before_it_and_is_then_named(chain, tmp_path):
    source = written(chain, tmp_path, LakeShape(4, 2))
    whole = next(tmp_path.rglob("*--1004-1007.xdr.zst"))
    content = zstandard.decompress(whole.read_bytes())
    zeros = zstandard.compress(bytes(10**9))
    for body, words in (
        (b"x", "not zstd"),
        (whole.read_bytes()[:-9], ""),
        (zeros, "unpacks to more than"),
        (zstandard.compress(b""), "ends too early"),
        (zstandard.compress((7).to_bytes(4) + content[4:]), "its batch says 4 ledgers from 7"),
        (zstandard.compress(content[:700]), ""),
    ):
        whole.write_bytes(body)
        read = await page(source, chain)
        assert window_end(1_003) <= read.cursor < window_end(1_007)
        with pytest.raises(LedgerUnreadable, match=f"does not read: .*{words}"):
            await pages(source, chain, 1_004, 1_005, 1_006, 1_007)


async def test_ledgers_of_two_chains_are_not_mixed(chain, tmp_path):
    source = written(chain, tmp_path)
    with built_chain(seed=2, events=5) as other:
        folder = tmp_path / "other"
        written(other, folder)
        name = next(folder.rglob("*--1003.xdr.zst")).relative_to(folder)
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(RpcUnavailable, match="ledger 1003 does not follow the one before it"):
        await pages(source, chain, 1_000, 1_002)


def pin_of(chain, sequence):
    ledger = chain.ledger(sequence)
    return Pin(sequence, ledger.hash, ledger.closed_at)


@pytest.mark.parametrize("shape", SHAPES[:3], ids=str)
async def test_a_lake_of_the_chain_before_a_reset_is_refused(chain, tmp_path, shape):
    """Its passphrase is ours; a ledger that we pinned is not."""
    written(chain, tmp_path, shape)
    last = last_whole(chain, shape)
    ours = [pin_of(chain, last), pin_of(chain, last - 9)]
    with built_chain(seed=2, events=5) as other:
        theirs = [pin_of(other, GENESIS_LEDGER + 9)]
    source = proving(tmp_path, [Pin(last + 9, "00", 1), *ours])
    assert (await page(source, chain)).cursor > window_end(GENESIS_LEDGER)
    source = proving(tmp_path, theirs)
    for _ in range(2):
        with pytest.raises(LakeUnusable, match="another chain of the same name"):
            await page(source, chain)


def proving(folder, pins):
    url = f"file://{folder}"
    return LedgerLake(url, passphrase=PASSPHRASE, timeout_seconds=10, pins=lambda: pins)


async def test_a_lake_that_has_no_pinned_ledger_is_believed_by_its_name(chain, tmp_path):
    written(chain, tmp_path)
    (tmp_path / next(tmp_path.rglob("*--1005.xdr.zst"))).write_bytes(b"x")
    far = [Pin(10**6, "00", 1), Pin(1_005, "00", 1), Pin(3, "00", 1)]
    assert (await page(proving(tmp_path, far), chain)).cursor > window_end(GENESIS_LEDGER)


async def test_while_the_pins_cannot_be_read_the_lake_waits(chain, tmp_path):
    written(chain, tmp_path)

    def away():
        raise ConnectionLost("away")

    source = LedgerLake(f"file://{tmp_path}", passphrase=PASSPHRASE, timeout_seconds=10, pins=away)
    with pytest.raises(LakeUnavailable, match="pinned ledgers cannot be read"):
        await page(source, chain)


def test_a_manifest_is_as_galexie_writes_it(chain, tmp_path):
    written(chain, tmp_path, LakeShape(4, 2))
    manifest = json.loads((tmp_path / ".config.json").read_text())
    assert (manifest["ledgersPerBatch"], manifest["batchesPerPartition"]) == (4, 2)
    # SEP-54's own example has batches of 2 and partitions of 8; this follows its rule.
    assert (tmp_path / "FFFFFC17--1000-1007" / "FFFFFC17--1000-1003.xdr.zst").exists()
