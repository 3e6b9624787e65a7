//! A QR code as inline SVG.

use latchkey::web::Problem;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// The light margin around the code, in modules (ISO/IEC 18004 §5.3.8).
const MARGIN: usize = 4;

/// The code of this text. The label describes it to screen readers.
///
/// # Errors
/// If the text is too long for a code.
pub(super) fn svg(text: &str, label: &str) -> Result<String, Problem> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| {
        tracing::error!("a text is too long for a QR code");
        Problem::internal()
    })?;
    let (width, colors) = (code.width(), code.to_colors());
    let side = width + 2 * MARGIN;
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + MARGIN, y + MARGIN);
            }
            x += run.max(1);
        }
    }
    let label = minijinja::HtmlEscape(label);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{label}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}
