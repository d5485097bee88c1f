//! Metrics for programs: a window of one, all of them now, one along a time, conversion of a product.

use axum::Json;
use axum::extract::{Path, Query, State};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::buckets::{self, Bucket, Step};
use super::model::{Definition, MetricKind, Tags};
use super::queries::{self, Answer, Basis, Selection};
use super::window::{Aggregates, Window, WindowKind, span};
use crate::app::App;
use crate::auth::{Access, MetricReader};
use crate::error::{Error, Result};
use crate::web::Routes;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/dashboard", Access::KeyWithScope, dashboard)
        .get("/api/v1/dashboard", Access::KeyWithScope, dashboard)
        .get("/api/v1/analytics/metrics/realtime", Access::KeyWithScope, realtime)
        .get(
            "/api/v1/analytics/metrics/conversion/{product_id}",
            Access::KeyWithScope,
            conversion,
        )
        .get(
            "/api/v1/analytics/metrics/{metric}/{timeframe}",
            Access::KeyWithScope,
            along,
        )
}

type Pairs = std::result::Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>;

/// What an address asks for.
struct Asked {
    metric: String,
    /// as it was written
    span: String,
    end: DateTime<Utc>,
    window: Window,
    selection: Selection,
}

impl Asked {
    /// Takes these parameters and `tags.`, and no others.
    fn read(pairs: Pairs, takes: &[&str], now: DateTime<Utc>, usual_span: &str) -> Result<Self> {
        let Query(pairs) = pairs.map_err(|_| Error::invalid("", "The address cannot be read."))?;
        let mut metric = String::new();
        let mut kind = WindowKind::Sliding;
        let mut end = now;
        let mut text = usual_span.to_owned();
        let mut selection = Selection::default();
        for (name, value) in pairs {
            if !name.starts_with("tags.") && !takes.contains(&&*name) {
                return Err(Error::invalid("", format!("There is no parameter {name}.")));
            }
            match name.as_str() {
                "metric" => metric = value,
                "window" => text = value,
                "kind" => {
                    kind = value
                        .parse()
                        .map_err(|_| Error::invalid("kind", "kind is sliding or tumbling."))?;
                }
                "end" => {
                    // a + that was not escaped has become a space
                    let text = value.replace(' ', "+");
                    end = DateTime::parse_from_rfc3339(&text)
                        .map(|end| end.to_utc())
                        .ok()
                        .or_else(|| {
                            value
                                .parse()
                                .ok()
                                .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
                        })
                        .filter(|end| (0..=253_402_300_799).contains(&end.timestamp()))
                        .ok_or_else(|| Error::invalid("end", "end is RFC 3339, or seconds since 1970."))?;
                }
                "group_by" => selection
                    .group_by
                    .extend(value.split(',').map(|tag| tag.trim().to_owned())),
                _ => {
                    let tag = name.strip_prefix("tags.").unwrap_or(&name);
                    selection.tags.push((tag.to_owned(), value));
                }
            }
        }
        if selection.group_by.len() > 4 {
            return Err(Error::invalid("group_by", "Group by at most four tags."));
        }
        let length = span(&text)
            .ok_or_else(|| Error::invalid("window", "window is such as 90s, 5m, 1h or 7d, and at most 400d."))?;
        Ok(Asked {
            metric,
            span: text,
            end,
            window: Window::at(kind, length, end),
            selection,
        })
    }
}

const OF_WINDOW: [&str; 4] = ["window", "kind", "end", "group_by"];

/// `GET /dashboard?metric=cpu_usage&window=5m&kind=sliding&end=...&tags.host=web-01&group_by=host`
async fn dashboard(State(app): State<App>, reader: MetricReader, pairs: Pairs) -> Result<Json<Value>> {
    let now = app.db.clock.now();
    let asked = Asked::read(pairs, &[&OF_WINDOW[..], &["metric"]].concat(), now, "5m")?;
    let definitions = app.ingest.registry().current().await?;
    let metric = definitions.metric(&asked.metric).ok_or(Error::NotFound)?;
    let mut tx = app.db.read(&reader.0.key.scope()).await?;
    let looking = queries::window(&mut tx, &definitions, metric, asked.window, &asked.selection, now);
    let answer = app.db.timed("window", looking).await?;
    if answer.total.count == 0 && !queries::is_seen(&mut tx, &definitions, metric, &[]).await? {
        return Err(Error::NotFound);
    }
    Ok(Json(in_full(metric, &asked.span, &answer)))
}

/// `GET /api/v1/analytics/metrics/realtime?window=1m`: every metric that the key may see, in its latest window.
async fn realtime(State(app): State<App>, reader: MetricReader, pairs: Pairs) -> Result<Json<Value>> {
    const MOST: usize = 100;
    let now = app.db.clock.now();
    let asked = Asked::read(pairs, &OF_WINDOW, now, "1m")?;
    let definitions = app.ingest.registry().current().await?;
    let mut tx = app.db.read(&reader.0.key.scope()).await?;
    let mut metrics = Vec::new();
    for metric in queries::seen(&mut tx, &definitions, MOST).await? {
        let answer = queries::window(&mut tx, &definitions, &metric, asked.window, &asked.selection, now).await?;
        metrics.push(in_full(&metric, &asked.span, &answer));
    }
    Ok(Json(json!({ "as_of": now, "window": asked.span, "metrics": metrics })))
}

