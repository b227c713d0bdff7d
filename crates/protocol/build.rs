//! Generates the gRPC contract from `proto/` without a protobuf compiler on the machine.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = [
        "bulkhead/v1/workload.proto",
        "bulkhead/v1/attestation.proto",
        "bulkhead/v1/directory.proto",
        "bulkhead/v1/feed.proto",
        "bulkhead/v1/admin.proto",
        "spiffe/workload.proto",
    ];
    let descriptors = protox::compile(files, ["proto"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
