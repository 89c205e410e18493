//! As much of zip as NPZ needs: the central directory, members stored or deflated, their checksums.

use crate::error::DataError;
use crate::limits::Limits;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::io::Read;

const WHAT: &str =
    "the file is cut off, damaged or no NPZ file: fetch it again, or write it with `numpy.savez_compressed`";

/// A zip archive in memory.
#[derive(Clone, Debug)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    members: Vec<Member>,
}

/// One file of an archive.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    deflated: bool,
    crc: u32,
    packed: u64,
    unpacked: u64,
    header: usize,
}

impl Archive {
    pub(super) fn open(bytes: Vec<u8>, limits: &Limits) -> Result<Self, DataError> {
        let end = find_end(&bytes).ok_or_else(|| {
            DataError::format(format!("byte {}", bytes.len()), "no zip archive: its directory is missing", WHAT)
        })?;
        let count = u16_at(&bytes, end + 10).map_or(0, usize::from);
        let first = u32_at(&bytes, end + 16).unwrap_or(0);
        if count == usize::from(u16::MAX) || first == u32::MAX {
            return Err(DataError::format(
                format!("byte {end}"),
                "a zip64 archive",
                "save less than 4 GB and 65535 arrays",
            ));
        }
        if count > limits.members {
            return Err(DataError::limit("directory", count as u64, "members", limits.members as u64, "members"));
        }
        let (mut members, mut at) = (Vec::new(), first as usize);
        for i in 0..count {
            let (member, next) = Member::parse(&bytes, at).ok_or_else(|| {
                DataError::format(
                    format!("byte {at}"),
                    format!("entry {} of {count} of the directory is damaged", i + 1),
                    WHAT,
                )
            })?;
            members.push(member);
            at = next;
        }
        Ok(Self { bytes, members })
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// A reader of the bytes of `member`.
    pub(super) fn reader(&self, member: &Member, limits: &Limits) -> Result<MemberReader<'_>, DataError> {
        let place = || format!("member `{}`", member.name);
        if member.unpacked > limits.bytes {
            return Err(DataError::limit(place(), member.unpacked, "bytes", limits.bytes, "bytes"));
        }
        let packed = member.packed_bytes(&self.bytes).ok_or_else(|| {
            DataError::format(place(), "its data lie outside the file, or its size needs zip64", WHAT)
        })?;
        let source: Box<dyn Read + '_> =
            if member.deflated { Box::new(DeflateDecoder::new(packed)) } else { Box::new(packed) };
        Ok(MemberReader { source, crc: Crc::new(), wanted: member.crc })
    }
}

impl Member {
    /// The entry of the central directory at `at`, and where the next one starts.
    fn parse(bytes: &[u8], at: usize) -> Option<(Self, usize)> {
        const STORED: u16 = 0;
        const DEFLATED: u16 = 8;
        const ENCRYPTED: u16 = 1;
        if bytes.get(at..at.checked_add(4)?)? != b"PK\x01\x02" {
            return None;
        }
        let method = u16_at(bytes, at + 10)?;
        if u16_at(bytes, at + 8)? & ENCRYPTED != 0 || (method != STORED && method != DEFLATED) {
            return None;
        }
        let sizes = [28, 30, 32].map(|o| u16_at(bytes, at + o).map(usize::from));
        let [Some(name), Some(extra), Some(comment)] = sizes else { return None };
        let text = bytes.get(at + 46..at + 46 + name)?;
        let member = Self {
            name: String::from_utf8_lossy(text).into_owned(),
            deflated: method == DEFLATED,
            crc: u32_at(bytes, at + 16)?,
            packed: u64::from(u32_at(bytes, at + 20)?),
            unpacked: u64::from(u32_at(bytes, at + 24)?),
            header: u32_at(bytes, at + 42)? as usize,
        };
        Some((member, at + 46 + name + extra + comment))
    }

    fn packed_bytes<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let at = self.header;
        if bytes.get(at..at.checked_add(4)?)? != b"PK\x03\x04" {
            return None;
        }
        // The sizes in this second header may be absent; the directory's are the ones that count.
        let name = usize::from(u16_at(bytes, at + 26)?);
        let extra = usize::from(u16_at(bytes, at + 28)?);
        let start = at + 30 + name + extra;
        bytes.get(start..start.checked_add(usize::try_from(self.packed).ok()?)?)
    }
}

/// The bytes of one member, with their checksum.
pub(super) struct MemberReader<'a> {
    source: Box<dyn Read + 'a>,
    crc: Crc,
    wanted: u32,
}

impl Read for MemberReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}

impl MemberReader<'_> {
    /// After the last byte: whether the checksum is right.
    pub(super) fn finish(self, name: &str) -> Result<(), DataError> {
        if self.crc.sum() == self.wanted {
            return Ok(());
        }
        let problem = format!("its checksum is {:08x}, the archive says {:08x}", self.crc.sum(), self.wanted);
        Err(DataError::format(format!("member `{name}`"), problem, "the file is damaged: fetch it again"))
    }
}

/// Where the end record of the directory starts: the last 22 bytes but for a comment.
fn find_end(bytes: &[u8]) -> Option<usize> {
    const RECORD: usize = 22;
    let last = bytes.len().checked_sub(RECORD)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|&i| bytes[i..].starts_with(b"PK\x05\x06"))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use flate2::{Compression, Crc, write::DeflateEncoder};
    use std::io::Write;

    /// A zip archive of these members, as numpy writes them.
    pub(crate) fn archive(members: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, data) in members {
            let packed = if deflate {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(data).unwrap();
                encoder.finish().unwrap()
            } else {
                data.to_vec()
            };
            let mut crc = Crc::new();
            crc.update(data);
            let start = bytes.len() as u32;
            let mut common = vec![20, 0, 0, 0, if deflate { 8 } else { 0 }, 0, 0, 0, 0, 0];
            common.extend(crc.sum().to_le_bytes());
            common.extend((packed.len() as u32).to_le_bytes());
            common.extend((data.len() as u32).to_le_bytes());
            common.extend((name.len() as u16).to_le_bytes());
            common.extend([0, 0]);
            bytes.extend(b"PK\x03\x04");
            bytes.extend(&common);
            bytes.extend(name.as_bytes());
            bytes.extend(packed);
            directory.extend(b"PK\x01\x02\x14\x00");
            directory.extend(common);
            directory.extend([0; 10]);
            directory.extend(start.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let first = bytes.len() as u32;
        bytes.extend(&directory);
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend((members.len() as u16).to_le_bytes());
        bytes.extend((members.len() as u16).to_le_bytes());
        bytes.extend((directory.len() as u32).to_le_bytes());
        bytes.extend(first.to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }
}
