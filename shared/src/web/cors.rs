//! CORS: origins of registered clients only, never credentials (security 119).
