//! A QR code as the path of an SVG: one square for each dark module, rows joined into runs.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

use crate::error::Result;

/// Modules of white that a reader needs on each side.
const QUIET: i32 = 4;

pub struct QrView {
    /// width and height in modules, the quiet zone included
    pub size: i32,
    /// `d` of the path
    pub path: String,
}

pub fn qr(text: &str) -> Result<QrView> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(anyhow::Error::from)?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count() as i32;
            if run > 0 {
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run + 1;
        }
    }
    Ok(QrView {
        size: code.size() + 2 * QUIET,
        path,
    })
}
