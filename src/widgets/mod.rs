//! Everything that can stand on a board: widgets, what they are drawn from, and how they look. How boards are stored and
//! edited is no matter of this module; it is given a widget and a context, and answers with HTML that holds no viewer.

mod compose;
mod context;
mod fields;
mod filter;
mod kind;
mod markdown;
mod model;
mod past;
mod range;
mod render;
mod source;
mod sources;
pub mod view;
mod windowed;

pub use crate::figures::Dimension;
pub use compose::{CONNECTIONS, Composed, Loads, PATIENCE, compose, compose_all, version};
pub use context::{Context, SeesRows};
pub use fields::{Field, Input, NAMES};
pub use filter::{Asked, Filter, query_of};
pub use kind::{Description, Kind, Shape, Size};
pub use model::{COLUMNS, Compare, Direction, Options, Place, SourceRef, State, Thresholds, Widget, is_slug};
pub use past::Past;
pub use range::{LONGEST_DAYS, Moment, QUICK, Range, Span, Step, Unit};
pub use source::{Frame, Item, Items, Measure, Nature, Query, Source, Sources, Spot, sources};
pub use windowed::{known, refused};
