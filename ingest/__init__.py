"""From a Soroban RPC page to recorded events: follow, fetch, decode, translate, record."""