/// `GET /api/v1/analytics/metrics/{metric}/{timeframe}`: buckets of the last `hour`, `day`, `week`, `month`, or a length
/// such as `6h`; minutes within two hours, hours within eight days, else days.
async fn along(
    State(app): State<App>,
    reader: MetricReader,
    Path((metric, timeframe)): Path<(String, String)>,
    pairs: Pairs,
) -> Result<Json<Value>> {
    let now = app.db.clock.now();
    let asked = Asked::read(pairs, &["end"], now, "1m")?;
    let length = match timeframe.as_str() {
        "hour" => TimeDelta::hours(1),
        "day" => TimeDelta::days(1),
        "week" => TimeDelta::days(7),
        "month" => TimeDelta::days(30),
        other => span(other)
            .ok_or_else(|| Error::invalid("timeframe", "The timeframe is hour, day, week, month, or such as 6h."))?,
    };
    let step = match length {
        length if length <= TimeDelta::hours(2) => Step::Minute,
        length if length <= TimeDelta::days(8) => Step::Hour,
        _ => Step::Day,
    };
    let definitions = app.ingest.registry().current().await?;
    let metric = definitions.metric(&metric).ok_or(Error::NotFound)?;
    let mut tx = app.db.read(&reader.0.key.scope()).await?;
    if !queries::is_seen(&mut tx, &definitions, metric, &[]).await? {
        return Err(Error::NotFound);
    }
    let (from, to) = (asked.end - length, asked.end);
    let looking = buckets::buckets(&mut tx, &definitions, metric, step, (from, to), &asked.selection.tags);
    let buckets = app.db.timed("buckets", looking).await?;
    let calendar = app.ingest.zones().current().await?;
    let last_end = buckets::last_end(&mut tx, &definitions, metric, (step, to), &calendar).await?;
    let count: i64 = buckets.iter().map(|bucket| bucket.found.count).sum();
    let points: Vec<Value> = buckets
        .iter()
        .map(|Bucket { start, end, found }| {
            let mut point = aggregations(metric, found);
            point.insert("start".into(), json!(start));
            point.insert("end".into(), json!(end));
            point.insert("complete".into(), json!(*end <= now));
            point.insert("value".into(), json!(found.value(metric.kind)));
            Value::Object(point)
        })
        .collect();
    Ok(Json(json!({
        "metric_name": &*metric.name, "kind": metric.kind, "unit": metric.unit, "timeframe": timeframe, "step": step,
        "from": from, "to": to, "count": count, "complete": last_end <= now,
        "source": Basis::Sketch, "buckets": points,
    })))
}

/// The metric of the shop's catalog.
const CONVERSION: &str = "shop_conversion";

/// `GET /api/v1/analytics/metrics/conversion/{product_id}?window=30d`: the share of a product's views that became orders, as
/// the catalog of the shop defines it, or another ratio over `product` by `metric=`. 404 without such a metric, or when nobody
/// ever saw the product; one that nobody saw in this window has a count of 0 and no value.
async fn conversion(
    State(app): State<App>,
    reader: MetricReader,
    Path(product): Path<String>,
    pairs: Pairs,
) -> Result<Json<Value>> {
    let now = app.db.clock.now();
    let mut asked = Asked::read(pairs, &[&OF_WINDOW[..], &["metric"]].concat(), now, "30d")?;
    let definitions = app.ingest.registry().current().await?;
    let name = match asked.metric.as_str() {
        "" => CONVERSION,
        other => other,
    };
    let metric = definitions
        .metric(name)
        .filter(|metric| metric.kind == MetricKind::Ratio)
        .ok_or(Error::NotFound)?;
    asked.selection.tags.push(("product".into(), product.clone()));
    let mut tx = app.db.read(&reader.0.key.scope()).await?;
    let answer = queries::window(&mut tx, &definitions, metric, asked.window, &asked.selection, now).await?;
    let of_product = [("product", &*product)];
    if answer.total.count == 0 && !queries::is_seen(&mut tx, &definitions, metric, &of_product).await? {
        return Err(Error::NotFound);
    }
    let mut body = in_full(metric, &asked.span, &answer);
    body["product_id"] = product.into();
    Ok(Json(body))
}

fn in_full(metric: &Definition, span: &str, answer: &Answer) -> Value {
    let tags = |tags: &Tags| -> Map<String, Value> {
        tags.iter()
            .map(|(tag, value)| (tag.clone(), value.as_str().into()))
            .collect()
    };
    let mut body = json!({
        "metric_name": &*metric.name, "kind": metric.kind, "unit": metric.unit,
        "window": span, "window_kind": answer.window.kind, "from": answer.window.from, "to": answer.window.to,
        "count": answer.total.count, "complete": answer.complete, "source": answer.basis,
        "value": answer.total.value(metric.kind), "aggregations": aggregations(metric, &answer.total),
    });
    if !answer.groups.is_empty() {
        let groups = answer.groups.iter().map(|(group, found)| {
            json!({ "tags": tags(group), "count": found.count, "value": found.value(metric.kind),
                    "aggregations": aggregations(metric, found) })
        });
        body["groups"] = groups.collect();
    }
    body
}

/// What makes sense for the metric: of one that counts different values, their hashes have no mean.
fn aggregations(metric: &Definition, found: &Aggregates) -> Map<String, Value> {
    let all = serde_json::to_value(found).unwrap_or_default();
    let keep: &[&str] = match metric.kind {
        MetricKind::Ratio => &["count", "ratio"],
        MetricKind::Distinct => &["count", "rate", "distinct"],
        _ => &[
            "avg", "min", "max", "sum", "count", "p50", "p90", "p95", "p99", "rate", "distinct",
        ],
    };
    keep.iter()
        .map(|name| ((*name).to_owned(), all.get(name).cloned().unwrap_or_default()))
        .collect()
}
