//! `GET /.well-known/change-password` (W3C, a well-known URL for changing passwords): password managers open it.

use axum::response::Response;
use latchkey::web::TenantHandle;
use latchkey::web::account::{path_of, see_other};

pub(crate) async fn redirect(handle: TenantHandle) -> Response {
    see_other(&path_of(&handle.tenant, "/account/password"))
}
