//! What goes wrong outside: clients that hang up, stall or say half a word; a database connection that dies; the order
//! to stop while screens are open.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use pulseboard::auth::Role;
use pulseboard::boot;
use pulseboard::config::Config;
use pulseboard::db::Scope;
use pulseboard::web::server::{self, Patience};
use sqlx::PgConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::{Facility, PATIENCE, TestApp, eventually};

// --- clients that hang up ---------------------------------------------------------------------------

/// Polls a future so many times and then drops it, as a server does with a handler whose client went away.
struct Hangup<F> {
    asked: Pin<Box<F>>,
    polls_left: usize,
}

impl<F: Future> Future for Hangup<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls_left == 0 {
            return Poll::Ready(None);
        }
        self.polls_left -= 1;
        match self.asked.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if self.polls_left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// What one write must have left, by the transaction that wrote it: the newest unit, movement, log line, summary and
/// fact are of one transaction.
async fn transactions(owner: &mut PgConnection, facility: &Facility) -> Vec<String> {
    let mut newest = Vec::new();
    for latest in [
        "select xmin::text from blood_inventory where facility_id = $1 order by id desc limit 1",
        "select xmin::text from inventory_movements where facility_id = $1 order by id desc limit 1",
        "select xmin::text from audit_log where facility_id = $1 order by id desc limit 1",
        "select xmin::text from dashboard_daily_summary where facility_id = $1 order by date desc limit 1",
        "select xmin::text from outbox where $1 = any (facility_ids) order by id desc limit 1",
    ] {
        let found: Option<String> = sqlx::query_scalar(latest)
            .bind(facility.id.0)
            .fetch_optional(&mut *owner)
            .await
            .unwrap();
        newest.push(found.unwrap_or_default());
    }
    newest
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_everything_or_nothing() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let staff = app.log_in(Role::Staff, &[&lakeside]).await;
    app.stock(&lakeside).add().await;
    let mut owner = app.owner().await;
    let day = |days| {
        (app.db.clock.now() + chrono::TimeDelta::days(days))
            .format("%Y-%m-%dT%H:%M")
            .to_string()
    };
    let (collected, expires) = (day(-1), day(20));
    let (mut answered, mut hung_up) = (0, 0);

    // every single poll: how many an answer takes depends on how busy the machine is
    for polls in 1..400 {
        let lot = format!("LOT{polls}");
        let fields = delivery(&lakeside, &lot, &collected, &expires);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let path = lakeside.path("/inventory");
        let asked = staff.post(&path, &fields);
        let outcome = Hangup {
            asked: Box::pin(asked),
            polls_left: polls,
        }
        .await;
        match outcome {
            Some(answer) => {
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{:?}", answer.texts(".problem"));
                answered += 1;
            }
            None => hung_up += 1,
        }
        // an order that was already on its way may still commit
        eventually("the hung-up transaction ends", || async {
            let under_way = under_way(&app).await;
            under_way.is_empty().then_some(())
        })
        .await;
        let newest = transactions(&mut owner, &lakeside).await;
        assert!(
            newest.windows(2).all(|pair| pair[0] == pair[1]),
            "after {polls} polls: {newest:?}"
        );
        if answered == 3 {
            break;
        }
    }

    assert!(hung_up > 5 && answered == 3, "{hung_up} hung up, {answered} answered");
    app.verify().await;
}

/// A delivery of one lot, as the form sends it.
fn delivery(facility: &Facility, lot: &str, collected: &str, expires: &str) -> Vec<(String, String)> {
    let row = SINGLE_ROWS + 1;
    let in_row = |name: &str, value: &str| (format!("{name}_{row}"), value.to_owned());
    vec![
        ("blood_bank".into(), facility.bank.to_string()),
        ("to".into(), "available".into()),
        in_row("number", lot),
        in_row("quantity", "2"),
        in_row("component", "red_cells"),
        in_row("group", "O-"),
        in_row("collected", collected),
        in_row("expires", expires),
    ]
}

/// Rows for lots follow these in the form.
const SINGLE_ROWS: usize = 20;

/// What connections of the application are in the middle of.
async fn under_way(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar(
        "select state || ': ' || query from pg_stat_activity
         where datname = current_database() and application_name = 'pulseboard' and state <> 'idle'",
    )
    .fetch_all(&mut app.owner().await)
    .await
    .unwrap()
}

/// sqlx forgets a `begin` whose future was dropped: the next query on that connection would run inside the transaction,
/// in its scope, and never be committed.
#[tokio::test]
async fn a_transaction_that_nobody_waits_for_any_more_is_not_left_open() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).add().await;
    let scope = Scope::of(lakeside.id);

    for round in 0..200 {
        let polls_left = 1 + round % 4;
        let asked = Box::pin(app.db.write(&scope));
        drop(Hangup { asked, polls_left }.await);
        let seen: i64 = sqlx::query_scalar("select count(*) from blood_inventory")
            .fetch_one(app.db.unscoped())
            .await
            .unwrap();

        assert_eq!(seen, 0, "round {round} left its scope behind");
    }

    eventually("every transaction has ended", || async {
        under_way(&app).await.is_empty().then_some(())
    })
    .await;
}

