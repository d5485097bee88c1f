//! Pages as people of other languages get them.

use std::collections::BTreeSet;

use http::header;
use pulseboard::auth::Role;
use pulseboard::words::{self, Language, Locale};
use scraper::{Html, Node};

use super::scan::{has_words, texts};
use crate::access::World;
use crate::support::TestApp;

const PREFERENCES: [(&str, &str); 4] = [
    ("dates", "words"),
    ("refresh", "live"),
    ("start", "usual"),
    ("numbers", "usual"),
];

fn in_language(language: &'static str) -> Vec<(&'static str, &'static str)> {
    PREFERENCES.into_iter().chain([("language", language)]).collect()
}

#[tokio::test]
async fn before_log_in_a_browser_is_spoken_to_in_its_language_or_the_one_chosen() {
    let app = TestApp::new().await;
    let french = app.client().with("accept-language", "fr-CH, en;q=0.5");

    let asked = french.get("/login").await.ok();
    let wrong = french
        .post("/login", &[("email", "a@example.org"), ("password", "x")])
        .await;
    let chosen = french.get("/login?language=ar").await.ok();
    let kept = french.get("/login").await.ok();
    let unknown = app.client().with("accept-language", "de").get("/login").await.ok();

    assert_eq!(
        (asked.heading(), asked.attr("html", "lang")),
        ("Se connecter".into(), Some("fr".into()))
    );
    assert_eq!(wrong.text(".notice.critical"), "L'adresse ou le mot de passe est faux.");
    assert_eq!(
        (chosen.heading(), chosen.attr("html", "dir")),
        ("تسجيل الدخول".into(), Some("rtl".into()))
    );
    assert_eq!(kept.heading(), "تسجيل الدخول");
    assert_eq!(
        (unknown.heading(), unknown.attr("html", "dir")),
        ("Log in".into(), Some("ltr".into()))
    );
}

#[tokio::test]
async fn what_somebody_chose_goes_before_what_their_browser_asks() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app
        .log_in(Role::Staff, &[&lakeside])
        .await
        .with("accept-language", "ar");

    let before = client.get("/account").await.ok();
    let saved = client.post("/account/preferences", &in_language("es")).await;
    let after = client.get("/account").await.ok();
    let refused = client.post(&lakeside.path("/requests"), &[]).await;
    let nowhere = client.get("/facilities/0").await;

    assert_eq!(before.attr("html", "lang").as_deref(), Some("ar"));
    assert!(saved.status.is_redirection(), "{}", saved.status);
    assert_eq!(after.heading(), "Cuenta");
    assert_eq!(after.attr("html", "lang").as_deref(), Some("es"));
    assert_eq!(refused.attr("html", "lang").as_deref(), Some("es"), "a refusal too");
    assert_eq!(nowhere.heading(), "No encontrado");
}

#[tokio::test]
async fn two_people_at_one_board_each_get_their_language_first_and_pushed() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(1_234).add().await;
    let english = app.log_in(Role::Viewer, &[&lakeside]).await;
    let arabic = app.log_in(Role::Viewer, &[&lakeside]).await;
    let french = app.log_in(Role::Viewer, &[&lakeside]).await;
    arabic.post("/account/preferences", &in_language("ar")).await;
    french.post("/account/preferences", &in_language("fr")).await;

    let pages = [&english, &arabic, &french].map(|one| async { one.get(&lakeside.path("")).await.ok() });
    let [one, two, three] = pages;
    let (in_english, in_arabic, in_french) = (one.await, two.await, three.await);
    let mut at_english = english.watch_path(&stream_of(&in_english)).await;
    let mut at_arabic = arabic.watch_path(&stream_of(&in_arabic)).await;
    app.stock(&lakeside).quantity(1).add().await;
    let pushed_english = at_english.swap_of("w-stock").await;
    let pushed_arabic = at_arabic.swap_of("w-stock").await;

    assert_eq!(in_english.text("#w-stock h2"), "Issuable stock");
    assert_eq!(in_english.text("#w-stock .figure a"), "1,234 units");
    assert_eq!(in_french.text("#w-stock h2"), "Stock délivrable");
    assert_eq!(in_french.text("#w-stock .figure a"), "1 234 unités");
    assert_eq!(in_arabic.text("#w-stock h2"), "المخزون القابل للصرف");
    assert_eq!(pushed_english.text("h2"), "Issuable stock");
    assert_eq!(pushed_arabic.text("h2"), "المخزون القابل للصرف");
}

fn stream_of(page: &crate::support::Page) -> String {
    page.attr("[hx-sse\\:connect]", "hx-sse:connect").expect("a stream")
}

/// Every page in Arabic holds no text for which there is an Arabic one.
#[tokio::test]
async fn no_page_falls_back_into_english() {
    let world = World::new().await;
    let admin = world.app.person(Role::NetworkAdmin, &[&world.own]).await;
    let client = world.app.client().log_in(&admin.email).await;
    client.post("/account/preferences", &in_language("ar")).await;
    // of pages that do not ask who somebody is
    let client = client.with("accept-language", "ar");
    let arabic = Locale::of(Language::Ar);
    let english: BTreeSet<String> = texts()
        .into_keys()
        .filter(|(context, text)| context.is_empty() && words::under(arabic, || words::ours(text) != text))
        .map(|(_, text)| text)
        .collect();
    let mut found = BTreeSet::new();
    let mut seen = 0;

    for path in world.pages(&client) {
        // streams have no end; the log is kept in the words of its writing, reasons in those of who named them, and the
        // table of rights in the names of the routes
        let skipped = [
            "/events",
            "/changes",
            "/admin/audit",
            "/admin/reference",
            "/admin/security",
        ];
        if skipped.iter().any(|end| path.ends_with(end)) || path.starts_with("/static") {
            continue;
        }
        let answer = client.get(&path).await;
        let is_html = answer
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if !answer.status.is_success() || !is_html || !answer.body().starts_with("<!doctype html>") {
            continue;
        }
        seen += 1;
        assert_eq!(answer.attr("html", "dir").as_deref(), Some("rtl"), "{path}");
        for text in shown(answer.body()) {
            if has_words(&text) && english.contains(&text) {
                found.insert(format!("{path}: {text}"));
            }
        }
    }

    assert!(seen >= 14, "only {seen} pages were seen");
    assert!(found.is_empty(), "{found:#?}");
}

/// What a page shows: its texts and the attributes that are read out.
fn shown(html: &str) -> Vec<String> {
    let document = Html::parse_document(html);
    let mut found = Vec::new();
    for node in document.tree.nodes() {
        match node.value() {
            Node::Text(text) => {
                let silent = node
                    .parent()
                    .and_then(|parent| parent.value().as_element().map(|element| element.name().to_owned()));
                if !matches!(silent.as_deref(), Some("script" | "style" | "code" | "bdi" | "option")) {
                    found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
                }
            }
            Node::Element(element) => {
                for name in ["title", "aria-label", "placeholder", "data-label", "alt"] {
                    found.extend(element.attr(name).map(str::to_owned));
                }
            }
            _ => {}
        }
    }
    found
}
