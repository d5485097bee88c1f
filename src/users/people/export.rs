//! The list as a file for a spreadsheet. A cell that a spreadsheet would take for a formula is written as text.

use super::queries::Listed;
use crate::auth::Role;
use crate::error::Result;

/// One line per role, one for whoever has none: the columns that an import takes, then state and last seen (ISO 8601, UTC).
pub fn csv(people: &[Listed], facility: &dyn Fn(i64) -> String) -> Result<String> {
    let mut file = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| anyhow::Error::from(error);
    file.write_record(["email", "name", "facility", "role", "state", "last_seen"])
        .map_err(failed)?;
    for person in people {
        let seen = person
            .last_seen_at
            .map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        let network = person
            .network_admin
            .then(|| (String::new(), Role::NetworkAdmin.to_string()));
        let roles = person.facilities.iter().zip(&person.roles);
        let roles = roles.map(|(id, role)| (facility(*id), role.clone()));
        let mut all: Vec<(String, String)> = network.into_iter().chain(roles).collect();
        if all.is_empty() {
            all.push(Default::default());
        }
        for (place, role) in all {
            let cells = [
                person.email.as_str(),
                &person.name,
                &place,
                &role,
                person.state().as_str(),
                seen.as_deref().unwrap_or_default(),
            ];
            file.write_record(cells.map(plain)).map_err(failed)?;
        }
    }
    let bytes = file.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(String::from_utf8(bytes).map_err(anyhow::Error::from)?)
}

/// Text that no spreadsheet runs: an apostrophe before what could begin a formula.
pub fn plain(text: &str) -> String {
    let text = text.replace('\0', "");
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => format!("'{text}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn no_cell_is_a_formula() {
        for evil in ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1", "\0=1", "＝1"] {
            assert!(plain(evil).starts_with('\''), "{evil:?}");
        }
        for good in ["Ada Merrin", "ada@example.org", "", "O'Neill"] {
            assert_eq!(plain(good), good);
        }
    }
}
