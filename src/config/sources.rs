//! The layers a setting is looked up in, and the one line that says what is wrong with it.
//! Every value travels as text until its setting's parser takes it, so flag, environment and file are checked alike.

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

/// One setting: its key in the file, its other names, and what it accepts in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    key: &'static str,
    env: &'static str,
    flag: Option<&'static str>,
    accepts: &'static str,
    mask: Mask,
}

/// What must not be shown of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
    Nothing,
    /// The password in a URL.
    Url,
    /// Passwords inside a list of brokers.
    Brokers,
    All,
}

impl Setting {
    pub(super) const fn new(key: &'static str, env: &'static str, accepts: &'static str) -> Self {
        Setting {
            key,
            env,
            flag: None,
            accepts,
            mask: Mask::Nothing,
        }
    }

    pub(super) const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    pub(super) const fn mask(mut self, mask: Mask) -> Self {
        self.mask = mask;
        self
    }

    /// `listen (--listen, PULSEBOARD_LISTEN)`
    fn names(&self) -> String {
        match self.flag {
            Some(flag) => format!("{} (--{flag}, {})", self.key, self.env),
            None => format!("{} ({})", self.key, self.env),
        }
    }

    fn masked(&self, value: &str) -> String {
        match self.mask {
            Mask::Nothing => value.to_owned(),
            Mask::Url => masked_url(value),
            Mask::Brokers => super::brokers::masked(value, masked_url),
            Mask::All => format!("{} bytes, not shown", value.len()),
        }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Flag(&'static str),
    Env(&'static str),
    File(PathBuf),
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flag(flag) => write!(f, "--{flag}"),
            Source::Env(name) => f.write_str(name),
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Default => f.write_str("default"),
        }
    }
}

/// A wrong or missing setting, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// A value as `pulseboard config` shows it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    key: &'static str,
    value: Option<String>,
    source: Source,
}

/// The value of each setting that flag, environment or file gave, the strongest only.
pub(super) struct Layers {
    settings: &'static [Setting],
    given: Vec<(&'static str, String, Source)>,
    shown: Vec<Shown>,
}

impl Layers {
    /// Reads all layers. An empty environment variable counts as not set.
    pub(super) fn gather(
        settings: &'static [Setting],
        flags: &[(&'static str, String)],
        env: impl Fn(&str) -> Option<String>,
        file: Option<&Path>,
    ) -> Result<Layers, ConfigError> {
        let file_values = file
            .map(|path| read_file(settings, path))
            .transpose()?
            .unwrap_or_default();
        let mut given = Vec::new();
        for setting in settings {
            let from_flag = || {
                let (_, value) = flags.iter().find(|(key, _)| *key == setting.key)?;
                Some((value.clone(), Source::Flag(setting.flag.unwrap_or(setting.key))))
            };
            let from_env = || {
                env(setting.env)
                    .filter(|value| !value.is_empty())
                    .map(|value| (value, Source::Env(setting.env)))
            };
            let from_file = || {
                let (_, value) = file_values.iter().find(|(key, _)| key == setting.key)?;
                Some((value.clone(), Source::File(file?.to_path_buf())))
            };
            if let Some((value, source)) = from_flag().or_else(from_env).or_else(from_file) {
                given.push((setting.key, value, source));
            }
        }
        Ok(Layers {
            settings,
            given,
            shown: Vec::new(),
        })
    }

    /// The value of `key`, or its default; `parse` gives `None` for what is not accepted.
    pub(super) fn read<T>(
        &mut self,
        key: &str,
        default: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        Ok(self
            .take(key, Some(default), parse)?
            .expect("a default that its own parser accepts"))
    }

    /// The value of `key`, if it is given.
    pub(super) fn read_optional<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        self.take(key, None, parse)
    }

    /// Everything that was read, in the order of the settings.
    pub(super) fn shown(mut self) -> Vec<Shown> {
        self.shown
            .sort_by_key(|shown| self.settings.iter().position(|setting| setting.key == shown.key));
        self.shown
    }

    fn take<T>(
        &mut self,
        key: &str,
        default: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let setting = find(self.settings, key);
        let given = self.given.iter().find(|(name, ..)| *name == key);
        let source = given.map_or(Source::Default, |(.., source)| source.clone());
        let text = given.map(|(_, text, _)| text.as_str()).or(default);

        self.shown.push(Shown {
            key: setting.key,
            value: text.map(|text| setting.masked(text)),
            source: source.clone(),
        });
        let Some(text) = text else { return Ok(None) };
        match parse(text.trim()) {
            Some(value) => Ok(Some(value)),
            None => Err(ConfigError(format!(
                "{} is {:?} from {source}: expected {}",
                setting.names(),
                setting.masked(text),
                setting.accepts
            ))),
        }
    }
}

/// The error for a setting that a command needs and nobody gave.
pub(super) fn missing(settings: &[Setting], key: &str) -> ConfigError {
    let setting = find(settings, key);
    ConfigError(format!("{} is not set: expected {}", setting.names(), setting.accepts))
}

/// Lines of `key = "value"  # source`.
pub(super) fn table(shown: &[Shown]) -> String {
    let lines: Vec<(String, &Source)> = shown
        .iter()
        .map(|Shown { key, value, source }| match value {
            Some(value) => (format!("{key} = {}", toml::Value::from(value.as_str())), source),
            None => (format!("# {key} is not set"), source),
        })
        .collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    lines.iter().fold(String::new(), |mut text, (line, source)| {
        let _ = match line.starts_with('#') {
            true => writeln!(text, "{line}"),
            false => writeln!(text, "{line:width$}  # {source}"),
        };
        text
    })
}

fn find<'a>(settings: &'a [Setting], key: &str) -> &'a Setting {
    settings
        .iter()
        .find(|setting| setting.key == key)
        .expect("a key of the list of settings")
}

