//! A browser without a screen: keeps cookies, sends what a browser sends, and searches every answer for canaries of
//! facilities that its person may not see.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use pulseboard::app::App;
use pulseboard::auth::Person;
use pulseboard::ids::{FacilityId, UserId};
use pulseboard::web::percent_encoded;
use tower::ServiceExt;

use super::app::Shared;
use super::builders::PASSWORD;
use super::html::Page;
use super::watch::Watch;

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub page: Page,
}

impl Answer {
    /// Insists on a success.
    #[track_caller]
    pub fn ok(self) -> Answer {
        assert!(self.status.is_success(), "{}: {:?}", self.status, self.find("main"));
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Where the browser is sent.
    pub fn location(&self) -> Option<&str> {
        self.header("location").or_else(|| self.header("hx-redirect"))
    }

    pub fn body(&self) -> &str {
        &self.page.0
    }
}

impl Deref for Answer {
    type Target = Page;
    fn deref(&self) -> &Page {
        &self.page
    }
}

/// A browser. Clones are tabs: they share the cookies.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    jar: Arc<Mutex<Jar>>,
    headers: HeaderMap,
    address: SocketAddr,
}

#[derive(Default)]
struct Jar {
    cookies: BTreeMap<String, String>,
    person: Option<UserId>,
}

impl Client {
    pub(super) fn new(shared: Arc<Shared>) -> Client {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost".parse().expect("a header"));
        headers.insert(header::ACCEPT, "text/html,*/*;q=0.8".parse().expect("a header"));
        headers.insert("sec-fetch-site", "same-origin".parse().expect("a header"));
        Client {
            shared,
            jar: Arc::default(),
            headers,
            address: SocketAddr::from(([127, 0, 0, 1], 40_000)),
        }
    }

    /// The same browser asking through htmx.
    pub fn htmx(&self) -> Client {
        self.with("hx-request", "true")
    }

    /// The same browser with one header changed; an empty value leaves it out.
    pub fn with(&self, name: &'static str, value: &str) -> Client {
        let mut client = self.clone();
        client.headers.remove(name);
        if !value.is_empty() {
            client.headers.insert(name, value.parse().expect("a header"));
        }
        client
    }

    /// The same browser at another address of the network.
    pub fn at(&self, address: [u8; 4]) -> Client {
        Client {
            address: SocketAddr::from((address, 40_000)),
            ..self.clone()
        }
    }

