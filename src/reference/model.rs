//! The lines of the reference tables.

use crate::blood::Component;

/// How long a component lives after its collection: either days or hours.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Life {
    pub component: Component,
    /// days end at 23:59 local of the last one
    pub life_days: Option<i32>,
    /// hours are exact
    pub life_hours: Option<i32>,
    pub storage: String,
    pub source: String,
}

/// What the network aims at.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Target {
    pub kpi: String,
    /// a component, or `all`
    pub component: String,
    pub target: f64,
    pub unit: String,
    pub source: String,
}

impl Target {
    pub fn name(&self) -> &str {
        match self.kpi.as_str() {
            "days_of_stock" => t!("Days of stock"),
            "wastage" => t!("Wastage, discarded of issued"),
            "o_negative_share" => t!("Share of O− in red-cell stock"),
            "fill_rate" => t!("Requests filled in full"),
            other => other,
        }
    }
}

/// Why a unit is discarded.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Reason {
    pub code: String,
    pub label: String,
    /// order in lists
    pub place: i32,
    /// a retired one stays on old records and can be chosen no more
    pub active: bool,
    /// written by the program itself, so it cannot be retired
    pub built_in: bool,
    pub source: String,
}
