//! `docs/cost.svg`: the bills as bars, with one scale for each number of customers. Legible on light and dark backgrounds.

use super::bill::Month;
use super::page::{dollars, thousands};
use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
/// Where bars begin, and the maximum length. The amount follows the bar.
const BARS: (f64, f64) = (160.0, 440.0);
const ROW: f64 = 24.0;
const GROUP: f64 = 116.0;

/// Renders the picture.
#[must_use]
pub fn svg(months: &[Month]) -> String {
    let height = GROUP * f64::from(u32::try_from(months.len()).unwrap_or(0)) + 12.0;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="The monthly bill of Latchkey beside Cognito's list price">
<style>
text {{ font: 14px system-ui, sans-serif; fill: #24292f }}
.head {{ font-weight: 600 }}
.latchkey {{ fill: #3b5bdb }}
.cognito {{ fill: #8c959f }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .latchkey {{ fill: #748ffc }} .cognito {{ fill: #6e7681 }} }}
</style>
"#
    );
    let mut top = 24.0;
    for month in months {
        let _ = writeln!(svg, r#"<text class="head" x="0" y="{top}">{} customers a month</text>"#, thousands(month.customers));
        let bills = [
            ("Latchkey", "latchkey", month.total()),
            ("Cognito Lite", "cognito", month.cognito[0]),
            ("Cognito Essentials", "cognito", month.cognito[1]),
        ];
        let longest = bills.iter().map(|(_, _, amount)| *amount).fold(1.0, f64::max);
        for (row, (name, class, amount)) in bills.iter().enumerate() {
            let y = top + 10.0 + ROW * f64::from(u32::try_from(row).unwrap_or(0));
            let (text, (x, full)) = (y + 14.0, BARS);
            let length = (amount / longest * full).max(1.0);
            let _ = writeln!(
                svg,
                r#"<text x="0" y="{text}">{name}</text><rect class="{class}" x="{x}" y="{y}" width="{length:.0}" height="18" rx="2"/><text x="{:.0}" y="{text}">{}</text>"#,
                x + length.round() + 8.0,
                dollars(*amount),
            );
        }
        top += GROUP;
    }
    svg.push_str("</svg>\n");
    svg
}
