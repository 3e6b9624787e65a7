//! One file for each method. Each returns evidence, and none opens a session.

pub mod legacy_directory;
pub mod mail_code;
pub mod passkey;
pub mod password;
pub mod recovery_code;
pub mod totp;
