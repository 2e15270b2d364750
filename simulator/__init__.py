"""A Stellar network in one process: chain, contract, RPC and catchers. It shares no code with the rest."""
