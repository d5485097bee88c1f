//! Who may call what: every route of the table, asked as everybody, for their own facility and for another. A route
//! that needs a path value the tests do not know fails here, so no route goes without its row.

mod world;

pub use world::World;
use world::make_board;

use axum::body::Body;
use http::{Method, StatusCode};
use pulseboard::app::route_table;
use pulseboard::auth::{Access, Role};
use pulseboard::web::Route;

use crate::support::{Answer, Client};

/// Whoever calls these has another session afterwards, or none.
fn changes_the_session(route: &Route) -> bool {
    ["/logout", "/wall", "/end"].iter().any(|end| route.path.ends_with(end))
}

fn is_of_facility(route: &Route) -> bool {
    route.path.contains("{facility_id}")
}

fn is_for_keys(route: &Route) -> bool {
    matches!(route.access, Access::Key | Access::KeyWithScope)
}

async fn ask(person: &Client, route: &Route, path: &str) -> Answer {
    if route.method == Method::POST {
        person.post(path, &[]).await
    } else {
        person
            .send(person.request(route.method.clone(), path), Body::empty())
            .await
    }
}

/// An empty form is refused (422), or makes no sense just now (409), or needs no fields.
fn is_let_in(status: StatusCode) -> bool {
    status.is_success()
        || status.is_redirection()
        || matches!(status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT)
}

fn is_sent_to_log_in(route: &Route, answer: &Answer) -> bool {
    match route.method {
        Method::GET => answer.status == StatusCode::SEE_OTHER && answer.location().unwrap_or("").starts_with("/login"),
        _ => answer.status == StatusCode::UNAUTHORIZED,
    }
}

/// What can be told of an answer from outside, but for the number of the request.
fn face(answer: &Answer) -> (StatusCode, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    headers.sort();
    (answer.status, headers, answer.body().to_owned())
}

/// Asks everything as somebody with this role in the own facility.
async fn everything_as(role: Role) {
    let mut world = World::new().await;
    let person = world.app.person(role, &[&world.own]).await;
    let client = world.app.client().log_in(&person.email).await;
    let board = make_board(&client).await;
    let (share, link) = share_board(&world, &client, &board).await;
    world.things.insert((world.own.id.0, "board_id"), board);
    world.things.insert((world.own.id.0, "share_id"), share);
    world.things.insert((world.own.id.0, "link_id"), link);
    let everywhere = role == Role::NetworkAdmin;

    for route in route_table() {
        let client = match changes_the_session(&route) {
            true => world.app.client().log_in(&person.email).await,
            false => client.clone(),
        };
        let enough = match route.access {
            Access::Public | Access::SignedIn | Access::Viewer => true,
            Access::Staff => role >= Role::Staff,
            Access::FacilityAdmin | Access::Manager => role >= Role::FacilityAdmin,
            Access::NetworkAdmin => everywhere,
            // whoever holds it, logged in or not
            Access::Link => true,
            Access::Key | Access::KeyWithScope => false,
        };
        let own = world.path(&route, &world.own, &world.own, &client);
        let answer = ask(&client, &route, &own).await;
        let said = format!("{} {own} as {role}: {}", route.method, answer.status);
        if route.path == "/setup" {
            assert_eq!(answer.status, not_after_set_up(&route), "{said}");
        } else if is_for_keys(&route) {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{said}");
        } else if enough {
            assert!(is_let_in(answer.status), "{said}\n{:?}", answer.find("main"));
        } else {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{said}");
        }

        if is_of_facility(&route) && !everywhere && !is_for_keys(&route) {
            let foreign = world.path(&route, &world.other, &world.other, &client);
            let client = match changes_the_session(&route) {
                true => world.app.client().log_in(&person.email).await,
                false => client.clone(),
            };
            let there = ask(&client, &route, &foreign).await;
            let nowhere = ask(&client, &route, &world.nowhere(&route, true, &client)).await;
            assert_eq!(
                there.status,
                StatusCode::NOT_FOUND,
                "{} {foreign} as {role}",
                route.method
            );
            assert_eq!(face(&there), face(&nowhere), "{} {foreign} as {role}", route.method);
        }
    }
}

