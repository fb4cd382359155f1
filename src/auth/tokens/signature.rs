//! Signatures of tokens, checked by ring.

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind,
    crypto::{CryptoProvider, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature::{self, Verifier},
};
use ring::signature as ring;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: |algorithm, key| verifier(*algorithm, key),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Installs ring as the library's provider, once per process.
pub fn install() {
    let _ = PROVIDER.install_default();
}

/// A key, and the algorithm of its signatures.
struct Signed {
    algorithm: Algorithm,
    key: DecodingKey,
}

fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(Signed { algorithm, key: key.clone() }))
}

impl Verifier<Vec<u8>> for Signed {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let checked = match self.key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                let algorithm = match self.algorithm {
                    Algorithm::RS256 => &ring::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::RS384 => &ring::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::RS512 => &ring::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::PS256 => &ring::RSA_PSS_2048_8192_SHA256,
                    Algorithm::PS384 => &ring::RSA_PSS_2048_8192_SHA384,
                    Algorithm::PS512 => &ring::RSA_PSS_2048_8192_SHA512,
                    _ => return Err(signature::Error::new()),
                };
                ring::RsaPublicKeyComponents { n, e }.verify(algorithm, message, signature)
            }
            DecodingKeyKind::SecretOrDer(key) => {
                let algorithm: &dyn ring::VerificationAlgorithm = match self.algorithm {
                    Algorithm::ES256 => &ring::ECDSA_P256_SHA256_FIXED,
                    Algorithm::ES384 => &ring::ECDSA_P384_SHA384_FIXED,
                    Algorithm::EdDSA => &ring::ED25519,
                    _ => return Err(signature::Error::new()),
                };
                ring::UnparsedPublicKey::new(algorithm, key).verify(message, signature)
            }
        };
        checked.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Signed {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
