//! The macros around every text, and texts with values in them.
//!
//! ```text
//! t!("Receive stock")                               -> &'static str       in Rust and in templates
//! t!("as of {time}", time = label)                  -> String             in Rust
//! say!("as of {time}").with("time", label)          shown as it is        in templates
//! n!("{n} unit", "{n} units", count)                -> String             in Rust; {n} is written by itself
//! n!("{n} unit", "{n} units").of(count)             shown as it is        in templates
//! tc!("verb", "Order")                              one of two meanings of a word
//! mark!("Receive stock")                            a text in a constant, said later with words::t
//! ```

use std::fmt;

use super::{Language, catalog, locale};

macro_rules! t {
    ($text:literal) => {
        $crate::words::t($text)
    };
    ($text:literal, $($values:tt)+) => {
        said!($crate::words::Said::new($crate::words::t($text)), $($values)+).to_string()
    };
}

macro_rules! tc {
    ($context:literal, $text:literal) => {
        $crate::words::tc($context, $text)
    };
    ($context:literal, $text:literal, $($values:tt)+) => {
        said!($crate::words::Said::new($crate::words::tc($context, $text)), $($values)+).to_string()
    };
}

macro_rules! say {
    ($text:literal) => {
        $crate::words::Said::new($crate::words::t($text))
    };
}

macro_rules! n {
    ($one:literal, $many:literal) => {
        $crate::words::Counted($one, $many)
    };
    ($one:literal, $many:literal, $n:expr) => {
        $crate::words::Counted($one, $many).of($n).to_string()
    };
    ($one:literal, $many:literal, $n:expr, $($values:tt)+) => {
        said!($crate::words::Counted($one, $many).of($n), $($values)+).to_string()
    };
}

/// Puts values (`name` or `name = expression`) into a text.
macro_rules! said {
    ($said:expr $(,)?) => {
        $said
    };
    ($said:expr, $name:ident = $value:expr $(, $($rest:tt)*)?) => {
        said!($said.with(stringify!($name), &$value), $($($rest)*)?)
    };
    ($said:expr, $name:ident $(, $($rest:tt)*)?) => {
        said!($said.with(stringify!($name), &$name), $($($rest)*)?)
    };
}

macro_rules! mark {
    ($text:literal) => {
        $text
    };
}

/// A text whose `{names}` are replaced by values.
#[derive(Clone, Debug)]
pub struct Said {
    text: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Said {
    pub fn new(text: &'static str) -> Self {
        Said { text, values: vec![] }
    }

    /// `value` stands where the text says `{name}`.
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.values.push((name, value.to_string()));
        self
    }
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rtl = locale().language == Language::Ar;
        let mut rest = self.text;
        while let Some((before, after)) = rest.split_once('{') {
            out.write_str(before)?;
            let value = after
                .split_once('}')
                .and_then(|(name, after)| Some((self.values.iter().find(|(known, _)| *known == name)?, after)));
            match value {
                // a name in other letters must not turn round what stands beside it
                Some(((_, value), after)) if rtl => {
                    write!(out, "\u{2068}{value}\u{2069}")?;
                    rest = after;
                }
                Some(((_, value), after)) => {
                    out.write_str(value)?;
                    rest = after;
                }
                None => {
                    out.write_str("{")?;
                    rest = after;
                }
            }
        }
        out.write_str(rest)
    }
}

/// A text in its two English forms, for a number.
#[derive(Clone, Copy, Debug)]
pub struct Counted(pub &'static str, pub &'static str);

impl Counted {
    /// The form that goes with a number, which stands where it says `{n}`.
    pub fn of(self, n: impl Count) -> Said {
        let n = n.count();
        let size = n.unsigned_abs();
        let language = locale().language;
        let form = language.plural(size);
        let text = match language {
            Language::En => None,
            language => catalog::of(language).form("", self.0, form),
        };
        let english = if Language::En.plural(size) == 0 { self.0 } else { self.1 };
        Said::new(text.unwrap_or(english)).with("n", super::number(n))
    }
}

/// A number of things.
pub trait Count {
    fn count(&self) -> i64;
}

macro_rules! counts {
    ($($kind:ty),+) => {
        $(impl Count for $kind {
            fn count(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        })+
    };
}
counts!(i16, i32, i64, u8, u16, u32, u64, usize);

impl<T: Count> Count for &T {
    fn count(&self) -> i64 {
        (**self).count()
    }
}
