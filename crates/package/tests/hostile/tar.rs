//! A tar with whatever a test wants in its headers.

/// One member, header fields and bytes free of any rule.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    /// The size that the header claims.
    pub(crate) claims: u64,
    pub(crate) kind: u8,
    pub(crate) mode: u32,
}

impl Member {
    pub(crate) fn file(name: &str, bytes: &[u8]) -> Self {
        let claims = bytes.len() as u64;
        Self { name: name.into(), bytes: bytes.to_vec(), claims, kind: b'0', mode: 0o644 }
    }
}

/// The archive of these members, ended as usual.
pub(crate) fn archive(members: &[Member]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for member in members {
        bytes.extend(header(member));
        bytes.extend(&member.bytes);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn header(member: &Member) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, &member.name[..member.name.len().min(100)]);
    put(100, format!("{:07o}\0", member.mode).as_bytes());
    put(108, b"0000000\x000000000\0");
    put(124, format!("{:011o}\0", member.claims).as_bytes());
    put(136, b"00000000000\0        ");
    put(156, &[member.kind]);
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
