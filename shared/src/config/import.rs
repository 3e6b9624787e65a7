//! Reads `[import]`: which members of an export become which fields of the form.

use super::reader::Table;
use crate::domain::tenant::Field;
use std::collections::BTreeMap;

/// Field of the form → dotted path of a member, such as `user_metadata.company`.
pub(super) fn read(mut table: Table<'_, '_>, fields: &[Field]) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    for (field, path) in table.named_texts("attributes") {
        if !fields.iter().any(|known| known.name == field) {
            table.report.refuse(&path.place, "registration has no field of this name");
        } else if path.value.is_empty() || path.value.split('.').any(str::is_empty) {
            table.report.refuse(&path.place, "must be the path of a member, such as \"user_metadata.company\"");
        } else {
            attributes.insert(field, path.value);
        }
    }
    table.close();
    attributes
}