// --- a database connection that dies ----------------------------------------------------------------

#[tokio::test]
async fn a_fact_that_was_told_while_nobody_listened_still_reaches_the_open_board() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    app.stock(&lakeside).quantity(5).add().await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let mut watch = client.watch(lakeside.id).await;
    watch.swap_of("w-stock").await;

    for round in 1..=5 {
        let mut deaf = app.owner().await;
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and query ilike 'listen%'",
        )
        .execute(&mut deaf)
        .await
        .unwrap();
        app.stock(&lakeside).quantity(1).add().await;

        let wanted = format!("{} units", 5 + round);
        loop {
            if watch.swap_of("w-stock").await.text(".figure a") == wanted {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_killed_connection_costs_at_most_the_request_that_used_it() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Staff, &[&lakeside]).await;
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    )
    .execute(&mut app.owner().await)
    .await
    .unwrap();

    let page = eventually("pages are answered again", || async {
        let answer = client.get(&lakeside.path("")).await;
        assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "busy, not broken");
        answer.status.is_success().then_some(answer)
    })
    .await;

    assert_eq!(page.heading(), "Lakeside");
}

// --- sockets ----------------------------------------------------------------------------------------

/// A server with little patience.
async fn impatient() -> (std::net::SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let patience = Patience {
        header: Duration::from_millis(200),
        idle: Duration::from_secs(2),
        ..Patience::default()
    };
    let router = Router::new().route("/", get(|| async { "here\n" }));
    tokio::spawn(server::serve(listener, router, stopping, patience));
    (address, stop)
}

/// Everything that the server sends until it closes.
async fn until_closed(socket: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let reading = timeout(PATIENCE, socket.read_to_end(&mut text)).await;
    let _ = reading.expect("the server closes the connection");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_connection_on_which_no_request_arrives_is_closed_in_time() {
    let (address, _stop) = impatient().await;
    let beginnings = [
        "",
        "P",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n",
        "GET / HT",
        "GET / HTTP/1.1\r\nhost: a\r\nx: ",
    ];

    for beginning in beginnings {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(beginning.as_bytes()).await.unwrap();
        let begun = Instant::now();

        let answer = until_closed(&mut socket).await;

        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{beginning:?} was held for {:?}",
            begun.elapsed()
        );
        assert!(!answer.contains("200 OK"), "{beginning:?}: {answer}");
    }
}

#[tokio::test]
async fn a_header_that_comes_drop_by_drop_is_cut_and_a_whole_one_is_answered() {
    let (address, _stop) = impatient().await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    let dripping = async {
        slow.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await?;
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..100 {
            pause.tick().await;
            slow.write_all(b"x: y\r\n").await?;
        }
        Ok::<_, std::io::Error>(())
    };

    let cut = timeout(PATIENCE, dripping).await.expect("does not last");
    let mut quick = TcpStream::connect(address).await.unwrap();
    quick
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();

    assert!(cut.is_err(), "a header may not take {PATIENCE:?}");
    assert!(until_closed(&mut quick).await.ends_with("here\n"));
}

#[tokio::test]
async fn a_connection_rests_between_requests_longer_than_a_header_may_take() {
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let (address, _stop) = impatient().await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    let mut answer = [0; 512];
    socket.write_all(REQUEST).await.unwrap();
    assert!(socket.read(&mut answer).await.unwrap() > 0);

    let rested = timeout(Duration::from_millis(600), socket.read(&mut answer)).await;
    socket.write_all(REQUEST).await.unwrap();
    let read = timeout(PATIENCE, socket.read(&mut answer)).await.unwrap().unwrap();

    assert!(rested.is_err(), "it was closed while it rested");
    assert!(String::from_utf8_lossy(&answer[..read]).ends_with("here\n"));

    let begun = Instant::now();
    socket.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
    until_closed(&mut socket).await;
    assert!(
        begun.elapsed() < Duration::from_millis(1500),
        "half a header was held for {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn the_order_to_stop_ends_open_streams_and_then_the_process() {
    let app = TestApp::new().await;
    let lakeside = app.facility("Lakeside").await;
    let client = app.log_in(Role::Viewer, &[&lakeside]).await;
    let flags = [
        ("listen", "127.0.0.1:0".to_owned()),
        ("metrics_listen", "off".to_owned()),
        ("pool_web", "3".to_owned()),
        ("data_dir", std::env::temp_dir().to_string_lossy().into_owned()),
    ];
    let config = Config::load(None, &flags).unwrap();
    let running = boot::start(&config, app.database.owner()).await.unwrap();
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: localhost\r\ncookie: sid={}\r\n\r\n",
        lakeside.path("/events"),
        client.session().unwrap()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 512];
    let read = timeout(PATIENCE, stream.read(&mut first)).await.unwrap().unwrap();
    let begun = Instant::now();

    running.stop().await;

    assert!(String::from_utf8_lossy(&first[..read]).starts_with("HTTP/1.1 200 OK"));
    until_closed(&mut stream).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "took {:?}", begun.elapsed());
    assert!(
        TcpStream::connect(("127.0.0.1", stream.peer_addr().map_or(1, |peer| peer.port())))
            .await
            .is_err()
    );
}
