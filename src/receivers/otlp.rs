//! OTLP metrics: gauges and sums are points of their name; a histogram is `<name>_count`, `_sum`, `_min`, `_max` and
//! `_bucket` by its upper bound `le`, a summary its quantiles, as Prometheus names them. Sums stay as they are sent:
//! cumulative ones grow.

use chrono::{DateTime, Utc};
use prost::Message;

use super::messages::{AnyValue, ExportRequest, HistogramPoint, KeyValue, Metric, Number, Resource, SummaryPoint};
use super::{Reading, point};

/// How a request is written, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// By the content type; none for another.
    pub fn of(content_type: &str) -> Option<Encoding> {
        let media = content_type.split(';').next().unwrap_or_default().trim();
        match media.to_ascii_lowercase().as_str() {
            "application/x-protobuf" => Some(Encoding::Protobuf),
            "application/json" => Some(Encoding::Json),
            _ => None,
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        }
    }

    /// A message, written like this.
    pub fn write(self, message: &(impl Message + serde::Serialize)) -> Vec<u8> {
        match self {
            Encoding::Protobuf => message.encode_to_vec(),
            Encoding::Json => serde_json::to_vec(message).unwrap_or_default(),
        }
    }
}

/// Attributes of whoever sends that become tags; the others would make a series of every process that ever ran.
const RESOURCE_TAGS: [&str; 6] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "host.name",
    "deployment.environment",
    "deployment.environment.name",
];

/// The points of a request.
///
/// # Errors
/// Why the body is no request, in words.
pub fn read(encoding: Encoding, body: &[u8]) -> Result<Reading, String> {
    let request = match encoding {
        Encoding::Protobuf => ExportRequest::decode(body).map_err(|error| error.to_string()),
        Encoding::Json => serde_json::from_slice(body).map_err(|error| error.to_string()),
    };
    let request = request.map_err(|error| format!("the body is no request to export metrics: {error}"))?;
    let mut reading = Reading::default();
    for of_resource in &request.resource_metrics {
        let resource = resource_tags(of_resource.resource.as_ref());
        let metrics = of_resource.scope_metrics.iter().flat_map(|scope| &scope.metrics);
        metrics.for_each(|metric| {
            Series {
                resource: &resource,
                metric,
            }
            .read(&mut reading)
        });
    }
    Ok(reading)
}

fn resource_tags(resource: Option<&Resource>) -> Vec<(String, String)> {
    let all = resource.map_or_else(Vec::new, |resource| tags(&resource.attributes));
    let wanted = all.into_iter().filter(|(key, _)| RESOURCE_TAGS.contains(&key.as_str()));
    wanted.collect()
}

/// A metric of one sender.
struct Series<'a> {
    resource: &'a [(String, String)],
    metric: &'a Metric,
}

impl Series<'_> {
    fn read(&self, to: &mut Reading) {
        let metric = self.metric;
        let numbers = [&metric.gauge, &metric.sum];
        for number in numbers.into_iter().flatten().flat_map(|one| &one.data_points) {
            self.number(to, number);
        }
        for one in metric.histogram.iter().flat_map(|all| &all.data_points) {
            self.histogram(to, one);
        }
        for one in metric.exponential_histogram.iter().flat_map(|all| &all.data_points) {
            let point = HistogramPoint {
                attributes: one.attributes.clone(),
                time_unix_nano: one.time_unix_nano,
                count: one.count,
                sum: one.sum,
                flags: one.flags,
                min: one.min,
                max: one.max,
                ..HistogramPoint::default()
            };
            self.histogram(to, &point);
        }
        for one in metric.summary.iter().flat_map(|all| &all.data_points) {
            self.summary(to, one);
        }
    }

    fn number(&self, to: &mut Reading, number: &Number) {
        let value = number.as_double.or(number.as_int.map(|whole| whole as f64));
        // without a recorded value, which a flag says, there is none
        let Some(value) = value.filter(|_| is_recorded(number.flags)) else {
            return;
        };
        let Some(at) = self.time(to, number.time_unix_nano) else {
            return;
        };
        self.add(to, "", value, at, &number.attributes, None);
    }

    fn histogram(&self, to: &mut Reading, one: &HistogramPoint) {
        if !is_recorded(one.flags) {
            return;
        }
        let Some(at) = self.time(to, one.time_unix_nano) else {
            return;
        };
        self.add(to, "_count", one.count as f64, at, &one.attributes, None);
        for (suffix, value) in [("_sum", one.sum), ("_min", one.min), ("_max", one.max)] {
            if let Some(value) = value {
                self.add(to, suffix, value, at, &one.attributes, None);
            }
        }
        let mut below = 0;
        for (at_bucket, count) in one.bucket_counts.iter().enumerate() {
            below += count;
            let bound = one.explicit_bounds.get(at_bucket);
            let le = bound.map_or_else(|| "+Inf".to_owned(), f64::to_string);
            self.add(to, "_bucket", below as f64, at, &one.attributes, Some(("le", le)));
        }
    }

    fn summary(&self, to: &mut Reading, one: &SummaryPoint) {
        if !is_recorded(one.flags) {
            return;
        }
        let Some(at) = self.time(to, one.time_unix_nano) else {
            return;
        };
        self.add(to, "_count", one.count as f64, at, &one.attributes, None);
        self.add(to, "_sum", one.sum, at, &one.attributes, None);
        for quantile in one.quantile_values.iter().filter(|one| !one.value.is_nan()) {
            let tag = ("quantile", quantile.quantile.to_string());
            self.add(to, "", quantile.value, at, &one.attributes, Some(tag));
        }
    }

    fn time(&self, to: &mut Reading, nanoseconds: u64) -> Option<DateTime<Utc>> {
        let at = i64::try_from(nanoseconds).ok().filter(|nanoseconds| *nanoseconds > 0);
        if at.is_none() {
            to.refuse(1, format!("{}: a point without a time", self.metric.name));
        }
        at.map(DateTime::from_timestamp_nanos)
    }

    fn add(
        &self,
        to: &mut Reading,
        suffix: &str,
        value: f64,
        at: DateTime<Utc>,
        attributes: &[KeyValue],
        more: Option<(&str, String)>,
    ) {
        let mut all = self.resource.to_vec();
        all.extend(tags(attributes));
        all.extend(more.map(|(name, value)| (name.to_owned(), value)));
        let metric = format!("{}{suffix}", self.metric.name);
        to.points.push(point(&metric, value, at, all));
    }
}

