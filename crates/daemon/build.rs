//! Hands the build id to the compiler: `BULKHEAD_BUILD_ID` as the Makefile sets it, or `unset`.

fn main() {
    println!("cargo::rerun-if-env-changed=BULKHEAD_BUILD_ID");
    let id = std::env::var("BULKHEAD_BUILD_ID").unwrap_or_else(|_| "unset".to_owned());
    println!("cargo::rustc-env=BULKHEAD_BUILD_ID={id}");
}
