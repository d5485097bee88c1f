//! Pages of a long list, by the key of a row rather than by a number of rows: what is added meanwhile moves nothing, and
//! the last page costs no more than the first. A list can be walked both ways.

use std::fmt::Display;
use std::str::FromStr;

use serde::Deserialize;

use super::PagesView;

/// Which page of a list is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn<K> {
    #[default]
    First,
    /// the one that follows this row
    After(K),
    /// the one that ends before this row
    Before(K),
}

/// `?after=...` or `?before=...`, beside the filter in the address of a list; what cannot be read is the first page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TurnQuery {
    after: String,
    before: String,
}

impl TurnQuery {
    pub fn read<K: FromStr>(&self) -> Turn<K> {
        match (self.after.parse(), self.before.parse()) {
            (Ok(key), _) => Turn::After(key),
            (_, Ok(key)) => Turn::Before(key),
            _ => Turn::First,
        }
    }
}

/// The rows of a page, in the order of the list.
#[derive(Clone, Debug)]
pub struct Turned<T> {
    pub rows: Vec<T>,
    /// whether the list has rows before and after these
    earlier: bool,
    later: bool,
}

impl<T> Turned<T> {
    /// The page on which these rows begin; one more than `limit` says that the list goes on.
    pub fn forward(mut rows: Vec<T>, limit: i64, earlier: bool) -> Self {
        let later = rows.len() as i64 > limit;
        rows.truncate(limit as usize);
        Turned { rows, earlier, later }
    }

    /// The page before a row, from rows that were read backwards. `None` when they do not fill a page: then it is the
    /// first.
    pub fn backward(mut rows: Vec<T>, limit: i64) -> Option<Self> {
        let earlier = rows.len() as i64 > limit;
        if (rows.len() as i64) < limit {
            return None;
        }
        rows.truncate(limit as usize);
        rows.reverse();
        Some(Turned {
            rows,
            earlier,
            later: true,
        })
    }

    /// The way on and back; `href` is the address of the first page, `key` what a row is known by.
    pub fn pages<K: Display>(&self, href: &str, summary: String, key: impl Fn(&T) -> K) -> PagesView {
        let separator = if href.contains('?') { '&' } else { '?' };
        let to = |side: &str, row: &T| format!("{href}{separator}{side}={}", key(row));
        let beyond = self.rows.is_empty() && self.earlier;
        PagesView {
            summary,
            previous: match self.rows.first() {
                Some(first) => self.earlier.then(|| to("before", first)),
                None => beyond.then(|| href.to_owned()),
            },
            next: self.rows.last().filter(|_| self.later).map(|last| to("after", last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_what_lies_before_and_after_it() {
        let first = Turned::forward(vec![1, 2, 3], 2, false);
        let second = Turned::forward(vec![3, 4], 2, true);
        let back = Turned::backward(vec![4, 3, 2], 2).unwrap();

        let ways = |page: &Turned<i32>| {
            let pages = page.pages("/list?a=b", String::new(), |row| *row);
            (pages.previous, pages.next)
        };
        assert_eq!(ways(&first), (None, Some("/list?a=b&after=2".into())));
        assert_eq!(ways(&second), (Some("/list?a=b&before=3".into()), None));
        assert_eq!(back.rows, [3, 4]);
        assert_eq!(
            ways(&back),
            (Some("/list?a=b&before=3".into()), Some("/list?a=b&after=4".into()))
        );
        assert!(Turned::backward(vec![1], 2).is_none());
    }

    #[test]
    fn an_address_says_the_page() {
        let asked = |after: &str, before: &str| TurnQuery {
            after: after.into(),
            before: before.into(),
        };

        assert_eq!(asked("7", "").read(), Turn::After(7));
        assert_eq!(asked("", "7").read(), Turn::Before(7));
        assert_eq!(asked("x", "").read::<i64>(), Turn::First);
    }
}
