//! What was measured, as lines of a table: printed at the end, and written to `target/bench.md`.

use std::time::Instant;

use anyhow::Result;

/// Lines with the goal they are held against.
pub struct Table {
    begun: Instant,
    lines: Vec<[String; 4]>,
}

/// The middle and both ends of a few runs.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Spread {
            median: at(values.len() / 2),
            least: at(0),
            most: at(values.len().saturating_sub(1)),
        }
    }

    /// `12.3 (11.9..13.0)`
    pub fn text(&self, decimals: usize) -> String {
        let Spread { median, least, most } = self;
        format!("{median:.decimals$} ({least:.decimals$}..{most:.decimals$})")
    }
}

impl Table {
    pub fn new() -> Self {
        Table {
            begun: Instant::now(),
            lines: Vec::new(),
        }
    }

    /// A figure with a goal.
    pub fn goal(&mut self, what: &str, found: String, goal: &str, met: bool) {
        self.push(what, found, goal, if met { "yes" } else { "**no**" });
    }

    /// A figure that explains another.
    pub fn note(&mut self, what: &str, found: String) {
        self.push(what, found, "", "");
    }

    fn push(&mut self, what: &str, found: String, goal: &str, met: &str) {
        eprintln!(
            "[{:>5.0} s] {what}: {found} {goal} {met}",
            self.begun.elapsed().as_secs_f64()
        );
        self.lines.push([what.into(), found, goal.into(), met.into()]);
    }

    /// Prints the table and leaves it in the target folder.
    pub fn finish(&self) -> Result<()> {
        let mut text = String::from("| what | found | goal | met |\n|---|---|---|---|\n");
        for [what, found, goal, met] in &self.lines {
            text.push_str(&format!("| {what} | {found} | {goal} | {met} |\n"));
        }
        text.push_str(&format!("\n{:.0} s in all.\n", self.begun.elapsed().as_secs_f64()));
        println!("\n{text}");
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench.md"), text)?;
        Ok(())
    }
}
