//! Signing keys with KMS, the Cognito bridge, and other implementations of AWS.

mod cognito;
mod keys_emergency;
mod keys_first_start;
mod keys_outage;
mod keys_remote;
mod keys_rotation;
mod migration;
mod second_opinion;
