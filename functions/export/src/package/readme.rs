//! `README.txt`: an overview of the files, understandable years later.

use latchkey::domain::export::Document;
use latchkey::services::Tenant;
use latchkey::web::locale;

pub(super) fn write(tenant: &Tenant, document: &Document) -> String {
    let locale = document.locale.as_str();
    let name = tenant.config.name.get(locale).to_owned();
    let jwks = format!("{}/.well-known/jwks.json", document.issuer);
    let say = |id: &str| {
        let arguments =
            [("tenant", name.clone().into()), ("issuer", document.issuer.clone().into()), ("jwks", jwks.clone().into())];
        locale::message(locale, id, arguments)
    };
    let date = locale::date_and_time(locale, document.as_of.0);
    let title = say("export-readme-title");
    let files = [
        ("export.html", "export-readme-html"),
        ("export.json", "export-readme-json"),
        ("schema.json", "export-readme-schema"),
        ("history.csv", "export-readme-csv"),
        ("manifest.json", "export-readme-manifest"),
        ("manifest.jws", "export-readme-jws"),
    ];
    let files: Vec<String> = files.iter().map(|(file, id)| format!("{file:<15}{}", say(id))).collect();
    let rule = "=".repeat(title.chars().count());
    let issuer = &document.issuer;
    format!(
        "{title}\n{rule}\n\n{issuer}\n{date}\n\n{}\n\n{}\n\n{}\n\n    latchkey verify-export --jwks jwks.json --issuer {issuer} FILE\n\n{}\n",
        say("export-readme-open"),
        files.join("\n"),
        say("export-readme-verify"),
        say("export-readme-private"),
    )
}
