//! Puts what founding an authority has made into Secrets and ConfigMaps: once, and never over something else.

mod error;
mod object;
mod order;

use std::path::PathBuf;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};

pub use error::HandOverError;
use object::{Done, put};
use order::{Found, Order};

/// Puts the files that founding an authority has made into Secrets and ConfigMaps of the own namespace.
///
/// What is there already with other content is never written over. A file that is not there is not handed over, so that
/// the command may run again, as after a restart: it then says what is in its place and what is not.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  bulkhead-kubernetes hand-over --from /handover --secret bulkhead-owner=operator.pem:owner.pem \
     --secret bulkhead-root=root/root.key,root-unseal --config-map bulkhead-trust=/var/lib/bulkhead/ca/root.pem"
)]
pub struct Args {
    /// Where the files lie whose paths do not begin with `/`.
    #[arg(long, env = "BULKHEAD_HAND_OVER_FROM", value_name = "DIRECTORY")]
    pub from: PathBuf,
    /// A Secret and the files that go into it, each under its own name or another key; may be given several times. They are handed over
    /// in the order in which they stand here, after all ConfigMaps.
    #[arg(long, value_name = "NAME=[KEY:]FILE[,..]")]
    pub secret: Vec<Order>,
    /// A ConfigMap and the files that go into it; may be given several times.
    #[arg(long, value_name = "NAME=[KEY:]FILE[,..]")]
    pub config_map: Vec<Order>,
    /// A Secret or ConfigMap without which the mesh cannot work; may be given several times. If it is neither there nor
    /// to be had from files, the command fails.
    #[arg(long, value_name = "NAME")]
    pub needed: Vec<String>,
}

/// Puts everything where it belongs, in the namespace of the own account.
pub async fn run(args: Args) -> Result<(), HandOverError> {
    let client = Client::try_default().await.map_err(|source| HandOverError::Connect { source: Box::new(source) })?;
    let mut missing = Vec::new();
    let api = Api::<ConfigMap>::default_namespaced(client.clone());
    for order in &args.config_map {
        missing.extend(hand_over(&api, order, &args.from).await?);
    }
    let api = Api::<Secret>::default_namespaced(client);
    for order in &args.secret {
        missing.extend(hand_over(&api, order, &args.from).await?);
    }
    match missing.into_iter().find(|name| args.needed.contains(name)) {
        Some(name) => Err(HandOverError::Lost { name }),
        None => Ok(()),
    }
}

/// One of them; the name of what is then nowhere.
async fn hand_over<K: object::Kept>(
    api: &Api<K>,
    order: &Order,
    from: &std::path::Path,
) -> Result<Option<String>, HandOverError> {
    let name = order.name();
    let done = match order.find(from)? {
        Found::Whole(files) => put(api, name, &files).await?,
        Found::Nothing => object::look(api, name).await?,
    };
    say(&format!("{} {name}: {done}", K::KIND));
    Ok(matches!(done, Done::Missing).then(|| name.to_owned()))
}

#[allow(clippy::print_stdout, reason = "the answer of a command")]
fn say(sentence: &str) {
    println!("{sentence}");
}
