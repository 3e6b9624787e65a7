//! Registration, self-service, account pages and data export.

mod account_pages;
mod export;
mod registration_api;
mod registration_pages;
mod self_service;