fn read_file(settings: &[Setting], path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConfigError(format!(
            "config (--config, PULSEBOARD_CONFIG) is {:?}: cannot read it: {error}",
            path.display().to_string()
        ))
    })?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        ConfigError(format!(
            "{} is not valid TOML at line {line}: {}",
            path.display(),
            error.message()
        ))
    })?;
    dotted(table)
        .map(|(key, value)| {
            let Some(setting) = settings.iter().find(|setting| setting.key == key) else {
                let known: Vec<_> = settings.iter().map(|setting| setting.key).collect();
                return Err(ConfigError(format!(
                    "{key:?} in {} is not a setting: expected one of {}",
                    path.display(),
                    known.join(", ")
                )));
            };
            match plain(&value) {
                Some(text) => Ok((key, text)),
                None => Err(ConfigError(format!(
                    "{} in {} is not a plain value: expected {}",
                    setting.names(),
                    path.display(),
                    setting.accepts
                ))),
            }
        })
        .collect()
}

/// `[oidc]` with `issuer` below it is `oidc.issuer`.
fn dotted(table: toml::Table) -> impl Iterator<Item = (String, toml::Value)> {
    table.into_iter().flat_map(|(key, value)| match value {
        toml::Value::Table(inner) => inner
            .into_iter()
            .map(|(name, value)| (format!("{key}.{name}"), value))
            .collect::<Vec<_>>(),
        value => vec![(key, value)],
    })
}

/// A TOML value as the text that a flag would have; a list becomes its items with commas, a list of tables stays as it is.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => Some(value.to_string()),
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            Some(items?.join(","))
        }
        _ => None,
    }
}

/// Hides the password between `user:` and the last `@` of the authority, and one given as a parameter.
fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "not shown".to_owned();
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // A password with an unescaped slash or question mark ends the authority too early: then show none of it.
    if !authority.contains('@') && tail.contains('@') {
        return format!("{scheme}://***");
    }
    let shown = match authority.rsplit_once('@') {
        Some((login, host)) => match login.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => authority.to_owned(),
        },
        None => authority.to_owned(),
    };
    let (path, query) = tail
        .split_once('?')
        .map_or((tail, None), |(path, query)| (path, Some(query)));
    let query = query.map_or(String::new(), |query| {
        let hidden = |pair: &str| match pair.split_once('=') {
            Some((name, _)) if name.contains("pass") || name.contains("key") || name.contains("token") => {
                format!("{name}=***")
            }
            _ => pair.to_owned(),
        };
        format!("?{}", query.split('&').map(hidden).collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{shown}{path}{query}")
}
