// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// The same streams as benchmarks/chain.py: paused and resumed in turn.
contract Streams {
    event Paused(uint64 indexed streamId, address employer, address employee, uint64 at);
    event Resumed(uint64 indexed streamId, address employer, address employee, uint64 at);

    function tell(uint64 first, uint64 count, uint64 streams) external {
        for (uint64 n = first; n < first + count; n++) {
            uint64 id = n % streams;
            address employer = address(uint160(uint256(keccak256(abi.encode(id, 1)))));
            address employee = address(uint160(uint256(keccak256(abi.encode(id, 2)))));
            if ((n / streams) % 2 == 0) emit Paused(id, employer, employee, 1784655000 + n);
            else emit Resumed(id, employer, employee, 1784655000 + n);
        }
    }
}
