//! The operations of the export function.

use super::builder::{Operation, Tag};
use super::profile::{call, fresh, page, submit};
use super::schemas::{integer, moment, object, one_of, page_form, text};
use latchkey::web::problem::ProblemKind;
use serde_json::json;

const ZIP: &str = "application/zip";

pub(super) fn operations() -> Vec<Operation> {
    vec![begin(), status(), document(), start_page(), start(), ready_page(), document_by_page()]
}

fn own(method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    call(Tag::Export, method, path, id, summary)
}

fn with_id(operation: Operation) -> Operation {
    operation.path_parameter("id", "The `export_id`: it works for an hour, for the session or grant that began it.")
}

fn with_part(operation: Operation) -> Operation {
    let number = json!({ "type": "integer", "minimum": 1, "default": 1 });
    with_id(operation)
        .parameter("query", "part", false, "Which part, from 1.", number)
        .answers_as(200, "The package, or one part of it, to be joined in order.", ZIP, json!({}))
        .header(200, "Content-Disposition", true, "The name of the file.")
        .problems(&[ProblemKind::ExportStale])
}

fn begin() -> Operation {
    let language = json!({ "type": "string" });
    fresh(own("POST", "/v1/me/exports", "startExport", "Starts an export."))
        .describe("The export is of this moment. Nothing of it is stored: it is built when it is read.")
        .parameter("header", "Accept-Language", false, "The language of the package.", language)
        .answers(202, "The export can be read.", object([("export_id", text("Names the export."))]))
}

fn status() -> Operation {
    let parts = integer("How many parts the package has: one below 4 MB.");
    let answer = object([
        ("status", one_of(&["ready"], "It can be read.")),
        ("expires_at", moment("Until when it can be read.")),
        ("parts", parts),
    ]);
    with_id(own("GET", "/v1/me/exports/{id}", "readExportStatus", "Says how an export can be read.")).answers(
        200,
        "The export.",
        answer,
    )
}

fn document() -> Operation {
    with_part(own("GET", "/v1/me/exports/{id}/document", "readExport", "Reads an export."))
        .describe("What was changed since the export began makes it stale: begin a new one.")
}

fn start_page() -> Operation {
    page("/account/export", "showExportPage", "Shows what an export has in it.")
}

fn start() -> Operation {
    submit("/account/export", "submitExportPage", "Starts an export.", page_form([]))
}

fn ready_page() -> Operation {
    with_id(page("/account/export/{id}", "showExportReadyPage", "Shows the links to the package."))
        .page(404, "There is no such export for this session, or its hour is over.")
}

fn document_by_page() -> Operation {
    with_part(page("/account/export/{id}/document", "readExportByPage", "Reads an export in the browser."))
        .page(404, "There is no such export for this session, or its hour is over.")
        .page(409, "What is held has changed since the export began.")
}
