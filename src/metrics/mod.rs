//! Metrics: what is measured, the series of each, their points, and their sums by minute, hour and day, which are
//! exactly the sums over the points. Windows are answered from points while they are kept, else from sums and sketches.

pub mod along;
pub mod buckets;
mod commands;
mod definitions;
pub mod figures;
pub mod many;
mod model;
mod parts;
pub mod queries;
mod rollup;
mod routes;
mod sketch;
mod window;

pub use buckets::Step;
pub use commands::define::{define_event_type, define_metric};
pub use commands::parts::keep;
pub use commands::points::{Chunks, write};
pub use commands::series::{NewSeries, Series};
pub use definitions::{Definitions, Registry, one};
pub use model::{Condition, Definition, EventType, MetricKind, NewEventType, NewMetric, Tags};
pub use parts::{Days, Parts};
pub use queries::{Answer, Basis, Selection, Spread};
pub use rollup::{Calendar, LARGEST, Sum, Zones};
pub use routes::routes;
pub use sketch::Sketch;
pub use window::{Aggregates, Window, WindowKind, span};
