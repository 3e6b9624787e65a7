//! A data export in a test: requested, downloaded, opened, verified by the real command.

use crate::AccountClient;
use crate::anonymous::Answer;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// An opened export package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportPackage {
    /// The package as downloaded.
    pub bytes: Vec<u8>,
    /// Its files, in order.
    pub files: Vec<(String, Vec<u8>)>,
}

impl AccountClient {
    /// Starts an export. Returns its id.
    pub async fn begin_export(&self) -> String {
        let begun = self.post("/v1/me/exports", &json!({})).await;
        assert_eq!(begun.status(), 202, "{}", begun.text());
        begun.json()["export_id"].as_str().expect("an export_id").to_owned()
    }
    /// Downloads one part of an export.
    pub async fn export_part(&self, id: &str, part: u32) -> Answer {
        self.get(&format!("/v1/me/exports/{id}/document?part={part}")).await
    }
    /// Starts an export and downloads all of it.
    pub async fn export(&self) -> ExportPackage {
        let id = self.begin_export().await;
        let status = self.get(&format!("/v1/me/exports/{id}")).await.json();
        let parts = status["parts"].as_u64().expect("how many parts");
        let mut bytes = Vec::new();
        for part in 1..=u32::try_from(parts).expect("few parts") {
            let answer = self.export_part(&id, part).await;
            assert_eq!(answer.status(), 200, "part {part}");
            bytes.extend_from_slice(answer.response.body());
        }
        ExportPackage::open(bytes)
    }
}

impl ExportPackage {
    /// Opens a package.
    #[must_use]
    pub fn open(bytes: Vec<u8>) -> Self {
        let mut archive = ZipArchive::new(Cursor::new(&bytes)).expect("a ZIP file");
        let mut files = Vec::new();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).expect("a file");
            let mut content = Vec::new();
            file.read_to_end(&mut content).expect("its content, with a correct checksum");
            files.push((file.name().expect("a name").into_owned(), content));
        }
        Self { bytes, files }
    }
    /// Makes a package of other files, as an attacker does who changes one.
    #[must_use]
    pub fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(name, options).expect("a file");
            writer.write_all(content).expect("its content");
        }
        writer.finish().expect("a package").into_inner()
    }
    /// The content of a file.
    #[must_use]
    pub fn file(&self, name: &str) -> &[u8] {
        &self.files.iter().find(|(known, _)| known == name).expect("the file").1
    }
    /// The content of a file, as text.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        std::str::from_utf8(self.file(name)).expect("UTF-8")
    }
    /// The content of a file, as JSON.
    #[must_use]
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(self.file(name)).expect("JSON")
    }
    /// `export.json`.
    #[must_use]
    pub fn document(&self) -> Value {
        self.json("export.json")
    }
}

/// The result of `verify-export`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyResult {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output and standard error.
    pub words: String,
}

/// A folder with a package and the other files that a verification needs.
pub struct ExportFolder(tempfile::TempDir, BTreeMap<String, PathBuf>);

impl Default for ExportFolder {
    fn default() -> Self {
        Self(crate::gateway::folder(), BTreeMap::new())
    }
}

impl ExportFolder {
    /// Writes a file into the folder.
    pub fn put(&mut self, name: &str, content: &[u8]) {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).expect("written");
        self.1.insert(name.to_owned(), path);
    }
    /// Runs `latchkey verify-export`. An argument that names a file of this folder becomes its path.
    #[must_use]
    pub fn verify(&self, arguments: &[&str]) -> VerifyResult {
        let arguments = arguments.iter().map(|argument| self.1.get(*argument).map_or(Path::new(argument), PathBuf::as_path));
        let output = Command::new(binary()).arg("verify-export").args(arguments).output().expect("the command runs");
        let words = [output.stdout, output.stderr].concat();
        VerifyResult { code: output.status.code(), words: String::from_utf8(words).expect("UTF-8") }
    }
}

/// The command, built if it is older than its sources.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| crate::gateway::built("latchkey"))
}
