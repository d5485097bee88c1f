//! Reading a page as a person does: the words of an element, the problem beside a field.

use scraper::{Html, Selector};

/// The text of an answer, with questions about it.
#[derive(Clone, Debug)]
pub struct Page(pub String);

impl Page {
    /// The words of the first element, with single spaces. Panics with the page when there is none.
    pub fn text(&self, selector: &str) -> String {
        self.find(selector)
            .unwrap_or_else(|| panic!("nothing matches {selector} in:\n{}", self.0))
    }

    /// The same, or nothing.
    pub fn find(&self, selector: &str) -> Option<String> {
        self.texts(selector).into_iter().next()
    }

    /// The words of every element that matches.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.each(selector, |element| words(&element.text().collect::<String>()))
    }

    /// How many elements match.
    pub fn count(&self, selector: &str) -> usize {
        self.texts(selector).len()
    }

    pub fn has(&self, selector: &str) -> bool {
        self.count(selector) > 0
    }

    /// An attribute of the first element that matches and has it.
    pub fn attr(&self, selector: &str, name: &str) -> Option<String> {
        self.attrs(selector, name).into_iter().next()
    }

    /// An attribute of all elements that match and have it.
    pub fn attrs(&self, selector: &str, name: &str) -> Vec<String> {
        self.each(selector, |element| element.attr(name).map(str::to_owned))
            .into_iter()
            .flatten()
            .collect()
    }

    /// What the form holds in a field, also when it was refused.
    pub fn value(&self, field: &str) -> Option<String> {
        self.attr(&format!("[name=\"{field}\"]"), "value")
    }

    /// The problem beside a field.
    pub fn problem(&self, field: &str) -> Option<String> {
        self.find(&format!("[id=\"f-{field}-problem\"]"))
    }

    /// The heading of the page.
    pub fn heading(&self) -> String {
        self.text("h1")
    }

    /// What the page says was just done.
    pub fn notice(&self) -> Option<String> {
        self.find("#notice .notice")
    }

    fn each<T>(&self, selector: &str, read: impl Fn(scraper::ElementRef<'_>) -> T) -> Vec<T> {
        let selector = Selector::parse(selector).unwrap_or_else(|error| panic!("{selector}: {error}"));
        let document = Html::parse_document(&self.0);
        document.select(&selector).map(read).collect()
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
