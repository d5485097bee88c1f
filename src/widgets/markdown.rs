//! Markdown of a text widget as HTML that can do nothing but be read: parsed, then cleaned by a list of what is allowed.
//! No script, no style, no image, no attribute that htmx or the browser would act on survives.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(cleaner);
static LINKLESS: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = cleaner();
    builder.rm_tags(["a"]).rm_tag_attributes("a", ["href"]);
    builder
});

fn cleaner() -> Builder<'static> {
    let tags = [
        "p",
        "br",
        "hr",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "code",
        "strong",
        "em",
        "del",
        "a",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ];
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(tags))
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer nofollow"))
        .clean_content_tags(HashSet::from(["script", "style"]));
    builder
}

/// The HTML of a text. Headings begin below the widget's own title; without `links` only the words of a link are kept.
pub fn to_html(markdown: &str, links: bool) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Start(Tag::Heading {
            level,
            id,
            classes,
            attrs,
        }) => Event::Start(Tag::Heading {
            level: lower(level),
            id,
            classes,
            attrs,
        }),
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        other => other,
    });
    let mut text = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut text, events);
    let cleaner = if links { &CLEANER } else { &LINKLESS };
    cleaner.clean(&text).to_string()
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::to_html;

    #[test]
    fn markdown_becomes_html_below_the_title_of_its_widget() {
        let html = to_html(
            "# Rules\n\n* **two** units\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[list](/facilities/7/inventory)",
            true,
        );

        assert!(html.starts_with("<h3>Rules</h3>"), "{html}");
        assert!(
            html.contains("<li><strong>two</strong> units</li>") && html.contains("<td>2</td>"),
            "{html}"
        );
        assert!(
            html.contains("href=\"/facilities/7/inventory\"") && html.contains("noopener"),
            "{html}"
        );
    }

    #[test]
    fn without_links_only_their_words_are_left() {
        let html = to_html(
            "[list](/facilities/7) <a href=\"/x\">raw</a> https://example.org",
            false,
        );

        assert!(!html.contains("<a") && !html.contains("href"), "{html}");
        assert!(html.contains("list") && html.contains("raw"), "{html}");
    }

    #[test]
    fn nothing_that_acts_survives() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://tracker.invalid/p.png)",
            "<a href=\"javascript:alert(1)\" onclick=\"x()\">a</a>",
            "[a](javascript:alert(1))",
            "[a](data:text/html;base64,AAAA)",
            "<div hx-get=\"/facilities/1\" hx-trigger=\"load\" data-hx-get=\"/x\">b</div>",
            "<hx-partial hx-target=\"#w-stock\">c</hx-partial>",
            "<p id=\"w-stock\" class=\"critical\" style=\"position:fixed\">d</p>",
            "<form action=\"/logout\" method=\"post\"><button>e</button></form>",
            "<iframe src=\"/\"></iframe><base href=\"//x\"><meta http-equiv=refresh>",
            "<svg><style><img src=x onerror=alert(1)></style></svg>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        ] {
            let html = to_html(hostile, true);
            // attributes, elements and addresses that act; their names may stand there as plain text
            for bad in [
                "<script",
                "<img",
                "onerror=",
                "onclick=",
                "href=\"javascript",
                "href=\"data",
                "hx-get=",
                "<hx-",
                "id=",
                "class=",
                "style=",
                "<form",
                "<button",
                "<iframe",
                "<base",
                "<meta",
                "<svg",
                "<math",
                "<style",
            ] {
                let escaped = html.replace("&lt;", "").contains(bad) && !html.contains('<');
                assert!(escaped || !html.contains(bad), "{hostile}: {html}");
            }
        }
    }
}
