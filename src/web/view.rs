//! Small pieces that pages of every feature show alike.

/// A number (or words) that links to what is behind it.
#[derive(Clone, Debug, Default)]
pub struct LinkView {
    pub value: String,
    pub href: String,
}

/// Why there is nothing to show: `never` had data, none in this `range`, the `filter` excludes all.
#[derive(Clone, Debug)]
pub struct EmptyView {
    pub kind: String,
    pub title: String,
    pub text: String,
    /// words on the way out of it; no button when `href` is empty
    pub label: String,
    pub href: String,
}

impl EmptyView {
    pub fn new(kind: &str, title: &str, text: &str, label: &str, href: String) -> Self {
        EmptyView {
            kind: kind.into(),
            title: title.into(),
            text: text.into(),
            label: label.into(),
            href,
        }
    }
}

/// One `<option>`; `select` of `_macros.html` takes a list of them.
#[derive(Clone, Debug)]
pub struct OptionView {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// Options from values and labels, with the present one chosen.
pub fn options<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, chosen: &str) -> Vec<OptionView> {
    pairs
        .into_iter()
        .map(|(value, label)| OptionView {
            value: value.into(),
            label: label.into(),
            selected: value == chosen,
        })
        .collect()
}

/// A page of a longer list.
#[derive(Clone, Debug, Default)]
pub struct PagesView {
    /// `1 to 40 of 212`
    pub summary: String,
    pub previous: Option<String>,
    pub next: Option<String>,
}

/// `?a=1&b=2` out of the pairs that have a value; empty when none has.
pub fn query_string(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(&percent_encoded(value));
    }
    text
}

/// Everything but unreserved characters and `/` as `%XX`.
pub fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(byte as char);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}
