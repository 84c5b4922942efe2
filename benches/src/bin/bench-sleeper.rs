//! What any Rust program costs: it says that it is ready, and sleeps.

fn main() {
    println!("ready");
    loop {
        std::thread::park();
    }
}
