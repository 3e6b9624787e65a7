//! Strict reading of JWTs (RFC 8725; security 44–48).
