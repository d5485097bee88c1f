//! Types whose value is a short text, the same in the database, in JSON and in a form. `text_enum!` defines a whole
//! enum of that kind; `text_column!` does the same for a type with `as_str` and `FromStr`.

use std::fmt;

/// A text that names no variant of an enum; says what was expected instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownText {
    type_name: &'static str,
    given: String,
    expected: Vec<&'static str>,
}

impl UnknownText {
    /// `type_name` as Rust spells it (`BloodGroup`); the text is cut to 40 characters, since anyone may have sent it.
    pub(crate) fn new(type_name: &'static str, given: &str, expected: Vec<&'static str>) -> Self {
        Self {
            type_name,
            given: given.chars().take(40).collect(),
            expected,
        }
    }
}

impl fmt::Display for UnknownText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a ", self.given)?;
        for (at, letter) in self.type_name.char_indices() {
            if at > 0 && letter.is_uppercase() {
                f.write_str(" ")?;
            }
            write!(f, "{}", letter.to_ascii_lowercase())?;
        }
        write!(f, ": expected one of {}", self.expected.join(", "))
    }
}

/// Defines a `Copy` enum from variants, their stored texts and, after a slash, the words for people.
///
/// Gives `ALL` (in the order written, which is also the order of `Ord`), `as_str()`, `label()` (the text itself where
/// no words were given), `FromStr`, `Display` (the stored text), serde and everything sqlx needs to bind, fetch and
/// compare it as `text`. In a checked query write `$1` with `status.as_str()` or `status as UnitStatus`, and `select
/// status as "status: UnitStatus"`.
///
/// ```text
/// text_enum! {
///     /// How soon the units are needed.
///     pub enum Urgency {
///         Routine = "routine" / "Routine",
///         Emergency = "emergency" / "Emergency, now",
///     }
/// }
/// ```
macro_rules! text_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $( $(#[$variant_attribute:meta])* $variant:ident = $text:literal $(/ $label:literal)? ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $name {
            $( $(#[$variant_attribute])* $variant, )+
        }

        #[allow(dead_code)] // not every enum needs every one of these
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$( $name::$variant ),+];

            /// The text that is stored and sent.
            pub const fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $text, )+ }
            }

            /// The words shown to people, in the language of the task.
            pub fn label(self) -> &'static str {
                // the first of the two: the label where one was given, else the text
                $crate::words::t(match self { $( $name::$variant => [$($label,)? $text][0], )+ })
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::text_enum::UnknownText;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                match text {
                    $( $text => Ok($name::$variant), )+
                    _ => Err($crate::text_enum::UnknownText::new(stringify!($name), text, vec![$( $text ),+])),
                }
            }
        }

        $crate::text_enum::text_column!($name);
    };
}

/// `Display`, serde and sqlx as Postgres `text`, for a type with `as_str(..)` and `FromStr`.
macro_rules! text_column {
    ($name:ident) => {
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let text = <::std::string::String as ::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }

        impl ::sqlx::Type<::sqlx::Postgres> for $name {
            fn type_info() -> ::sqlx::postgres::PgTypeInfo {
                <str as ::sqlx::Type<::sqlx::Postgres>>::type_info()
            }

            fn compatible(column: &::sqlx::postgres::PgTypeInfo) -> bool {
                <str as ::sqlx::Type<::sqlx::Postgres>>::compatible(column)
            }
        }

        impl ::sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> ::sqlx::postgres::PgTypeInfo {
                <&str as ::sqlx::postgres::PgHasArrayType>::array_type_info()
            }

            fn array_compatible(column: &::sqlx::postgres::PgTypeInfo) -> bool {
                <&str as ::sqlx::postgres::PgHasArrayType>::array_compatible(column)
            }
        }

        impl ::sqlx::Encode<'_, ::sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut ::sqlx::postgres::PgArgumentBuffer,
            ) -> ::std::result::Result<::sqlx::encode::IsNull, ::sqlx::error::BoxDynError> {
                <&str as ::sqlx::Encode<::sqlx::Postgres>>::encode(self.as_str(), buffer)
            }

            // the default, the size of the enum, would be wrong by the length of the text
            fn size_hint(&self) -> usize {
                self.as_str().len()
            }
        }

        impl ::sqlx::Decode<'_, ::sqlx::Postgres> for $name {
            fn decode(
                value: ::sqlx::postgres::PgValueRef<'_>,
            ) -> ::std::result::Result<Self, ::sqlx::error::BoxDynError> {
                Ok(value.as_str()?.parse()?)
            }
        }
    };
}

pub(crate) use {text_column, text_enum};

#[cfg(test)]
mod tests {
    use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType};
    use sqlx::{Encode, Postgres, Type};

    text_enum! {
        /// A light at a crossing.
        enum TrafficLight {
            Red = "red" / "Stop",
            Green = "green",
        }
    }

    #[test]
    fn a_variant_has_a_text_and_a_label_that_defaults_to_it() {
        assert_eq!(TrafficLight::ALL, [TrafficLight::Red, TrafficLight::Green]);
        assert_eq!(TrafficLight::Red.as_str(), "red");
        assert_eq!(TrafficLight::Red.label(), "Stop");
        assert_eq!(TrafficLight::Green.label(), "green");
        assert_eq!(TrafficLight::Green.to_string(), "green");
    }

    #[test]
    fn an_unknown_text_is_refused_with_what_was_expected() {
        let error = "blue".parse::<TrafficLight>().unwrap_err();

        assert_eq!(
            error.to_string(),
            r#""blue" is not a traffic light: expected one of red, green"#
        );
    }

    #[test]
    fn json_carries_the_stored_text() {
        assert_eq!(serde_json::to_string(&TrafficLight::Red).unwrap(), r#""red""#);
        assert_eq!(
            serde_json::from_str::<TrafficLight>(r#""green""#).unwrap(),
            TrafficLight::Green
        );
        assert!(
            serde_json::from_str::<TrafficLight>(r#""Green""#)
                .unwrap_err()
                .to_string()
                .contains("expected one of")
        );
    }

    #[test]
    fn postgres_sees_text() {
        let mut buffer = PgArgumentBuffer::default();

        let _ = Encode::<Postgres>::encode_by_ref(&TrafficLight::Green, &mut buffer).unwrap();

        assert_eq!(&buffer[..], b"green");
        assert_eq!(
            <TrafficLight as Type<Postgres>>::type_info(),
            <String as Type<Postgres>>::type_info()
        );
        assert_eq!(TrafficLight::array_type_info(), String::array_type_info());
    }
}
