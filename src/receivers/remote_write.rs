//! Prometheus remote-write, versions 1.0 and 2.0: snappy around protobuf. Samples become points; what a version calls
//! a stale marker says that a series ended, which is no value.

use chrono::DateTime;
use prost::Message;

use super::{Reading, point};

/// Unpacked requests are not larger.
const LONGEST: usize = 32 * 1024 * 1024;

/// Which message a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    One,
    Two,
}

impl Version {
    /// By the content type; none for another message.
    pub fn of(content_type: &str) -> Option<Version> {
        let mut parts = content_type.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("application/x-protobuf") {
            return None;
        }
        match parts
            .find_map(|part| part.strip_prefix("proto="))
            .map(|proto| proto.trim_matches('"'))
        {
            None | Some("prometheus.WriteRequest") => Some(Version::One),
            Some("io.prometheus.write.v2.Request") => Some(Version::Two),
            Some(_) => None,
        }
    }
}

/// The points of a request.
///
/// # Errors
/// Why the body is no request, in words.
pub fn read(version: Version, body: &[u8]) -> Result<Reading, String> {
    let unpacked = unpack(body)?;
    let wrong = |error: prost::DecodeError| format!("the body is not the protobuf message that its type says: {error}");
    match version {
        Version::One => one(WriteRequest::decode(&*unpacked).map_err(wrong)?),
        Version::Two => two(&Request::decode(&*unpacked).map_err(wrong)?),
    }
}

fn unpack(body: &[u8]) -> Result<Vec<u8>, String> {
    let length = snap::raw::decompress_len(body).map_err(|error| format!("the body is not snappy: {error}"))?;
    if length > LONGEST {
        return Err(format!("the request has {length} bytes unpacked, more than {LONGEST}"));
    }
    snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(|error| format!("the body is not snappy: {error}"))
}

fn one(request: WriteRequest) -> Result<Reading, String> {
    let mut reading = Reading::default();
    for series in request.timeseries {
        let labels = series.labels.into_iter().map(|label| (label.name, label.value));
        add(&mut reading, labels.collect(), &series.samples, series.histograms.len());
    }
    Ok(reading)
}

fn two(request: &Request) -> Result<Reading, String> {
    let mut reading = Reading::default();
    for series in &request.timeseries {
        let symbol = |at: &u32| request.symbols.get(*at as usize).cloned();
        let pairs = series.labels_refs.chunks(2).map(|pair| match pair {
            [name, value] => symbol(name).zip(symbol(value)),
            _ => None,
        });
        let labels: Option<Vec<_>> = pairs.collect();
        let labels = labels.ok_or("a label refers to a symbol that is not there")?;
        add(&mut reading, labels, &series.samples, series.histograms.len());
    }
    Ok(reading)
}

fn add(reading: &mut Reading, labels: Vec<(String, String)>, samples: &[Sample], histograms: usize) {
    let (name, tags): (Vec<_>, Vec<_>) = labels.into_iter().partition(|(name, _)| name == "__name__");
    let metric = name.into_iter().next().map(|(_, name)| name).unwrap_or_default();
    if histograms > 0 {
        reading.refuse(histograms, format!("{metric}: native histograms are not kept here"));
    }
    for sample in samples {
        // a stale marker, or a quantile of nothing
        if sample.value.is_nan() {
            continue;
        }
        let Some(at) = DateTime::from_timestamp_millis(sample.timestamp) else {
            reading.refuse(1, format!("{metric}: the time {} is out of range", sample.timestamp));
            continue;
        };
        reading.points.push(point(&metric, sample.value, at, tags.clone()));
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// only counted
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<Nothing>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Label {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct Sample {
    #[prost(double, tag = "1")]
    pub value: f64,
    /// milliseconds since 1970
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// A message whose fields do not matter.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Nothing {}

/// `io.prometheus.write.v2.Request`: labels are numbers of symbols.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    #[prost(string, repeated, tag = "4")]
    pub symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub timeseries: Vec<TimeSeries2>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries2 {
    #[prost(uint32, repeated, tag = "1")]
    pub labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub histograms: Vec<Nothing>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(message: &impl Message) -> Vec<u8> {
        snap::raw::Encoder::new()
            .compress_vec(&message.encode_to_vec())
            .unwrap()
    }

    fn sample(value: f64, timestamp: i64) -> Sample {
        Sample { value, timestamp }
    }

    fn label(name: &str, value: &str) -> Label {
        Label {
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn both_versions_say_the_same_points() {
        let samples = vec![sample(92.5, 1_721_199_945_000), sample(f64::NAN, 1_721_199_946_000)];
        let first = WriteRequest {
            timeseries: vec![TimeSeries {
                labels: vec![label("__name__", "cpu_usage"), label("host", "web-01")],
                samples: samples.clone(),
                histograms: vec![],
            }],
        };
        let second = Request {
            symbols: ["", "__name__", "cpu_usage", "host", "web-01"].map(String::from).into(),
            timeseries: vec![TimeSeries2 {
                labels_refs: vec![1, 2, 3, 4],
                samples,
                histograms: vec![],
            }],
        };

        let one = read(Version::One, &packed(&first)).unwrap();
        let two = read(Version::Two, &packed(&second)).unwrap();

        for reading in [one, two] {
            let lines: Vec<String> = reading.points.iter().map(crate::receivers::line).collect();
            assert_eq!(lines, ["cpu_usage{host=web-01} 92.5"]);
            assert_eq!(reading.points[0].time.unwrap().timestamp(), 1_721_199_945);
        }
    }

    #[test]
    fn native_histograms_are_refused_and_the_rest_is_kept() {
        let request = WriteRequest {
            timeseries: vec![TimeSeries {
                labels: vec![label("__name__", "latency")],
                samples: vec![sample(1.0, 0)],
                histograms: vec![Nothing {}, Nothing {}],
            }],
        };

        let reading = read(Version::One, &packed(&request)).unwrap();

        assert_eq!((reading.points.len(), reading.refused), (1, 2));
    }

    #[test]
    fn a_body_that_is_no_request_is_refused_before_it_takes_memory() {
        // says that it unpacks to four gigabytes
        let bomb = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
        let dangling = Request {
            symbols: vec![String::new()],
            timeseries: vec![TimeSeries2 {
                labels_refs: vec![7, 8],
                ..TimeSeries2::default()
            }],
        };

        assert!(read(Version::One, &bomb).unwrap_err().contains("more than"));
        assert!(read(Version::One, b"").unwrap_err().contains("snappy"));
        assert!(read(Version::Two, &packed(&dangling)).unwrap_err().contains("symbol"));
    }

    #[test]
    fn the_version_is_told_by_the_content_type() {
        let two = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

        assert_eq!(Version::of("application/x-protobuf"), Some(Version::One));
        assert_eq!(Version::of(two), Some(Version::Two));
        assert_eq!(Version::of("application/x-protobuf;proto=other"), None);
        assert_eq!(Version::of("application/json"), None);
    }
}
