//! A file of the package.

/// A file of the package.
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) media_type: &'static str,
    pub(super) content: Vec<u8>,
}
