//! The provider as it describes itself, and the two halves of a log-in there: sending the browser away, and reading
//! what it comes back with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AuthType, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, DiscoveryError, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims, IdTokenFields, IssuerUrl, LogoutRequest, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout,
    RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse, UserInfoClaims,
};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use super::claims::Extra;
use super::http::{self, HttpError};
use super::{CameBack, Identity, Pending, Trouble};
use crate::config::OpenId;

type Tokens = StandardTokenResponse<
    IdTokenFields<
        Extra,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type Relying = Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What the provider said of itself is asked anew after this time.
const FRESH: Duration = Duration::from_secs(3600);
/// After a failure it is left alone for a moment, so that a crowd does not wait one by one.
const BREATH: Duration = Duration::from_secs(3);
/// All questions of one step together; the answer to the browser has ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);
/// Clocks may differ by this much.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// The OpenID provider of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Parts>);

struct Parts {
    settings: OpenId,
    issuer: IssuerUrl,
    /// where the provider sends the browser back to
    callback: RedirectUrl,
    after_log_out: PostLogoutRedirectUrl,
    http: reqwest::Client,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Instant, Arc<ProviderMetadataWithLogout>)>,
    failed: Option<(Instant, Trouble)>,
}

impl Provider {
    /// `base_url`: scheme and host that people type. The provider must know `<base_url>/login/oidc/callback`, and for
    /// logging out `<base_url>/login`.
    ///
    /// # Errors
    /// When an address makes no sense, or this machine's certificates cannot be read.
    pub fn new(settings: OpenId, base_url: &str) -> anyhow::Result<Self> {
        Ok(Provider(Arc::new(Parts {
            issuer: IssuerUrl::new(settings.issuer.clone())?,
            callback: RedirectUrl::new(format!("{base_url}/login/oidc/callback"))?,
            after_log_out: PostLogoutRedirectUrl::new(format!("{base_url}/login"))?,
            http: http::client()?,
            known: Mutex::default(),
            settings,
        })))
    }

    pub fn settings(&self) -> &OpenId {
        &self.0.settings
    }

