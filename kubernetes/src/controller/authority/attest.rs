//! Asks the CA for the directory source's certificate, by this pod's token.

use std::time::Duration;

use bulkhead_identity::PrivateKey;
use bulkhead_identity::tls::OwnIdentity;
use bulkhead_protocol::v1;
use bulkhead_protocol::v1::attestation_client::AttestationClient;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tonic::Request;

use super::{Authority, CaError, Identity};

impl Authority {
    /// A new key, in memory alone, and the certificate for it.
    pub async fn attest(&self) -> Result<Identity, CaError> {
        let key = PrivateKey::generate()?;
        let asked = v1::AttestRequest { token: self.files.token()?, csr: signing_request(&key)? };
        let mut client = AttestationClient::new(self.connect(None).await?);
        let mut request = Request::new(asked);
        request.set_timeout(DEADLINE);
        let reply = client.attest(request).await?.into_inner();
        let chain = reply.chain.into_iter().map(CertificateDer::from).collect();
        let own = OwnIdentity::new(chain, &key)?;
        let not_after = self.check(&own, &self.files.roots()?)?;
        Ok(Identity { own, not_after })
    }
}

/// A PKCS #10 request (RFC 2986) that names nobody: the CA takes the key from it and nothing else.
fn signing_request(key: &PrivateKey) -> Result<Vec<u8>, CaError> {
    let der = PrivatePkcs8KeyDer::from(key.as_pkcs8());
    let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256).map_err(CaError::Request)?;
    let request = CertificateParams::default().serialize_request(&pair).map_err(CaError::Request)?;
    Ok(request.der().to_vec())
}

/// For the answer.
const DEADLINE: Duration = Duration::from_secs(10);
