//! What a few letters may mean to somebody: only places that they may go to, units of facilities and boards that they may
//! see, and people whom they manage.

use crate::auth::{Person, Role};
use crate::blood::DonationNumber;
use crate::db::Db;
use crate::error::Result;
use crate::facilities::{Chrome, Facility};
use crate::ids::FacilityId;
use crate::{boards, inventory, users};

/// One place to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// a name of `_icons.html`
    pub icon: &'static str,
    /// `Page`, `Facility`, `Board`, `Person`, `Unit`
    pub kind: &'static str,
    pub label: String,
    /// what tells it from others of the same name
    pub detail: String,
    pub href: String,
}

/// Hits of one kind that are shown.
const EACH: usize = 8;

/// Places whose words hold every word of `query`, whatever their case; a donation number, typed or scanned, finds its
/// units. `here` is the facility whose pages come first.
pub async fn find(
    db: &Db,
    chrome: &Chrome,
    person: &Person,
    here: Option<FacilityId>,
    query: &str,
) -> Result<Vec<Hit>> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let all = chrome.all().await?;
    let mine: Vec<_> = all.iter().filter(|one| person.role_in(one.id).is_some()).collect();
    let here = here
        .and_then(|id| mine.iter().find(|one| one.id == id))
        .or(mine.first().filter(|_| mine.len() == 1));
    let mut hits = units(db, chrome, person, query).await?;
    let pages = pages(person, here.map(|facility| &***facility));
    hits.extend(pages.into_iter().filter(|hit| holds(hit, &words)).take(EACH * 2));
    let facilities = mine.iter().map(|facility| facility_hit(facility));
    hits.extend(facilities.filter(|hit| holds(hit, &words)).take(EACH));
    let boards = boards::seen_by(db, chrome, person).await?;
    hits.extend(boards.iter().map(board_hit).filter(|hit| holds(hit, &words)).take(EACH));
    if person.manages_any() && !query.is_empty() {
        let people = users::whom(db, &person.managed(), query, EACH as i64).await?;
        hits.extend(people.into_iter().map(|(id, name, email)| Hit {
            icon: "user",
            kind: t!("Person"),
            label: name,
            detail: email,
            href: format!("/admin/users/{id}"),
        }));
    }
    Ok(hits)
}

fn board_hit(board: &boards::Board) -> Hit {
    Hit {
        icon: "layout-grid",
        kind: t!("Board"),
        label: board.name.clone(),
        detail: board.description.clone(),
        href: format!("/boards/{}", board.id),
    }
}

fn holds(hit: &Hit, words: &[String]) -> bool {
    let text = format!("{} {} {}", hit.label, hit.detail, hit.kind).to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn facility_hit(facility: &Facility) -> Hit {
    Hit {
        icon: "map-pin",
        kind: t!("Facility"),
        label: facility.name.clone(),
        detail: format!("{} · {}", facility.kind.label(), facility.region),
        href: format!("/facilities/{}", facility.id),
    }
}

fn pages(person: &Person, here: Option<&Facility>) -> Vec<Hit> {
    let mut pages = Vec::new();
    let mut page = |icon, label: &str, detail: &str, href: String| {
        pages.push(Hit {
            icon,
            kind: t!("Page"),
            label: label.into(),
            detail: detail.into(),
            href,
        });
    };
    if let Some(facility) = here {
        let at = |path: &str| format!("/facilities/{}{path}", facility.id);
        page("layout-grid", t!("Board"), &facility.name, at(""));
        page("package", t!("Stock"), &facility.name, at("/inventory"));
        page("inbox", t!("Requests"), &facility.name, at("/requests"));
        page(
            "arrow-left-right",
            t!("Transfers"),
            &facility.name,
            at("/distributions"),
        );
        if person.role_in(facility.id) >= Some(Role::Staff) {
            page("plus", t!("Receive stock"), &facility.name, at("/inventory/new"));
            page("droplet", t!("Issue a unit"), &facility.name, at("/issues/new"));
            page("siren", t!("Raise a request"), &facility.name, at("/requests/new"));
            page("truck", t!("Dispatch units"), &facility.name, at("/distributions/new"));
        }
        page("monitor", t!("Wall mode"), &facility.name, at("?wall=1"));
    }
    page(
        "network",
        t!("Network"),
        t!("All facilities, find blood now"),
        "/network".into(),
    );
    page("layout-grid", t!("Boards"), "", "/boards".into());
    page(
        "user",
        t!("Account"),
        t!("Password, theme, sessions"),
        "/account".into(),
    );
    if person.manages_any() {
        page("settings", t!("Admin"), t!("People and settings"), "/admin".into());
    }
    pages
}

/// Components of the donation whose number this is, in every facility that the person may see.
async fn units(db: &Db, chrome: &Chrome, person: &Person, query: &str) -> Result<Vec<Hit>> {
    let Ok(number) = query.parse::<DonationNumber>() else {
        return Ok(Vec::new());
    };
    let mut tx = db.read(&person.scope()).await?;
    let found = inventory::everywhere(&mut tx, &number).await?;
    let mut hits = Vec::new();
    for (facility, unit) in found {
        hits.push(Hit {
            icon: "package",
            kind: t!("Unit"),
            label: format!("{} {} {}", unit.name(), unit.component.label(), unit.group.label()),
            detail: format!("{} · {}", unit.status.label(), chrome.facility(facility).await?.name),
            href: unit.href(facility),
        });
    }
    Ok(hits)
}