    /// The address to send the browser to, and what to keep until it comes back.
    pub async fn begin(
        &self,
        next: &str,
        connects: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<(String, Pending), Trouble> {
        let metadata = in_time(self.metadata(false)).await?;
        let client = self.client(&metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(self.0.settings.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        let (address, state, nonce) = request.url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            begun: now,
            next: next.into(),
            connects,
        };
        Ok((address.into(), pending))
    }

    /// Who came back. `now` judges the times in the token.
    pub async fn finish(&self, pending: Pending, back: CameBack, now: DateTime<Utc>) -> Result<Identity, Trouble> {
        let state = back.state.unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(pending.state.as_bytes())) || pending.is_over(now) {
            return Err(Trouble::NotBegunHere);
        }
        // RFC 9207: a provider that names itself must be the one that was asked
        if back.iss.is_some_and(|issuer| issuer != self.0.settings.issuer) {
            return Err(Trouble::NotTrusted);
        }
        if let Some(error) = back.error {
            let error: String = error.chars().filter(|c| c.is_ascii_graphic()).take(60).collect();
            tracing::info!(error, "the OpenID provider refused a log-in");
            return Err(Trouble::Refused);
        }
        let code = back.code.ok_or(Trouble::NotBegunHere)?;
        in_time(self.exchange(code, pending.verifier, Nonce::new(pending.nonce), now)).await
    }

    /// Where to log out of the provider too; none when it does not offer that, or cannot be asked now.
    pub async fn log_out_address(&self) -> Option<String> {
        let metadata = in_time(self.metadata(false)).await.ok()?;
        let endpoint = metadata.additional_metadata().end_session_endpoint.clone()?;
        let request = LogoutRequest::from(endpoint)
            .set_client_id(ClientId::new(self.0.settings.client_id.clone()))
            .set_post_logout_redirect_uri(self.0.after_log_out.clone());
        Some(request.http_get_url().into())
    }

    async fn exchange(
        &self,
        code: String,
        verifier: String,
        nonce: Nonce,
        now: DateTime<Utc>,
    ) -> Result<Identity, Trouble> {
        let metadata = self.metadata(false).await?;
        let client = self.client(&metadata)?;
        let send = |request| http::send(self.0.http.clone(), request);
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(misconfigured)?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&send)
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(error) => unreachable_because(&error),
                RequestTokenError::ServerResponse(answer) => {
                    tracing::warn!(error = ?answer.error(), "the OpenID provider refused a code");
                    Trouble::Refused
                }
                error => not_trusted(&error),
            })?;
        let claims = match self.claims(&client, &tokens, &nonce, now) {
            Ok(claims) => claims,
            // perhaps signed with a key that is newer than what we know
            Err(_) => {
                let fresh = self.client(&*self.metadata(true).await?)?;
                self.claims(&fresh, &tokens, &nonce, now)
                    .map_err(|error| not_trusted(&error))?
            }
        };
        let more = self.more_about(&client, &tokens, &claims).await?;
        Ok(self.identity(&claims, more))
    }

    fn claims(
        &self,
        client: &Relying,
        tokens: &Tokens,
        nonce: &Nonce,
        now: DateTime<Utc>,
    ) -> anyhow::Result<IdTokenClaims<Extra, CoreGenderClaim>> {
        let token = tokens.id_token().ok_or_else(|| anyhow::anyhow!("no ID token"))?;
        let verifier = client
            .id_token_verifier()
            .set_time_fn(move || now - SKEW)
            .set_issue_time_verifier_fn(move |issued| match issued <= now + SKEW {
                true => Ok(()),
                false => Err("issued in the future".into()),
            });
        Ok(token.claims(&verifier, nonce)?.clone())
    }

    /// Asks for what the ID token leaves out: many providers tell address and groups only there.
    async fn more_about(
        &self,
        client: &Relying,
        tokens: &Tokens,
        claims: &IdTokenClaims<Extra, CoreGenderClaim>,
    ) -> Result<Option<UserInfoClaims<Extra, CoreGenderClaim>>, Trouble> {
        let settings = &self.0.settings;
        let has_values =
            settings.mapping.is_empty() || claims.additional_claims().texts(&settings.role_claim).is_some();
        if has_values && claims.email().is_some() && claims.name().is_some() {
            return Ok(None);
        }
        let subject = claims.subject().clone();
        let Ok(request) = client.user_info(tokens.access_token().clone(), Some(subject)) else {
            return Ok(None);
        };
        let send = |request| http::send(self.0.http.clone(), request);
        let more = request.request_async(&send).await;
        more.map(Some).map_err(|error| match error {
            openidconnect::UserInfoError::Request(error) => unreachable_because(&error),
            error => not_trusted(&error),
        })
    }

    fn identity(
        &self,
        claims: &IdTokenClaims<Extra, CoreGenderClaim>,
        more: Option<UserInfoClaims<Extra, CoreGenderClaim>>,
    ) -> Identity {
        let more = more.as_ref();
        let email = claims.email().or_else(|| more.and_then(|more| more.email()));
        let checked = claims
            .email_verified()
            .or_else(|| more.and_then(|more| more.email_verified()));
        let name = claims.name().or_else(|| more.and_then(|more| more.name()));
        let claim = &self.0.settings.role_claim;
        let values = claims.additional_claims().texts(claim);
        let values = values.or_else(|| more.and_then(|more| more.additional_claims().texts(claim)));
        let methods = claims.auth_method_refs();
        Identity {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            email: email.map(|email| email.to_string()),
            email_is_doubtful: checked == Some(false),
            name: name.and_then(|name| name.get(None)).map(|name| name.to_string()),
            values: values.unwrap_or_default(),
            second_factor: methods.is_some_and(|methods| methods.iter().any(|method| method.as_str() == "mfa")),
        }
    }

    fn client(&self, metadata: &ProviderMetadataWithLogout) -> Result<Relying, Trouble> {
        let settings = &self.0.settings;
        let secret = settings.client_secret.clone().map(ClientSecret::new);
        let methods = metadata.token_endpoint_auth_methods_supported();
        let only_in_body = methods.is_some_and(|methods| {
            !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let client: Relying =
            Client::from_provider_metadata(metadata.clone(), ClientId::new(settings.client_id.clone()), secret)
                .set_redirect_uri(self.0.callback.clone());
        Ok(if only_in_body {
            client.set_auth_type(AuthType::RequestBody)
        } else {
            client
        })
    }

    /// What the provider says of itself, with its keys; asked once by whoever comes first.
    async fn metadata(&self, anew: bool) -> Result<Arc<ProviderMetadataWithLogout>, Trouble> {
        let mut known = self.0.known.lock().await;
        if let Some((at, metadata)) = &known.metadata
            && at.elapsed() < FRESH
            && !anew
        {
            return Ok(metadata.clone());
        }
        if let Some((at, trouble)) = known.failed
            && at.elapsed() < BREATH
            && known.metadata.is_none()
        {
            return Err(trouble);
        }
        let send = |request| http::send(self.0.http.clone(), request);
        match ProviderMetadataWithLogout::discover_async(self.0.issuer.clone(), &send).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *known = Known {
                    metadata: Some((Instant::now(), metadata.clone())),
                    failed: None,
                };
                Ok(metadata)
            }
            Err(error) => {
                let trouble = match error {
                    DiscoveryError::Request(error) => unreachable_because(&error),
                    error => misconfigured(error),
                };
                known.failed = Some((Instant::now(), trouble));
                // what it said before is better than nothing, unless that is what did not help
                let before = known.metadata.as_ref().filter(|_| !anew);
                before.map(|(_, metadata)| metadata.clone()).ok_or(trouble)
            }
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or(Err(Trouble::Unreachable))
}

fn unreachable_because(error: &HttpError) -> Trouble {
    tracing::warn!(%error, "the OpenID provider cannot be reached");
    Trouble::Unreachable
}

fn misconfigured(error: impl std::fmt::Display) -> Trouble {
    tracing::error!(%error, "the OpenID provider and the settings do not fit");
    Trouble::Misconfigured
}

fn not_trusted(error: &impl std::fmt::Display) -> Trouble {
    tracing::warn!(%error, "an answer of the OpenID provider cannot be trusted");
    Trouble::NotTrusted
}
