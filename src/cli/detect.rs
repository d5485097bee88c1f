//! `pulseboard detect`: a series in, the same rows with score and alert out, one at a time.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use csv::StringRecord;

use super::Detect;
use crate::detect::{Detector, Settings};

/// Rows between two flushes of a file's output; standard input is answered row by row.
const FLUSH_EVERY: u64 = 1000;

pub fn run(asked: &Detect) -> Result<()> {
    let settings = Settings {
        sensitivity: asked.sensitivity,
    };
    let streams = asked.file == Path::new("-");
    let (name, input): (String, Box<dyn Read>) = if streams {
        ("standard input".into(), Box::new(io::stdin().lock()))
    } else {
        let name = asked.file.display().to_string();
        let file = File::open(&asked.file).with_context(|| format!("cannot read {name}"))?;
        (name, Box::new(file))
    };
    let flush_every = if streams { 1 } else { FLUSH_EVERY };
    let output = BufWriter::new(io::stdout().lock());
    score(input, output, &name, settings, asked.explain, flush_every)
}

/// A number from 0 to 1, for the command line.
pub fn sensitivity(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err("must be a number from 0 to 1".into()),
    }
}

/// Scores the rows of `input`; `name` says in errors where they come from.
fn score(
    input: impl Read,
    output: impl Write,
    name: &str,
    settings: Settings,
    explain: bool,
    flush_every: u64,
) -> Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let mut writer = csv::Writer::from_writer(output);
    let header = reader.headers().with_context(|| format!("{name}, line 1"))?.clone();
    let column = |wanted: &str| {
        header
            .iter()
            .position(|title| title.trim().trim_start_matches('\u{feff}') == wanted)
            .ok_or_else(|| {
                anyhow!("{name} has no column {wanted}: its first line must name the columns timestamp and value")
            })
    };
    let (timestamp, value) = (column("timestamp")?, column("value")?);
    let mut titles = vec!["timestamp", "value", "anomaly_score", "alert"];
    titles.extend(explain.then_some("explanation"));
    let mut wanted = write(writer.write_record(&titles))? && flush(&mut writer)?;

    let mut detector = Detector::new(settings);
    let mut row = StringRecord::new();
    let mut rows = 0u64;
    while wanted
        && reader
            .read_record(&mut row)
            .with_context(|| format!("{name}, row {}", rows + 1))?
    {
        rows += 1;
        let line = row.position().map_or(0, csv::Position::line);
        let place = || format!("{name}, row {rows} (line {line})");
        let (Some(when), Some(what)) = (row.get(timestamp), row.get(value)) else {
            bail!("{}: needs a timestamp and a value", place());
        };
        let time = time(when).ok_or_else(|| anyhow!("{}: `{when}` is not a time like 2014-04-01 00:00:00", place()))?;
        let number = number(what).ok_or_else(|| anyhow!("{}: `{what}` is not a number", place()))?;
        let verdict = detector.observe(time, number);
        let score = format!("{:.6}", verdict.score);
        let mut cells = vec![when, what, &score, if verdict.alert { "1" } else { "0" }];
        let words = if verdict.alert {
            verdict.explanation()
        } else {
            String::new()
        };
        cells.extend(explain.then_some(words.as_str()));
        wanted = write(writer.write_record(&cells))? && (!rows.is_multiple_of(flush_every) || flush(&mut writer)?);
    }
    flush(&mut writer)?;
    Ok(())
}

fn flush(writer: &mut csv::Writer<impl Write>) -> Result<bool> {
    write(writer.flush().map_err(csv::Error::from))
}

/// Whether somebody still reads; a reader that left, such as `head`, is no error.
fn write(written: csv::Result<()>) -> Result<bool> {
    match written {
        Err(error) => match error.kind() {
            csv::ErrorKind::Io(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            _ => Err(error).context("cannot write the scores"),
        },
        Ok(()) => Ok(true),
    }
}

/// `2014-04-01 00:00:00`, also with a `T`, fractions, a zone, without seconds, or a day alone.
fn time(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    forms
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        // the clock of the place it comes from, which is what days and weeks follow
        .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.naive_local()))
        .or_else(|| day().map(|day| day.and_time(NaiveTime::MIN)))
}

/// A number; nothing, `NaN`, `null` and `NA` are a value that is missing.
fn number(text: &str) -> Option<f64> {
    match text.trim() {
        "" | "null" | "NULL" | "NA" => Some(f64::NAN),
        text => text.parse().ok(),
    }
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;
