//! How pages reach a browser: the table of routes, the frame around every answer, forms, static files,
//! and pages stitched from shared and personal parts. Knows no feature.

/// Addresses for programs: asked with keys and never with cookies, answered with JSON even when something goes wrong.
pub const API: &str = "/api/";

/// Whether a path is for programs. Two are known by short names, too, and one by the name that its protocol gives it.
pub fn is_for_programs(path: &str) -> bool {
    path.starts_with(API) || matches!(path, "/metrics" | "/dashboard" | "/v1/metrics")
}

pub mod assets;
mod confirm;
mod csrf;
pub mod flash;
mod form;
mod frame;
mod gzip;
mod language;
mod layout;
mod paging;
mod read_clock;
mod routes;
pub mod server;
mod times;
mod view;

pub use crate::audit::ClientAddress;
pub use confirm::Confirmed;
pub use csrf::same_origin;
pub use form::{Form, Hx, refused, rejected, saved};
pub use frame::{Frame, RequestId, frame};
pub use gzip::{Part, Piece, join, stitch};
pub use language::spoken;
pub use layout::{FacilityLink, Here, Layout, Markup, sprite, with_via};
pub use paging::{Turn, TurnQuery, Turned};
pub use routes::{Route, Routes};
pub use view::{EmptyView, LinkView, OptionView, PagesView, options, percent_encoded, query_string};

/// A local path to go to after log-in; anything that could lead elsewhere becomes `/`.
pub fn local_path(next: Option<&str>) -> &str {
    match next {
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && !path.contains('\\')
                && !path.chars().any(|c| c.is_control()) =>
        {
            path
        }
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn only_a_local_path_is_followed_after_log_in() {
        assert_eq!(
            local_path(Some("/facilities/7?date=2026-11-01")),
            "/facilities/7?date=2026-11-01"
        );
        for hostile in [
            "//evil.example",
            "/\\evil.example",
            "https:evil.example",
            "/x\r\nSet-Cookie: a=b",
            "",
            "evil",
        ] {
            assert_eq!(local_path(Some(hostile)), "/", "{hostile:?}");
        }
    }
}
