//! What is written: definitions, series, points with their sums, and the days that hold them.

pub mod define;
pub mod parts;
pub mod points;
pub mod series;
