//! Rows in the binary form that COPY takes, which costs a tenth of an INSERT for each row.
//! The statement runs on one connection, inside its transaction.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// Rows on their way into one table. Fields are given in the order of the statement's columns.
#[derive(Debug)]
pub struct Rows {
    bytes: Vec<u8>,
    columns: i16,
    count: u64,
}

/// Microseconds from 1970 to 2000, where Postgres begins to count.
const EPOCH: i64 = 946_684_800_000_000;
const INT4: i32 = 23;
const FLOAT8: i32 = 701;

impl Rows {
    pub fn new(columns: i16) -> Self {
        let mut bytes = Vec::with_capacity(64 * 1024);
        bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        Rows {
            bytes,
            columns,
            count: 0,
        }
    }

    pub fn row(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&self.columns.to_be_bytes());
        self.count += 1;
        self
    }

    pub fn int8(&mut self, value: i64) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub fn int4(&mut self, value: i32) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    /// Microseconds since 1970.
    pub fn instant(&mut self, micros: i64) -> &mut Self {
        self.int8(micros - EPOCH)
    }

    pub fn uuid(&mut self, value: u128) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub fn text(&mut self, value: &str) -> &mut Self {
        self.field(value.as_bytes())
    }

    pub fn maybe_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    pub fn jsonb(&mut self, json: Option<&str>) -> &mut Self {
        let Some(json) = json else { return self.null() };
        self.length(json.len() + 1);
        self.bytes.push(1);
        self.bytes.extend_from_slice(json.as_bytes());
        self
    }

    pub fn int4s(&mut self, values: impl ExactSizeIterator<Item = i32>) -> &mut Self {
        self.array(INT4, values.len(), 4);
        for value in values {
            self.length(4);
            self.bytes.extend_from_slice(&value.to_be_bytes());
        }
        self
    }

    pub fn float8s(&mut self, values: impl ExactSizeIterator<Item = f64>) -> &mut Self {
        self.array(FLOAT8, values.len(), 8);
        for value in values {
            self.length(8);
            self.bytes.extend_from_slice(&value.to_be_bytes());
        }
        self
    }

    /// Sends them with `copy <table> (<columns>) from stdin (format binary)`.
    pub async fn send(mut self, tx: &mut PgConnection, statement: &str) -> Result<u64> {
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        let mut copy = tx.copy_in_raw(statement).await?;
        // an error here leaves the connection in the middle of the copy: finishing it is what reports the cause
        match copy.send(self.bytes).await {
            Ok(_) => Ok(copy.finish().await?),
            Err(error) => {
                let _ = copy.abort("the rows could not be sent").await;
                Err(error.into())
            }
        }
    }

    fn field(&mut self, bytes: &[u8]) -> &mut Self {
        self.length(bytes.len());
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn null(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        self
    }

    fn array(&mut self, kind: i32, count: usize, width: usize) {
        self.length(20 + count * (4 + width));
        for part in [1, 0, kind, count as i32, 1] {
            self.bytes.extend_from_slice(&part.to_be_bytes());
        }
    }

    fn length(&mut self, bytes: usize) {
        self.bytes.extend_from_slice(&(bytes as i32).to_be_bytes());
    }
}

/// An instant as [`Rows::instant`] takes it.
pub fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}
