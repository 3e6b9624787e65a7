//! Client authentication: exactly the registered method (RFC 6749 §2.3; security 25, 39, 41).
