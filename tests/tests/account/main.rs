//! Registration, self-service, account pages and data export.

mod account_pages;
mod export;
mod mail_limits;
mod missing_fields;
mod not_me;
mod passkey_apps_and_signals;
mod passkey_ceremonies;
mod passkey_guards;
mod passkey_offer;
mod passkeys;
mod registration_api;
mod registration_pages;
mod registration_without_password;
mod repetition;
mod self_service;
mod two_step;
