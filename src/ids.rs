//! Ids as types of their own, so that a facility is never passed where a unit is meant.
//! Each is the `bigint` key of its table.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent, no_pg_array)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }

        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                $name(id)
            }
        }
    };
}

id!(/// A facility: the tenant. Everything that happens belongs to one.
    FacilityId);
id!(/// A person who can log in.
    UserId);
id!(/// A row of `blood_inventory`: a unit or a lot.
    UnitId);
id!(/// A row of `blood_requests`.
    RequestId);
id!(/// A row of `blood_distributions`.
    DistributionId);
id!(/// A board that was made by somebody.
    BoardId);
id!(/// A link with which a board is seen without logging in.
    LinkId);

/// The numbers of some ids, as Postgres arrays want them.
pub fn numbers(ids: &[FacilityId]) -> Vec<i64> {
    ids.iter().map(|id| id.0).collect()
}
