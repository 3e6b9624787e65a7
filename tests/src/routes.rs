//! The routes of the functions and of the gateway, read from their sources.
#![expect(clippy::expect_used, reason = "an unreadable source fails the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A `.route(…)` in the sources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceRoute {
    /// The name of the function. `None` for the gateway.
    pub function: Option<String>,
    /// The method, such as `GET`.
    pub method: String,
    /// The path in axum's form: `/problems/{code}`.
    pub path: String,
}

/// Every `.route(…)` of the functions and of the gateway.
///
/// # Panics
/// Panics if a source can't be read, or if a route has a form that this reader does not know.
#[must_use]
pub fn in_the_sources() -> BTreeSet<SourceRoute> {
    let mut routes = BTreeSet::new();
    for function in functions() {
        routes.extend(of_folder(&root().join("functions").join(&function), Some(&function)));
    }
    routes.extend(of_folder(&root().join("infra/local/src"), None));
    routes
}

/// The packages in `functions/`, sorted by name.
///
/// # Panics
/// Panics if the folder can't be read.
#[must_use]
pub fn functions() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("functions")).expect("the functions");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

/// The root folder of the project.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn of_folder(folder: &Path, function: Option<&str>) -> BTreeSet<SourceRoute> {
    let mut files = Vec::new();
    sources(folder, &mut files);
    let mut routes = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        for call in text.split(".route(").skip(1) {
            let path = call.split('"').nth(1).expect("a path").to_owned();
            let handlers = call.split_once(',').expect("handlers").1;
            let handlers = handlers.split(".route").next().unwrap_or_default().split('\n').next().unwrap_or_default();
            for (word, method) in
                [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("patch(", "PATCH"), ("delete(", "DELETE")]
            {
                let begins = |before: Option<char>| before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
                if handlers.match_indices(word).any(|(at, _)| begins(handlers[..at].chars().next_back())) {
                    let function = function.map(str::to_owned);
                    routes.insert(SourceRoute { function, method: method.to_owned(), path: path.clone() });
                }
            }
        }
    }
    routes
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}
