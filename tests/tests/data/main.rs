//! Storage, events, delivery, retention, and the invariants over all stored data.

mod conditions;
mod delivery;
mod delivery_log;
mod events;
mod faults;
mod identifier_rotation;
mod invariants;
mod notices;
mod retention;
mod store_commit;
mod store_cost;
mod store_documents;
mod store_faults;
mod ttl;
