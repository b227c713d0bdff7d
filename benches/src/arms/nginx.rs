//! nginx with its stream module: one TLS connection for each connection.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use bulkhead_measure::work::Dialect;

use super::pair::{Pair, Site, Words};
use super::{AES_256, Ground, OUTBOUND_PORT, X25519, connections, programs};
use crate::arm::{About, ArmName, Protection};

/// nginx, and where its stream module is when it has to be loaded.
#[derive(Clone, Debug)]
pub(super) struct Nginx {
    program: PathBuf,
    module: Option<PathBuf>,
}

impl Nginx {
    /// Finds an nginx that has the stream module, built in or to be loaded.
    pub(super) fn find() -> Option<Self> {
        let program = programs::find("nginx")?;
        let options = programs::asked(&program, &["-V"])?;
        let mut words = options.split_whitespace();
        if words.clone().any(|word| word == "--with-stream") {
            return Some(Self { program, module: None });
        }
        let modules = words.find_map(|word| word.strip_prefix("--modules-path="))?;
        let module = Path::new(modules).join("ngx_stream_module.so");
        module.is_file().then_some(Self { program, module: Some(module) })
    }

    pub(super) fn pair(&self, name: ArmName, ground: &Ground<'_>) -> Result<Pair> {
        let site = Site::make(&name, ground)?;
        let client = self.configured(&site.client, &client_part(&site, ground))?;
        let server = self.configured(&site.server, &server_part(&site, ground))?;
        Ok(Pair::new(name, self.about(), site, client, server)?.cold_by(Dialect::Stream))
    }

    fn configured(&self, directory: &Path, part: &str) -> Result<Words> {
        let load = self.module.as_ref().map(|module| format!("load_module {};\n", module.display()));
        let text = load.unwrap_or_default() + &common(directory) + part;
        let file = Site::write(directory, "nginx.conf", &text)?;
        Ok([&self.program.display().to_string(), "-e", "stderr", "-c", &file].map(ToOwned::to_owned).to_vec())
    }

    fn about(&self) -> About {
        let said = programs::asked(&self.program, &["-V"]).unwrap_or_default();
        let versions = [("nginx", "nginx version"), ("openssl", "OpenSSL")];
        About {
            summary: "nginx stream, a TLS connection for each connection; the client checks the server's DNS name, the \
                      server the client's chain; no access log. Its memory includes tables for all the connections that \
                      a worker may have."
                .to_owned(),
            versions: versions.map(|(name, word)| (name.to_owned(), programs::line_with(&said, word))).into(),
            configuration: BTreeMap::new(),
            protection: Protection::MutualTls,
            pooled: false,
            key_exchange: Some(X25519.to_owned()),
            cipher_suite: Some(AES_256.to_owned()),
        }
    }
}

fn common(directory: &Path) -> String {
    format!(
        "daemon off;
worker_processes {threads};
worker_rlimit_nofile {descriptors};
pid {directory}/nginx.pid;
error_log stderr warn;
events {{
    # Two for each connection, and the kernel may give all of them to one worker.
    worker_connections {descriptors};
}}
",
        threads = programs::threads(),
        descriptors = 2 * connections() + 64,
        directory = directory.display(),
    )
}

fn client_part(site: &Site, ground: &Ground<'_>) -> String {
    let certificates = ground.certificates;
    format!(
        "stream {{
    server {{
        listen 127.0.0.1:{OUTBOUND_PORT} backlog=4096;
        proxy_pass {peer};
        proxy_connect_timeout 10s;
        proxy_timeout 1h;
        proxy_ssl on;
        proxy_ssl_protocols TLSv1.3;
        proxy_ssl_conf_command Ciphersuites {AES_256};
        proxy_ssl_conf_command Groups {X25519};
        proxy_ssl_certificate {chain};
        proxy_ssl_certificate_key {key};
        proxy_ssl_trusted_certificate {roots};
        proxy_ssl_verify on;
        proxy_ssl_verify_depth 2;
        proxy_ssl_name {name};
        proxy_ssl_session_reuse off;
    }}
}}
",
        peer = site.between(),
        chain = certificates.client.chain.display(),
        key = certificates.client.key.display(),
        roots = certificates.roots.display(),
        name = certificates.server.name,
    )
}

fn server_part(site: &Site, ground: &Ground<'_>) -> String {
    let certificates = ground.certificates;
    format!(
        "stream {{
    server {{
        listen {here} ssl backlog=4096;
        proxy_pass {application};
        proxy_connect_timeout 10s;
        proxy_timeout 1h;
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites {AES_256};
        ssl_ecdh_curve {X25519};
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_client_certificate {roots};
        ssl_verify_client on;
        ssl_verify_depth 2;
        ssl_session_cache off;
        ssl_session_tickets off;
    }}
}}
",
        here = site.between(),
        application = site.ends.service,
        chain = certificates.server.chain.display(),
        key = certificates.server.key.display(),
        roots = certificates.roots.display(),
    )
}
