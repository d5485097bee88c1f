fn main() {
    // the migrations are part of the binary
    println!("cargo::rerun-if-changed=migrations");
}
