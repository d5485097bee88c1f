//! Files of events and points: each row once, also when an import is cut off.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use pulseboard::import::{self, Defaults, Kind, Plan, Progress, Report};
use tempfile::TempDir;

use crate::support::TestApp;

/// Keeps what it is told, and ends the import after so many batches as a kill would: right after a commit.
#[derive(Default)]
struct Told {
    bad: Vec<(u64, String)>,
    batches: usize,
    end_after: Option<usize>,
}

impl Progress for Told {
    fn moved(&mut self, _: &Report, share: f64) {
        assert!((0.0..=1.0).contains(&share));
        self.batches += 1;
        assert_ne!(Some(self.batches), self.end_after, "the end, as the test wants it");
    }

    fn bad(&mut self, line: u64, reason: &str) {
        self.bad.push((line, reason.to_owned()));
    }
}

fn plan(kind: Kind, file: PathBuf) -> Plan {
    Plan {
        kind,
        file,
        defaults: Defaults::default(),
    }
}

fn write(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

async fn run(app: &TestApp, plan: &Plan) -> (Report, Told) {
    let mut told = Told::default();
    let report = import::run(&app.db, &app.ingest, plan, &mut told).await.unwrap();
    (report, told)
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut app.owner().await).await.unwrap()
}

const POINTS: &str = "select coalesce(sum(count), 0)::bigint from rollups where step = 'day'";
const EVENTS: &str = "select count(*) from events";

#[tokio::test]
async fn an_import_that_is_killed_goes_on_exactly_where_it_committed() {
    let app = TestApp::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut lines = String::from("metric_name,value,timestamp,host\n");
    for n in 0..7_500 {
        let _ = writeln!(lines, "cpu,{n},{},web-01", 1_790_000_000 + n);
    }
    let plan = plan(Kind::Metrics, write(&folder, "cpu.csv", &lines));

    let (db, pipeline, cut) = (app.db.clone(), app.ingest.clone(), plan.clone());
    let killed = tokio::spawn(async move {
        let mut told = Told {
            end_after: Some(2),
            ..Told::default()
        };
        import::run(&db, &pipeline, &cut, &mut told).await.map(drop)
    });
    assert!(killed.await.is_err());
    let before = count(&app, POINTS).await;
    let (rest, _) = run(&app, &plan).await;
    let (again, _) = run(&app, &plan).await;

    assert_eq!(before, 4_000);
    assert_eq!((rest.skipped, rest.rows, rest.stored), (4_000, 3_500, 3_500));
    assert_eq!((again.skipped, again.rows), (7_500, 0));
    assert_eq!(count(&app, POINTS).await, 7_500);
}

#[tokio::test]
async fn bad_rows_are_told_with_line_and_reason_and_the_others_are_stored() {
    let app = TestApp::new().await;
    let folder = tempfile::tempdir().unwrap();
    let lines = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"sale","data":{"price":3}}

{"id":"2","source":"/shop"}
{"id":"3","source":"/shop","type":"sale","time":"soon"}
{"id":"1","source":"/shop","type":"sale","data":{"price":3}}
nothing
{"id":"4","source":"/shop","type":"sale","facility":987654321}
"#;
    let plan = plan(Kind::Events, write(&folder, "sales.ndjson", lines));

    let mut dry = Told::default();
    let checked = import::check(&app.ingest, &plan, &mut dry).await.unwrap();
    let stored_by_check =
        count(&app, EVENTS).await + count(&app, "select count(*) from event_types where name = 'sale'").await;
    let (report, told) = run(&app, &plan).await;

    assert_eq!((checked.rows, checked.bad, stored_by_check), (6, 4, 0));
    assert_eq!((report.stored, report.duplicates, report.bad), (1, 1, 4));
    assert_eq!(dry.bad, told.bad);
    let lines: Vec<u64> = told.bad.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 4, 6, 7]);
    assert!(told.bad[1].1.contains("\"soon\" is not a time"), "{:?}", told.bad);
    assert_eq!(count(&app, EVENTS).await, 1);
}

fn write_parquet(path: &Path) {
    let schema =
        "message sales { required binary id (UTF8); required double price; required int64 time (TIMESTAMP_MILLIS); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let ids: Vec<ByteArray> = ["a", "b"].map(ByteArray::from).into();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&ids, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<DoubleType>()
        .write_batch(&[1.5, 2.5], None, None)
        .unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let times = [1_790_000_000_000, 1_790_000_060_000];
    column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[tokio::test]
async fn parquet_is_read_with_its_types() {
    let app = TestApp::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sales.parquet");
    write_parquet(&path);
    let mut plan = plan(Kind::Events, path);
    plan.defaults.source = Some("/shop".into());
    plan.defaults.event_type = Some("sale".into());

    let (report, _) = run(&app, &plan).await;

    assert_eq!(report.stored, 2);
    let rows: Vec<(String, f64, i64)> =
        sqlx::query_as("select id, (data ->> 'price')::float8, extract(epoch from at)::bigint from events order by id")
            .fetch_all(&mut app.owner().await)
            .await
            .unwrap();
    assert_eq!(
        rows,
        [("a".into(), 1.5, 1_790_000_000), ("b".into(), 2.5, 1_790_000_060)]
    );
}
