//! One-time codes of authenticator apps: RFC 6238 with SHA-1, six digits and 30 seconds, which is what every app can do.

use chrono::{DateTime, Utc};
use totp_rs::Builder;

use crate::error::Result;

/// The secret that a person's app and this installation share.
pub struct Totp(totp_rs::Totp);

/// Shown in the app above the address.
const ISSUER: &str = "Pulseboard";

impl Totp {
    /// A new secret of 160 bits.
    pub fn generate(account: &str) -> Result<Self> {
        Totp::build(Builder::new(), account)
    }

    /// With the secret of before; `account` is the e-mail address that the app shows.
    pub fn with_secret(secret: Vec<u8>, account: &str) -> Result<Self> {
        Totp::build(Builder::new().with_secret(secret), account)
    }

    fn build(builder: Builder, account: &str) -> Result<Self> {
        // a colon would end the issuer's part of the label
        let account = account.replace(':', "_");
        let totp = builder.with_account_name(account).with_issuer(Some(ISSUER)).build();
        Ok(Totp(totp.map_err(|error| anyhow::anyhow!("{error}"))?))
    }

    pub fn secret(&self) -> &[u8] {
        self.0.secret().as_ref()
    }

    /// The secret for typing, in groups of four.
    pub fn base32(&self) -> String {
        let text = self.0.secret().to_base32();
        let groups: Vec<String> = text
            .as_bytes()
            .chunks(4)
            .map(|group| String::from_utf8_lossy(group).into_owned())
            .collect();
        groups.join(" ")
    }

    /// `otpauth://totp/...`, for the QR code.
    pub fn address(&self) -> Result<String> {
        Ok(self.0.to_url().map_err(|error| anyhow::anyhow!("{error}"))?)
    }

    /// The step whose code this is, at most one before or after the present one (30 s each, counted from 1970).
    pub fn step_of(&self, code: &str, now: DateTime<Utc>) -> Option<i64> {
        let seconds = u64::try_from(now.timestamp()).ok()?;
        self.0.check(code, seconds).and_then(|step| i64::try_from(step).ok())
    }

    /// The code at a time, as the app shows it.
    pub fn code_at(&self, at: DateTime<Utc>) -> String {
        self.0
            .generate(u64::try_from(at.timestamp()).unwrap_or_default())
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six digits.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        let totp = Totp::with_secret(b"12345678901234567890".to_vec(), "ada@example.org").unwrap();
        let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap();

        assert_eq!(totp.code_at(at(59)), "287082");
        assert_eq!(totp.code_at(at(1_111_111_109)), "081804");
        assert_eq!(totp.code_at(at(20_000_000_000)), "353130");
    }

    #[test]
    fn a_code_is_good_one_step_early_or_late_and_no_more() {
        let totp = Totp::generate("ada:smith@example.org").unwrap();
        let at = |seconds: i64| DateTime::from_timestamp(1_700_000_010 + seconds, 0).unwrap();
        let code = totp.code_at(at(0));

        assert_eq!(totp.step_of(&code, at(0)), Some(1_700_000_010 / 30));
        assert!(totp.step_of(&code, at(30)).is_some() && totp.step_of(&code, at(-30)).is_some());
        assert!(totp.step_of(&code, at(70)).is_none() && totp.step_of(&code, at(-70)).is_none());
        assert!(totp.step_of("", at(0)).is_none() && totp.step_of("12345x", at(0)).is_none());
        assert!(
            totp.address()
                .unwrap()
                .starts_with("otpauth://totp/Pulseboard:ada_smith")
        );
    }
}
