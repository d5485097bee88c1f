//! One browser: what a person does with it and sees in it, in words. Every wait is bounded and says what it waited for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fantoccini::actions::{InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::driver::driver;
use crate::support::{PASSWORD, Person};

/// Nothing that a story waits for may take longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at something that is waited for.
const PAUSE: Duration = Duration::from_millis(20);
/// Browsers at the same time: more only wait for each other on two cores.
static PLACES: Semaphore = Semaphore::const_new(4);

/// A browser with a profile of its own, closed when dropped.
pub struct Chromium {
    client: Client,
    site: SocketAddr,
    /// `http://127.0.0.1:40001/session/a1b2`
    session: String,
    _profile: TempDir,
    _place: SemaphorePermit<'static>,
}

impl Chromium {
    pub(super) async fn open(site: SocketAddr, javascript: bool) -> Chromium {
        let place = PLACES.acquire().await.expect("the semaphore stays open");
        let driver = driver().await;
        let profile = tempfile::Builder::new()
            .prefix("pulseboard-chromium-")
            .tempdir()
            .expect("a temporary folder");
        let mut options = json!({
            "binary": driver.browser,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-extensions", "--lang=en-US", "--window-size=1280,900", "--remote-debugging-pipe",
                format!("--user-data-dir={}", profile.path().display()),
            ],
        });
        if !javascript {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let Value::Object(capabilities) = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": options,
        }) else {
            unreachable!("capabilities are an object")
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.address)
            .await
            .expect("a browser opens");
        let id = client
            .session_id()
            .await
            .expect("the driver answers")
            .expect("a session");
        Chromium {
            session: format!("{}/session/{id}", driver.address),
            client,
            site,
            _profile: profile,
            _place: place,
        }
    }

    /// Goes to a page of the site.
    pub async fn visit(&self, path: &str) {
        let url = format!("http://{}{path}", self.site);
        self.client.goto(&url).await.expect("the page loads");
    }

    /// Goes to the log-in page and through it.
    pub async fn log_in(&self, person: &Person) {
        self.visit("/login").await;
        self.fill("email", &person.email).await;
        self.fill("password", PASSWORD).await;
        self.press("Log in").await;
        self.until("somebody is logged in", "location.pathname !== '/login'")
            .await;
    }

    /// Fills in the control of this name as a person would: keys, or a choice.
    pub async fn fill(&self, name: &str, value: &str) {
        let control = self.find(&format!("[name='{name}']")).await;
        match control.tag_name().await.expect("it is there").as_str() {
            "select" => control.select_by_value(value).await.expect("there is such a choice"),
            // the order of the keys of a date follows the language of the machine
            _ if control
                .prop("type")
                .await
                .ok()
                .flatten()
                .is_some_and(|kind| kind.starts_with("date")) =>
            {
                let fill = "arguments[0].value = arguments[1];
                            arguments[0].dispatchEvent(new Event('input', { bubbles: true }))";
                let control = serde_json::to_value(control).expect("an element");
                self.client
                    .execute(fill, vec![control, json!(value)])
                    .await
                    .expect("it takes the value");
            }
            _ => {
                control.clear().await.expect("it can be emptied");
                control.send_keys(value).await.expect("it takes keys");
            }
        }
    }

    /// Clicks the visible button, link, summary or label with these words.
    pub async fn press(&self, words: &str) {
        let named = format!(
            "//*[self::button or self::a or self::summary or self::label][normalize-space(.)='{words}' or \
             @aria-label='{words}']"
        );
        self.click(Locator::XPath(&named)).await;
    }

    /// What the control that the selector finds holds.
    pub async fn value_of(&self, css: &str) -> String {
        let value = self.find(css).await.prop("value").await.expect("the element is there");
        value.unwrap_or_default()
    }

    /// Goes on in the tab that was opened last.
    pub async fn follow_new_tab(&self) {
        let begun = Instant::now();
        loop {
            let tabs = self.client.windows().await.expect("the tabs are known");
            if let [_, .., newest] = &tabs[..] {
                return self
                    .client
                    .switch_to_window(newest.clone())
                    .await
                    .expect("the new tab shows");
            }
            assert!(begun.elapsed().as_secs() < 10, "no new tab was opened");
        }
    }

    /// Clicks the first thing that the selector finds.
    pub async fn press_on(&self, css: &str) {
        self.click(Locator::Css(css)).await;
    }

    /// Clicks as soon as it can be clicked: what is being replaced just now is looked for again.
    async fn click(&self, place: Locator<'_>) {
        let begun = Instant::now();
        loop {
            let result = match self.visible(place).await {
                Some(element) => element.click().await.map_err(|error| error.to_string()),
                None => Err("nothing like it is visible".into()),
            };
            let Err(error) = result else { return };
            if begun.elapsed() > PATIENCE {
                panic!("{place:?} cannot be clicked ({error}) on {}", self.page().await);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits for the first visible thing that the selector finds.
    async fn find(&self, css: &str) -> Element {
        let begun = Instant::now();
        loop {
            if let Some(element) = self.visible(Locator::Css(css)).await {
                return element;
            }
            if begun.elapsed() > PATIENCE {
                panic!("{css} is not visible on {}", self.page().await);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn visible(&self, place: Locator<'_>) -> Option<Element> {
        for element in self.client.find_all(place).await.unwrap_or_default() {
            if element.is_displayed().await.unwrap_or(false) {
                return Some(element);
            }
        }
        None
    }

    /// Presses a key where the focus is.
    pub async fn key(&self, key: Key) {
        let value = key.into();
        let keys = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.client.perform_actions(keys).await.expect("keys can be pressed");
    }

    /// Presses a key where the focus is, while another is held.
    pub async fn key_with(&self, held: Key, key: impl Into<char>) {
        let (held, value) = (held.into(), key.into());
        let keys = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value: held })
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value })
            .then(KeyAction::Up { value: held });
        self.client.perform_actions(keys).await.expect("keys can be pressed");
    }

    /// Takes what the selector finds with the mouse and lets it go so many pixels to the right and down.
    pub async fn drag(&self, css: &str, right: f64, down: f64) {
        self.until(
            "nothing moves by itself",
            "document.getAnimations().every(one => one.effect.getTiming().iterations === Infinity)",
        )
        .await;
        let element = self.find(css).await;
        let duration = Some(Duration::from_millis(50));
        // a hand does not jump: dragging begins with a small move, and where that is counts as where it was taken
        let (x, y) = (right.signum() * 4.0, down.signum() * 4.0);
        let mouse = MouseActions::new("mouse".into())
            .then(PointerAction::MoveToElement {
                element,
                duration,
                x: 0.0,
                y: 0.0,
            })
            .then(PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            })
            .then(PointerAction::MoveBy { duration, x, y })
            .then(PointerAction::MoveBy {
                duration,
                x: right - x,
                y: down - y,
            })
            .then(PointerAction::Up {
                button: MOUSE_BUTTON_LEFT,
            });
        self.client
            .perform_actions(mouse)
            .await
            .expect("the mouse can be moved");
    }

    /// Types where the focus is.
    pub async fn type_text(&self, text: &str) {
        for letter in text.chars() {
            let keys = KeyActions::new("keyboard".into())
                .then(KeyAction::Down { value: letter })
                .then(KeyAction::Up { value: letter });
            self.client.perform_actions(keys).await.expect("keys can be pressed");
        }
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str) {
        self.client.execute(script, vec![]).await.expect("the script runs");
    }

    /// The value of an expression in the page.
    pub async fn eval(&self, expression: &str) -> Value {
        let script = format!("return ({expression})");
        match self.client.execute(&script, vec![]).await {
            Ok(value) => value,
            Err(error) => panic!("{expression}: {error}"),
        }
    }

    /// Waits until an expression in the page is true.
    pub async fn until(&self, what: &str, expression: &str) {
        let script = format!("return Boolean({expression})");
        let begun = Instant::now();
        loop {
            // a page that is just going away has no answer
            let answer = self.client.execute(&script, vec![]).await;
            if matches!(answer, Ok(Value::Bool(true))) {
                return;
            }
            if begun.elapsed() > PATIENCE {
                panic!("waited in vain until {what} ({answer:?}) on {}", self.page().await);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until the words are visible inside what the selector finds.
    pub async fn sees(&self, css: &str, words: &str) {
        let (selector, text) = (json!(css), json!(words));
        let visible = format!(
            "[...document.querySelectorAll({selector})].some(found => found.checkVisibility() &&
              found.innerText.replace(/\\s+/g, ' ').includes({text}))"
        );
        self.until(&format!("{css} says {words:?}"), &visible).await;
    }

    /// Makes the screen that of a phone.
    pub async fn becomes_a_phone(&self, width: u32) {
        let screen = json!({ "width": width, "height": 740, "deviceScaleFactor": 2, "mobile": true });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// Makes the system prefer `light` or `dark`.
    pub async fn system_prefers(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Insists that the console has no error and no violation of the content policy.
    pub async fn is_quiet(&self) {
        self.is_quiet_but_for(&[]).await;
    }

    /// The same, where errors that hold one of these texts are part of the story.
    pub async fn is_quiet_but_for(&self, expected: &[&str]) {
        let loud: Vec<String> = self
            .console()
            .await
            .into_iter()
            .filter(|line| !expected.iter().any(|text| line.contains(text)))
            .collect();
        assert!(loud.is_empty(), "the console says {loud:#?}");
    }

    /// Errors in the console since it was asked last.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.command("se/log", json!({ "type": "browser" })).await;
        let severe = |entry: &&Value| entry["level"] == "SEVERE" || entry["source"] == "security";
        let entries = entries.as_array().expect("a list of entries");
        entries
            .iter()
            .filter(severe)
            .map(|entry| entry["message"].to_string())
            .collect()
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.command("goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
            .await;
    }

    /// A command of Chromium's own, which the standard protocol does not have.
    async fn command(&self, path: &str, body: Value) -> Value {
        let http: Http<_, Full<Bytes>> = Http::builder(TokioExecutor::new()).build_http();
        let request = http::Request::post(format!("{}/{path}", self.session))
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))
            .expect("a request");
        let response = http.request(request).await.expect("the driver answers");
        let bytes = response
            .into_body()
            .collect()
            .await
            .expect("the answer is whole")
            .to_bytes();
        let mut answer: Value = serde_json::from_slice(&bytes).expect("the answer is JSON");
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{path}: {value}");
        value
    }

    /// Where the browser is and what it shows, for a failure; its picture goes to `BROWSER_SHOTS` when that is set.
    async fn page(&self) -> String {
        static SHOTS: AtomicUsize = AtomicUsize::new(1);
        if let (Some(folder), Ok(picture)) = (std::env::var_os("BROWSER_SHOTS"), self.client.screenshot().await) {
            let name = format!("failure-{}.png", SHOTS.fetch_add(1, Ordering::Relaxed));
            let _ = std::fs::write(std::path::Path::new(&folder).join(name), picture);
        }
        let page = "return location.href + '\\n' + document.body?.innerText.replace(/\\s+/g, ' ').slice(0, 600)";
        match self.client.execute(page, vec![]).await {
            Ok(Value::String(page)) => page,
            other => format!("{other:?}"),
        }
    }
}

impl Drop for Chromium {
    /// Also when the story fails: nothing can be awaited here, and a browser left open would slow down the others.
    fn drop(&mut self) {
        let Some((host, path)) = self.session.trim_start_matches("http://").split_once('/') else {
            return;
        };
        if let Ok(mut driver) = TcpStream::connect(host) {
            let _ = driver.set_read_timeout(Some(Duration::from_secs(2)));
            let _ = write!(
                driver,
                "DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = driver.read(&mut [0; 64]);
        }
    }
}