/// Shares a board with the own facility, and makes a link to it: the numbers of both.
async fn share_board(world: &World, client: &Client, board: &str) -> (String, String) {
    let facility = world.own.id.to_string();
    let fields = [("facility", &*facility), ("level", "view")];
    let shared = client.post(&format!("/boards/{board}/shares"), &fields).await;
    assert_eq!(shared.status, StatusCode::SEE_OTHER, "{:?}", shared.find("main"));
    let fields = [("kind", "public"), ("name", "Press"), ("days", "1")];
    client.post(&format!("/boards/{board}/links"), &fields).await.ok();
    sqlx::query_as("select max(s.id)::text, max(l.id)::text from board_shares s, board_links l")
        .fetch_one(&mut world.app.owner().await)
        .await
        .unwrap()
}

/// The page is gone; an empty form is refused before anybody looks.
fn not_after_set_up(route: &Route) -> StatusCode {
    match route.method {
        Method::GET => StatusCode::NOT_FOUND,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Asks everything as somebody whose session is worth nothing.
async fn everything_as_nobody(world: &World, client: &Client) {
    for route in route_table().iter().filter(|route| route.path != "/setup") {
        let path = world.path(route, &world.own, &world.own, client);
        let answer = ask(client, route, &path).await;
        let said = format!("{} {path}: {}", route.method, answer.status);
        if matches!(route.access, Access::Public | Access::Link) {
            assert!(is_let_in(answer.status), "{said}");
        } else if is_for_keys(route) {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{said}");
        } else {
            assert!(is_sent_to_log_in(route, &answer), "{said}");
            let htmx = ask(&client.htmx(), route, &path).await;
            assert_eq!(htmx.status, StatusCode::UNAUTHORIZED, "{said} by htmx");
            assert_eq!(htmx.location(), Some("/login"), "{said} by htmx");
        }
    }
}

#[tokio::test]
async fn a_viewer_may_look_at_their_facility_and_change_nothing() {
    everything_as(Role::Viewer).await;
}

#[tokio::test]
async fn staff_may_work_in_their_facility_and_nowhere_else() {
    everything_as(Role::Staff).await;
}

#[tokio::test]
async fn an_administrator_of_a_facility_has_no_right_in_another() {
    everything_as(Role::FacilityAdmin).await;
}

#[tokio::test]
async fn an_administrator_of_the_network_may_call_every_route() {
    everything_as(Role::NetworkAdmin).await;
}

#[tokio::test]
async fn a_stranger_is_sent_to_log_in_everywhere() {
    let world = World::new().await;

    everything_as_nobody(&world, &world.app.client()).await;
}

#[tokio::test]
async fn somebody_between_password_and_code_is_a_stranger_everywhere() {
    let world = World::new().await;
    let (_, phone, _, half) = crate::two_factor::half_logged_in(&world.app, Role::NetworkAdmin).await;

    let open = [Access::Public, Access::Key, Access::KeyWithScope, Access::Link];
    let closed = |route: &&Route| !open.contains(&route.access);
    for route in route_table().iter().filter(closed) {
        let path = world.path(route, &world.own, &world.own, &half);
        let answer = ask(&half, route, &path).await;
        assert!(
            is_sent_to_log_in(route, &answer),
            "{} {path}: {}",
            route.method,
            answer.status
        );
    }
    assert!(half.get("/login/code").await.status.is_success());
    let code = phone.code(&world.app);
    assert!(
        half.post("/login/code", &[("code", &code)])
            .await
            .status
            .is_redirection()
    );
    assert!(crate::support::is_logged_in(&half).await);
}

#[tokio::test]
async fn a_disabled_person_is_a_stranger_at_their_next_request() {
    let world = World::new().await;
    let person = world.app.person(Role::FacilityAdmin, &[&world.own]).await;
    let client = world.app.client().log_in(&person.email).await;
    sqlx::query("update users set disabled_at = now() where id = $1")
        .bind(person.id.0)
        .execute(&mut world.app.owner().await)
        .await
        .unwrap();
    world.app.auth.forget(person.id);

    everything_as_nobody(&world, &client).await;
}

#[tokio::test]
async fn a_session_past_its_end_is_a_strangers() {
    let world = World::new().await;
    let client = world.app.log_in(Role::FacilityAdmin, &[&world.own]).await;
    sqlx::query("update sessions set expires_at = now() - interval '1 second'")
        .execute(&mut world.app.owner().await)
        .await
        .unwrap();
    world.app.auth.forget_all();

    everything_as_nobody(&world, &client).await;
}

#[tokio::test]
async fn a_thing_of_another_facility_is_as_absent_as_one_that_never_was() {
    let world = World::new().await;
    let client = world.app.log_in(Role::FacilityAdmin, &[&world.own]).await;
    let with_a_thing =
        |route: &Route| is_of_facility(route) && route.path.matches("_id}").count() > 1 && route.access != Access::Key;

    for route in route_table().iter().filter(|route| with_a_thing(route)) {
        let smuggled = world.path(route, &world.own, &world.other, &client);
        let answer = ask(&client, route, &smuggled).await;
        let nothing = ask(&client, route, &world.nowhere(route, false, &client)).await;

        assert!(
            matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY),
            "{} {smuggled}: {}",
            route.method,
            answer.status
        );
        assert_eq!(face(&answer), face(&nothing), "{} {smuggled}", route.method);
    }
}

#[tokio::test]
async fn no_way_of_writing_a_path_opens_what_the_plain_one_does_not() {
    let world = World::new().await;
    let client = world.app.log_in(Role::Viewer, &[&world.own]).await;
    let closed = route_table().into_iter().filter(|route| {
        let forbidden = matches!(
            route.access,
            Access::Staff | Access::FacilityAdmin | Access::Manager | Access::NetworkAdmin
        );
        route.method == Method::GET && (forbidden || is_of_facility(route))
    });

    for route in closed {
        let path = world.path(&route, &world.other, &world.other, &client);
        let variants = [
            format!("/{path}"),
            format!("{path}/"),
            format!("{path}//"),
            format!("/.{path}"),
            format!("/static/..{path}"),
            format!("/static/%2e%2e{path}"),
            format!("/login/..{path}"),
            format!("/{}", path[1..].replace('/', "%2f")),
            path.replacen("/facilities", "/FACILITIES", 1),
            format!("{path}?facility_id={}", world.own.id),
            format!("{path};facility_id={}", world.own.id),
            format!("{path}%00"),
        ];
        for variant in variants {
            let plain = client.get(&variant).await;
            let head = client.head(&variant).await;
            let posing = client
                .with("x-http-method-override", "GET")
                .with("x-original-url", "/")
                .with("x-forwarded-host", "localhost")
                .get(&variant)
                .await;

            assert!(!plain.status.is_success(), "GET {variant}: {}", plain.status);
            assert!(!plain.status.is_server_error(), "GET {variant}: {}", plain.status);
            assert_eq!(head.status, plain.status, "HEAD {variant}");
            assert_eq!(posing.status, plain.status, "{variant} with a header in its favour");
        }
    }
}

#[tokio::test]
async fn head_answers_as_get_does_and_without_a_body() {
    let world = World::new().await;
    let client = world.app.log_in(Role::Staff, &[&world.own]).await;

    for route in route_table().iter().filter(|route| route.method == Method::GET) {
        let path = world.path(route, &world.own, &world.own, &client);
        let (get, head) = (client.get(&path).await, client.head(&path).await);

        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.body(), "", "{path}");
    }
}

