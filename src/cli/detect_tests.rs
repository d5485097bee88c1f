//! The command's output for rows as people have them.

use super::*;

fn scored(input: &str, explain: bool) -> Result<String, String> {
    let mut output = Vec::new();
    score(
        input.as_bytes(),
        &mut output,
        "cpu.csv",
        Settings::default(),
        explain,
        1,
    )
    .map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(output).expect("text"))
}

/// Five-minute rows around 20, the last of them 900.
fn spike() -> String {
    let mut rows = String::from("timestamp,value\n");
    for row in 0..600 {
        let value = if row == 599 {
            900.0
        } else {
            20.0 + f64::from(row * 7 % 11) / 10.0
        };
        rows += &format!(
            "2014-04-{:02} {:02}:{:02}:00,{value}\n",
            1 + row / 288,
            row / 12 % 24,
            row % 12 * 5
        );
    }
    rows
}

#[test]
fn every_row_is_echoed_in_order_with_score_and_alert() {
    let output = scored(&spike(), false).unwrap();

    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], "timestamp,value,anomaly_score,alert");
    assert_eq!(lines.len(), 601);
    for (given, found) in spike().lines().zip(&lines).skip(1) {
        let (score, alert) = found
            .strip_prefix(given)
            .and_then(|rest| rest[1..].split_once(','))
            .expect("the row, a score, an alert");
        assert!((0.0..=1.0).contains(&score.parse::<f64>().unwrap()), "{found}");
        assert_eq!(alert, if given.ends_with(",900") { "1" } else { "0" }, "{found}");
    }
}

#[test]
fn values_stay_as_they_were_written() {
    let rows = "value,host,timestamp\n 1.50 ,a,2014-04-01T00:00:00Z\n1e3,b,2014-04-01 00:05\n,c,2014-04-02\nNaN,d,2014-04-03 00:00:00.5\n";

    let output = scored(rows, false).unwrap();

    let given: Vec<_> = output
        .lines()
        .map(|line| line.split(',').take(2).collect::<Vec<_>>())
        .collect();
    assert_eq!(
        given[1..],
        [
            ["2014-04-01T00:00:00Z", " 1.50 "],
            ["2014-04-01 00:05", "1e3"],
            ["2014-04-02", ""],
            ["2014-04-03 00:00:00.5", "NaN"]
        ]
    );
    assert!(output.ends_with("NaN,0.000000,0\n"), "{output}");
}

#[test]
fn an_alert_can_be_explained() {
    let output = scored(&spike(), true).unwrap();

    let last = output.lines().last().unwrap();
    assert!(last.contains(" x above "), "{last}");
    assert!(output.lines().next().unwrap().ends_with(",alert,explanation"));
}

#[test]
fn a_bad_row_is_named_and_what_came_before_it_was_answered() {
    let problem = |rows: &str| scored(rows, false).unwrap_err();

    assert_eq!(
        problem("timestamp,value\n2014-04-01 00:00:00,1\nyesterday,2\n"),
        "cpu.csv, row 2 (line 3): `yesterday` is not a time like 2014-04-01 00:00:00"
    );
    assert_eq!(
        problem("timestamp,value\n2014-04-01 00:00:00,much\n"),
        "cpu.csv, row 1 (line 2): `much` is not a number"
    );
    assert_eq!(
        problem("timestamp,value\n2014-04-01 00:00:00\n"),
        "cpu.csv, row 1 (line 2): needs a timestamp and a value"
    );
    assert!(problem("time,value\n").starts_with("cpu.csv has no column timestamp"));
    assert!(problem("").starts_with("cpu.csv has no column timestamp"));
    assert_eq!(
        scored("timestamp,value\n", false).unwrap(),
        "timestamp,value,anomaly_score,alert\n"
    );
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let done = score(spike().as_bytes(), Gone, "cpu.csv", Settings::default(), false, 1);

    assert!(done.is_ok());
}
