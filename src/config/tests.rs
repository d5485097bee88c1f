//! Settings: which source wins, what a mistake is told, and what is never shown.

use std::collections::HashMap;
use std::io::Write;

use super::*;

fn load(flags: &[(&'static str, &str)], env: &[(&str, &str)], file: &str) -> Result<Config, ConfigError> {
    let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    let env: HashMap<String, String> = env
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let mut written = tempfile::NamedTempFile::new().unwrap();
    written.write_all(file.as_bytes()).unwrap();
    Config::read(Layers::gather(
        SETTINGS,
        &flags,
        |name| env.get(name).cloned(),
        Some(written.path()),
    )?)
}

fn mistake(flags: &[(&'static str, &str)], env: &[(&str, &str)], file: &str) -> String {
    let error = load(flags, env, file).unwrap_err().to_string();
    assert!(!error.contains('\n'), "more than one line: {error}");
    error
}

const STRONG: &str = "kT7v0Qm2Zs9Lx4Wd8Rb6Hy1Nc3Gf5Jp-kT7v";

#[test]
fn nothing_given_means_the_defaults() {
    let config = load(&[], &[], "").unwrap();

    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.metrics_listen.unwrap().to_string(), "127.0.0.1:9090");
    assert_eq!(config.base_url.as_str(), "http://127.0.0.1:8080");
    assert_eq!(config.refresh_every, Some(Duration::from_secs(300)));
    assert_eq!((config.pool_web, config.pool_ingest, config.pool_jobs), (8, 4, 3));
    assert_eq!((config.max_streams, config.streams_per_user), (2000, 6));
    assert_eq!(config.session_max, Duration::from_secs(8 * 3600));
    assert!(config.secret.is_none() && !config.synthetic && config.role.runs_jobs());
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file() {
    let file = "listen = '127.0.0.1:1'\nfreshness = '1m'\nmax_streams = 10\nsynthetic = true\ntrusted_proxies = ['10.0.0.0/8', '::1']";
    let env = [
        ("PULSEBOARD_LISTEN", "127.0.0.1:2"),
        ("PULSEBOARD_FRESHNESS", "2m"),
        ("PULSEBOARD_MAX_STREAMS", ""),
    ];

    let config = load(&[("listen", "127.0.0.1:3")], &env, file).unwrap();

    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.freshness, Duration::from_secs(120));
    assert_eq!(config.max_streams, 10);
    assert_eq!(config.trusted_proxies.len(), 2);
    assert!(config.synthetic);
}

#[test]
fn a_wrong_value_is_told_in_one_line_with_its_names_source_and_what_is_accepted() {
    assert_eq!(
        mistake(&[], &[("PULSEBOARD_LISTEN", "8080")], ""),
        "listen (--listen, PULSEBOARD_LISTEN) is \"8080\" from PULSEBOARD_LISTEN: expected an address and port such as 127.0.0.1:8080"
    );
    assert!(mistake(&[("role", "boss")], &[], "").contains("from --role: expected web, ingest, jobs or all"));
    assert!(mistake(&[], &[], "session_idle = '4m'").contains("expected a duration from 5m to 30m"));
    assert!(mistake(&[], &[], "session_max = '13h'").contains("session_max (PULSEBOARD_SESSION_MAX) is \"13h\""));
    assert!(mistake(&[], &[], "refresh_every = '5 minutes'").contains("such as 5m, or off"));
    assert!(mistake(&[], &[("PULSEBOARD_BASE_URL", "https://board.example.org/app")], "").contains("without a path"));
    assert!(
        mistake(&[], &[("DATABASE_URL", "mysql://root@db/x")], "").contains("postgres://user:password@host/database")
    );
    assert!(mistake(&[], &[("PULSEBOARD_LOG_FILTER", "info,=,=")], "").contains("log_filter"));
}

#[test]
fn an_unknown_key_and_broken_toml_are_refused() {
    let unknown = mistake(&[], &[], "listn = '127.0.0.1:1'");
    let nested = mistake(&[], &[], "[listen]\nport = 1");
    let broken = mistake(&[], &[], "listen = '127.0.0.1:1'\nfreshness = ");

    assert!(
        unknown.contains("\"listn\" in ") && unknown.contains("expected one of database_url, "),
        "{unknown}"
    );
    assert!(
        nested.contains("\"listen.port\" in ") && nested.contains("is not a setting"),
        "{nested}"
    );
    assert!(broken.contains("at line 2"), "{broken}");
}

#[test]
fn a_short_repeated_or_well_known_secret_is_refused_without_showing_it() {
    for weak in [
        "hunter2",
        "abababababababababababababababababab",
        "please-changeme-kT7v0Qm2Zs9Lx4Wd8Rb6Hy1N",
    ] {
        let error = mistake(&[], &[("PULSEBOARD_SECRET", weak)], "");
        assert!(error.contains("PULSEBOARD_SECRET") && !error.contains(weak), "{error}");
    }
    assert!(
        load(&[], &[("PULSEBOARD_SECRET", STRONG)], "")
            .unwrap()
            .require_secret()
            .is_ok()
    );
    assert!(Secret::new(std::str::from_utf8(Secret::generate().as_bytes()).unwrap()).is_ok());
}

#[test]
fn what_a_command_needs_and_nobody_gave_is_named() {
    let config = load(&[], &[], "").unwrap();

    let database = config.require_database().unwrap_err().to_string();
    let secret = config.require_secret().unwrap_err().to_string();

    assert!(
        database.starts_with("database_url (--database-url, DATABASE_URL) is not set: expected postgres://"),
        "{database}"
    );
    assert!(secret.starts_with("secret (PULSEBOARD_SECRET) is not set"), "{secret}");
}

#[test]
fn the_masked_listing_names_sources_and_hides_secrets() {
    let env = [
        (
            "DATABASE_URL",
            "postgres://app:pa:ss@w0rd@db.example.org:5432/board?sslmode=require&sslpassword=hush",
        ),
        ("PULSEBOARD_SECRET", STRONG),
    ];

    let config = load(&[("listen", "127.0.0.1:3")], &env, "freshness = '1m'").unwrap();
    let shown = config.masked();

    for part in ["pa:ss", "w0rd", "hush", STRONG] {
        assert!(!shown.contains(part), "{part} in {shown}");
        assert!(!format!("{:?} {config:?}", config.secret).contains(part));
    }
    assert!(
        shown.contains("postgres://app:***@db.example.org:5432/board?sslmode=require&sslpassword=***"),
        "{shown}"
    );
    for (key, source) in [
        ("listen", "--listen"),
        ("secret", "PULSEBOARD_SECRET"),
        ("max_streams", "default"),
    ] {
        let line = shown
            .lines()
            .find(|line| line.starts_with(&format!("{key} = ")))
            .unwrap();
        assert!(line.ends_with(&format!("# {source}")), "{line}");
    }
    assert!(shown.contains("# pg_bin is not set"), "{shown}");
    assert!(toml::from_str::<toml::Table>(&shown).is_ok(), "{shown}");
}

#[test]
fn a_password_in_a_wrong_url_is_not_shown_either() {
    let error = mistake(&[], &[("DATABASE_URL", "postgres://app:pa/ss@db:notaport/x")], "");

    assert!(!error.contains("pa/ss"), "{error}");
}

#[test]
fn durations_are_a_number_and_a_unit() {
    assert_eq!(duration("90s"), Some(Duration::from_secs(90)));
    assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
    assert_eq!(duration("2d"), Some(Duration::from_secs(172_800)));
    for wrong in [
        "",
        "5",
        "m",
        "5 m",
        "-5m",
        "1.5h",
        "5m30s",
        "99999999999999999999s",
        "9999999999999999999d",
    ] {
        assert_eq!(duration(wrong), None, "{wrong}");
    }
}

#[test]
fn an_origin_is_what_a_browser_sends() {
    let origin = |text: &str| text.parse::<Origin>().map(|origin| origin.to_string()).ok();

    assert_eq!(
        origin("HTTPS://Board.Example.org:443/").as_deref(),
        Some("https://board.example.org")
    );
    assert_eq!(
        origin("http://localhost:8080").as_deref(),
        Some("http://localhost:8080")
    );
    assert_eq!(origin("https://u:p@board.example.org"), None);
    assert_eq!(origin("board.example.org"), None);
    assert_eq!(
        Origin::of_listener("[::]:80".parse().unwrap()).as_str(),
        "http://localhost"
    );
    assert_eq!(
        Origin::of_listener("[::1]:81".parse().unwrap()).as_str(),
        "http://[::1]:81"
    );
}

#[test]
fn a_network_contains_the_addresses_that_share_its_prefix() {
    let inside = |network: &str, ip: &str| network.parse::<Network>().unwrap().contains(ip.parse().unwrap());

    assert!(inside("10.0.0.0/8", "10.200.3.4") && inside("10.0.0.0/8", "::ffff:10.1.1.1"));
    assert!(!inside("10.0.0.0/8", "11.0.0.1") && !inside("10.0.0.1", "10.0.0.2"));
    assert!(inside("fd00::/8", "fd12::1") && inside("0.0.0.0/0", "1.2.3.4") && inside("::/0", "1.2.3.4"));
    assert!(!inside("0.0.0.0/0", "fd12::1"));
    assert!("10.0.0.0/33".parse::<Network>().is_err() && "10.0.0/8".parse::<Network>().is_err());
}

#[test]
fn mail_goes_out_only_encrypted_or_to_this_machine_and_from_a_known_address() {
    let file = "smtp.host = 'smtp.example.org'\nsmtp.from = 'Pulseboard <board@example.org>'";
    let smtp = load(&[], &[], file).unwrap().smtp.unwrap();
    assert_eq!((smtp.port, smtp.tls, smtp.login), (587, SmtpTls::Required, None));
    assert!(load(&[], &[], "").unwrap().smtp.is_none());

    assert!(mistake(&[], &[], "smtp.host = 'smtp.example.org'").contains("smtp.from"));
    assert!(mistake(&[], &[], &format!("{file}\nsmtp.tls = 'opportunistic'")).contains("smtp.tls"));
    assert!(mistake(&[], &[], &format!("{file}\nsmtp.user = 'board'")).contains("smtp.password"));
    assert!(mistake(&[], &[], "smtp.host = 'localhost'\nsmtp.from = 'nobody'").contains("smtp.from"));
    let local = "smtp.host = '127.0.0.1'\nsmtp.tls = 'opportunistic'\nsmtp.from = 'board@example.org'";
    assert_eq!(load(&[], &[], local).unwrap().smtp.unwrap().tls, SmtpTls::Opportunistic);
}

#[test]
fn the_password_of_the_mail_server_is_never_shown() {
    let file =
        "smtp.host = 'localhost'\nsmtp.from = 'board@example.org'\nsmtp.user = 'board'\nsmtp.password = 'sesame-opens'";
    let config = load(&[], &[], file).unwrap();

    assert_eq!(
        config.smtp.as_ref().unwrap().login.as_ref().unwrap().1.reveal(),
        "sesame-opens"
    );
    assert!(!config.masked().contains("sesame") && !format!("{:?}", config.smtp).contains("sesame"));
}

#[test]
fn a_provider_is_set_in_a_table_of_the_file_or_by_the_environment() {
    let file = r#"
[two_factor]
required_for = ["network_admin", "facility_admin"]
[oidc]
issuer = "https://login.example.org/realms/care"
client_id = "board"
client_secret = "s3cret-of-the-provider"
create_people = true
mapping = [
    { value = "lakeside-staff", facility = "Lakeside", role = "staff" },
    { value = "it", network_admin = true },
]"#;
    let env = [("PULSEBOARD_OIDC_MAPPING", "[{ value = 'x', network_admin = true }]")];

    let config = load(&[], &[], file).unwrap();
    let openid = config.sign_in.openid.clone().unwrap();
    let stronger = load(&[], &env, file).unwrap().sign_in.openid.unwrap();

    assert_eq!(config.sign_in.second_factor_for, ["network_admin", "facility_admin"]);
    assert_eq!(openid.mapping.len(), 2);
    assert_eq!(openid.mapping[0].facility.as_deref(), Some("Lakeside"));
    assert!(openid.create_people && openid.mapping[1].network_admin);
    assert_eq!(openid.scopes, ["profile", "email"]);
    assert_eq!(stronger.mapping.len(), 1);
    assert!(!config.masked().contains("s3cret"), "{}", config.masked());
    assert!(!format!("{:?}", config.sign_in).contains("s3cret"));
    let again = load(
        &[],
        &[],
        &config
            .masked()
            .replace("\"22 bytes, not shown\"", "'s3cret-of-the-provider'"),
    )
    .unwrap();
    assert_eq!(
        again.sign_in.openid.unwrap().mapping,
        openid.mapping,
        "what is shown can be read back"
    );
}

#[test]
fn half_a_provider_or_a_role_nobody_has_is_a_mistake() {
    assert!(mistake(&[], &[], "[oidc]\nissuer = 'https://login.example.org'").contains("oidc.client_id"));
    assert!(mistake(&[], &[], "[oidc]\nissuer = 'http://login.example.org'").contains("an https address"));
    assert!(mistake(&[], &[], "[two_factor]\nrequired_for = ['boss']").contains("roles out of viewer"));
    for wrong in [
        "[{ value = 'a', facility = 'Lakeside' }]",
        "[{ value = 'a', facility = 'Lakeside', role = 'network_admin' }]",
        "[{ value = 'a', facility = 'Lakeside', role = 'staff', network_admin = true }]",
        "[{ value = 'a' }]",
        "[{ value = 'a', network_admin = true, sudo = true }]",
        "admin",
    ] {
        let said = mistake(&[], &[("PULSEBOARD_OIDC_MAPPING", wrong)], "");
        assert!(said.contains("network_admin = true"), "{wrong}: {said}");
    }
}

const BROKERS: &str = "[[rabbitmq]]
name = 'shop'
url = 'amqps://app:hunter2@mq.example.org/shop'
queue = 'sales'

[[kafka]]
name = 'payments'
brokers = ['k1.example.org:9092', 'k2.example.org:9092']
topics = ['transactions']
user = 'app'
password = 'hunter3'
mechanism = 'scram-sha-256'
";

#[test]
fn brokers_are_tables_of_the_file_and_their_passwords_are_never_shown() {
    let config = load(&[], &[], BROKERS).unwrap();
    let shown = config.masked();

    assert_eq!(
        (&*config.rabbitmq[0].queue, config.rabbitmq[0].prefetch),
        ("sales", 500)
    );
    assert_eq!(
        (config.kafka[0].brokers.len(), config.kafka[0].from),
        (2, Beginning::Earliest)
    );
    assert_eq!(config.kafka[0].mechanism, Mechanism::ScramSha256);
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("amqps://app:***@mq.example.org/shop") && shown.contains("k2.example.org"));
    assert!(!format!("{:?}{:?}", config.rabbitmq, config.kafka).contains("hunter"));
}

#[test]
fn a_broker_without_its_needs_is_a_mistake() {
    for (from, to) in [
        ("amqps://", "https://"),
        ("queue = ", "queues = "),
        (":9092", ""),
        ("topics = ['transactions']", "topics = []"),
        ("password = 'hunter3'", ""),
        ("'scram-sha-256'", "'none'"),
    ] {
        let told = mistake(&[], &[], &BROKERS.replacen(from, to, 2));
        assert!(told.contains("expected [{ name") && !told.contains("hunter"), "{told}");
    }
}
