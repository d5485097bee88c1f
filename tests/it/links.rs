//! Links: a board for whoever holds one, sums only; what is not shown, and when it is over.

use chrono::TimeDelta;
use http::StatusCode;
use pulseboard::auth::{Role, Token};
use pulseboard::users;

use crate::support::{Answer, Client, Facility, PASSWORD, TestApp};

/// A published board of everybody's, as `/boards/7`.
async fn board_of(client: &Client, owner: &str) -> String {
    let fields = [("name", "Morning"), ("owner", owner), ("start", "facility")];
    let made = client.post("/boards", &fields).await;
    let path = made
        .location()
        .expect("the board")
        .trim_end_matches("/edit?done=board_created")
        .to_owned();
    client.post(&format!("{path}/publication"), &[]).await;
    path
}

/// Makes a link on the page of a board's sharing and reads its address there, this once.
async fn make(client: &Client, board: &str, fields: &[(&str, &str)]) -> String {
    let made = client.post(&format!("{board}/links"), fields).await.ok();
    let address = made.value("made").or(made.attr("#f-made", "value"));
    let address = address.unwrap_or_else(|| panic!("{:?}", made.find("main")));
    address
        .strip_prefix("https://board.example.org")
        .expect("the configured address")
        .to_owned()
}

const PUBLIC: [(&str, &str); 3] = [("kind", "public"), ("name", "Gazette"), ("days", "7")];
const WALL: [(&str, &str); 2] = [("kind", "wall"), ("name", "Ward 3")];

struct Shown {
    app: TestApp,
    lakeside: Facility,
    hilltop: Facility,
    admin: Client,
    board: String,
}

/// Two facilities with stock, and a board of the first that its administrator, who is of both, has published.
async fn shown() -> Shown {
    let app = TestApp::new().await;
    let (lakeside, hilltop) = (app.facility("Lakeside").await, app.facility("Hilltop").await);
    app.stock(&lakeside).quantity(7).add().await;
    app.stock(&hilltop).quantity(30).add().await;
    app.request(&hilltop, &[&lakeside]).await;
    let person = app.person(Role::FacilityAdmin, &[&lakeside, &hilltop]).await;
    let admin = app.client().log_in(&person.email).await;
    let board = board_of(&admin, "person").await;
    Shown {
        app,
        lakeside,
        hilltop,
        admin,
        board,
    }
}

fn units(page: &Answer) -> String {
    let figure = page.find("#w-stock .figure").unwrap_or_default();
    figure.split_whitespace().next().unwrap_or_default().to_owned()
}

/// Whatever a link shows leads nowhere but to itself.
fn assert_sums_only(page: &Answer) {
    for href in page
        .attrs("main a", "href")
        .into_iter()
        .chain(page.attrs("main form", "action"))
    {
        assert!(href.starts_with('?'), "{href}");
    }
    for asking in ["hx-get", "hx-post"] {
        let mut addresses = page.attrs(&format!("main [{asking}]"), asking).into_iter();
        assert!(addresses.all(|address| address.starts_with('?')));
    }
    for rows in ["queue", "soon", "activity"] {
        assert!(page.text(&format!("#w-{rows}")).contains("Not shown here"), "{rows}");
    }
    assert!(!page.body().contains("/facilities/") && !page.body().contains("/boards/"));
}

