"""The wallet proof: who controls an address, by signature or by what the chain says."""
