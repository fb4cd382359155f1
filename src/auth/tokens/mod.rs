//! Tokens of an issuer that we trust (JSON Web Tokens): who somebody is, as the issuer says and signs it.

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

/// Seconds by which the issuer's clock and ours may differ.
const LEEWAY: u64 = 30;
/// Characters that a name has at most.
const NAME: usize = 200;

/// Reads tokens.
pub struct Tokens {
    settings: config::Jwt,
    issuer: Arc<Issuer>,
}

impl Tokens {
    pub fn new(settings: config::Jwt) -> Self {
        signature::install();
        Tokens { issuer: Arc::new(Issuer::new(&settings)), settings }
    }

    /// Who somebody is, by a token of theirs.
    pub async fn holder(&self, token: &str) -> Result<Identity, ApiError> {
        let header = decode_header(token).map_err(|_| refused("it can't be parsed"))?;
        // With a shared secret whoever checks a token could also make one.
        if header.alg.family() == AlgorithmFamily::Hmac {
            return Err(refused("its signature algorithm is not asymmetric"));
        }
        if header.crit.is_some() {
            return Err(refused("its header `crit` has unsupported extensions"));
        }
        let key = self.issuer.key(header.kid.as_deref()).await?;
        let key = key.ok_or_else(|| refused("its issuer has no key with this `kid`"))?;
        if key.common.key_algorithm.is_some_and(|meant_for| meant_for != header.alg.into()) {
            return Err(refused("its key is for another algorithm"));
        }
        let key = DecodingKey::from_jwk(&key).map_err(|_| refused("its issuer's key can't be used"))?;
        let mut demands = Validation::new(header.alg);
        demands.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        demands.set_issuer(&[&self.settings.issuer]);
        demands.set_audience(&[&self.settings.audience]);
        demands.validate_nbf = true;
        demands.leeway = LEEWAY;
        let token = decode::<Map<String, Value>>(token, &key, &demands);
        let claims = token.map_err(|error| refused(&reason(error.kind())))?.claims;
        Ok(Identity { role: self.role(&claims)?, name: Some(name(&claims)?) })
    }

    /// The highest of the roles that a token gives. One that gives none of ours is refused: that somebody
    /// is known to the issuer doesn't say what they may do here.
    fn role(&self, claims: &Map<String, Value>) -> Result<Role, ApiError> {
        let claim = self.settings.role_claim.as_str();
        let mut way = claim.strip_prefix('/').map_or_else(|| vec![claim], |way| way.split('/').collect());
        let first = claims.get(way.remove(0));
        let told = way.into_iter().fold(first, |value, step| value?.get(step));
        let role = |value: &Value| {
            let role = Role::named(&value.as_str()?.to_ascii_uppercase())?;
            (role > Role::Anonymous).then_some(role)
        };
        let role = match told {
            Some(Value::Array(roles)) => roles.iter().filter_map(role).max(),
            Some(one) => role(one),
            None => None,
        };
        role.ok_or_else(|| {
            refused(&format!("its claim `{claim}` has none of the roles READER, EDITOR and ADMIN"))
        })
    }
}

/// The name under which changes are recorded. The issuer gives `sub`, while people may choose other names
/// for themselves.
fn name(claims: &Map<String, Value>) -> Result<String, ApiError> {
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    let fits =
        !subject.trim().is_empty() && subject.chars().count() <= NAME && !subject.contains(char::is_control);
    if fits { Ok(subject.to_owned()) } else { Err(refused("its claim `sub` can't be used as a name")) }
}

/// What is wrong with a token that the issuer may have signed.
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

fn refused(why: &str) -> ApiError {
    ApiError::new(Code::Unauthenticated, format!("The token is invalid: {why}."))
}
