//! The texts of the repository, as the tests of its references read them.

#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use std::path::{Path, PathBuf};

/// Folders that hold no text of ours.
const SKIPPED: &[&str] = &["target", "node_modules", "__pycache__", ".git", ".aws-sam", ".latchkey"];
/// Kinds of files that are read.
const READ: &[&str] = &["rs", "md", "mjs", "py", "yaml", "yml", "toml"];

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file: its path from the root of the repository, with `/`, and its text.
pub(super) struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// What people read: comments of code, the whole of a document. A comment of several lines is one line here.
    pub(super) fn prose(&self) -> String {
        if self.path.ends_with(".md") {
            return self.text.clone();
        }
        let marks: &[&str] = match self.path.rsplit('.').next() {
            Some("rs" | "mjs") => &["//!", "///", "//", "*"],
            _ => &["#"],
        };
        let mut prose = String::new();
        for line in self.text.lines() {
            let comment = marks.iter().find_map(|mark| line.trim_start().strip_prefix(mark));
            // A comment behind code, too.
            let comment =
                comment.or_else(|| line.split_once(&format!(" {} ", marks[marks.len().min(3) - 1])).map(|(_, rest)| rest));
            match comment {
                Some(comment) => prose.extend([" ", comment.trim_start()]),
                None => prose.push('\n'),
            }
        }
        prose
    }

    /// The whole text, in which a comment of several lines is one line.
    pub(super) fn joined(&self) -> String {
        let mut joined = String::new();
        for line in self.text.lines() {
            let comment = ["//!", "///", "//", "# "].iter().find_map(|mark| line.trim_start().strip_prefix(mark));
            match comment {
                Some(comment) => joined.extend([" ", comment.trim_start()]),
                None => joined.extend(["\n", line]),
            }
        }
        joined
    }

    /// The part that is a test: all of it, what follows `#[cfg(test)]`, or nothing. Helpers of the tests are none.
    pub(super) fn tests(&self) -> Option<Self> {
        let is = |text: &str| Some(Self { path: self.path.clone(), text: text.to_owned() });
        match self.path.split_once('/') {
            Some(("tests", rest)) if rest.starts_with("src/") || rest.ends_with("deployment/checklist.rs") => None,
            Some(("tests", _)) => is(&self.text),
            _ if self.path.ends_with("tests.rs") || self.path.contains("/tests/") => is(&self.text),
            // A module of tests, not the declaration of one that is a file.
            _ => self.text.match_indices("#[cfg(test)]").find_map(|(at, _)| {
                let module = self.text[at..].lines().find(|line| !line.trim_start().starts_with('#'))?;
                module.ends_with('{').then(|| is(&self.text[at..]))?
            }),
        }
    }
}

/// Every text of the repository, sorted by path.
pub(super) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for path in paths() {
        let kind = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, kind)| kind);
        if kind.is_some_and(|kind| READ.contains(&kind)) || path.starts_with(".ci/") {
            let text = std::fs::read_to_string(root().join(&path)).unwrap();
            found.push(Source { path, text });
        }
    }
    found
}

/// Every file of the repository, sorted.
pub(super) fn paths() -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    let mut paths: Vec<String> =
        found.iter().map(|path| path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")).collect();
    paths.sort();
    paths
}
