//! Gives the shared library the name by which programs look for it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The number goes up with KYMO_ABI_VERSION.
    let name = match std::env::var("CARGO_CFG_TARGET_VENDOR").as_deref() {
        Ok("apple") => "-Wl,-install_name,@rpath/libkymo.1.dylib",
        _ => "-Wl,-soname,libkymo.so.1",
    };
    println!("cargo::rustc-cdylib-link-arg={name}");
}