/// Every route as a program: what a key opens, and that it opens nothing else.
async fn everything_with_key(world: &World, key: &str, good: bool) {
    let program = world.app.client().with("authorization", &format!("Bearer {key}"));
    for route in route_table().iter().filter(|route| route.path != "/setup") {
        let path = world.path(route, &world.own, &world.own, &program);
        let answer = ask(&program, route, &path).await;
        let said = format!("{} {path}: {}", route.method, answer.status);
        match route.access {
            Access::Public | Access::Link => assert!(is_let_in(answer.status), "{said}"),
            Access::Key if good => assert_eq!(answer.status, StatusCode::OK, "{said}"),
            // this one may read the figures of its facility and no more
            Access::KeyWithScope if good => assert_eq!(answer.status, StatusCode::FORBIDDEN, "{said}"),
            Access::Key | Access::KeyWithScope => assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{said}"),
            _ => assert!(is_sent_to_log_in(route, &answer), "{said}"),
        }
        if route.access == Access::Key && good && is_of_facility(route) {
            let foreign = world.path(route, &world.other, &world.other, &program);
            let there = ask(&program, route, &foreign).await;
            let nowhere = ask(&program, route, &world.nowhere(route, true, &program)).await;
            assert_eq!(there.status, StatusCode::NOT_FOUND, "{foreign}");
            assert_eq!(without_number(&there), without_number(&nowhere), "{foreign}");
        }
    }
}

