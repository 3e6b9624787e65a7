//! Security headers on every response (security 117, 118).
