//! Rows of a file, one after the other, whatever its format; at no time more than a few of them are in memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Map, Value};

/// A row: where it stands, counted from 1 as an editor does (in Parquet rows), and its columns or what is wrong.
pub struct Row {
    pub line: u64,
    pub columns: Result<Map<String, Value>, String>,
}

/// All rows.
pub struct Rows {
    rows: Box<dyn Iterator<Item = anyhow::Result<Row>> + Send>,
    read: Arc<AtomicU64>,
    size: u64,
}

/// A longer line is refused, not kept.
const LONGEST_LINE: u64 = 1024 * 1024;

impl Rows {
    /// By the end of its name: `.csv`, `.ndjson`, `.jsonl` or `.parquet`, the first three also with `.gz` or `.zst` behind.
    pub fn open(path: &Path) -> anyhow::Result<Rows> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let size = file.metadata()?.len();
        let read = Arc::new(AtomicU64::new(0));
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let counted = Counted {
            file: BufReader::with_capacity(256 * 1024, file.try_clone()?),
            read: read.clone(),
        };
        let (plain, unpacked): (&str, Box<dyn Read + Send>) = match name.rsplit_once('.') {
            Some((plain, "gz")) => (plain, Box::new(flate2::read::MultiGzDecoder::new(counted))),
            Some((plain, "zst")) => (plain, Box::new(zstd::Decoder::with_buffer(counted)?)),
            _ => (&name, Box::new(counted)),
        };
        let rows: Box<dyn Iterator<Item = anyhow::Result<Row>> + Send> = match plain.rsplit_once('.') {
            Some((_, "csv")) => Box::new(csv(unpacked)?),
            Some((_, "ndjson" | "jsonl")) => Box::new(Lines(BufReader::new(unpacked), 0)),
            Some((_, "parquet")) if plain == name => {
                let reader = SerializedFileReader::new(file)?;
                return Rows::parquet(reader, size);
            }
            _ => bail!("{name}: expected .csv, .ndjson, .jsonl (also with .gz or .zst) or .parquet"),
        };
        Ok(Rows { rows, read, size })
    }

    /// How much of the file was read, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.read.load(Ordering::Relaxed) as f64 / self.size.max(1) as f64
    }

    fn parquet(reader: SerializedFileReader<File>, size: u64) -> anyhow::Result<Rows> {
        let all = reader.metadata().file_metadata().num_rows().max(1) as u64;
        let read = Arc::new(AtomicU64::new(0));
        let seen = read.clone();
        // its pages belong to columns, so bytes say little: rows are counted and shown as their share of the size
        let rows = reader.into_iter().zip(1u64..).map(move |(row, line)| {
            seen.store(size * line / all, Ordering::Relaxed);
            let columns = match row?.to_json_value() {
                Value::Object(columns) => Ok(columns),
                other => Err(format!("{other} is no row")),
            };
            Ok(Row { line, columns })
        });
        let rows = Box::new(rows);
        Ok(Rows { rows, read, size })
    }
}

impl Iterator for Rows {
    type Item = anyhow::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

struct Counted {
    file: BufReader<File>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(into)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.file.fill_buf()
    }
    fn consume(&mut self, count: usize) {
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        self.file.consume(count);
    }
}

/// Cells that are numbers in JSON are numbers, the others texts.
fn csv(file: Box<dyn Read + Send>) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Row>> + Send> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let headers: Vec<String> = reader
        .headers()
        .context("the first line has no names of columns")?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let rows = reader.into_records().map(move |record| {
        let record = match record {
            Ok(record) => record,
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                let line = error.position().map_or(0, csv::Position::line);
                let columns = Err("it is not UTF-8".into());
                return Ok(Row { line, columns });
            }
            Err(error) => return Err(error.into()),
        };
        let line = record.position().map_or(0, csv::Position::line);
        let columns = if record.len() == headers.len() {
            Ok(headers.iter().cloned().zip(record.iter().map(cell)).collect())
        } else {
            Err(format!("it has {} columns, not {}", record.len(), headers.len()))
        };
        Ok(Row { line, columns })
    });
    Ok(rows)
}

fn cell(text: &str) -> Value {
    match text.parse::<serde_json::Number>() {
        Ok(number) => Value::Number(number),
        Err(_) => Value::String(text.to_owned()),
    }
}

/// Lines of JSON; empty ones are passed over.
struct Lines<R>(R, u64);

impl<R: BufRead> Iterator for Lines<R> {
    type Item = anyhow::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut line = Vec::new();
            match (&mut self.0).take(LONGEST_LINE + 1).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => self.1 += 1,
                Err(error) => return Some(Err(error.into())),
            }
            let whole = line.len() as u64 <= LONGEST_LINE || line.ends_with(b"\n");
            let columns = if !whole {
                if let Err(error) = self.skip_line() {
                    return Some(Err(error.into()));
                }
                Err(format!("it is longer than {LONGEST_LINE} bytes"))
            } else if line.trim_ascii().is_empty() {
                continue;
            } else {
                serde_json::from_slice(&line).map_err(|error| format!("it is no JSON object: {error}"))
            };
            return Some(Ok(Row { line: self.1, columns }));
        }
    }
}

impl<R: BufRead> Lines<R> {
    /// The rest of a line that is too long, without keeping it.
    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let rest = self.0.fill_buf()?;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (count, done) = end.map_or((rest.len(), rest.is_empty()), |at| (at + 1, true));
            self.0.consume(count);
            if done {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn rows(name: &str, content: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        File::create(&path).unwrap().write_all(content).unwrap();
        let rows = Rows::open(&path).unwrap().map(Result::unwrap);
        rows.map(|row| (row.line, row.columns.map(|columns| Value::Object(columns).to_string())))
            .collect()
    }

    const CSV: &[u8] = b"\xef\xbb\xbfid,value\nx,1.5\n\"two\nlines\",007\nshort\n\xff,2\n";

    #[test]
    fn a_csv_row_has_its_line_and_what_is_wrong_with_it() {
        let read = rows("a.csv", CSV);

        assert_eq!(read[0], (2, Ok(r#"{"id":"x","value":1.5}"#.into())));
        assert_eq!(read[1], (3, Ok(r#"{"id":"two\nlines","value":"007"}"#.into())));
        assert_eq!(read[2], (5, Err("it has 1 columns, not 2".into())));
        assert_eq!(read[3], (6, Err("it is not UTF-8".into())));
    }

    #[test]
    fn packed_files_are_told_by_the_end_of_their_names() {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(CSV).unwrap();
        let zst = zstd::encode_all(CSV, 1).unwrap();

        assert_eq!(rows("a.csv.gz", &gz.finish().unwrap()), rows("a.csv", CSV));
        assert_eq!(rows("a.CSV.zst", &zst), rows("a.csv", CSV));
    }

    #[test]
    fn lines_of_json_are_counted_with_the_empty_ones_and_long_ones_are_not_kept() {
        let long = "x".repeat(LONGEST_LINE as usize + 10);
        let content = format!("{{\"a\":1}}\n\n[1]\n\"{long}\"\n{{\"a\":2}}");

        let read = rows("a.ndjson", content.as_bytes());

        let lines: Vec<u64> = read.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 5]);
        assert!(read[1].1.is_err() && read[2].1.as_ref().unwrap_err().contains("longer"));
        assert_eq!(read[3].1, Ok(r#"{"a":2}"#.into()));
    }
}