#[tokio::test]
async fn a_public_link_shows_a_boards_sums_to_nobody_in_particular_and_follows_them() {
    let Shown {
        app,
        lakeside,
        admin,
        board,
        ..
    } = shown().await;
    let link = make(&admin, &board, &PUBLIC).await;
    let nobody = app.client();

    let page = nobody.get(&link).await.ok();
    let narrowed = nobody
        .get(&format!("{link}?facility={}&from=now-7d/d&to=now", lakeside.id))
        .await
        .ok();
    let mut screen = nobody.at([10, 0, 0, 1]).watch_path(&format!("{link}/events")).await;
    screen.until(|frame| frame.event == "as-of").await;
    app.stock(&lakeside).quantity(5).add().await;
    let pushed = screen.swap_of("w-stock").await;

    assert_eq!(units(&page), "37");
    assert_eq!(units(&narrowed), "7");
    assert!(pushed.text(".figure").starts_with("42"));
    assert_sums_only(&page);
    assert_sums_only(&narrowed);
    for secret in [&lakeside.mark, &lakeside.secret] {
        assert!(!page.body().contains(&**secret));
    }
    assert!(!page.has(".menu.user") && !page.has("nav.nav"));
    assert_eq!(page.header("x-robots-tag"), Some("noindex, nofollow"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let one = nobody
        .at([10, 0, 0, 2])
        .get(&format!("{link}?widget=matrix"))
        .await
        .ok();
    assert!(one.has("#w-matrix") && !one.body().contains("href=\"/"));
    let activity = nobody
        .at([10, 0, 0, 2])
        .get(&format!("{link}?widget=activity"))
        .await
        .ok();
    assert!(activity.text("#w-activity").contains("Not shown here"));
}

#[tokio::test]
async fn the_database_does_not_hold_what_opens_a_link_and_the_page_shows_it_once() {
    let Shown { app, admin, board, .. } = shown().await;
    let link = make(&admin, &board, &PUBLIC).await;
    let token = link.rsplit('/').next().unwrap();

    let again = admin.get(&format!("{board}/sharing")).await.ok();
    let dump: Vec<String> = sqlx::query_scalar(
        "select to_jsonb(l)::text from board_links l union all select to_jsonb(a)::text from audit_log a
         union all select to_jsonb(o)::text from outbox o",
    )
    .fetch_all(&mut app.owner().await)
    .await
    .unwrap();

    assert_eq!(token.len(), 43, "256 bits");
    assert!(Token::parse(token).is_some());
    assert!(again.text("#links").contains("Gazette") && !again.body().contains(token));
    assert!(dump.iter().all(|row| !row.contains(token)));
    assert!(
        dump.iter()
            .any(|row| row.contains("\"board_link\"") && row.contains("\"made\""))
    );
}

#[tokio::test]
async fn every_link_that_is_not_good_answers_as_one_that_never_was() {
    let Shown { app, admin, board, .. } = shown().await;
    let good = make(&admin, &board, &PUBLIC).await;
    let ended = make(&admin, &board, &PUBLIC).await;
    let wall = make(&admin, &board, &WALL).await;
    let page = admin.get("/links").await.ok();
    let newest_public = page.attrs("tr form[action$='/end']", "action")[1].clone();
    admin.post(&newest_public, &[]).await;
    let as_if = |path: String| {
        let (app, path) = (&app, path);
        async move {
            let address = rand::random::<[u8; 3]>();
            let answer = app
                .client()
                .at([10, address[0], address[1], address[2]])
                .get(&path)
                .await;
            let mut headers: Vec<_> = answer
                .headers
                .iter()
                .filter(|(name, _)| !["x-request-id", "content-length"].contains(&name.as_str()))
                .collect();
            headers.sort_by_key(|(name, _)| name.as_str().to_owned());
            (answer.status, format!("{headers:?}"), answer.body().to_owned())
        }
    };

    let nothing = as_if(format!("/public/{}", Token::new().reveal())).await;
    assert_eq!(nothing.0, StatusCode::NOT_FOUND);
    let token = |link: &str| link.rsplit('/').next().unwrap().to_owned();
    for path in [
        ended.clone(),
        "/public/:key".into(),
        "/public/:token".into(),
        "/public/".into(),
        "/public/..".into(),
        "/public/%00".into(),
        "/public/1".into(),
        format!("{good}A"),
        good[..good.len() - 1].to_owned(),
        format!("/public/{}", token(&wall)),
        format!("/wall/{}", token(&good)),
        format!("{ended}/events"),
        format!("/wall/{}/events", token(&good)),
        format!("{good}/widgets/stock"),
        format!("{ended}?widget=stock"),
    ] {
        assert_eq!(as_if(path.clone()).await, nothing, "{path}");
    }
    assert_eq!(as_if(good.clone()).await.0, StatusCode::OK);
    app.travel(TimeDelta::days(7));
    assert_eq!(as_if(good).await, nothing, "its time is up");
    assert_eq!(as_if(wall).await.0, StatusCode::OK, "a wall's time is not");
}

#[tokio::test]
async fn whoever_ends_withdraws_or_deletes_ends_the_open_screens_within_seconds() {
    for how in ["end", "withdrawal", "deletion", "disabled", "expiry"] {
        let Shown {
            app, admin, lakeside, ..
        } = shown().await;
        let board = board_of(&admin, &format!("facility:{}", lakeside.id)).await;
        let link = make(&admin, &board, &PUBLIC).await;
        if how == "expiry" {
            sqlx::query("update board_links set expires_at = clock_timestamp() + interval '1 second'")
                .execute(&mut app.owner().await)
                .await
                .unwrap();
        }
        let nobody = app.client();
        let mut screen = nobody.watch_path(&format!("{link}/events")).await;
        if how != "expiry" {
            screen.next().await;
        }

        match how {
            "end" => {
                let page = admin.get(&format!("{board}/sharing")).await.ok();
                let end = page.attr("#links tr form[action$='/end']", "action").unwrap();
                let done = admin.post(&end, &[("next", &format!("{board}/sharing"))]).await;
                assert_eq!(done.location(), Some(&*format!("{board}/sharing?done=link_ended")));
            }
            "disabled" => {
                let email: String =
                    sqlx::query_scalar("select u.email from users u join board_links l on l.created_by = u.id")
                        .fetch_one(&mut app.owner().await)
                        .await
                        .unwrap();
                let by = pulseboard::audit::Actor::system();
                users::disable(&app.db, &by, &email).await.unwrap();
            }
            "expiry" => {}
            act => drop(admin.post(&format!("{board}/{act}"), &[]).await),
        }

        screen.rest().await;
        assert_eq!(nobody.get(&link).await.status, StatusCode::NOT_FOUND, "{how}");
    }
}

#[tokio::test]
async fn a_link_shows_no_more_than_its_maker_still_may() {
    let Shown {
        app,
        lakeside,
        hilltop,
        admin,
        board,
    } = shown().await;
    let both = make(&admin, &board, &PUBLIC).await;
    let figures = format!("facility:{}", lakeside.id);
    let one = make(&admin, &board, &[&PUBLIC[..], &[("figures", &figures)]].concat()).await;
    let nobody = |n| app.client().at([10, 0, 1, n]);
    assert_eq!(units(&nobody(1).get(&both).await.ok()), "37");
    assert_eq!(units(&nobody(1).get(&one).await.ok()), "7");
    let widened = nobody(2).get(&format!("{one}?facility={}", hilltop.id)).await.ok();
    assert_ne!(units(&widened), "30", "an address widens nothing");

    let maker: i64 = sqlx::query_scalar("select created_by from board_links limit 1")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    let mut owner = app.owner().await;
    let leave = "delete from memberships where user_id = $1 and facility_id = $2";
    sqlx::query(leave)
        .bind(maker)
        .bind(hilltop.id.0)
        .execute(&mut owner)
        .await
        .unwrap();
    app.auth.forget_all();
    assert_eq!(units(&nobody(3).get(&both).await.ok()), "7");
    sqlx::query(leave)
        .bind(maker)
        .bind(lakeside.id.0)
        .execute(&mut owner)
        .await
        .unwrap();
    app.auth.forget_all();
    assert_eq!(nobody(4).get(&both).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_ends_another_persons_link_and_its_page_does_not_name_it() {
    let Shown {
        app,
        lakeside,
        hilltop,
        admin,
        board,
    } = shown().await;
    let link = make(&admin, &board, &PUBLIC).await;
    let (of_one, network) = (
        app.log_in(Role::FacilityAdmin, &[&lakeside]).await,
        app.log_in(Role::NetworkAdmin, &[]).await,
    );
    let end = admin
        .get("/links")
        .await
        .ok()
        .attr("tr form[action$='/end']", "action")
        .unwrap();

    let theirs = of_one.post(&end, &[]).await;
    let nothing = of_one.post("/links/987654/end", &[]).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    assert_eq!(theirs.body(), nothing.body());
    assert!(!of_one.get("/links").await.ok().body().contains("Gazette"));
    assert!(!of_one.get("/admin/security").await.ok().body().contains("Gazette"));
    assert_eq!(app.client().get(&link).await.status, StatusCode::OK);

    // whoever manages all that it shows may
    let of_both = app.log_in(Role::FacilityAdmin, &[&lakeside, &hilltop]).await;
    assert!(
        of_both
            .get("/admin/security")
            .await
            .ok()
            .text("main")
            .contains("Gazette")
    );
    assert!(
        network
            .get("/admin/security")
            .await
            .ok()
            .text("main")
            .contains("Gazette")
    );
    assert_eq!(of_both.post(&end, &[]).await.location(), Some("/links?done=link_ended"));
    assert_eq!(app.client().get(&link).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_address_asks_with_links_a_few_times_a_second_good_or_not() {
    let Shown { app, admin, board, .. } = shown().await;
    let link = make(&admin, &board, &PUBLIC).await;
    let guesser = app.client().at([10, 9, 9, 9]);

    let mut refused = None;
    for _ in 0..40 {
        let answer = guesser.get(&format!("/public/{}", Token::new().reveal())).await;
        if answer.status != StatusCode::NOT_FOUND {
            refused = Some(answer);
            break;
        }
    }

    let refused = refused.expect("forty guesses at once are too many");
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(
        app.client().get(&link).await.status,
        StatusCode::OK,
        "from elsewhere it is seen"
    );
}

#[tokio::test]
async fn a_wall_keeps_its_link_and_nothing_of_whoever_hung_it_up() {
    let Shown {
        app, lakeside, hilltop, ..
    } = shown().await;
    let person = app.person(Role::FacilityAdmin, &[&lakeside, &hilltop]).await;
    let screen = app.client().log_in(&person.email).await;
    let before = app.client().with_cookie_of(&screen).await;

    let wall = screen.get(&lakeside.path("?wall=1")).await.ok();
    let keep = wall.attr(".wall-bar form", "action").unwrap();
    let hung = screen.post(&keep, &[]).await;
    let link = hung.location().expect("its own address").to_owned();
    let page = screen.get(&link).await.ok();
    app.travel(TimeDelta::days(40));
    let later = screen.get(&link).await.ok();

    assert!(link.starts_with("/wall/"));
    assert!(!crate::support::is_logged_in(&screen).await && !crate::support::is_logged_in(&before).await);
    assert!(page.has("body.wall[data-link]") && page.text(".wall-bar h1").contains("Lakeside"));
    assert_eq!(units(&page), "7");
    assert!(later.has("#w-matrix") && !later.body().contains("/facilities/"));
    assert!(!later.has("#w-queue") && !later.has(".wall-bar .leave a"));
    let admin = app.log_in(Role::FacilityAdmin, &[&lakeside]).await;
    let listed = admin.get("/admin/security").await.ok();
    assert!(
        listed.text(".links").contains("Screen on a wall"),
        "{}",
        listed.text("main")
    );
    assert!(listed.text(".links").contains("ago from 127.0.0.1"));
    let end = listed.attr(".links form", "action").unwrap();
    let mut stream = screen.watch_path(&format!("{link}/events")).await;
    stream.next().await;
    admin.post(&end, &[]).await;
    stream.rest().await;
    assert_eq!(screen.get(&link).await.status, StatusCode::NOT_FOUND);
}

// --- the password once more -------------------------------------------------------------------------

#[tokio::test]
async fn lasting_access_asks_for_the_password_again_and_loses_nothing() {
    let Shown {
        app,
        admin,
        board,
        lakeside,
        ..
    } = shown().await;
    app.travel(TimeDelta::minutes(6));
    let links = format!("{board}/links");
    let fill = |page: &Answer, password: &str| {
        let names = page.attrs("main form input[type=hidden]", "name");
        let values = page.attrs("main form input[type=hidden]", "value");
        let mut fields: Vec<(String, String)> = names.into_iter().zip(values).collect();
        fields.push(("confirm_password".into(), password.into()));
        fields
    };
    let send = async |path: &str, fields: &[(String, String)]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(a, b)| (&**a, &**b)).collect();
        admin.post(path, &fields).await
    };

    let asked = admin.post(&links, &PUBLIC).await;
    let wrong = send(&links, &fill(&asked, "seven loud herons leave")).await;
    let made: i64 = sqlx::query_scalar("select count(*) from board_links")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    let right = send(&links, &fill(&wrong, PASSWORD)).await;

    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(asked.attr("main form", "action").as_deref(), Some(&*links));
    assert!(wrong.problem("confirm_password").unwrap().contains("not your password"));
    assert_eq!(made, 0);
    assert!(right.has("#f-made"), "{:?}", right.find("main"));
    assert!(right.text("#links").contains("Gazette"), "what was typed is kept");
    assert!(
        make(&admin, &board, &PUBLIC).await.starts_with("/public/"),
        "for a while nobody asks again"
    );
    app.travel(TimeDelta::minutes(6));
    for path in [
        "/admin/keys".to_owned(),
        lakeside.path("/wall"),
        format!("{board}/wall"),
    ] {
        assert!(admin.post(&path, &[]).await.has("#f-confirm_password"), "{path}");
    }
    let plain = app.log_in(Role::Viewer, &[&lakeside]).await;
    app.travel(TimeDelta::minutes(6));
    assert_eq!(
        plain.post("/admin/keys", &[]).await.status,
        StatusCode::FORBIDDEN,
        "a right comes first"
    );
}

#[tokio::test]
async fn a_stolen_screen_does_not_guess_the_password_at_leisure() {
    let Shown { app, admin, board, .. } = shown().await;
    app.travel(TimeDelta::minutes(6));
    let links = format!("{board}/links");

    let mut last = StatusCode::OK;
    for _ in 0..7 {
        let fields = [&PUBLIC[..], &[("confirm_password", "seven loud herons leave")]].concat();
        last = admin.post(&links, &fields).await.status;
    }

    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}
