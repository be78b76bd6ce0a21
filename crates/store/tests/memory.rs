//! The in-memory store is run through the suite that every store must pass.

use store::Store;
use store::conformance;
use store::memory::MemoryStore;

#[test]
fn it_does_as_every_store_must() {
    conformance::run(&mut || Box::new(MemoryStore::new(false)) as Box<dyn Store>);
}

#[test]
fn its_sandbox_does_too() {
    conformance::rows::an_installation_keeps_its_nature(&mut || Box::new(MemoryStore::new(true)));
}
