//! A package from any bytes: reading never panics, hangs or takes memory that the bytes cannot
//! justify, and what is taken for sound is written again byte for byte.
#![no_main]

use std::{
    cell::RefCell,
    io::{Read, Write},
    rc::Rc,
};

use bianque_package::{Content, PackageReader, write_package};
use libfuzzer_sys::fuzz_target;

/// An entry's bytes, kept.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(package) = PackageReader::open(bytes) else { return };
    let mut kept = Vec::new();
    let read = package.entries(
        |entry| {
            let place = Kept::default();
            kept.push((entry.name.clone(), place.clone()));
            Ok(Box::new(place))
        },
        &|| false,
    );
    let Ok((manifest, signature)) = read else { return };
    if signature.is_some() {
        // Only its key could sign it again.
        return;
    }
    let taken: Vec<_> = kept.iter().map(|(name, place)| (name.clone(), place.0.take())).collect();
    let content: Content<'_> = taken
        .iter()
        .map(|(name, bytes)| (name.clone(), Box::new(&bytes[..]) as Box<dyn Read + '_>))
        .collect();
    let mut written = Vec::new();
    write_package(&mut written, &manifest, None, content).expect("what was read can be written");
    assert_eq!(written, bytes, "a second way to write the same package");
});