    /// Logs in with the password of all tests, and insists that it works.
    pub async fn log_in(self, email: &str) -> Client {
        let answer = self.try_log_in(email, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{:?}", answer.find("main"));
        self
    }

    /// Sends the form of the log-in page.
    pub async fn try_log_in(&self, email: &str, password: &str) -> Answer {
        let answer = self.post("/login", &[("email", email), ("password", password)]).await;
        if answer.status == StatusCode::SEE_OTHER {
            self.becomes(email).await;
        }
        answer
    }

    /// Takes over a session that somebody opened elsewhere.
    pub async fn with_cookie_of(&self, other: &Client) -> Client {
        let client = Client::new(self.shared.clone());
        let theirs = other.lock();
        *client.lock() = Jar {
            cookies: theirs.cookies.clone(),
            person: theirs.person,
        };
        drop(theirs);
        client
    }

    /// From now on this browser shows what this person may see.
    pub async fn becomes(&self, email: &str) {
        let id: Option<i64> = sqlx::query_scalar("select id from users where email = $1")
            .bind(email.to_lowercase())
            .fetch_optional(self.shared.app.db.unscoped())
            .await
            .expect("people can be read");
        self.lock().person = id.map(UserId);
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path), Body::empty()).await
    }

    pub async fn head(&self, path: &str) -> Answer {
        self.send(self.request(Method::HEAD, path), Body::empty()).await
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = fields
            .iter()
            .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)))
            .collect::<Vec<_>>()
            .join("&");
        self.post_body(path, "application/x-www-form-urlencoded", form).await
    }

    /// Sends any body.
    pub async fn post_body(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, content_type);
        self.send(request, body.into()).await
    }

    /// A request with this browser's headers and cookies, for [`Client::send`].
    pub fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&self.headers);
            let cookies = self.cookies();
            if !cookies.is_empty() {
                headers.insert(header::COOKIE, cookies.parse().expect("cookies"));
            }
        }
        request.extension(ConnectInfo(self.address))
    }

    /// Sends a request and reads the whole answer; of a stream, only its head.
    pub async fn send(&self, request: http::request::Builder, body: Body) -> Answer {
        let request = request.body(body).expect("a request");
        let path = request.uri().to_string();
        let (status, headers, body) = self.open(request).await;
        let endless = headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/event-stream");
        let body = if endless { Body::empty() } else { body };
        let bytes = body.collect().await.expect("the answer is whole").to_bytes();
        let text = String::from_utf8_lossy(&unpacked(&headers, &bytes)).into_owned();
        self.search(&path, &text).await;
        Answer {
            status,
            headers,
            page: Page(text),
        }
    }

    /// Opens the stream of a facility's board.
    pub async fn watch(&self, facility: FacilityId) -> Watch {
        self.watch_path(&format!("/facilities/{facility}/events")).await
    }

    /// Opens a stream, and insists that it opens.
    pub async fn watch_path(&self, path: &str) -> Watch {
        let request = self.request(Method::GET, path).body(Body::empty()).expect("a request");
        let (status, _, body) = self.open(request).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        Watch::new(self.clone(), path.to_owned(), body.into_data_stream())
    }

    /// The value of the session's cookie.
    pub fn session(&self) -> Option<String> {
        let jar = self.lock();
        jar.cookies
            .get("sid")
            .or_else(|| jar.cookies.get("__Host-sid"))
            .cloned()
    }

    /// Puts a cookie into the jar.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.lock().cookies.insert(name.to_owned(), value.to_owned());
    }

    async fn open(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Body) {
        let Ok(response) = self.shared.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().expect("a cookie"));
        }
        (parts.status, parts.headers, body)
    }

    fn keep(&self, cookie: &str) {
        let mut attributes = cookie.split(';').map(str::trim);
        let Some((name, value)) = attributes.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let mut jar = self.lock();
        if attributes.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0")) {
            jar.cookies.remove(name);
        } else {
            jar.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    fn cookies(&self) -> String {
        let jar = self.lock();
        let pairs: Vec<String> = jar
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    /// Panics when the text holds a word that this browser's person must not see.
    pub(super) async fn search(&self, path: &str, text: &str) {
        let person = self.lock().person;
        let (visible, own_name) = match person {
            None => (Some(vec![]), String::new()),
            Some(id) => match known(&self.shared.app, id).await {
                Some(person) => (visible(&person), person.name.clone()),
                None => (Some(vec![]), String::new()),
            },
        };
        // one's own name stands on one's own pages, whatever one may see besides
        let text = if own_name.is_empty() {
            text.to_owned()
        } else {
            text.replace(&own_name, "")
        };
        if let Some(escaped) = self.shared.canaries.escaped(&text, visible.as_deref()) {
            panic!("{path} sent {escaped} to {person:?}");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn visible(person: &Person) -> Option<Vec<FacilityId>> {
    if person.network_admin {
        return None;
    }
    Some(
        person
            .memberships
            .iter()
            .map(|membership| membership.facility)
            .collect(),
    )
}

fn unpacked(headers: &HeaderMap, bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    if headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|coding| coding != "gzip")
    {
        return bytes.to_vec();
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_end(&mut text)
        .expect("the answer is gzip");
    text
}

/// The person as the program knows them. A test that cuts connections has cut some that this finds.
async fn known(app: &App, id: UserId) -> Option<Arc<Person>> {
    for _ in 0..20 {
        if let Ok(person) = app.auth.people.find(id).await {
            return person;
        }
    }
    panic!("people cannot be read");
}
