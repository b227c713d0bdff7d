//! How a node comes in.

use anyhow::Result;
use bulkhead_tests::Mesh;

#[test]
fn a_node_joins_by_its_token_and_is_listed() -> Result<()> {
    let mesh = Mesh::start()?;
    let _node = mesh.node("n1", "internal")?;
    let nodes = mesh.operator().json(&["node", "list"])?;
    assert_eq!(nodes.to_string().matches("\"n1\"").count(), 1, "{nodes}");
    Ok(())
}
