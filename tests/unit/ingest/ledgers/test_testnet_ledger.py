"""The head of a real ledger: that its hashes cover what we take them to cover, no test of ours can tell."""

import base64
from hashlib import sha256

from ingest.ledgers import meta
from ingest.ledgers.header import read_header
from ingest.ledgers.results import RESULT_PAIR

# Ledger 172628 of the public test network after its reset of December 2024, protocol 22, one failed
# payment: its close meta (V1) from getLedgers, up to the end of the one result.
SEQUENCE = 172_628
CLOSE_META = base64.b64decode(
    "AAAAAQAAAADut0vN/U3hoLJ1PvN+12pfaWpvItW+aLTX23qXK3KMjwAAABZA+LF7Wq6MCeA03qO6TgVTNZVEu1ZirWPo"
    "l+tYe1muBkBJuRJTQtxlxlwGaAlBOhIvWMEStsTX3Iltax2+9XeWAAAAAGdlpqsAAAAAAAAAAQAAAADVcmnZYlD3SW0H"
    "m+LoNRI27//o05wuBr+rsUIfF/xnHAAAAEDzPFIMHv6m8X6hR8Re2Si00dwNqnYT23BGkXYEU08G2mOxDIdJ3KJuA79m"
    "iXd1nYOjBFeoIMp+bI7dZwWGDh0OdJ9uAUOYRuWtM7wThpnzXf+Nv8mvwIYImzDfD4Nlee0NVZKLfjvWkNSDD1HejbaK"
    "EuvbC4mqcoiiMMk4w/hMPgAColQN4Lazp2QAAAAAABVw1cv0AAAAAAAAAAAAAAXEAAAAZABMS0AAAADImm9nh5EAJCZ0"
    "NWFLX6GHt/lNFR8DAsnwLqMD2k7B8wJN6ZJGWlqDO1TnxFGkuRjsv5tkxR8NjFe46rMSoDZGmdUpAWthyRZIkzswtilj"
    "y26eoLytuZjbPLgIbE7yKbIOAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFA+LF7Wq6M"
    "CeA03qO6TgVTNZVEu1ZirWPol+tYe1muBgAAAAIAAAAAAAAAAQAAAAAAAAABAAAAAAAAAGQAAAABAAAAAgAAAACtppot"
    "siRUXkYQbvprZhhAw6HQdZ3dLzYlmkXEXLjgwQAAAGQAADT6AAA3jwAAAAEAAAAAAAAAAAAAAABnZabFAAAAAQAAABg2"
    "NzY1MzgzM2EwYmNkNzA1OGY5MmQ5Y2QAAAABAAAAAAAAAAEAAAAAcg3R+CoLe7z8g+Eir/ueWj+wjf84FdODeGPJ6vLu"
    "vPgAAAAAAAAAAK3QsNAAAAAAAAAAAVy44MEAAABA07eKhwodyrTZ+2sVcrxvi3yPJrRClDml09LsRLWWh2bS71l9Fwa/"
    "2ZcGg9o3bHlErSxdvHXV+S29J4ISAdrCAwAAAAAAAAAAAAAAARRS1lMI7djITjcly+kDehgacemTgmBmJYGLeWcy3CSY"
    "AAAAAAAAAGT/////AAAAAQAAAAAAAAAB////+wAAAAA="
)


def test_the_header_of_a_real_ledger_ends_where_its_hash_is_right():
    header = read_header(CLOSE_META, SEQUENCE)
    assert header.hash.hex() == "eeb74bcdfd4de1a0b2753ef37ed76a5f696a6f22d5be68b4d7db7a972b728c8f"
    assert (header.version, header.closed_at) == (1, 1_734_715_051)


def test_the_transaction_set_and_the_results_of_a_real_ledger_have_the_header_s_hashes():
    header = read_header(CLOSE_META, SEQUENCE)
    at = meta._behind_transaction_set(CLOSE_META, header)
    assert int.from_bytes(CLOSE_META[at : at + 4]) == 1
    assert RESULT_PAIR(CLOSE_META, at + 4) == len(CLOSE_META)
    assert sha256(CLOSE_META[at:]).digest() == header.results_hash
