//! Which certificates are trusted where Dossier itself is the client.

use ureq::tls::{Certificate, RootCerts};

/// The certificates that the system trusts; where it has none, as in small containers, Mozilla's.
pub(crate) fn roots() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    found.iter().map(|found| Certificate::from_der(found).to_owned()).collect::<Vec<_>>().into()
}