/// An error of the API, but for the number of the request.
fn without_number(answer: &Answer) -> (StatusCode, serde_json::Value) {
    let mut body: serde_json::Value = serde_json::from_str(answer.body()).expect("JSON");
    body["request_id"].take();
    (answer.status, body)
}

#[tokio::test]
async fn a_key_reads_its_facility_and_opens_no_page() {
    let world = World::new().await;
    let (key, _) = world.app.key_of(&world.own).await;

    everything_with_key(&world, &key, true).await;
}

#[tokio::test]
async fn a_key_that_is_revoked_or_past_its_end_is_a_strangers() {
    let world = World::new().await;
    let (revoked, id) = world.app.key_of(&world.own).await;
    let (expired, other) = world.app.key_of(&world.own).await;
    let mut owner = world.app.owner().await;
    for (change, id) in [
        ("update api_keys set revoked_at = now() where id = $1", id),
        (
            "update api_keys set expires_at = now() - interval '1 second' where id = $1",
            other,
        ),
    ] {
        sqlx::query(change).bind(id).execute(&mut owner).await.unwrap();
    }

    everything_with_key(&world, &revoked, false).await;
    everything_with_key(&world, &expired, false).await;
}

#[tokio::test]
async fn a_link_opens_its_own_page_and_nothing_besides_however_it_is_sent() {
    let world = World::new().await;
    let links = route_table().into_iter().filter(|route| route.access == Access::Link);
    let links: Vec<Route> = links.collect();
    assert_eq!(links.len(), 4, "public and wall, each with its stream");

    for kind in ["public", "wall"] {
        let secret = world.things[&(world.own.id.0, kind)].clone();
        let holder = world.app.client().with("authorization", &format!("Bearer {secret}"));
        holder.set_cookie("sid", &secret);
        holder.set_cookie("token", &secret);
        let from = if kind == "public" { 1 } else { 2 };
        everything_as_nobody(&world, &holder.at([10, 0, 0, from])).await;
    }
    for (n, route) in links.iter().enumerate() {
        let client = world.app.client().at([10, 0, 1, n as u8]);
        let nowhere = ask(&client, route, &world.nowhere(route, false, &client)).await;
        let swapped = world.path(route, &world.own, &world.own, &client);
        let swapped = match swapped.strip_prefix("/public/") {
            Some(rest) => format!("/wall/{rest}"),
            None => swapped.replacen("/wall/", "/public/", 1),
        };
        let other_kind = ask(&client, route, &swapped).await;

        assert_eq!(nowhere.status, StatusCode::NOT_FOUND, "{}", route.path);
        assert_eq!(face(&other_kind), face(&nowhere), "{}", route.path);
        let posted = client
            .post(&world.path(route, &world.own, &world.own, &client), &[])
            .await;
        assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED, "{}", route.path);
    }
    // of another facility it shows nothing, whatever its address asks for
    let own = world.things[&(world.own.id.0, "public")].clone();
    world.app.stock(&world.other).quantity(30).add().await;
    let page = world
        .app
        .client()
        .at([10, 0, 2, 1])
        .get(&format!("/public/{own}?facility={}", world.other.id))
        .await
        .ok();
    assert!(!page.body().contains(&world.other.name), "{:?}", page.find("main"));
}
