//! JSON Web Tokens of a trusted issuer.

pub mod issuer;
pub mod signature;

use std::sync::Arc;

use jsonwebtoken::{AlgorithmFamily, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use serde_json::{Map, Value};

use crate::{
    auth::{
        caller::{Identity, Role},
        tokens::issuer::Issuer,
    },
    config,
    error::{ApiError, Code},
};

/// Allowed clock difference in seconds.
const LEEWAY: u64 = 30;
/// Maximum length of a name in characters.
const MAX_NAME: usize = 200;

pub struct Tokens {
    settings: config::Jwt,
    issuer: Arc<Issuer>,
}

impl Tokens {
    pub fn new(settings: config::Jwt) -> Self {
        signature::install();
        Tokens { issuer: Arc::new(Issuer::new(&settings)), settings }
    }

    /// The identity in a token.
    pub async fn identify(&self, token: &str) -> Result<Identity, ApiError> {
        let header = decode_header(token).map_err(|_| invalid("it can't be parsed"))?;
        // With a shared secret, everyone who checks tokens could also issue them.
        if header.alg.family() == AlgorithmFamily::Hmac {
            return Err(invalid("its signature algorithm is not asymmetric"));
        }
        if header.crit.is_some() {
            return Err(invalid("its header `crit` has unsupported extensions"));
        }
        let key = self.issuer.key(header.kid.as_deref()).await?;
        let key = key.ok_or_else(|| invalid("its issuer has no key with this `kid`"))?;
        if key.common.key_algorithm.is_some_and(|algorithm| algorithm != header.alg.into()) {
            return Err(invalid("its key is for another algorithm"));
        }
        let key = DecodingKey::from_jwk(&key).map_err(|_| invalid("its issuer's key can't be used"))?;
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let token = decode::<Map<String, Value>>(token, &key, &validation);
        let claims = token.map_err(|error| invalid(&reason(error.kind())))?.claims;
        Ok(Identity { role: self.role(&claims)?, name: Some(name(&claims)?) })
    }

    /// The highest role in a token. A token without one of our roles is invalid: being known to the issuer gives no
    /// role here.
    fn role(&self, claims: &Map<String, Value>) -> Result<Role, ApiError> {
        let claim = self.settings.role_claim.as_str();
        let mut path = claim.strip_prefix('/').map_or_else(|| vec![claim], |path| path.split('/').collect());
        let first = claims.get(path.remove(0));
        let value = path.into_iter().fold(first, |value, step| value?.get(step));
        let role = |value: &Value| {
            let role = Role::named(&value.as_str()?.to_ascii_uppercase())?;
            (role > Role::Anonymous).then_some(role)
        };
        let role = match value {
            Some(Value::Array(roles)) => roles.iter().filter_map(role).max(),
            Some(one) => role(one),
            None => None,
        };
        role.ok_or_else(|| {
            invalid(&format!("its claim `{claim}` has none of the roles READER, EDITOR and ADMIN"))
        })
    }
}

/// The name under which changes are recorded. The issuer assigns `sub`; people can choose other names themselves.
fn name(claims: &Map<String, Value>) -> Result<String, ApiError> {
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    let is_valid = !subject.trim().is_empty()
        && subject.chars().count() <= MAX_NAME
        && !subject.contains(char::is_control);
    if is_valid { Ok(subject.to_owned()) } else { Err(invalid("its claim `sub` can't be used as a name")) }
}

fn reason(error: &ErrorKind) -> String {
    match error {
        ErrorKind::ExpiredSignature => "it has expired".to_owned(),
        ErrorKind::ImmatureSignature => "it is not valid yet".to_owned(),
        ErrorKind::InvalidIssuer => "it is from another issuer".to_owned(),
        ErrorKind::InvalidAudience => "it is for another audience".to_owned(),
        ErrorKind::MissingRequiredClaim(claim) => format!("it has no claim `{claim}`"),
        ErrorKind::InvalidClaimFormat(claim) => format!("its claim `{claim}` can't be parsed"),
        _ => "its signature is wrong".to_owned(),
    }
}

fn invalid(why: &str) -> ApiError {
    ApiError::new(Code::Unauthenticated, format!("The token is invalid: {why}."))
}
