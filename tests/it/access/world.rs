//! Two facilities with everything that a path can name, for tests that ask every route.

use std::collections::BTreeMap;

use http::Method;
use pulseboard::app::route_table;
use pulseboard::auth::{Role, Token, session_hash};
use pulseboard::web::Route;

use crate::support::{Client, Facility, TestApp};

/// Two facilities with everything that a path can name.
pub struct World {
    pub app: TestApp,
    pub own: Facility,
    pub other: Facility,
    /// values of path parameters in either facility
    pub things: BTreeMap<(i64, &'static str), String>,
}

impl World {
    pub async fn new() -> World {
        let app = TestApp::new().await;
        let payments = pulseboard::catalog::shipped()
            .iter()
            .find(|one| one.name == "payments")
            .expect("comes along");
        pulseboard::catalog::import(&app.db, &pulseboard::audit::Actor::system(), payments.text, None)
            .await
            .expect("imported");
        let (own, other) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
        let third = app.facility("Riverbank").await;
        let board = make_board(&app.log_in(Role::NetworkAdmin, &[]).await).await;
        let mut things = BTreeMap::new();
        for facility in [&own, &other] {
            let id = facility.id.0;
            things.insert((id, "facility_id"), id.to_string());
            things.insert((id, "unit_id"), app.stock(facility).add().await.to_string());
            things.insert((id, "request_id"), app.request(facility, &[&third]).await.to_string());
            things.insert((id, "incoming"), app.request(&third, &[facility]).await.to_string());
            things.insert(
                (id, "distribution_id"),
                app.delivery(&third, facility).await.to_string(),
            );
            things.insert((id, "widget"), "stock".into());
            let person = app.person(Role::Viewer, &[facility]).await;
            things.insert((id, "user_id"), person.id.to_string());
            things.insert((id, "reset"), reset_link(&app, person.id.0).await);
            let (invitation, link) = invitation(&app, facility).await;
            things.insert((id, "invitation_id"), invitation.to_string());
            things.insert((id, "invitation"), link);
            things.insert((id, "key_id"), app.key_of(facility).await.1.to_string());
            things.insert((id, "letter_id"), letter(&app, facility).await.to_string());
            for (name, value) in [("product_id", "lamp"), ("metric", "cpu_usage"), ("timeframe", "hour")] {
                things.insert((id, name), value.into());
            }
            alerts(&app, facility, &mut things).await;
            things.insert((id, "widget_id"), "stock".into());
            things.insert((id, "version"), "1".into());
            things.insert((id, "board_id"), board.clone());
            things.insert((id, "catalog"), "payments".into());
            things.insert((id, "share_id"), "987654".into());
            things.insert((id, "link_id"), "987654".into());
            for kind in ["public", "wall"] {
                things.insert((id, kind), link_to(&app, &board, facility, kind).await);
            }
        }
        World {
            app,
            own,
            other,
            things,
        }
    }

    /// Every page that can be asked for, with things of the own facility.
    pub fn pages(&self, person: &Client) -> Vec<String> {
        let gets = route_table().into_iter().filter(|route| route.method == Method::GET);
        gets.map(|route| self.path(&route, &self.own, &self.own, person))
            .collect()
    }

    /// The path with the things of one facility, seen from another (or the same) one.
    pub fn path(&self, route: &Route, at: &Facility, things_of: &Facility, person: &Client) -> String {
        self.fill(route, person, |name| {
            let home = if name == "facility_id" { at } else { things_of };
            let answers = route.path.ends_with("/acceptance") || route.path.ends_with("/rejection");
            let name = match name {
                "request_id" if answers => "incoming",
                "token" if route.path.starts_with("/public/") => "public",
                "token" => "wall",
                name => name,
            };
            self.things.get(&(home.id.0, name)).cloned()
        })
    }

    /// The path with a facility, or a thing in the own facility, that does not exist.
    pub fn nowhere(&self, route: &Route, missing_facility: bool, person: &Client) -> String {
        self.fill(route, person, |name| match (name, missing_facility) {
            ("facility_id", false) => Some(self.own.id.to_string()),
            ("widget", _) => Some("stock".into()),
            _ => Some("987654".into()),
        })
    }