/// Bit 0 says that there is no value.
fn is_recorded(flags: u32) -> bool {
    flags & 1 == 0
}

/// Plain values as text; lists, maps and bytes are left out.
fn tags(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let plain = |value: &AnyValue| {
        value
            .string_value
            .clone()
            .or(value.bool_value.map(|yes| yes.to_string()))
            .or(value.int_value.map(|number| number.to_string()))
            .or(value.double_value.map(|number| number.to_string()))
    };
    let pairs = attributes
        .iter()
        .filter_map(|one| Some((one.key.clone(), plain(one.value.as_ref()?)?)));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivers::messages::{Histogram, Numbers, ResourceMetrics, ScopeMetrics};

    const AT: u64 = 1_721_199_945_000_000_000;

    fn text(key: &str, value: &str) -> KeyValue {
        KeyValue {
            key: key.into(),
            value: Some(AnyValue {
                string_value: Some(value.into()),
                ..AnyValue::default()
            }),
        }
    }

    fn number(value: f64, flags: u32) -> Number {
        Number {
            attributes: vec![text("env", "prod")],
            time_unix_nano: AT,
            as_double: Some(value),
            flags,
            ..Number::default()
        }
    }

    fn request(metrics: Vec<Metric>) -> Vec<u8> {
        let resource = Resource {
            attributes: vec![text("host.name", "web-01"), text("process.pid", "77")],
        };
        let request = ExportRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(resource),
                scope_metrics: vec![ScopeMetrics { metrics }],
            }],
        };
        request.encode_to_vec()
    }

    /// `name{tag=value,...} value` of every point.
    fn lines(reading: &Reading) -> Vec<String> {
        reading.points.iter().map(crate::receivers::line).collect()
    }

    #[test]
    fn a_gauge_is_a_point_with_the_tags_of_its_host() {
        let gauge = Metric {
            name: "cpu".into(),
            gauge: Some(Numbers {
                data_points: vec![number(92.5, 0), number(0.0, 1)],
            }),
            ..Metric::default()
        };

        let reading = read(Encoding::Protobuf, &request(vec![gauge])).unwrap();

        assert_eq!(lines(&reading), ["cpu{env=prod,host.name=web-01} 92.5"]);
        assert_eq!(reading.refused, 0);
    }

    #[test]
    fn a_histogram_is_what_prometheus_would_show_of_it() {
        let histogram = Metric {
            name: "latency".into(),
            histogram: Some(Histogram {
                data_points: vec![HistogramPoint {
                    time_unix_nano: AT,
                    count: 6,
                    sum: Some(2.5),
                    max: Some(1.25),
                    bucket_counts: vec![3, 2, 1],
                    explicit_bounds: vec![0.1, 1.0],
                    ..HistogramPoint::default()
                }],
            }),
            ..Metric::default()
        };

        let reading = read(Encoding::Protobuf, &request(vec![histogram])).unwrap();

        let wanted = [
            "latency_count{host.name=web-01} 6",
            "latency_sum{host.name=web-01} 2.5",
            "latency_max{host.name=web-01} 1.25",
            "latency_bucket{host.name=web-01,le=0.1} 3",
            "latency_bucket{host.name=web-01,le=1} 5",
            "latency_bucket{host.name=web-01,le=+Inf} 6",
        ];
        assert_eq!(lines(&reading), wanted);
    }

    #[test]
    fn json_has_64_bits_as_text_or_as_numbers() {
        let body = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
            {"name":"orders","unit":"1","sum":{"isMonotonic":true,"dataPoints":[
              {"timeUnixNano":"1721199945000000000","asInt":"7","attributes":[{"key":"n","value":{"intValue":"3"}}]},
              {"timeUnixNano":1721199945000000000,"asInt":8},
              {"asInt":9}]}},
            {"name":"wait","summary":{"dataPoints":[{"timeUnixNano":"1721199945000000000","count":"2","sum":5,
              "quantileValues":[{"quantile":0.5,"value":1.5}]}]}}]}]}]}"#;

        let reading = read(Encoding::Json, body.as_bytes()).unwrap();

        let wanted = [
            "orders{n=3} 7",
            "orders{} 8",
            "wait_count{} 2",
            "wait_sum{} 5",
            "wait{quantile=0.5} 1.5",
        ];
        assert_eq!(lines(&reading), wanted);
        assert_eq!(
            (reading.refused, reading.reason.as_deref()),
            (1, Some("orders: a point without a time"))
        );
    }

    #[test]
    fn a_body_that_is_no_request_is_refused() {
        assert!(read(Encoding::Protobuf, &[0xff]).is_err());
        assert!(read(Encoding::Json, b"[1]").is_err());
        assert_eq!(Encoding::of("text/plain"), None);
    }
}
