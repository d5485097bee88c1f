//! What people do, as tests say it: each function fills in one form and sends it. Beside them the right that a command
//! asks for, and a look behind the application.

use chrono::{DateTime, Utc};
use pulseboard::auth::{Caller, Editor, Role, Viewer};
use pulseboard::blood::{BloodGroup, Component, DonationNumber};
use pulseboard::ids::{DistributionId, RequestId, UnitId};

use crate::support::{Answer, Client, Facility, TestApp};

/// The number of a unit in a test: well-formed, of the collection facility A9999.
pub fn number(sequence: u32) -> DonationNumber {
    DonationNumber::generate("A9999", 26, sequence).expect("a donation number")
}

/// Somebody new of the facility's staff, as a command wants to know them.
pub async fn editor(app: &TestApp, facility: &Facility) -> Editor {
    let person = app.person(Role::Staff, &[facility]).await;
    let person = app.auth.people.find(person.id).await.expect("people can be read");
    Editor(Viewer {
        person: Caller::of(person.expect("the person exists")),
        facility: facility.id,
        role: Role::Staff,
    })
}

/// What is needed, for the form of an issue.
#[derive(Clone, Copy)]
pub struct Need {
    pub component: Component,
    pub patient: BloodGroup,
}

/// Red cells for an O− patient.
pub const O_NEGATIVE: Need = Need {
    component: Component::RedCells,
    patient: BloodGroup::ONegative,
};

/// Issues these units and no others; `reason` may be empty.
pub async fn issue(client: &Client, at: &Facility, need: Need, take: &[(UnitId, i32)], reason: &str) -> Answer {
    let wanted: i32 = take.iter().map(|(_, quantity)| quantity).sum();
    let mut fields = vec![
        ("component".to_owned(), need.component.to_string()),
        ("quantity".into(), wanted.to_string()),
        ("abo".into(), need.patient.abo().to_string()),
        ("rh".into(), need.patient.rh().to_string()),
        ("override_reason".into(), reason.into()),
    ];
    fields.extend(
        take.iter()
            .map(|(unit, quantity)| (format!("take_{unit}"), quantity.to_string())),
    );
    send(client, &at.path("/issues"), &fields).await
}

/// Asks the form what it proposes for so many units: rows and quantities.
pub async fn proposed(client: &Client, at: &Facility, need: Need, quantity: i32) -> Vec<(UnitId, i32)> {
    let path = format!(
        "/issues/new?component={}&quantity={quantity}&abo={}&rh={}",
        need.component,
        need.patient.abo(),
        need.patient.rh()
    );
    let page = client.get(&at.path(&path)).await.ok();
    let ids = page.attrs("tr.taken [name^=take_]", "name");
    let quantities = page.attrs("tr.taken [name^=take_]", "value");
    ids.iter()
        .zip(quantities)
        .map(|(id, quantity)| (unit_of(id), quantity.parse().expect("a quantity")))
        .collect()
}

fn unit_of(field: &str) -> UnitId {
    let id = field.strip_prefix("take_").and_then(|id| id.parse().ok());
    id.unwrap_or_else(|| panic!("{field} names no unit"))
}

/// Raises a request for red cells and insists that it is taken.
pub async fn raise(client: &Client, from: &Facility, group: BloodGroup, quantity: i32, to: &[&Facility]) -> RequestId {
    let mut fields = vec![
        ("component".to_owned(), "red_cells".to_owned()),
        ("group".into(), group.to_string()),
        ("quantity".into(), quantity.to_string()),
        ("urgency".into(), "urgent".into()),
        ("needed_by".into(), String::new()),
        ("reason".into(), "theatre list".into()),
    ];
    fields.extend(to.iter().map(|one| ("to".into(), one.id.to_string())));
    let answer = send(client, &from.path("/requests"), &fields).await;
    RequestId(created(&answer))
}

/// Answers a request with all that was asked, or a part.
pub async fn accept(client: &Client, at: &Facility, request: RequestId, quantity: Option<i32>) -> Answer {
    let path = at.path(&format!("/requests/{request}/acceptance"));
    let quantity = quantity.map(|quantity| quantity.to_string()).unwrap_or_default();
    client.post(&path, &[("quantity", &quantity), ("confirm", "")]).await
}

/// Dispatches lots and units for a request or, without one, red cells to a facility.
pub async fn dispatch(
    client: &Client,
    from: &Facility,
    to: &Facility,
    request: Option<RequestId>,
    group: BloodGroup,
    take: &[(UnitId, i32)],
) -> Answer {
    let wanted: i32 = take.iter().map(|(_, quantity)| quantity).sum();
    let mut fields = vec![
        (
            "request".to_owned(),
            request.map(|id| id.to_string()).unwrap_or_default(),
        ),
        ("to".into(), to.id.to_string()),
        ("component".into(), "red_cells".into()),
        ("group".into(), group.to_string()),
        ("quantity".into(), wanted.to_string()),
        ("override_reason".into(), String::new()),
        ("note".into(), String::new()),
    ];
    for (unit, quantity) in take {
        fields.push(("lot".into(), unit.to_string()));
        fields.push(("lot_units".into(), quantity.to_string()));
    }
    send(client, &from.path("/distributions"), &fields).await
}

/// Sends units on their way and insists that it is taken.
pub async fn dispatched(
    client: &Client,
    from: &Facility,
    to: &Facility,
    request: Option<RequestId>,
    take: &[(UnitId, i32)],
) -> DistributionId {
    let answer = dispatch(client, from, to, request, BloodGroup::ONegative, take).await;
    DistributionId(created(&answer))
}

/// Books a delivery as it was sent.
pub async fn receive(client: &Client, at: &Facility, id: DistributionId) -> Answer {
    client
        .post(&at.path(&format!("/distributions/{id}/receipt")), &[])
        .await
}

/// Sends a form whose fields are made at run time.
pub async fn send(client: &Client, path: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    client.post(path, &fields).await
}

/// The id in the address that a form leads to, as `/facilities/7/requests/9?done=raised`.
#[track_caller]
pub fn created(answer: &Answer) -> i64 {
    let location = answer
        .location()
        .unwrap_or_else(|| panic!("{}: {}", answer.status, answer.body()));
    let path = location.split('?').next().unwrap_or_default();
    let id = path.rsplit('/').next().and_then(|id| id.parse().ok());
    id.unwrap_or_else(|| panic!("{location} names nothing"))
}

/// A row of stock as it is in the database.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub status: String,
    pub quantity: i32,
    pub expires_at: DateTime<Utc>,
    pub donation_number: Option<String>,
}

/// All rows of a facility's stock, the oldest first.
pub async fn rows(app: &TestApp, facility: &Facility) -> Vec<Row> {
    sqlx::query_as(
        "select id, status, quantity, expires_at, donation_number from blood_inventory where facility_id = $1 order by id",
    )
    .bind(facility.id.0)
    .fetch_all(&mut app.owner().await)
    .await
    .expect("the stock can be read")
}

/// Units of a facility in a status.
pub async fn units_in(app: &TestApp, facility: &Facility, status: &str) -> i64 {
    let rows = rows(app, facility).await;
    rows.iter()
        .filter(|row| row.status == status)
        .map(|row| i64::from(row.quantity))
        .sum()
}

/// A number that an SQL statement answers, seen by the owner of the tables.
pub async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&mut app.owner().await)
        .await
        .expect("a number")
}

/// The figure of a tile on the board as it is now.
pub async fn tile(client: &Client, at: &Facility, name: &str) -> String {
    let page = client.get(&at.path("")).await.ok();
    page.text(&format!("#w-{name} .figure a > span:first-child"))
}