    fn fill(&self, route: &Route, person: &Client, value: impl Fn(&str) -> Option<String>) -> String {
        let segments = route.path.split('/').map(|segment| {
            let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
                return segment.to_owned();
            };
            match name {
                "*path" => pulseboard::web::assets::address("app.css")
                    .trim_start_matches("/static/")
                    .to_owned(),
                "session" => name_of_session(person),
                _ => value(name).unwrap_or_else(|| {
                    panic!(
                        "{} has the parameter {name}, for which World::new has no value yet",
                        route.path
                    )
                }),
            }
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// A rule of the facility, an alert of it, a silence and a channel.
async fn alerts(app: &TestApp, facility: &Facility, things: &mut BTreeMap<(i64, &'static str), String>) {
    let made: (i64, i64, i64, i64) = sqlx::query_as(
        r#"with rule as (insert into alert_rules (facility_id, name, severity, condition)
                           values ($1, 'Empty', 'info', '{"kind": "shelves", "under": "minimum"}') returning id),
                alert as (insert into alerts (facility_id, rule_id, labels, phase, active_at, value)
                          select $1, id, '{"component": "plasma"}', 'firing', now(), 0 from rule returning id),
                silence as (insert into alert_silences (facility_id, starts_at, ends_at, reason, made_by)
                            values ($1, now(), now() + interval '1 hour', 'Known', 'Ada') returning id),
                channel as (insert into alert_channels (facility_id, name, kind, sealed_target, hint)
                            values ($1, 'Night', 'webhook', 'sealed', 'hooks.example.org') returning id)
           select rule.id, alert.id, silence.id, channel.id from rule, alert, silence, channel"#,
    )
    .bind(facility.id.0)
    .fetch_one(&mut app.owner().await)
    .await
    .unwrap();
    for (name, id) in [
        ("rule_id", made.0),
        ("alert_id", made.1),
        ("silence_id", made.2),
        ("channel_id", made.3),
    ] {
        things.insert((facility.id.0, name), id.to_string());
    }
}

/// A board of this person's own, by its number.
pub async fn make_board(person: &Client) -> String {
    let fields = [("name", "Night desk of Sam"), ("owner", "person"), ("start", "network")];
    let made = person.post("/boards", &fields).await;
    let path = made.location().expect("the board");
    path.split('/').nth(2).expect("its number").to_owned()
}

/// The secret of a link to a board that shows the sums of one facility.
async fn link_to(app: &TestApp, board: &str, facility: &Facility, kind: &str) -> String {
    let token = Token::new();
    sqlx::query(
        "insert into board_links (kind, board_id, name, token_hash, facility_ids, created_by, created_at, expires_at)
         select $1, id, 'Lobby screen', $3, array[$4::bigint], owner_person_id, now(),
                case when $1 = 'public' then now() + interval '1 day' end
         from boards where id = $2::text::bigint",
    )
    .bind(kind)
    .bind(board)
    .bind(&token.hash()[..])
    .bind(facility.id.0)
    .execute(&mut app.owner().await)
    .await
    .unwrap();
    token.reveal()
}

/// The secret of a link with which this person may choose a new password.
async fn reset_link(app: &TestApp, person: i64) -> String {
    let token = Token::new();
    sqlx::query(
        "insert into password_resets (user_id, token_hash, expires_at) values ($1, $2, now() + interval '1 hour')",
    )
    .bind(person)
    .bind(&token.hash()[..])
    .execute(&mut app.owner().await)
    .await
    .unwrap();
    token.reveal()
}

/// Somebody invited by an administrator of the facility, and the secret of the link.
async fn invitation(app: &TestApp, facility: &Facility) -> (i64, String) {
    let (token, admin) = (Token::new(), app.person(Role::FacilityAdmin, &[facility]).await);
    // whoever is invited reads who invites them
    sqlx::query("update users set name = 'Ada' where id = $1")
        .bind(admin.id.0)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    let id: i64 = sqlx::query_scalar(
        "with made as (insert into invitations (email, name, invited_by, token_hash, expires_at)
                       values ('new.' || $1 || '@example.org', 'New', $1, $2, now() + interval '1 day') returning id),
              offered as (insert into invitation_offers (facility_id, invitation_id, role) select $3, id, 'staff' from made)
         select id from made",
    )
    .bind(admin.id.0)
    .bind(&token.hash()[..])
    .bind(facility.id.0)
    .fetch_one(&mut app.owner().await)
    .await
    .unwrap();
    (id, token.reveal())
}

/// As the account page names it; zeros for somebody without a session.
fn name_of_session(person: &Client) -> String {
    let id = person.session().and_then(|cookie| cookie.parse().ok());
    let hash = id.map(|id| session_hash(&id)).unwrap_or_default();
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A dead letter of the facility, which cannot be taken as it stands.
async fn letter(app: &TestApp, facility: &Facility) -> i64 {
    sqlx::query_scalar(
        "insert into dead_letters (facility_id, kind, cause, reason, origin, body, hash)
         values ($1, 'message', 'poison', 'no JSON', 'a queue', '{broken', '') returning id",
    )
    .bind(facility.id.0)
    .fetch_one(&mut app.owner().await)
    .await
    .unwrap()
}
