//! Items: a domain state, its key, `ttl`, `op` and, on one item of each commit, `event`.
